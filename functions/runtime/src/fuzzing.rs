//! Entry points for the fuzz targets, which see the crate from outside. Off by default; no part of the API.

use crate::store::{
    StoreError,
    items::{Item, Revision, loaded, state},
};
use kakao_webhooks::state::{State, Subject};

/// What an item of the table says, and the item that the same state is written back as.
///
/// # Errors
/// An item that this version doesn't read.
pub fn rewritten_item<S: State>(subject: &Subject, item: Item) -> Result<(S, Item), StoreError> {
    let before = loaded::<S>(subject, Some(item))?;
    let after = Revision { state: before.state.clone(), version: before.version + 1, expires_at: None };
    let item = state(subject, &before, &after)?;
    Ok((before.state, item))
}

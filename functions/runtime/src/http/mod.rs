//! Connections: which roots they trust, how they are opened before the first request, and how long they are kept.

mod client;
mod pool;
mod roots;
mod url;

use std::{error::Error, iter};

pub(crate) use client::{Body, Client, NEAR, Settings, client};
pub use pool::Pool;
pub use roots::{CaBundle, CaBundleError};
pub use url::UrlError;
pub(crate) use url::secure;

/// The name by which a function presents itself to hosts that aren't AWS's.
pub(crate) const AGENT: &str = concat!("kakao-webhooks/", env!("CARGO_PKG_VERSION"));

/// An error with its sources. A client's own text says only at which step it failed.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let chain = iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

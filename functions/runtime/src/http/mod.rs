//! Connections: which roots they trust, how they are opened before the first request, and how long they are kept.

mod client;
mod connector;
mod pool;
mod roots;
mod url;

use std::{error::Error, iter};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

pub(crate) use client::{Body, Client, NEAR, Settings, client, is_unsent};
pub use pool::Pool;
pub use roots::{CaBundle, CaBundleError};
pub use url::UrlError;
pub(crate) use url::secure;

/// The name by which a function presents itself to hosts that aren't AWS's.
pub(crate) const AGENT: &str = concat!("kakao-webhooks/", env!("CARGO_PKG_VERSION"));

/// An error with its sources. A client's own text says only at which step it failed.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    sources(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error and what led to it.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// A body of at most so many bytes. The error is for our log.
pub(crate) async fn read_at_most<B>(most: usize, mut body: B) -> Result<Bytes, String>
where
    B: BodyExt<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|error| in_full(&*error.into()))?.into_data() else { continue };
        if read.len() + chunk.len() > most {
            return Err(format!("the document is over {most} bytes"));
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

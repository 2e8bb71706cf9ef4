//! Connections: which roots they trust, how they are opened before the first request, and how long they are kept.

mod client;
mod pool;
mod roots;

pub(crate) use client::{Body, Client, client};
pub use pool::Pool;
pub use roots::{CaBundle, CaBundleError};

//! Connections: whom they trust, how they are opened before anybody waits for them, and how long they are kept.

mod client;
mod pool;
mod roots;

pub(crate) use client::{Body, Client, client};
pub use pool::Pool;
pub use roots::{CaBundle, CaBundleError};

//! Kakao's signing keys: the endpoint that publishes them, and the key set in memory.

mod cache;
mod endpoint;

pub use cache::{FetchError, KeyDocument, KeySetStore, KeySource, Keys, KeysFault};
pub use endpoint::{KeyEndpoint, KeyEndpointError};

//! Delivers changes to one URL of the service: a signed `POST` for each message of the delivery queue, and after a
//! failure a pause that grows with the attempts.

mod deliverer;
mod endpoint;
mod message;
mod pauses;
#[cfg(test)]
mod tests;

pub use deliverer::Deliverer;
pub use endpoint::{DeliveryUrl, DeliveryUrlError, Endpoint, HttpEndpoint, Reply, SignedRequest};
pub use message::{Unreadable, check_readable};

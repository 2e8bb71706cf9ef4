//! Signed requests to the service (Standard Webhooks): the secrets, where they come from, and how long they are held.

mod held;
mod secrets;
mod secrets_manager;

pub use held::{HeldSecrets, SecretSource};
pub use secrets::{MalformedSecret, SigningSecrets};
pub use secrets_manager::SecretsManager;

//! A chatbot's answers that the service itself works out: the service is asked, and what it returns is posted to Kakao's
//! callback URL, or returned to the skill function that waits for it. Whatever fails, the user hears something, and
//! nothing twice.

mod answerer;
mod callback;
mod claims;
mod record;
mod service;
#[cfg(test)]
mod tests;

pub use answerer::{Answerer, Event, Response};
pub use callback::{CallbackEdge, CallbackReply, HttpCallback};
pub use claims::{Claim, Claims, Lease};
pub use service::{AskService, HttpsService, Question, Service};

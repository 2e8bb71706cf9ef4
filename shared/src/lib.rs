//! Reads, verifies and merges what Kakao's webhooks say.
//!
//! The rooms of this crate, in the order in which an event walks through them. Each imports only
//! those before it (`tests/rooms.rs` checks that):
//!
//! | room | what lives there |
//! |---|---|
//! | [`wire`] | what Kakao sends: one module per webhook, bytes → typed event; pure |
//! | [`https`] | connections: whom they trust, how they are opened and kept |
//! | [`auth`] | who sent it: admin keys by digest, signed tokens, the key set |
//! | [`envelope`] | what travels through the queue; versioned |
//! | [`state`] | what is true of a user: effects, registers, merge; pure |
//! | [`skill`] | what a chatbot says: valid replies only; pure |
//! | [`ingest`] | the one path that all acknowledging functions share |
//! | [`queue`] | the way to SQS |
//! | [`store`] | the way to DynamoDB, and how a plan is applied there |
//! | [`publish`] | what changed, told on a bus |
//! | [`config`] | the environment's variables |
//! | [`telemetry`] | logs and metrics |
//! | [`wiring`] | the rooms joined to a function |
#![warn(missing_docs)]

#[cfg(all(panic = "abort", not(feature = "fuzzing")))]
compile_error!("a panic must stay with its record, answer or request: build with panic = \"unwind\"");

pub mod auth;
pub mod config;
pub mod envelope;
#[cfg(feature = "fuzzing")]
mod fuzzing;
pub mod https;
pub mod ingest;
pub mod publish;
pub mod queue;
pub mod skill;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod wire;
pub mod wiring;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use fuzzing::rewritten_item;

//! Reads, verifies and merges what Kakao's webhooks say. Pure: no AWS, no Lambda, no HTTP client, no clock of its own.
//!
//! The modules, in the order in which an event passes through them. Each imports only those before it
//! (`tests/modules.rs` checks that):
//!
//! | module | what it holds |
//! |---|---|
//! | [`wire`] | what Kakao sends: one module per webhook, bytes → typed event |
//! | [`auth`] | who sent it: admin keys by digest, signed tokens, key sets |
//! | [`envelope`] | what travels through the queue; versioned |
//! | [`state`] | what is true of a user: effects, registers, merge, plan, changes |
//! | [`erasure`] | who left, by which event, and what was done about it: facts, and what an auditor reads of them |
//! | [`skill`] | what a chatbot answers: valid replies only |
#![warn(missing_docs)]

pub mod auth;
pub mod envelope;
pub mod erasure;
pub mod skill;
pub mod state;
pub mod wire;

//! What the functions share: the edges to everything outside, and the one path from a request to the queue. What
//! Kakao sends and what it means is the crate `kakao_webhooks`, which does not depend on this one.
//!
//! | module | what it holds |
//! |---|---|
//! | [`clock`] | the present time |
//! | [`batch`] | what Lambda delivers from a queue or a stream, and which records are redelivered |
//! | [`http`] | connections: whom they trust, how they are opened and kept |
//! | [`keys`] | Kakao's signing keys: the endpoint, and the cached key set |
//! | [`edges`] | where envelopes go: the queue, and the inbox while it fails |
//! | [`invoke`] | other Lambda functions |
//! | [`rules`] | a chatbot's rules in force: stored ones, held in memory |
//! | [`ingest`] | the one path of the acknowledging functions |
//! | [`queue`] | SQS |
//! | [`store`] | DynamoDB; how a plan is applied |
//! | [`publish`] | EventBridge; what is published of a write |
//! | [`erasures`] | who left, recorded from the table's stream |
//! | [`signing`] | the secrets by which requests to the service are signed |
//! | [`deliver`] | signed requests to the service; how long a failed one waits |
//! | [`answer`] | a chatbot's answers that the service works out |
//! | [`reconcile`] | the states compared with Kakao's list of members |
//! | [`config`] | the environment's variables |
//! | [`telemetry`] | logs and metrics |
//! | [`process`] | a function as a process: its log, its task and a timer |
//! | [`wiring`] | the modules joined to a function |

#![warn(missing_docs)]

#[cfg(all(panic = "abort", not(feature = "fuzzing")))]
compile_error!("a panic must stay with its record, answer or request: build with panic = \"unwind\"");

pub mod answer;
pub mod batch;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod edges;
pub mod erasures;
#[cfg(feature = "fuzzing")]
mod fuzzing;
#[cfg(test)]
mod heard;
pub mod http;
mod in_turn;
pub mod ingest;
pub mod invoke;
pub mod keys;
pub mod process;
pub mod publish;
pub mod queue;
pub mod reconcile;
pub mod rules;
pub mod signing;
pub mod store;
pub mod telemetry;
pub mod wiring;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use fuzzing::rewritten_item;

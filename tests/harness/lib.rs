//! Runs the service's real binaries between real protocol servers, all of them on this machine: the
//! functions under a Lambda Runtime API, before a DynamoDB protocol server and a queue that behaves as SQS does,
//! with Kakao's part played. A test says what Kakao sends and looks at what is stored in the end.
//!
//! | module | what it stands for |
//! |---|---|
//! | [`authority`] | certificates for servers with TLS |
//! | [`binaries`] | the functions, as cargo builds them |
//! | [`lambda`] | AWS Lambda around one of them |
//! | [`gateway`] | API Gateway: from a request to its event, from a response to an answer |
//! | [`queue`], [`table`], [`keys`] | SQS, DynamoDB and Kakao's key set |
//! | [`secrets`] | Secrets Manager |
//! | [`tls`] | TLS before one of these servers |
//! | [`units`] | what DynamoDB bills for an operation |
//! | [`stream`], [`bus`] | the table's stream with Lambda's poller, and EventBridge |
//! | [`faults`], [`key_faults`], [`proxy`] | what can be wrong with those three |
//! | [`fixture`] | a file of `tests/fixtures`: what Kakao sends, and what shall come of it |
//! | [`dice`], [`fold`] | chance that can be had again, and what the table must hold after some events |
//! | [`patience`] | waiting for what must come true |
//! | [`calls`] | what the functions ask of AWS, for the comparison with their permissions |
//! | [`hygiene`] | the search of all logs for what must not be there |
//! | [`pipeline`] | all of it joined: deliver, drain, look |

pub mod authority;
pub mod binaries;
pub mod bus;
pub mod calls;
pub mod dice;
pub mod faults;
pub mod fixture;
pub mod fold;
pub mod gateway;
pub mod hygiene;
pub mod key_faults;
pub mod keys;
pub mod lambda;
mod listening;
pub mod patience;
pub mod pipeline;
pub mod proxy;
pub mod queue;
pub mod secrets;
pub mod service;
pub mod stream;
pub mod table;
pub mod tls;
pub mod units;

pub use fixture::Fixture;
pub use gateway::{Answer, Request};
pub use pipeline::Pipeline;

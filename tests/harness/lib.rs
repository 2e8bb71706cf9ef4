//! Runs the service's real binaries between real protocol servers, all of them on this machine: the
//! functions under a Lambda Runtime API, before a DynamoDB protocol server and a queue that behaves as SQS does,
//! with a simulated Kakao. A test defines what Kakao sends and checks what is stored.
//!
//! | module | what it stands for |
//! |---|---|
//! | [`authority`] | certificates for servers with TLS |
//! | [`binaries`] | the functions, as cargo builds them |
//! | [`lambda`] | AWS Lambda around one of them |
//! | [`gateway`] | API Gateway: from a request to its event, from a response to an answer |
//! | [`queue`], [`dead_letters`] | SQS: a queue and its dead-letter queue |
//! | [`table`], [`keys`] | DynamoDB and Kakao's key set |
//! | [`secrets`] | Secrets Manager |
//! | [`endpoint`], [`delivery`] | the service's endpoint, and all that the deliverer talks to |
//! | [`answering`] | Kakao's callback API and the service's answerer: all that the answerer talks to |
//! | [`reconciling`] | Kakao's API and the keys for it: all that the reconciler talks to |
//! | [`tls`] | TLS before one of these servers |
//! | [`units`] | what DynamoDB bills for an operation |
//! | [`stream`], [`bus`] | the table's stream with Lambda's poller, and EventBridge |
//! | [`faults`], [`key_faults`], [`proxy`] | what can be wrong with those three |
//! | [`fixture`] | a file of `tests/fixtures`: what Kakao sends, and what shall come of it |
//! | [`seeded_random`], [`expected_table`] | chance that can be had again, and what the table must hold after some events |
//! | [`patience`], [`latency`] | waiting for what must come true, and how long that took |
//! | [`calls`] | what the functions ask of AWS, for the comparison with their permissions |
//! | [`hygiene`] | the search of all logs for what must not be there |
//! | [`khook_binary`] | the command-line tool beside them |
//! | [`pipeline`] | all of it joined: deliver, drain, look |

pub mod answering;
pub mod authority;
pub mod binaries;
pub mod bus;
pub mod calls;
pub mod dead_letters;
pub mod delivery;
pub mod endpoint;
pub mod expected_table;
pub mod faults;
pub mod fixture;
pub mod gateway;
pub mod hygiene;
pub mod key_faults;
pub mod keys;
pub mod khook_binary;
pub mod lambda;
pub mod latency;
mod listening;
pub mod patience;
pub mod pipeline;
pub mod proxy;
pub mod queue;
pub mod reconciling;
pub mod secrets;
pub mod seeded_random;
pub mod service;
pub mod stream;
pub mod table;
pub mod tls;
pub mod units;

pub use fixture::Fixture;
pub use gateway::{Answer, Request};
pub use pipeline::Pipeline;

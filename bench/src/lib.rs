//! The benchmark, `cargo bench-all`: compares the acknowledging functions with other implementations of the same job.
//!
//! | module | what it does |
//! |---|---|
//! | `prepare` | builds the contenders |
//! | [`contender`] | describes a contender |
//! | `host` | Lambda's Runtime API, with the times of each exchange |
//! | `stand_in`, `tls` | SQS and DynamoDB that answer at once, over HTTP and TLS |
//! | [`surroundings`] | the servers, files and variables of all contenders |
//! | `page_cache` | the state of a program in memory before its start |
//! | `one_processor` | restricts contenders and servers to one processor |
//! | `process` | a process under the Runtime API, and what the kernel reports about it |
//! | [`measure`] | measures the contenders in turn, round by round |
//! | [`processor`] | measures the processor before its table |
//! | [`workers`] | measures the publisher, the deliverer, the answerer and the reconciler |
//! | `sqs` | what SQS hands to a function |
//! | [`figures`] | the results |
//! | [`budget`] | the limits of the functions |
//! | `report` | tables, page and picture |

pub mod budget;
pub mod cli;
pub mod contender;
#[cfg(test)]
mod example;
pub mod figures;
mod host;
mod machine;
pub mod measure;
mod one_processor;
mod page_cache;
mod prepare;
mod process;
pub mod processor;
mod report;
mod sqs;
mod stand_in;
pub mod surroundings;
mod tls;
mod units;
pub mod workers;

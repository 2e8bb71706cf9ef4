//! The benchmark, `cargo bench-all`: the acknowledging functions beside others that do the same job.
//!
//! | module | what it does |
//! |---|---|
//! | [`prepare`] | builds who takes part |
//! | [`contender`] | what one of them is |
//! | [`host`] | Lambda's Runtime API, with clocks |
//! | [`stand_in`], [`tls`] | SQS and DynamoDB that answer at once, over HTTP and TLS |
//! | [`surroundings`] | all that contenders run in |
//! | `page_cache` | how a program lies in memory before it is started |
//! | [`one_processor`] | where contenders and their servers run |
//! | [`process`] | a contender's process, and what the kernel says of it |
//! | [`measure`] | contenders in turn, round by round |
//! | [`processor`] | the processor: events a second, and what each asks of the table |
//! | [`figures`] | what a run found |
//! | [`budget`] | what the functions may cost |
//! | [`report`] | terminal, page and picture |

pub mod budget;
pub mod cli;
pub mod contender;
#[cfg(test)]
mod example;
pub mod figures;
pub mod host;
mod machine;
pub mod measure;
pub mod one_processor;
mod page_cache;
pub mod prepare;
pub mod process;
pub mod processor;
pub mod report;
pub mod stand_in;
pub mod surroundings;
pub mod tls;
mod units;

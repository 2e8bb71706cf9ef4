//! The operator's and developer's tool of kakao-webhooks, as a library: the binary `khook` is its
//! command line, the end-to-end tests use [`cloud`] and [`kakao`].

pub mod ask;
pub mod cli;
pub mod cloud;
pub mod demo;
pub mod dev;
pub mod diff;
pub mod hash_key;
pub mod kakao;
pub mod keys;
pub mod logs;
pub mod output;
pub mod progress;
pub mod quarantine;
pub mod random;
pub mod rebuild;
pub mod running;
pub mod send;
pub mod service;
pub mod table;
pub mod target;
pub mod user;

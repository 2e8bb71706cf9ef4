//! The operator's and developer's tool of kakao-webhooks, as a library: the binary `khook` is its
//! command line, the end-to-end tests use [`cloud`] and [`kakao`].

pub mod age;
pub mod ask;
pub mod check;
pub mod cli;
pub mod cloud;
pub mod dead_letters;
pub mod demo;
pub mod dev;
pub mod diff;
pub mod dlq;
pub mod doctor;
pub mod hash_key;
pub mod inbox;
pub mod ips;
pub mod kakao;
pub mod keys;
pub mod letter;
pub mod logs;
pub mod output;
pub mod progress;
pub mod publish;
pub mod quarantine;
pub mod random;
pub mod rebuild;
pub mod replayed;
pub mod running;
pub mod send;
pub mod service;
pub mod table;
pub mod target;
pub mod user;
pub mod when;
pub mod which;

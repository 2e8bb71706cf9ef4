//! The operator's and developer's tool of kakao-webhooks, as a library: the binary `khook` is its
//! command line, the end-to-end tests use [`local`] and [`kakao`].

pub mod aws;
pub mod cli;
pub mod commands;
pub mod console;
pub mod kakao;
pub mod local;
pub mod random;
pub mod ui;

//! One module per command of `khook`.

pub mod backlog;
pub mod changes;
pub mod check;
pub mod delivery;
pub mod demo;
pub mod dev;
pub mod dlq;
pub mod doctor;
pub mod erasures;
pub mod hash_key;
pub mod inbox;
pub mod ips;
pub mod kakao;
pub mod keys;
pub mod publish;
pub mod quarantine;
pub mod reconcile;
pub mod send;
pub mod shell;
pub mod skill;
pub mod undelivered;
pub mod user;

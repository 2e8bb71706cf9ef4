//! Hostile and odd input against the real binaries. Each case is one event of the gateway, the status that it shall
//! be answered with, and where it shall end; after each, the same process must take a good request.
//!
//! What is authentic ends as an event or in the quarantine, however odd it is; what isn't ends nowhere.

mod authenticity;
mod bench;
mod encodings;
mod events;
mod headers;
mod ids;
mod json;
mod logs;
mod sizes;
mod uris;

use bench::{Bench, Case, Destination, SENDINGS, answer, changed, to_every_webhook};

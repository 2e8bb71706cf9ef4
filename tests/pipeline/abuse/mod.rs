//! Hostile and unusual input against the real binaries. Each case is one event of the gateway, the expected status, and
//! where the event must end; after each, the same process must acknowledge a good request.
//!
//! An authentic request ends as an event or in the quarantine, however unusual it is; any other is not stored.

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

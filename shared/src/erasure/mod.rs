//! Proof of erasure: facts about members who left, as they are recorded, and what an auditor reads of them. Pure. A fact
//! is true in any order and any number of times.

mod departure;
mod fact;
mod read;
#[cfg(test)]
mod tests;

pub use departure::{Departure, REPORTED_WITHIN_DAYS, departures, departures_since, first_day};
pub use fact::{Fact, FactError, FactKind, Report, compact, from_text, to_text};
pub use read::{DEPARTING_EVENTS, DepartureChange, LINKING_EVENTS, SERVICE_ERASED, of_change, of_history, of_state};

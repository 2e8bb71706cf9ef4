//! What is true of a user: the effects of events, and the registers that merge them. Pure: no clock,
//! no AWS. A merge is commutative, associative and idempotent, so any order and any number of
//! deliveries end in the same state.

mod bot;
mod change;
#[cfg(test)]
mod change_laws;
#[cfg(test)]
mod contract;
mod document;
mod effects;
#[cfg(test)]
mod effects_doc;
mod item;
#[cfg(test)]
mod laws;
mod plan;
mod registers;
#[cfg(test)]
pub(crate) mod schemas;
mod subject;
mod user;
mod view;

pub use bot::BotUser;
pub use change::{Part, ProfileValues, USER_CHANGED, UserChange, is_published};
pub use document::{DocumentError, Members, Rest, State};
pub use effects::{Effect, effects_of_reconciler_word, effects_of_security_event, effects_of_service_word};
pub use item::{UserItem, time_of_version, time_of_write};
pub use plan::{CountedShare, FUTURE_TOLERANCE_MILLIS, HistoryEntry, Plan, Step, plan};
pub use registers::{Dated, Merge, Newest, Register, Registers, Safety};
pub use subject::{STATE, Subject};
pub use user::{Access, Account, Assurance, Bot, Channel, Credential, Link, ProfileValue, Scope, UserState};
pub use view::user_view;

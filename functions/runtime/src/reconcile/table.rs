use std::future::Future;

use kakao_webhooks::wire::{AppId, Time, UserId};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::store::{Saved, StoreError};

/// What the reconciler needs of the table.
pub trait Table: Send + Sync {
    /// The apps that have runs.
    fn apps(&self) -> impl Future<Output = Result<Vec<AppId>, StoreError>> + Send;

    /// The record of an app's run.
    fn run(&self, app: &AppId) -> impl Future<Output = Result<Option<Run>, StoreError>> + Send;

    /// Writes the record with the next revision, if the stored one has the revision of `run`; with it a note, or neither.
    fn save(
        &self,
        app: &AppId,
        run: &Run,
        note: Option<&Note>,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;

    /// Members of one part of an app's roster behind a member, ascending. Members that were written just now may be
    /// missing.
    fn roster(
        &self,
        app: &AppId,
        shard: u64,
        behind: Option<UserId>,
    ) -> impl Future<Output = Result<RosterPage, StoreError>> + Send;

    /// What the states say of these members' links, in their order, consistently.
    fn links(
        &self,
        app: &AppId,
        members: &[UserId],
    ) -> impl Future<Output = Result<Vec<StoredLink>, StoreError>> + Send;

    /// The first note of a run's pass.
    fn first_note(&self, app: &AppId, run: &Run) -> impl Future<Output = Result<Option<Note>, StoreError>> + Send;

    /// Removes a note.
    fn remove_note(&self, app: &AppId, run: &Run, note: &Note) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes down what a comparison found.
    fn put_difference(
        &self,
        app: &AppId,
        run_id: &str,
        difference: &Difference,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Some members of a part of the roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterPage {
    /// The members, ascending.
    pub members: Vec<RosterMember>,
    /// Whether there are more behind them.
    pub has_more: bool,
}

/// A member in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterMember {
    /// Who.
    pub user_id: UserId,
    /// What the roster has of their link.
    pub link: RosterLink,
}

/// What the roster has of a member's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterLink {
    /// A webhook or the service reported it.
    Reported,
    /// An earlier run found it.
    Found,
    /// None is known: only something else was heard of the member.
    Unknown,
}

/// What a state says of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredLink {
    /// There is no state.
    Absent,
    /// Nothing.
    Unknown,
    /// The member is linked, and in the roster or not yet: an earlier release wrote the item.
    Linked {
        /// Since when.
        at: Time,
        /// Whether the item has the roster's attributes.
        in_roster: bool,
    },
    /// The member is unlinked since then.
    Unlinked {
        /// When that became true.
        at: Time,
    },
}

/// Members that are in the roster and that Kakao did not list, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The member behind which they were noted. It names the note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<UserId>,
    /// The members.
    pub members: Vec<UserId>,
}

/// A difference between the states and Kakao's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Whose.
    pub user_id: UserId,
    /// Whether Kakao says that they are linked.
    pub linked_at_kakao: bool,
    /// From when on the state would say so, too.
    pub at: Time,
}

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use kakao_webhooks::wire::{AppId, UserId};

use super::{RosterMember, Table};
use crate::store::{ROSTER_SHARDS, StoreError};

/// An app's roster, ascending: its parts merged, with no more than a page of each in memory.
pub(super) struct Roster<'t, T> {
    table: &'t T,
    app: &'t AppId,
    parts: Vec<RosterPart>,
}

#[derive(Default)]
struct RosterPart {
    shard: u64,
    behind: Option<UserId>,
    read: VecDeque<RosterMember>,
    is_read_out: bool,
}

impl<'t, T: Table> Roster<'t, T> {
    /// The roster behind a member.
    pub(super) fn behind(table: &'t T, app: &'t AppId, member: Option<UserId>) -> Self {
        let part = |shard| RosterPart { shard, behind: member, ..RosterPart::default() };
        Self { table, app, parts: (0..ROSTER_SHARDS).map(part).collect() }
    }

    /// The next member, without taking them.
    pub(super) async fn peek(&mut self) -> Result<Option<RosterMember>, StoreError> {
        let (table, app) = (self.table, self.app);
        let empty = self.parts.iter_mut().filter(|part| part.read.is_empty() && !part.is_read_out);
        try_join_all(empty.map(|part| part.read_on(table, app))).await?;
        Ok(self.heads().min_by_key(|member| member.user_id))
    }

    /// Takes the member that was peeked at.
    pub(super) fn take(&mut self, member: RosterMember) {
        for part in &mut self.parts {
            if part.read.front() == Some(&member) {
                part.read.pop_front();
            }
        }
    }

    /// One member of each part, once they are read.
    pub(super) fn heads(&self) -> impl Iterator<Item = RosterMember> {
        self.parts.iter().filter_map(|part| part.read.front().copied())
    }
}

impl RosterPart {
    async fn read_on(&mut self, table: &impl Table, app: &AppId) -> Result<(), StoreError> {
        let page = table.roster(app, self.shard, self.behind).await?;
        self.is_read_out = !page.has_more || page.members.is_empty();
        self.behind = page.members.last().map(|member| member.user_id).or(self.behind);
        self.read.extend(page.members);
        Ok(())
    }
}

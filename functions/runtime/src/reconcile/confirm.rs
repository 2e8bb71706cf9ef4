//! Asks Kakao for each member whom it did not list: only its word that they are not linked makes an unlink.

use kakao_webhooks::wire::{Time, UserId, rest_api::RestError};

use super::{
    Difference, KakaoApi, Note, Phase, StoredLink, Table,
    worker::{Stop, Worker},
};
use crate::edges::Queue;

/// So many are looked up at once in the table, and settled together.
const GROUP: usize = 20;

/// In so many minutes a member is asked for, until one of whom Kakao never says anything clear is left as they are: the
/// others must not wait for them.
const MOST_ATTEMPTS: u32 = 5;

impl<T: Table, A: KakaoApi, Q: Queue, C: Fn() -> Time + Sync> Worker<'_, T, A, Q, C> {
    /// Asks on, from the run's cursor.
    pub(super) async fn confirm(&mut self) -> Result<(), Stop> {
        while let Some(note) = self.reach.table.first_note(self.app, &self.run).await? {
            self.confirm_note(&note).await?;
            self.reach.table.remove_note(self.app, &self.run, &note).await?;
        }
        (self.run.state, self.run.cursor) = (Phase::Done, None);
        Ok(())
    }

    async fn confirm_note(&mut self, note: &Note) -> Result<(), Stop> {
        let is_open = |member: &&UserId| self.run.cursor.is_none_or(|cursor| **member > cursor);
        let open: Vec<UserId> = note.members.iter().filter(is_open).copied().collect();
        for group in open.chunks(GROUP) {
            let links = self.reach.table.links(self.app, group).await?;
            let (mut found, before) = (vec![], (self.run.cursor, self.run.counts));
            let asked = self.ask_each(group, &links, &mut found).await;
            // What was found is kept, whatever stopped the rest.
            if let Err(stop) = self.settle(found).await {
                // The record is written once more when the minute ends, and must not be ahead of the queue.
                (self.run.cursor, self.run.counts) = before;
                return Err(stop);
            }
            self.save().await?;
            asked?;
        }
        Ok(())
    }

    /// The run's cursor follows; what is found is settled by the caller.
    async fn ask_each(
        &mut self,
        group: &[UserId],
        links: &[StoredLink],
        found: &mut Vec<Difference>,
    ) -> Result<(), Stop> {
        for (member, link) in group.iter().zip(links) {
            // A webhook was faster, or the service has erased the member.
            if !matches!(link, StoredLink::Unlinked { .. } | StoredLink::Absent) {
                found.extend(self.ask(*member).await?);
            }
            (self.run.cursor, self.run.attempts) = (Some(*member), 0);
        }
        Ok(())
    }

    async fn ask(&mut self, member: UserId) -> Result<Option<Difference>, Stop> {
        let (api, key, asked_at) = (self.reach.api, self.key, self.now());
        let answer = self.call(|| api.member(key, member)).await;
        let difference = match answer {
            Ok(_) => None,
            Err(Stop::Api(RestError::NotLinked(_))) => {
                self.run.counts.unlinked += 1;
                Some(Difference { user_id: member, linked_at_kakao: false, at: second_before(asked_at) })
            }
            Err(Stop::Api(RestError::Unclear(_))) => {
                self.run.counts.unclear += 1;
                None
            }
            Err(Stop::Api(RestError::Again(words) | RestError::Parameters(words))) => {
                self.run.attempts += 1;
                if self.run.attempts < MOST_ATTEMPTS {
                    return Err(RestError::Again(words).into());
                }
                self.run.counts.unclear += 1;
                None
            }
            Err(stop) => return Err(stop),
        };
        self.run.counts.asked += 1;
        Ok(difference)
    }
}

/// The whole second before the one in which Kakao was asked. A member who links again meanwhile gets a token whose time
/// is a whole second, and of one time the unlink would win.
fn second_before(asked_at: Time) -> Time {
    Time::from_seconds(asked_at.as_seconds() - 1).unwrap_or(asked_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlink_is_older_than_any_token_of_the_second_in_which_kakao_was_asked() {
        for asked in ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00.001Z", "2026-01-01T12:00:00.999Z"] {
            assert_eq!(second_before(asked.parse().unwrap()).to_string(), "2026-01-01T11:59:59.000Z");
        }
    }
}

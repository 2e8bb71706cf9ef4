use kakao_webhooks::wire::{AppId, Time, UserId};
use serde::{Deserialize, Serialize};

use super::{DailyTime, daily_time::DAY};

/// One comparison of an app's states with Kakao's list of its members, as its record stands in the table
/// (`RECONCILE#<app_id>` / `RUN`). The next run replaces it, and keeps the summary of the last one that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id, a part of the ids of its events.
    pub run_id: String,
    /// What is done about a difference.
    pub purpose: Purpose,
    /// How far it is.
    pub state: Phase,
    /// When it was asked for.
    pub started_at: Time,
    /// When the record was written last.
    pub updated_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// The last member that was compared, while listing, or asked for, while confirming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<UserId>,
    /// What was counted.
    #[serde(default)]
    pub counts: Counts,
    /// Whether the list is known to be this app's.
    #[serde(default)]
    pub is_believed: bool,
    /// So many missing members an operator approved of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_missing: Option<u64>,
    /// Which reading of the list it is, from its first member on: notes of an earlier one don't count.
    #[serde(default)]
    pub pass: u64,
    /// Why it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_because: Option<Brake>,
    /// The last error, in Kakao's words or ours. None once a call succeeded again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The SHA-256 of the key that the list was read with: what another key says is not about the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_sha256: Option<String>,
    /// The last run that corrected and came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_finished: Option<Summary>,
    /// When the last run started that corrects. A comparison alone is no day's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_started_at: Option<Time>,
    /// In how many minutes the next member was asked for in vain.
    #[serde(default)]
    pub attempts: u32,
    /// Until when one worker has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<Time>,
    /// Grows with every write of the record: each is on condition that it is the one that was read.
    #[serde(default)]
    pub revision: u64,
}

/// What is done about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// An event corrects it.
    Correct,
    /// It is written down for `khook reconcile diff`, and nothing else.
    Compare,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Kakao's list is walked beside the roster.
    Listing,
    /// Each member that Kakao did not list is asked for.
    Confirming,
    /// An operator must look at it first.
    Held,
    /// It came to its end.
    Done,
    /// It can't go on before something is repaired, or an operator ended it.
    Failed,
}

impl Phase {
    /// The phase, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Confirming => "confirming",
            Self::Held => "held",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether there is work to do.
    #[must_use]
    pub const fn is_working(self) -> bool {
        matches!(self, Self::Listing | Self::Confirming)
    }
}

/// Why a run is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Brake {
    /// More members are missing at Kakao than `RECONCILE_MAX_UNLINKS` and one in a hundred.
    TooManyMissing,
    /// Kakao's list is empty, or has no member of the roster: it may be another app's.
    NothingInCommon,
}

impl Brake {
    /// The reason in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooManyMissing => "more members are missing at Kakao than the brake allows",
            Self::NothingInCommon => "Kakao's list has no member that is known here: is it this app's key?",
        }
    }
}

/// What a run counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Members on Kakao's list.
    pub listed: u64,
    /// Members in the roster.
    pub known: u64,
    /// Members that both have.
    pub shared: u64,
    /// Members that Kakao lists and that are not linked here: corrected.
    pub linked: u64,
    /// Of those, members whose links a webhook or the service reported.
    pub shared_reported: u64,
    /// Members of the roster that Kakao does not list.
    pub missing: u64,
    /// Of those, members whose links a webhook or the service reported.
    pub missing_reported: u64,
    /// Missing members that were asked for.
    pub asked: u64,
    /// Missing members that Kakao says are not linked: corrected.
    pub unlinked: u64,
    /// Missing members of whom Kakao says nothing clear (-103): left as they are.
    pub unclear: u64,
}

impl Counts {
    /// What no webhook had brought.
    #[must_use]
    pub const fn differences(self) -> u64 {
        self.linked + self.unlinked
    }
}

/// A run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub run_id: String,
    /// When it started.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
    /// What it counted.
    pub counts: Counts,
    /// What the one before it found, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences_before: Option<u64>,
}

impl Summary {
    /// So few differences are no sign of anything.
    const FEW: u64 = 10;

    /// Whether it found more than twice what the run before it found: webhooks are being lost. The first run finds what
    /// was never reported, and says nothing of that kind.
    #[must_use]
    pub fn is_rising(&self) -> bool {
        let differences = self.counts.differences();
        self.differences_before.is_some_and(|before| differences > Self::FEW && differences > 2 * before)
    }
}

/// The last error of a run that no key could work on, before the app's id.
const NO_KEY: &str = "the secret of KakaoReaderKeys has no usable key";

/// The last error of a run that an operator ended.
const CANCELLED: &str = "cancelled by an operator";

/// So many members whose links webhooks reported, and none of them on the list, are a sign of another app's list.
const FOREIGN: u64 = 2;

impl Run {
    /// A new run, after `previous`.
    #[must_use]
    pub fn new(run_id: String, purpose: Purpose, previous: Option<&Self>, now: Time) -> Self {
        let last_started_at = match purpose {
            Purpose::Correct => Some(now),
            Purpose::Compare => previous.and_then(|previous| previous.last_started_at),
        };
        Self {
            run_id,
            purpose,
            state: Phase::Listing,
            started_at: now,
            updated_at: now,
            finished_at: None,
            cursor: None,
            counts: Counts::default(),
            is_believed: false,
            approved_missing: None,
            pass: 0,
            held_because: None,
            last_error: None,
            key_sha256: None,
            last_finished: previous.and_then(|previous| previous.last_finished.clone()),
            last_started_at,
            attempts: 0,
            leased_until: None,
            revision: previous.map_or(0, |previous| previous.revision),
        }
    }

    /// Whether the day's run must start now: none has since the last time of day at which one does. A run that works is
    /// replaced only if it has come to no end for a day: what stops it may stand in it.
    #[must_use]
    pub fn is_due(run: Option<&Self>, at: DailyTime, now: Time) -> bool {
        run.is_none_or(|run| {
            let is_free = !run.state.is_working() || now.millis_since(run.started_at) >= DAY;
            is_free && run.last_started_at.is_none_or(|started| started < at.last_before(now))
        })
    }

    /// Whether its list was read with another key than this one.
    #[must_use]
    pub fn is_of_another_key(&self, key_sha256: &str) -> bool {
        self.key_sha256.as_deref().is_some_and(|of_list| of_list != key_sha256)
    }

    /// Whether a worker has it now.
    #[must_use]
    pub fn is_leased(&self, now: Time) -> bool {
        self.leased_until.is_some_and(|until| now < until)
    }

    /// From the beginning of the list, as if nothing had been read.
    pub fn restart(&mut self) {
        (self.state, self.cursor, self.counts, self.held_because) = (Phase::Listing, None, Counts::default(), None);
        self.pass += 1;
    }

    /// What follows when the whole list is read: the brake, or the members to ask for, or the end.
    pub fn end_listing(&mut self, most_unlinks: u64) {
        self.held_because = self.brake(most_unlinks);
        self.cursor = None;
        self.state = match self.held_because {
            Some(_) => Phase::Held,
            None if self.counts.missing == 0 => Phase::Done,
            None => Phase::Confirming,
        };
    }

    fn brake(&self, most_unlinks: u64) -> Option<Brake> {
        let Counts { known, shared, shared_reported, missing, missing_reported, .. } = self.counts;
        if self.approved_missing.is_some_and(|approved| missing <= approved) {
            return None;
        }
        // What an earlier list linked says nothing about whose list this is: with another app's key its members would be
        // there again, and all whom webhooks reported would be missing.
        let is_others = shared_reported == 0 && missing_reported >= FOREIGN;
        if known > 0 && shared == 0 || is_others || !self.is_believed {
            return Some(Brake::NothingInCommon);
        }
        let are_too_many = missing > most_unlinks && missing.saturating_mul(100) > known;
        are_too_many.then_some(Brake::TooManyMissing)
    }

    /// An operator approves of what held it. A list that was not believed is read again: it may be another one by now,
    /// and only as many members may be missing then as were. False: it is not held.
    pub fn approve(&mut self) -> bool {
        let Some(brake) = self.held_because.filter(|_| self.state == Phase::Held) else { return false };
        self.approved_missing = Some(self.counts.missing);
        match brake {
            Brake::NothingInCommon => {
                self.is_believed = true;
                self.restart();
            }
            Brake::TooManyMissing => (self.state, self.held_because) = (Phase::Confirming, None),
        }
        true
    }

    /// Ends it for a reason that must be looked at.
    pub fn fail(&mut self, error: String, now: Time) {
        (self.state, self.finished_at, self.last_error) = (Phase::Failed, Some(now), Some(error));
        self.cursor = None;
    }

    /// Ends it because an operator said so.
    pub fn cancel(&mut self, now: Time) {
        self.fail(CANCELLED.to_owned(), now);
        self.leased_until = None;
    }

    /// Whether an operator ended it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state == Phase::Failed && self.last_error.as_deref() == Some(CANCELLED)
    }

    /// Ends it because there is no key to read the app's list with.
    pub fn fail_without_key(&mut self, app: &AppId, now: Time) {
        self.fail(format!("{NO_KEY} of app {app}"), now);
        (self.updated_at, self.leased_until) = (now, None);
    }

    /// Whether it ended without ever having had a key: an operator may have mistyped the app's id.
    #[must_use]
    pub fn is_of_unknown_app(&self) -> bool {
        let had_none = self.last_error.as_ref().is_some_and(|error| error.starts_with(NO_KEY));
        (had_none || self.is_cancelled()) && !self.has_had_a_key()
    }

    /// Whether something has to be repaired, or seems to.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.last_error.is_some() && !self.is_cancelled()
    }

    /// Whether the reconciler ever had a key of its app: not for an app id that only an operator wrote.
    #[must_use]
    pub fn has_had_a_key(&self) -> bool {
        self.key_sha256.is_some()
            || self.last_finished.is_some()
            || !matches!(self.state, Phase::Listing | Phase::Failed)
    }

    /// Notes the end, if it has come to it.
    pub fn finish(&mut self, now: Time) {
        if self.state != Phase::Done {
            return;
        }
        (self.finished_at, self.last_error) = (Some(now), None);
        if self.purpose == Purpose::Correct {
            self.last_finished = Some(Summary {
                run_id: self.run_id.clone(),
                started_at: self.started_at,
                finished_at: now,
                counts: self.counts,
                differences_before: self.last_finished.as_ref().map(|last| last.counts.differences()),
            });
        }
    }
}

/// The id of a run that is asked for now: by its time, so that ids are in the order of their runs.
#[must_use]
pub fn run_id(now: Time, random: u16) -> String {
    let digits: String = now.to_string().chars().filter(|character| !"-:".contains(*character)).collect();
    format!("{digits}-{random:04x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn listed(known: u64, shared: u64) -> Run {
        let mut run = Run::new("r".into(), Purpose::Correct, None, time("2026-01-01T00:00:00Z"));
        run.is_believed = true;
        run.counts = Counts { known, shared, missing: known - shared, ..Counts::default() };
        run
    }

    #[test]
    fn the_brake_holds_what_is_both_many_and_more_than_one_in_a_hundred() {
        for (known, missing, state) in [
            (0, 0, Phase::Done),
            (5, 0, Phase::Done),
            (5, 4, Phase::Confirming),
            (5, 5, Phase::Held),
            (100, 20, Phase::Confirming),
            (100, 21, Phase::Held),
            (2_100, 21, Phase::Confirming),
            (2_099, 21, Phase::Held),
            (1_000_000, 10_000, Phase::Confirming),
            (1_000_000, 10_001, Phase::Held),
        ] {
            let mut run = listed(known, known - missing);
            run.end_listing(20);
            assert_eq!(run.state, state, "{missing} of {known}");
        }
    }

    #[test]
    fn an_approved_run_goes_on_and_one_that_was_not_believed_reads_the_list_again() {
        let mut run = listed(100, 50);
        run.end_listing(20);
        assert_eq!(run.held_because, Some(Brake::TooManyMissing));
        assert!(run.approve() && run.state == Phase::Confirming && !run.approve());

        let mut run = listed(3, 0);
        run.end_listing(20);
        assert_eq!(run.held_because, Some(Brake::NothingInCommon));
        assert!(run.approve());
        assert_eq!((run.state, run.counts), (Phase::Listing, Counts::default()));
        // What was seen is approved, and no more.
        for (missing, state) in [(3, Phase::Confirming), (4, Phase::Held)] {
            run.counts = Counts { known: missing, missing, ..Counts::default() };
            run.end_listing(20);
            assert_eq!(run.state, state);
        }
    }

    proptest! {
        #[test]
        fn without_approval_no_member_is_asked_for_beyond_the_brake(known in 0_u64..5_000, part in 0_u64..=100, most in 0_u64..100) {
            let shared = known * part / 100;
            let mut run = listed(known, shared);
            run.end_listing(most);
            let missing = known - shared;
            if run.state == Phase::Confirming {
                prop_assert!(shared > 0 && (missing <= most || missing * 100 <= known));
            }
        }
    }

    #[test]
    fn a_list_without_any_member_whom_webhooks_reported_is_held_though_it_has_those_that_it_linked_itself() {
        for (missing_reported, shared_reported, state) in
            [(1, 0, Phase::Confirming), (2, 0, Phase::Held), (2, 1, Phase::Confirming)]
        {
            let mut run = listed(1_000, 1_000 - missing_reported);
            (run.counts.missing_reported, run.counts.shared_reported) = (missing_reported, shared_reported);
            run.end_listing(20);
            assert_eq!(run.state, state, "{missing_reported} {shared_reported}");
        }
    }

    #[test]
    fn a_day_has_one_run_and_the_first_starts_at_once() {
        let at: DailyTime = "03:30".parse().unwrap();
        let started = |text: &str, state| {
            let mut run = Run::new("r".into(), Purpose::Correct, None, time(text));
            run.state = state;
            run
        };
        // 03:30 in Korea is 18:30 in UTC.
        for (run, now, is_due) in [
            (None, "2026-01-01T12:00:00Z", true),
            (Some(started("2026-01-01T18:30:00Z", Phase::Done)), "2026-01-02T18:29:59Z", false),
            (Some(started("2026-01-01T18:30:00Z", Phase::Done)), "2026-01-02T18:30:00Z", true),
            (Some(started("2026-01-01T10:00:00Z", Phase::Done)), "2026-01-01T18:30:01Z", true),
            (Some(started("2026-01-01T18:30:00Z", Phase::Held)), "2026-01-02T18:30:00Z", true),
            (Some(started("2026-01-01T18:30:00Z", Phase::Failed)), "2026-01-02T18:30:00Z", true),
            (Some(started("2026-01-01T19:30:00Z", Phase::Listing)), "2026-01-02T18:30:00Z", false),
            (Some(started("2026-01-01T19:30:00Z", Phase::Confirming)), "2026-01-02T18:30:00Z", false),
            // What stops it for a day may stand in it.
            (Some(started("2026-01-01T18:30:00Z", Phase::Listing)), "2026-01-02T18:30:00Z", true),
        ] {
            assert_eq!(Run::is_due(run.as_ref(), at, time(now)), is_due, "{run:?} {now}");
        }
        // A comparison is no day's run.
        let run = started("2026-01-01T18:30:00Z", Phase::Done);
        let mut compared = Run::new("c".into(), Purpose::Compare, Some(&run), time("2026-01-02T19:00:00Z"));
        compared.state = Phase::Done;
        assert!(Run::is_due(Some(&compared), at, time("2026-01-02T19:05:00Z")));
    }

    #[test]
    fn more_than_twice_as_many_differences_as_the_day_before_are_a_rise() {
        let mut run = listed(1_000, 1_000);
        for (linked, is_rising) in [(900, false), (11, false), (22, false), (23, false), (50, true), (5, false)] {
            (run.state, run.counts.linked) = (Phase::Done, linked);
            run.finish(time("2026-01-01T01:00:00Z"));
            assert_eq!(run.last_finished.as_ref().unwrap().is_rising(), is_rising, "{linked}");
        }
    }
}

//! How far a run is, and how long it may take.

use kakao_webhooks::wire::rest_api::MOST_MEMBERS;
use runtime::reconcile::{Phase, Run};

/// So many calls does the reconciler make in a minute.
const CALLS_A_MINUTE: u64 = 95;

/// How far a working run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunProgress {
    /// Members listed, or asked for.
    pub(super) done: u64,
    /// Of so many. While listing only known from the last finished run, and not exact.
    pub(super) of: Option<u64>,
    /// Whole minutes until this phase may be over.
    pub(super) minutes_left: Option<u64>,
    is_exact: bool,
}

impl RunProgress {
    /// None: the run does not work.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let (done, of, at_once) = match run.state {
            Phase::Listing => {
                let of = run.last_finished.as_ref().map(|last| last.counts.listed);
                (run.counts.listed, of.filter(|of| *of > 0), MOST_MEMBERS as u64)
            }
            Phase::Confirming => (run.counts.asked, Some(run.counts.missing), 1),
            Phase::Held | Phase::Done | Phase::Failed => return None,
        };
        let left = of.map(|of| of.saturating_sub(done));
        let minutes_left = left.map(|left| left.div_ceil(at_once).div_ceil(CALLS_A_MINUTE));
        Some(Self { done, of, minutes_left, is_exact: run.state == Phase::Confirming })
    }

    /// At most 99 while it is not over: what Kakao lists may have grown.
    pub(super) fn percent(&self) -> Option<u64> {
        let of = self.of.filter(|of| *of > 0)?;
        Some((self.done.saturating_mul(100) / of).min(99))
    }

    /// `12,300 of about 45,000 listed (27%), about 4 min left`.
    pub(super) fn words(&self) -> String {
        let what = if self.is_exact { "asked for" } else { "listed" };
        let about = if self.is_exact { "" } else { "about " };
        let Some(of) = self.of else { return format!("{} {what}", grouped(self.done)) };
        let percent = self.percent().map_or_else(String::new, |percent| format!(" ({percent}%)"));
        let left = self.minutes_left.filter(|minutes| *minutes > 0);
        let left = left.map_or_else(String::new, |minutes| format!(", about {} left", minutes_shown(minutes)));
        format!("{} of {about}{} {what}{percent}{left}", grouped(self.done), grouped(of))
    }
}

fn minutes_shown(minutes: u64) -> String {
    if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes.div_ceil(60)) }
}

/// `12,300`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use runtime::reconcile::{Counts, Purpose, Summary};

    use super::*;

    fn run(state: Phase, counts: Counts, listed_before: Option<u64>) -> Run {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut run = Run::new("r".to_owned(), Purpose::Correct, None, now);
        (run.state, run.counts) = (state, counts);
        run.last_finished = listed_before.map(|listed| Summary {
            run_id: "q".to_owned(),
            started_at: now,
            finished_at: now,
            counts: Counts { listed, ..Counts::default() },
            differences_before: None,
        });
        run
    }

    #[test]
    fn a_list_is_measured_by_the_last_one_and_questions_by_who_is_missing() {
        let listed = |listed| Counts { listed, ..Counts::default() };
        for (state, counts, before, words) in [
            (Phase::Listing, listed(0), None, "0 listed"),
            (Phase::Listing, listed(12_300), None, "12,300 listed"),
            (Phase::Listing, listed(12_300), Some(45_000), "12,300 of about 45,000 listed (27%), about 4 min left"),
            (Phase::Listing, listed(46_000), Some(45_000), "46,000 of about 45,000 listed (99%)"),
            (Phase::Listing, listed(7), Some(0), "7 listed"),
            (Phase::Listing, listed(0), Some(30_000_000), "0 of about 30,000,000 listed (0%), about 53 h left"),
            (
                Phase::Confirming,
                Counts { missing: 300, asked: 95, ..listed(9) },
                Some(9),
                "95 of 300 asked for (31%), about 3 min left",
            ),
        ] {
            assert_eq!(RunProgress::of(&run(state, counts, before)).unwrap().words(), words);
        }
        for state in [Phase::Held, Phase::Done, Phase::Failed] {
            assert_eq!(RunProgress::of(&run(state, listed(1), None)), None);
        }
    }
}

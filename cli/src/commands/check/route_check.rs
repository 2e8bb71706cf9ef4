//! A walk along one route: ask, judge, and stop where nothing more can be learnt.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use tokio::time::sleep;

use super::{
    finding::{Finding, Judgement, Verdict},
    probe::{Probe, Prober, Response},
};

/// Something to be judged of an answer. Pure: one small function each.
pub(super) type Judge<'j> = (&'static str, &'j (dyn Fn(&Response) -> Judgement + Sync));

/// How long Kakao waits, and from when on it is near.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimits {
    pub(super) near: Duration,
    pub(super) over: Duration,
}

/// The walk so far.
pub(super) struct RouteCheck<'a> {
    prober: &'a Prober,
    pub(super) findings: Vec<Finding>,
    times: Vec<Duration>,
    /// There is no answer here, or another server's: every further request would find the same mistake.
    is_over: bool,
}

impl<'a> RouteCheck<'a> {
    pub(super) const fn new(prober: &'a Prober) -> Self {
        Self { prober, findings: vec![], times: vec![], is_over: false }
    }

    /// Sends the request and checks the answer, one check after the other until one finds a mistake. Returns the answer
    /// if none did.
    pub(super) async fn step(&mut self, probe: Probe, judges: &[Judge<'_>]) -> Option<Response> {
        let answer = self.send(probe).await?;
        self.judge(answer, judges)
    }

    /// The same; a server that answers `Retry-After` with a few seconds is asked again once.
    pub(super) async fn step_with_one_retry(&mut self, probe: Probe, judges: &[Judge<'_>]) -> Option<Response> {
        let mut answer = self.send(probe.clone()).await?;
        if let Some(wait) = wanted_time(&answer) {
            sleep(wait).await;
            answer = self.send(probe).await?;
        }
        self.judge(answer, judges)
    }

    async fn send(&mut self, probe: Probe) -> Option<Response> {
        if self.is_over {
            return None;
        }
        match self.prober.send(probe).await {
            Ok(answer) => {
                self.times.push(answer.took);
                Some(answer)
            }
            Err(no_answer) => {
                self.is_over = true;
                self.findings.push(no_answer.judgement().named("answers"));
                None
            }
        }
    }

    fn judge(&mut self, answer: Response, judges: &[Judge<'_>]) -> Option<Response> {
        for (check, judge) in judges {
            let mut finding = judge(&answer).named(check);
            finding.ms = Some(answer.took.as_millis());
            let is_mistake = finding.verdict == Verdict::Mistake;
            self.findings.push(finding);
            if is_mistake {
                self.is_over = matches!(answer.status, 300..=399 | 404 | 500..);
                return None;
            }
        }
        Some(answer)
    }

    /// What came of it, how long it took included.
    pub(super) fn end(mut self, limits: TimeLimits) -> Vec<Finding> {
        if let Some(judgement) = time(&self.times, limits) {
            self.findings.push(judgement.named("time"));
        }
        self.findings
    }
}

/// The time of `Retry-After`, if it is short.
fn wanted_time(answer: &Response) -> Option<Duration> {
    const MOST: u64 = 15;
    let seconds: u64 = answer.header(&RETRY_AFTER).parse().ok()?;
    (answer.status == 503 && seconds <= MOST).then(|| Duration::from_secs(seconds))
}

/// How fast it is: one slow answer is a cold start, half of them are a mistake.
fn time(times: &[Duration], limits: TimeLimits) -> Option<Judgement> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let (median, slowest) = (*times.get(times.len() / 2)?, *times.last()?);
    let seen = format!("median {} ms, slowest {} ms", median.as_millis(), slowest.as_millis());
    let over = limits.over.as_secs();
    Some(if median >= limits.over {
        Judgement::mistake(seen, format!("answer first and work later: Kakao waits {over} s"))
    } else if slowest >= limits.over {
        Judgement::warning(
            seen,
            format!("a cold start that takes over {over} s loses the event: give it more memory, or keep it warm"),
        )
    } else if slowest >= limits.near {
        Judgement::warning(seen, format!("near the {over} s that Kakao waits: more memory, or less work per answer"))
    } else {
        Judgement::right(seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_is_warned_of_and_a_slow_median_is_a_mistake() {
        let limits = TimeLimits { near: Duration::from_secs(3), over: Duration::from_secs(5) };
        let judged = |seconds: &[u64]| {
            let times: Vec<_> = seconds.iter().copied().map(Duration::from_secs).collect();
            time(&times, limits).map(|judgement| judgement.verdict)
        };
        assert_eq!(judged(&[]), None);
        assert_eq!(judged(&[0, 1, 2]), Some(Verdict::Right));
        assert_eq!(judged(&[3, 0, 0]), Some(Verdict::Warning));
        assert_eq!(judged(&[0, 6, 0]), Some(Verdict::Warning));
        assert_eq!(judged(&[0, 6, 5]), Some(Verdict::Mistake));
    }
}

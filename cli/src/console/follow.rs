//! Joins what the functions log and what is published on the bus to the requests that caused it: by the gateway's id of
//! the request, by the invocation of the processor, by the user and the version of the state.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use kakao_webhooks::state::time_of_write;
use serde_json::Value;

use super::history::{Exchange, History, Outcome, Place, RecordedLine, What};
use crate::local::logs::LogLine;

/// What waits for the request that it belongs to. A line appears when its invocation has ended, so it may be there before
/// the answer is recorded, and a change before the line of the processor.
#[derive(Debug)]
pub struct Follower {
    history: Arc<History>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<(i64, LogLine)>,
    changes: VecDeque<(i64, Value)>,
    /// When invocations of the processor that have written a state have logged that.
    applied: BTreeSet<i64>,
}

/// How long a line waits, in milliseconds.
const PATIENCE_MILLIS: i64 = 15_000;
/// How long a change waits: `khook demo --keep` reads the logs only once its story has ended.
const PATIENCE_FOR_CHANGES_MILLIS: i64 = 600_000;
/// The most that waits, of lines and of changes.
const MOST_WAITING: usize = 500;
/// The most lines of a request.
const MOST_LINES: usize = 100;
/// A line of the processor is dated when its invocation has ended: shortly after its writes.
const WRITE_TO_LINE_MILLIS: i64 = 60_000;

impl Follower {
    /// One that adds to this history.
    #[must_use]
    pub fn of(history: Arc<History>) -> Self {
        Self { history, waiting: Mutex::default() }
    }

    /// Takes in what was logged, in the order of time, and what waited: what names its request, then the changes that
    /// follow from that, then what names a change.
    pub fn take(&self, lines: &[LogLine], now: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.applied.extend(times_of_applied(lines));
        waiting.applied.retain(|at| now - at < PATIENCE_FOR_CHANGES_MILLIS);
        let mut new: Vec<(i64, LogLine)> = waiting.lines.drain(..).collect();
        new.extend(lines.iter().map(|line| (now, line.clone())));
        let unplaced = |(_, line): &(i64, LogLine)| !self.place(line, &waiting.applied);
        let of_requests: Vec<_> = new.extract_if(.., |(_, line)| text(line, "request_id").is_some()).collect();
        let known = of_requests.len();
        let mut left: Vec<_> = of_requests.into_iter().filter(unplaced).collect();
        if !lines.is_empty() || left.len() < known {
            self.place_changes(&mut waiting, now);
        }
        left.extend(new.into_iter().filter(|(_, line)| !self.place(line, &waiting.applied)));
        waiting.lines.extend(left.into_iter().filter(|(since, _)| now - since < PATIENCE_MILLIS));
        bound(&mut waiting.lines);
        self.history.save();
    }

    /// Takes in a change that was published.
    pub fn take_change(&self, change: Value, now: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.changes.push_back((now, change));
        self.place_changes(&mut waiting, now);
        bound(&mut waiting.changes);
    }

    /// Joins a line to its request. False: there is none yet. One that belongs to none is placed.
    fn place(&self, line: &LogLine, applied: &BTreeSet<i64>) -> bool {
        if let Some(request_id) = text(line, "request_id") {
            let is_its = |exchange: &Exchange| exchange.request_id.as_deref() == Some(request_id);
            return self.history.change(1, |exchange| {
                let fits = is_its(exchange);
                if fits {
                    note(exchange, line, applied);
                }
                fits
            }) > 0;
        }
        let Some(version) = line.fields.get("version").and_then(Value::as_i64) else { return true };
        let (place, detail) = match line.event() {
            "published" => (Place::Published, String::new()),
            "delivered" => (Place::Delivered, attempt(line)),
            "not_delivered" => (Place::NotDelivered, attempt(line)),
            _ => return true,
        };
        self.history.change(usize::MAX, |exchange| {
            let fits = exchange.changes.iter().any(|change| version_of(change) == Some(version));
            if fits {
                push_line(exchange, line);
                exchange.reach(place, line.at, detail.clone());
            }
            fits
        }) > 0
    }

    /// Joins changes to the requests whose events the processor has applied to that user since.
    fn place_changes(&self, waiting: &mut Waiting, now: i64) {
        waiting.changes.retain(|(since, change)| {
            let placed = self.history.change(usize::MAX, |exchange| {
                let fits = caused(exchange, change);
                if fits {
                    exchange.changes = vec![change.clone()];
                    exchange.steps.retain(|step| step.place < Place::Published);
                }
                fits
            });
            placed == 0 && now - since < PATIENCE_FOR_CHANGES_MILLIS
        });
    }
}

/// Whether this write of a user's state is the one that holds the request's event: the newest between the request and
/// the end of the invocation in which the processor has applied it.
fn caused(exchange: &Exchange, change: &Value) -> bool {
    let Some(written_at) = written_at(change) else { return false };
    let of_user = partition_of(change);
    let applied = exchange.steps.iter().find(|step| step.place == Place::Applied);
    exchange.explanation.events.iter().any(|event| event.partition == of_user)
        && exchange.at <= written_at
        && applied.is_some_and(|step| written_at <= step.at && step.at - written_at < WRITE_TO_LINE_MILLIS)
        && exchange.changes.iter().filter_map(self::written_at).all(|known| known < written_at)
}

/// What a line says of its request.
fn note(exchange: &mut Exchange, line: &LogLine, applied: &BTreeSet<i64>) {
    push_line(exchange, line);
    let reason = text(line, "reason").map(str::to_owned);
    let event_id = text(line, "event_id").unwrap_or_default().to_owned();
    match line.event() {
        "kept" if text(line, "destination") == Some("inbox") => exchange.reach(Place::Inbox, line.at, event_id),
        "kept" => exchange.reach(Place::Queue, line.at, event_id),
        "refused" => exchange.outcome = Outcome { what: What::Refused, reason },
        "recorded" => {
            exchange.reach(Place::Recorded, line.at, event_id);
            let after = if applied.contains(&line.at) { Place::Applied } else { Place::Unchanged };
            exchange.reach(after, line.at, String::new());
        }
        "duplicate" => {
            let was_recorded = exchange.steps.iter().any(|step| step.place == Place::Recorded && step.note == event_id);
            exchange.reach(Place::Duplicate, line.at, event_id);
            if exchange.outcome.what == What::Taken && !was_recorded {
                exchange.outcome.what = What::Duplicate;
            }
        }
        "quarantined" => {
            exchange.reach(Place::Quarantine, line.at, event_id);
            exchange.outcome = Outcome { what: What::Quarantined, reason };
        }
        _ => {}
    }
}

fn push_line(exchange: &mut Exchange, line: &LogLine) {
    if exchange.lines.len() < MOST_LINES {
        let LogLine { function, at, fields } = line.clone();
        exchange.lines.push(RecordedLine { function, at, fields });
    }
}

/// When the processor has logged that it wrote a state: of one invocation it is one time.
fn times_of_applied(lines: &[LogLine]) -> impl Iterator<Item = i64> {
    lines.iter().filter(|line| line.function == "processor" && line.event() == "applied").map(|line| line.at)
}

fn attempt(line: &LogLine) -> String {
    let number = line.fields.get("attempt").map(Value::to_string).unwrap_or_default();
    let status = line.fields.get("status").map(Value::to_string);
    let cause = status.or_else(|| text(line, "cause").map(str::to_owned)).unwrap_or_default();
    format!("{number}: {cause}")
}

fn text<'l>(line: &'l LogLine, name: &str) -> Option<&'l str> {
    line.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn version_of(change: &Value) -> Option<i64> {
    change.get("version").and_then(Value::as_i64)
}

/// When a state was written, in milliseconds.
fn written_at(change: &Value) -> Option<i64> {
    let second = change.get("written_at")?.as_str()?.parse().ok()?;
    let time = change.get("version").and_then(Value::as_u64).map(|version| time_of_write(version, second));
    Some(time.unwrap_or(second).as_millis())
}

/// The partition of the user that a change is of.
fn partition_of(change: &Value) -> Option<String> {
    let text = |name: &str| change.get(name).and_then(Value::as_str);
    let app = text("app_id")?;
    text("user_id")
        .map(|user| format!("USER#{app}#{user}"))
        .or_else(|| text("open_id").map(|user| format!("OPENID#{app}#{user}")))
}

fn bound<T>(waiting: &mut VecDeque<T>) {
    while waiting.len() > MOST_WAITING {
        waiting.pop_front();
    }
}

#[cfg(test)]
mod tests;

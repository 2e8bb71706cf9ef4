use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Value, json};

use crate::wire::{Time, UserId};

/// Something that is known of a member's departures.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// Who.
    pub user: UserId,
    /// The time of the event that it is about: for a departure, since when the member is unlinked.
    pub at: Time,
    /// What happened then.
    pub kind: FactKind,
}

/// What is known to have happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKind {
    /// The member left: by which event, and since when it holds here, as far as either is known.
    Left {
        /// The event.
        report: Option<Report>,
        /// When the member's state was written.
        effective_at: Option<Time>,
    },
    /// The member is linked since then: for the first time, or again.
    Linked,
    /// The service confirmed that it erased everything up to that time.
    Confirmed {
        /// When its message was received.
        received_at: Time,
    },
    /// The service's endpoint accepted the change that reports the departure.
    Acknowledged {
        /// When it did so first.
        acknowledged_at: Time,
    },
}

/// An event that reports that a member left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// When it was received.
    pub received_at: Time,
    /// Its name in history: `unlink`, `user-unlinked`, …
    pub event: String,
    /// The reason, as Kakao names it: the unlink webhook's referrer type.
    pub reason: Option<String>,
}

/// No member number.
impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fact").field("at", &self.at).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A recorded text is not of the form that this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the facts are of an unknown form")]
pub struct FactError;

/// The first of a fact's elements.
const LEFT: &str = "left";
const LINKED: &str = "linked";
const CONFIRMED: &str = "confirmed";
/// What was written before each link was recorded: a link after a departure.
const RETURNED: &str = "returned";

impl Fact {
    /// Its elements: its kind, the member, the time in milliseconds, and other times as milliseconds since that.
    /// DynamoDB bills each started KB of a write, so a departure should stay well below 100 bytes.
    fn to_elements(&self) -> Vec<Value> {
        let (user, at) = (self.user.digits(), self.at.as_millis());
        let since = |time: &Time| time.millis_since(self.at);
        match &self.kind {
            FactKind::Left { report, effective_at } => {
                let mut elements = vec![json!(LEFT), json!(user), json!(at), json!(effective_at.as_ref().map(since))];
                if let Some(report) = report {
                    elements.extend([json!(since(&report.received_at)), json!(report.event)]);
                    elements.extend(report.reason.as_ref().map(|reason| json!(reason)));
                }
                elements
            }
            FactKind::Linked => vec![json!(LINKED), json!(user), json!(at)],
            FactKind::Confirmed { received_at } => {
                vec![json!(CONFIRMED), json!(user), json!(at), json!(since(received_at))]
            }
            // Recorded as an item of its own, by the deliverer.
            FactKind::Acknowledged { .. } => vec![],
        }
    }

    fn of_elements(elements: &[Value]) -> Option<Self> {
        let (name, user, at, rest) = match elements {
            [name, user, at, rest @ ..] => (name.as_str()?, user.as_str()?, at.as_i64()?, rest),
            _ => return None,
        };
        let after = |offset: &Value| Time::from_millis(at.checked_add(offset.as_i64()?)?);
        let kind = match (name, rest) {
            (LEFT, [effective, report @ ..]) => {
                let effective_at = if effective.is_null() { None } else { Some(after(effective)?) };
                FactKind::Left { report: report_of(report, after)?, effective_at }
            }
            (LINKED | RETURNED, []) => FactKind::Linked,
            (CONFIRMED, [received]) => FactKind::Confirmed { received_at: after(received)? },
            _ => return None,
        };
        Some(Self { user: user.parse().ok()?, at: Time::from_millis(at)?, kind })
    }
}

/// `None`: of an unknown form.
fn report_of(elements: &[Value], after: impl Fn(&Value) -> Option<Time>) -> Option<Option<Report>> {
    let (received, event, reason) = match elements {
        [] => return Some(None),
        [received, event] => (received, event, None),
        [received, event, reason] => (received, event, Some(reason.as_str()?.to_owned())),
        _ => return None,
    };
    Some(Some(Report { received_at: after(received)?, event: event.as_str()?.to_owned(), reason }))
}

/// The text by which facts are recorded: JSON, an array of each fact's elements. An acknowledgement is not among them.
#[must_use]
pub fn to_text<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> String {
    let facts = facts.into_iter().map(Fact::to_elements).filter(|elements| !elements.is_empty());
    Value::from_iter(facts.map(Value::from)).to_string()
}

/// The facts of such a text.
///
/// # Errors
/// [`FactError`]: another version wrote it.
pub fn from_text(text: &str) -> Result<Vec<Fact>, FactError> {
    let facts: Vec<Vec<Value>> = serde_json::from_str(text).map_err(|_| FactError)?;
    facts.iter().map(|elements| Fact::of_elements(elements).ok_or(FactError)).collect()
}

/// The same facts, each once, with a report of a departure and when it took effect joined into one fact.
#[must_use]
pub fn compact(facts: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    let mut left: BTreeMap<(UserId, Time), (BTreeSet<Report>, Option<Time>)> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for fact in facts {
        match fact.kind {
            FactKind::Left { report, effective_at } => {
                let (all_reports, first) = left.entry((fact.user, fact.at)).or_default();
                all_reports.extend(report);
                *first = earliest(*first, effective_at);
            }
            _ => {
                others.insert(fact);
            }
        }
    }
    let left = left.into_iter().flat_map(|((user, at), (reports, effective_at))| {
        let mut all_reports: Vec<_> = reports.into_iter().map(Some).collect();
        if all_reports.is_empty() {
            all_reports.push(None);
        }
        all_reports.into_iter().map(move |report| Fact { user, at, kind: FactKind::Left { report, effective_at } })
    });
    left.chain(others).collect()
}

/// The earlier of two times, as far as they are known.
pub(super) fn earliest(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    one.into_iter().chain(other).min()
}

use std::fmt;

use serde_json::{Map, Value};

use super::{decode, subject::subject};
use crate::wire::{Content, Fields, Personal, Time, Unreadable, exact, parse_strict_json};

/// How far two clocks may differ, in milliseconds: Kakao's and ours, and those of two machines of Kakao's.
const CLOCK_SKEW_MILLIS: i64 = 300_000;

/// A member of `events`: its URI and its value.
pub type NamedEvent = (String, Value);

/// The claims of a verified token: each in its usable form, or why it cannot be used.
#[derive(Clone)]
pub struct Claims {
    /// `jti`: the same for every delivery of the token.
    pub token_id: Result<String, Unreadable>,
    /// `sub`, or what else names the user.
    pub subject: Result<Personal<Value>, Unreadable>,
    /// `app_id`, where it is there.
    pub app_id: Option<Value>,
    /// `events`: at least one, by URI.
    pub events: Result<Vec<NamedEvent>, Unreadable>,
    times: Result<Times, Unreadable>,
}

#[derive(Clone, Copy)]
struct Times {
    issued: Time,
    happened: Time,
}

/// Claims are personal: nothing of them is shown.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[claims]")
    }
}

impl Claims {
    pub(super) fn read(mut all: Map<String, Value>) -> Self {
        let events = events(all.remove("events"));
        Self {
            token_id: token_id(&all),
            subject: subject(&all, events.as_deref().unwrap_or_default()).map(Personal::new),
            times: times(&all),
            app_id: all.remove("app_id").filter(|app_id| !app_id.is_null()),
            events,
        }
    }

    /// When it happened: `toe`, or `iat` where there is none.
    ///
    /// # Errors
    /// [`Unreadable`], also of a token that was issued too long after `received_at`.
    pub fn at(&self, received_at: Time) -> Result<Time, Unreadable> {
        let Times { issued, happened } = self.times.clone()?;
        if issued.millis_since(received_at) > CLOCK_SKEW_MILLIS { Err(Unreadable::FutureTime) } else { Ok(happened) }
    }

    /// The claims of a token that was verified on arrival and stored by us since: a replay out
    /// of the quarantine. Its key may long be gone, so nothing is verified here.
    ///
    /// # Errors
    /// If it is no token any more.
    pub(crate) fn of_kept_token(content: &Content) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(content.body.expose().trim_ascii()).map_err(|_| Unreadable::Encoding)?;
        let claims = text.split('.').nth(1).and_then(|part| decode(part).ok()).ok_or(Unreadable::Encoding)?;
        Ok(Self::read(parse_strict_json(&claims)?))
    }
}

/// A member that is `null` is absent.
pub(super) fn present(member: Option<&Value>) -> Option<&Value> {
    member.filter(|value| !value.is_null())
}

fn token_id(claims: &Map<String, Value>) -> Result<String, Unreadable> {
    let id = Fields::from(claims).text("jti")?.ok_or(Unreadable::Missing("jti"))?.to_owned();
    exact(&id, "jti").map(str::to_owned)
}

fn times(claims: &Map<String, Value>) -> Result<Times, Unreadable> {
    let date = |name: &'static str| {
        let value = present(claims.get(name));
        value.map(|value| numeric_date(value).ok_or(Unreadable::Shape(name))).transpose()
    };
    let issued = date("iat")?.ok_or(Unreadable::Missing("iat"))?;
    let happened = date("toe")?.unwrap_or(issued);
    if happened.millis_since(issued) > CLOCK_SKEW_MILLIS {
        return Err(Unreadable::AfterIssue);
    }
    Ok(Times { issued, happened })
}

/// Seconds since 1970, with or without a fraction (RFC 7519 §2).
fn numeric_date(value: &Value) -> Option<Time> {
    if let Some(seconds) = value.as_i64() {
        return Time::from_seconds(seconds);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and the range is checked next")]
    value.as_f64().and_then(|seconds| Time::from_millis((seconds * 1_000.0).floor() as i64))
}

fn events(claim: Option<Value>) -> Result<Vec<NamedEvent>, Unreadable> {
    match claim {
        None | Some(Value::Null) => Err(Unreadable::Missing("events")),
        Some(Value::Object(events)) if events.is_empty() => Err(Unreadable::Missing("events")),
        Some(Value::Object(events)) => Ok(events.into_iter().collect()),
        Some(_) => Err(Unreadable::Shape("events")),
    }
}

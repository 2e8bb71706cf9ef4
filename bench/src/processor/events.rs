//! The processor's input: envelopes as the acknowledging functions write them, in SQS's batches.

use anyhow::Result;
use end_to_end::service::{APP_ID, BOT_ID};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sqs;

/// A webhook and what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unlink,
    Linked,
    ScopeConsent,
    Profile,
    Share,
    Channel,
    Message,
    Erased,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Unlink,
        Self::Linked,
        Self::ScopeConsent,
        Self::Profile,
        Self::Share,
        Self::Channel,
        Self::Message,
        Self::Erased,
    ];

    /// The kinds that a member causes over and over, for figures that do not depend on the kind.
    pub(crate) const LIFE: [Self; 5] = [Self::Linked, Self::ScopeConsent, Self::Profile, Self::Channel, Self::Unlink];

    pub(crate) const fn name(self) -> &'static str {
        self.describe().0
    }

    /// The kind in words, and the envelope's member `kind`.
    const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Unlink => ("unlink webhook", "unlink"),
            Self::Linked => ("account status, linked", "account-status"),
            Self::ScopeConsent => ("account status, scope consent", "account-status"),
            Self::Profile => ("account status, profile", "account-status"),
            Self::Share => ("talk share that names a user", "talk-share"),
            Self::Channel => ("talk channel, added", "talk-channel"),
            Self::Message => ("chatbot message of a member", "skill"),
            Self::Erased => ("service event, erased", "service"),
        }
    }

    /// The envelope's member `event`.
    fn event(self, user: u64, at: &str) -> Value {
        let user = user.to_string();
        match self {
            Self::Unlink => json!({"user_id": user, "reason": "UNLINK_FROM_APPS"}),
            Self::Linked => json!({"user_id": user, "at": at, "uri": format!("{OAUTH}user-linked")}),
            Self::ScopeConsent => json!({
                "user_id": user, "at": at, "uri": format!("{OAUTH}user-scope-consent"),
                "members": {"scope": "account_email profile_nickname"},
            }),
            Self::Profile => json!({
                "user_id": user, "at": at,
                "uri": "https://schemas.kakao.com/platevent/kakao/event-type/user-profile-changed",
                "members": {"nickname": "봄봄", "email": "invented@example.com"},
            }),
            Self::Erased => json!({"type": "service-erased", "user_id": user, "at": at}),
            Self::Share => {
                json!({"chat_type": "DirectChat", "chat_id": "k2PZp9d0XyQ1", "template_id": 90210, "claimed_user": user})
            }
            Self::Channel => json!({
                "event": "added", "user": {"app_user_id": user}, "channel_id": "_ISxgbxb", "channel_uuid": "@가게", "at": at,
            }),
            Self::Message => {
                json!({"bot_id": BOT_ID, "user_key": format!("u-{user}"), "app_user_id": user, "is_friend": true})
            }
        }
    }
}

const OAUTH: &str = "https://schemas.openid.net/secevent/oauth/event-type/";
/// The time of the first event: the start of an hour, so that a run stays within one.
const BEGIN: i64 = 1_740_798_000_000;

/// One event. Repeating it makes a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Kind,
    /// The user's number.
    pub(crate) user: u64,
    /// Its number within the run. A greater one happened later.
    pub(crate) number: u32,
}

impl Event {
    /// An SQS record with this event.
    pub(crate) fn record(self) -> Result<Value> {
        let Self { kind, user, number } = self;
        let at = Timestamp::from_millisecond(BEGIN + i64::from(number))?.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let request_id = format!("JKJaXmPL{number:08}");
        let envelope = json!({
            "v": 1,
            "id": if kind == Kind::Unlink { request_id.clone() } else { format!("b7d41f0e-5a3c-49d2-8e6f-{number:012}") },
            "app_id": APP_ID,
            "received_at": at,
            "request_id": request_id,
            "kind": kind.describe().1,
            "event": kind.event(user, &at),
        });
        Ok(sqs::record(number, &envelope))
    }
}

/// Makes events, each later than the one before.
#[derive(Debug, Default)]
pub(crate) struct Events(u32);

impl Events {
    /// The number of events made so far.
    pub(crate) const fn count(&self) -> u32 {
        self.0
    }

    /// The next event, of this kind.
    pub(crate) const fn next(&mut self, kind: Kind, user: u64) -> Event {
        self.0 += 1;
        Event { kind, user, number: self.0 }
    }

    /// An event for each of these users, with the kinds of [`Kind::LIFE`] in turn.
    pub(crate) fn batch(&mut self, users: impl Iterator<Item = u64>) -> Vec<Event> {
        let kinds = Kind::LIFE.into_iter().cycle().skip(self.0 as usize % Kind::LIFE.len());
        kinds.zip(users).map(|(kind, user)| self.next(kind, user)).collect()
    }
}

//! What the processor is given: envelopes as the acknowledging functions write them, in SQS's batches.

use anyhow::Result;
use end_to_end::service::{APP_ID, BOT_ID};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A webhook, and what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An unlink webhook.
    Unlink,
    /// A token: a user linked.
    Linked,
    /// A token: a user consented to two items.
    ScopeConsent,
    /// A token: two profile values changed.
    Profile,
    /// A share that names a user.
    Share,
    /// A user added a channel.
    Channel,
    /// A member wrote to a chatbot.
    Message,
    /// The service has a member forgotten.
    Erased,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unlink,
        Self::Linked,
        Self::ScopeConsent,
        Self::Profile,
        Self::Share,
        Self::Channel,
        Self::Message,
        Self::Erased,
    ];

    /// What a member lives through, over and over: what is measured where the kind doesn't matter.
    pub const LIFE: [Self; 5] = [Self::Linked, Self::ScopeConsent, Self::Profile, Self::Channel, Self::Unlink];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unlink => "unlink webhook",
            Self::Linked => "account status, linked",
            Self::ScopeConsent => "account status, scope consent",
            Self::Profile => "account status, profile",
            Self::Share => "talk share that names a user",
            Self::Channel => "talk channel, added",
            Self::Message => "chatbot message of a member",
            Self::Erased => "service's word, erased",
        }
    }

    const fn webhook(self) -> &'static str {
        match self {
            Self::Unlink => "unlink",
            Self::Linked | Self::ScopeConsent | Self::Profile => "account-status",
            Self::Share => "talk-share",
            Self::Channel => "talk-channel",
            Self::Message => "skill",
            Self::Erased => "service",
        }
    }

    fn says(self, user: u64, at: &str) -> Value {
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
/// When the first event happens: at the top of an hour, so that all of a run lie in one.
const BEGIN: i64 = 1_740_798_000_000;

/// One event. The same one again is a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub kind: Kind,
    /// Whose.
    pub user: u64,
    /// Which, of all of a run; a greater one happened later.
    pub number: u32,
}

impl Event {
    /// An SQS record with this event.
    ///
    /// # Errors
    /// None that a run lives to see: its number is no time.
    pub fn record(self) -> Result<Value> {
        let Self { kind, user, number } = self;
        let at = Timestamp::from_millisecond(BEGIN + i64::from(number))?.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let request_id = format!("JKJaXmPL{number:08}");
        let envelope = json!({
            "v": 1,
            "id": if kind == Kind::Unlink { request_id.clone() } else { format!("b7d41f0e-5a3c-49d2-8e6f-{number:012}") },
            "app_id": APP_ID,
            "received_at": at,
            "request_id": request_id,
            "kind": kind.webhook(),
            "event": kind.says(user, &at),
        });
        Ok(json!({
            "messageId": format!("00000000-0000-4000-8000-{number:012}"),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": envelope.to_string(),
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1740799800100"},
            "messageAttributes": {},
            "md5OfBody": "00000000000000000000000000000000",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:ap-northeast-2:000000000000:events",
            "awsRegion": "ap-northeast-2",
        }))
    }
}

/// Makes events, each later than the one before.
#[derive(Debug, Default)]
pub struct Events(u32);

impl Events {
    /// How many it made.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.0
    }

    /// One of this kind.
    pub const fn next(&mut self, kind: Kind, user: u64) -> Event {
        self.0 += 1;
        Event { kind, user, number: self.0 }
    }

    /// One of a member's life for each of these users.
    pub fn batch(&mut self, users: impl Iterator<Item = u64>) -> Vec<Event> {
        let kinds = Kind::LIFE.into_iter().cycle().skip(self.0 as usize % Kind::LIFE.len());
        kinds.zip(users).map(|(kind, user)| self.next(kind, user)).collect()
    }
}

//! The acknowledging functions: what Kakao sends to each, and the expected result, once.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use end_to_end::{
    Request,
    service::{ADMIN_KEY, APP_ID, BOT_ID, REST_API_KEY, SKILL_KEY},
};
use play_kakao::{SigningKey, Token};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Unlink,
    AccountStatus,
    TalkShare,
    TalkChannel,
    Skill,
}

/// 2025-03-01T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_740_787_200;

/// How every member number begins.
const MEMBERS: &str = "31";

/// A user whom no other case is about: a member number, as long as each other's.
pub(crate) fn new_user() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("{MEMBERS}{:08}", LAST.fetch_add(1, Ordering::Relaxed))
}

impl Function {
    pub(crate) const ALL: [Self; 5] =
        [Self::Unlink, Self::AccountStatus, Self::TalkShare, Self::TalkChannel, Self::Skill];
    /// All that have the same budget.
    pub(crate) const WEBHOOKS: [Self; 4] = [Self::Unlink, Self::AccountStatus, Self::TalkShare, Self::TalkChannel];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unlink => "unlink",
            Self::AccountStatus => "account-status",
            Self::TalkShare => "talk-share",
            Self::TalkChannel => "talk-channel",
            Self::Skill => "skill",
        }
    }

    /// The status that acknowledges an event.
    pub(crate) const fn accepted(self) -> u16 {
        match self {
            Self::AccountStatus => 202,
            _ => 200,
        }
    }

    /// Its own time limit, from the gateway's receipt.
    pub(crate) const fn budget(self) -> Duration {
        match self {
            Self::Skill => Duration::from_millis(4_000),
            _ => Duration::from_millis(2_500),
        }
    }

    /// How long Kakao waits.
    pub(crate) const fn limit(self) -> Duration {
        match self {
            Self::Skill => Duration::from_secs(5),
            _ => Duration::from_secs(3),
        }
    }

    /// A request about a user, received now: one event, whose id is the same each time.
    pub(crate) fn request(self, who: &str, key: &SigningKey) -> Request {
        let admin_key = format!("KakaoAK {ADMIN_KEY}");
        // An event's id is in the logs, so it must not identify the user.
        let id = format!("{}-{}", self.name(), who.trim_start_matches(MEMBERS));
        let request = match self {
            Self::Unlink => {
                let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id={who}&referrer_type=UNLINK_FROM_APPS");
                Request::new("GET", &path).header("Authorization", &admin_key)
            }
            Self::AccountStatus => {
                let uri = "https://schemas.openid.net/secevent/oauth/event-type/user-linked";
                let token = Token::new(REST_API_KEY, who, &id, MIDNIGHT, uri, &json!({}));
                Request::new("POST", "/webhooks/account-status")
                    .body("application/secevent+jwt", token.sign(key).unwrap())
            }
            Self::TalkShare => {
                let path = format!("/webhooks/talk-share?CHAT_TYPE=DirectChat&HASH_CHAT_ID=h1&user_id={who}");
                Request::new("GET", &path).header("Authorization", &admin_key).header("X-Kakao-Resource-ID", &id)
            }
            Self::TalkChannel => {
                let body = json!({"event": "added", "id": who, "id_type": "app_user_id",
                    "channel_public_id": "_ISxgbxb", "channel_uuid": "@가게", "updated_at": "2025-03-01T01:00:00Z"});
                Request::new("POST", "/webhooks/talk-channel")
                    .header("Authorization", &admin_key)
                    .header("X-Kakao-Resource-ID", &id)
                    .body("application/json", body.to_string())
            }
            Self::Skill => {
                let body = json!({"bot": {"id": BOT_ID}, "userRequest": {"utterance": "안녕",
                    "user": {"id": who, "type": "botUserKey", "properties": {}}}});
                Request::new("POST", "/skill")
                    .header(SKILL_KEY.0, SKILL_KEY.1)
                    .header("X-Request-Id", &id)
                    .body("application/json", body.to_string())
            }
        };
        request.id(&id).received_now()
    }

    /// The partition of the event's user.
    pub(crate) fn partition(self, who: &str) -> String {
        match self {
            Self::Skill => format!("BOT#{BOT_ID}#{who}"),
            _ => format!("USER#{APP_ID}#{who}"),
        }
    }

    /// The item that shows the event's effect, where in it, and what: as after exactly one.
    pub(crate) fn effect(self) -> (&'static str, &'static str, Value) {
        match self {
            Self::Unlink => ("STATE", "/link/status", json!("unlinked")),
            Self::AccountStatus => ("STATE", "/link/status", json!("linked")),
            Self::TalkShare => ("SHARES", "/count", json!(1)),
            Self::TalkChannel => ("STATE", "/channels/_ISxgbxb/status", json!("added")),
            Self::Skill => ("STATE", "/bot_id", json!(BOT_ID)),
        }
    }
}

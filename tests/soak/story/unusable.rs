//! Authentic events that cannot be used: each must be in the quarantine once.

use end_to_end::{Request, service::OTHER_APP_ID};
use kakao_webhooks::wire::{EventId, account_status::EventType};
use play_kakao::Token;
use serde_json::json;

use super::{APPS, ExpectedAnswer, Post, StoryBuilder, events::skill_request, from_kakao, shaped, time};

/// How many sorts of it there are.
const SORTS: usize = 12;

struct Unusable {
    function: &'static str,
    request: Request,
    token: Option<Token>,
    /// Its own id, if it isn't the gateway's.
    id: Option<String>,
    reason: &'static str,
}

impl StoryBuilder {
    pub(super) fn unusable(&mut self, number: u64) {
        let (at, id) = (self.moment(), self.id(number));
        let sort = self.story.quarantined.len() % SORTS;
        let made = if sort < 9 { self.unusable_content(sort, &id) } else { self.unusable_token(sort, &id, at) };
        let Unusable { function, request, token, id: own, reason } = made;
        let event_id = EventId::from_text(own.as_deref().unwrap_or(&id));
        let key = (format!("QUARANTINE#{}", time(at).day()), format!("{}#{event_id}", time(at)));
        self.story.quarantined.insert(key, reason.to_owned());
        let status = if function == "account-status" { 202 } else { 200 };
        let post = Post {
            function,
            request: request.received_at(at).id(&id),
            token: token.map(|token| (token, None)),
            expected: ExpectedAnswer::Kept(status, vec![event_id]),
        };
        self.tell(&post, vec![], |_, _| {});
    }

    fn unusable_content(&mut self, sort: usize, id: &str) -> Unusable {
        let app = APPS[0];
        let member = self.member_of(app).digits();
        let made = |function, request, reason| Unusable { function, request, token: None, id: None, reason };
        let unlink = |fields: serde_json::Value| shaped(id.len(), "/webhooks/unlink", app, &fields);
        let channel = |body: Vec<u8>| {
            from_kakao("POST", "/webhooks/talk-channel", app)
                .header("X-Kakao-Resource-ID", id)
                .body("application/json", body)
        };
        match sort {
            0 => made("unlink", unlink(json!({"app_id": app.id, "note": format!("of {member}")})), "missing_field"),
            1 => made("unlink", unlink(json!({"app_id": OTHER_APP_ID, "user_id": member})), "other_app"),
            2 => {
                let path = format!("/webhooks/unlink?app_id={}&user_id={member}&user_id=1", app.id);
                made("unlink", from_kakao("GET", &path, app), "duplicate_field")
            }
            3 => {
                let body = [b"app_id=123456&user_id=%ff".as_slice(), member.as_bytes()].concat();
                let request = from_kakao("POST", "/webhooks/unlink", app);
                made("unlink", request.body("application/x-www-form-urlencoded", body), "encoding")
            }
            4 => {
                let request =
                    shaped(id.len(), "/webhooks/talk-share", app, &json!({"CHAT_TYPE": "MemoChat", "user_id": member}));
                made("talk-share", request.header("X-Kakao-Resource-ID", id), "missing_field")
            }
            5 => {
                let body = json!({"event": "added", "id": member, "id_type": "hashed_id", "channel_public_id": "_a"});
                made("talk-channel", channel(body.to_string().into_bytes()), "field_shape")
            }
            6 => made("talk-channel", channel([b"\xff\xfe no json ", member.as_bytes()].concat()), "json"),
            7 => {
                let body = json!({"event": "added", "id": member, "id_type": "app_user_id", "channel_public_id": "_a",
                    "updated_at": "2035-03-01T00:00:00Z"});
                made("talk-channel", channel(body.to_string().into_bytes()), "future_time")
            }
            _ => {
                let body = json!({"bot": {"id": "b"}, "userRequest": {"utterance": format!("비밀 {member}"), "user": {"id": null}}});
                made("skill", skill_request(&body).header("X-Request-Id", id), "missing_field")
            }
        }
    }

    fn unusable_token(&mut self, sort: usize, id: &str, at: i64) -> Unusable {
        let app = APPS[0];
        let member = self.member_of(app).digits();
        let (event, members) = match sort {
            9 => (EventType::UserScopeConsent, json!({"scope": {"new": format!("shape {id}")}})),
            _ => (EventType::UserLinked, json!({})),
        };
        let mut token = Token::new(app.rest_api_key, &member, id, at / 1_000, event.uri(), &members);
        let reason = match sort {
            9 => "field_shape",
            10 => {
                token.claims.insert("app_id".to_owned(), json!(OTHER_APP_ID));
                "other_app"
            }
            _ => {
                let subject = format!("no number {member}");
                token.claims["events"][event.uri()]["subject"]["sub"] = json!(subject);
                token.claims["sub"] = json!(subject);
                "field_shape"
            }
        };
        Unusable {
            function: "account-status",
            request: Request::new("POST", "/webhooks/account-status"),
            token: Some(token),
            id: Some(format!("{id}:{}", event.known_name().unwrap())),
            reason,
        }
    }
}

//! Forged requests, about members and about users that no authentic event names.

use end_to_end::{Request, service};
use kakao_webhooks::wire::account_status::EventType;
use play_kakao::{Forgery, Token};
use serde_json::json;

use super::{APPS, ExpectedAnswer, Post, STRANGERS, StoryBuilder, in_turn};

/// Wrong admin keys: another key, the digest of the right one, another scheme.
const WRONG_KEYS: [&str; 4] = [
    "KakaoAK 00112233445566778899aabbccddeeff",
    "KakaoAK a1bf4dc2c0cea821798c38e16fcc1667d6f0504afa821b181672035fc5967890",
    "Bearer 0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "",
];
/// The forgeries without a token: each webhook with each wrong key.
const KEYED: usize = WRONG_KEYS.len() * 4;

impl StoryBuilder {
    pub(super) fn forge(&mut self, number: u64) {
        let user_id = match self.random.one_in(2) {
            true => self.member_of(APPS[0]).digits(),
            false => (STRANGERS + number).to_string(),
        };
        let (turn, at) = (self.story.forged, self.moment());
        let id = format!("forged-{number}");
        self.story.forged += 1;
        let forgeries: Vec<_> = Forgery::refused().collect();
        let turn = turn % (KEYED + forgeries.len());
        let mut post = match forgeries.get(turn) {
            Some(forgery) => by_token(*forgery, &user_id, &id, at),
            None => by_key(turn - forgeries.len(), &user_id, &id),
        };
        post.request = post.request.received_at(at).id(&id);
        self.story.posts.push(post);
    }
}

fn by_key(turn: usize, user_id: &str, id: &str) -> Post {
    let key = in_turn(&WRONG_KEYS, turn / 4);
    let unlink = format!("/webhooks/unlink?app_id={}&user_id={user_id}", service::APP_ID);
    let share = format!("/webhooks/talk-share?CHAT_TYPE=MemoChat&HASH_CHAT_ID=forged-room&user_id={user_id}");
    let channel = json!({"event": "blocked", "id": user_id, "id_type": "app_user_id", "channel_public_id": "_forged",
        "updated_at": "2025-03-01T00:00:00Z"});
    let message = json!({"bot": {"id": service::BOT_ID}, "userRequest": {"utterance": format!("나는 {user_id}"),
        "user": {"id": "forged-bot-user", "properties": {"appUserId": user_id}}}});
    let json =
        |path: &str, body: serde_json::Value| Request::new("POST", path).body("application/json", body.to_string());
    let (function, request, header) = match turn % 4 {
        0 => ("unlink", Request::new("GET", &unlink), "Authorization"),
        1 => ("talk-share", Request::new("GET", &share), "Authorization"),
        2 => ("talk-channel", json("/webhooks/talk-channel", channel), "Authorization"),
        _ => ("skill", json("/skill", message), service::SKILL_KEY.0),
    };
    let request = request.header("X-Kakao-Resource-ID", id).header("X-Request-Id", id);
    let request = if key.is_empty() { request } else { request.header(header, key) };
    Post { function, request, token: None, expected: ExpectedAnswer::Refused(&[401]) }
}

fn by_token(forgery: Forgery, user_id: &str, id: &str, at: i64) -> Post {
    let event = EventType::AccountPurged;
    let token = Token::new(service::REST_API_KEY, user_id, id, at / 1_000, event.uri(), &json!({}));
    // An unknown key id within the cooldown: the key may be new.
    let refused: &[u16] = if forgery == Forgery::Kid { &[400, 503] } else { &[400] };
    Post {
        function: "account-status",
        request: Request::new("POST", "/webhooks/account-status"),
        token: Some((token, Some(forgery))),
        expected: ExpectedAnswer::Refused(refused),
    }
}

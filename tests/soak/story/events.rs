//! Authentic events: the event, and the request that carries it.

use end_to_end::{Request, service::BOT_ID};
use kakao_webhooks::{
    envelope::{Envelope, Event},
    wire::{
        UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        skill::SkillMessage,
        talk_channel::{ChannelUser, TalkChannel},
        talk_share::TalkShare,
        unlink::Unlink,
    },
};
use play_kakao::Token;
use serde_json::{Value, json};

use super::{APPS, App, ExpectedAnswer, Post, StoryBuilder, envelope, from_kakao, shaped, time};

/// Unknown event types, with their SHA-256 from `sha256sum`, which is part of the event id.
const UNKNOWN: [(&str, &str); 2] = [
    (
        "https://schemas.openid.net/secevent/oauth/event-type/user-moved-to-mars",
        "03933ced78c2b9c171db1086449958e5e147c49b4b61cc77e87a838d06722852",
    ),
    (
        "https://schemas.kakao.com/platevent/kakao/event-type/something-new",
        "546e2e3c76c0b0e167116b8e5dd430ce536eacbb5e15064de07c0ae9f1c8189c",
    ),
];

/// A later delivery: another request of the gateway's.
fn again_later(request: &mut Request, again: u64) {
    request.received_at += i64::try_from(again).unwrap() * 1_800_000;
    request.id = format!("{}-again-{again}", request.id);
}

/// A later delivery of an event without an own time, which would otherwise become another event.
fn again_at_once(request: &mut Request, again: u64) {
    request.id = format!("{}-again-{again}", request.id);
}

fn kept(function: &'static str, status: u16, request: Request, events: &[Envelope]) -> Post {
    let ids = events.iter().map(|event| event.id.clone()).collect();
    Post { function, request, token: None, expected: ExpectedAnswer::Kept(status, ids) }
}

/// The id by which a token's event is known.
fn id_of(token_id: &str, uri: &str) -> String {
    let unknown = UNKNOWN.iter().find(|(unknown, _)| *unknown == uri).map(|(_, digest)| *digest);
    format!("{token_id}:{}", unknown.or_else(|| uri.rsplit('/').next()).unwrap())
}

impl StoryBuilder {
    pub(super) fn event(&mut self, number: u64) {
        match self.random.below(100) {
            0..=12 => self.unlink(number),
            13..=57 => self.account_status(number),
            58..=75 => self.share(number),
            76..=88 => self.channel(number),
            _ => self.message(number),
        }
    }

    fn unlink(&mut self, number: u64) {
        let ((user_id, app), at, id) = (self.member(), self.moment(), self.id(number));
        let reasons =
            ["ACCOUNT_DELETE", "FORCED_ACCOUNT_DELETE", "UNLINK_FROM_ADMIN", "UNLINK_FROM_APPS", "NEW_REASON"];
        let reason = self.random.one_of(&reasons);
        let fields = json!({"app_id": app.id, "user_id": number_or_text(user_id, number), "referrer_type": reason,
            "group_user_token": format!("group-user-token-{number}")});
        let shape = self.random.place(3);
        let request = shaped(shape, "/webhooks/unlink", app, &fields).received_at(at).id(&id);
        let event = Unlink { user_id, reason: Some(reason.to_owned().into()) };
        let events = vec![envelope(&id, Some(app), time(at), Event::Unlink(event))];
        // Its only id is the gateway's: a delivery under another one would be another unlink.
        self.tell(&kept("unlink", 200, request, &events), events, |_, _| {});
    }

    fn account_status(&mut self, number: u64) {
        let ((user_id, app), at, token_id) = (self.member(), self.moment(), self.id(number));
        let received_at = self.later(at);
        let known = EventType::KNOWN.iter().map(EventType::uri);
        let uris: Vec<&str> = known.chain(UNKNOWN.iter().map(|(uri, _)| *uri)).collect();
        let uri = self.random.one_of(&uris);
        let mut reported = vec![(uri, self.members(uri, number))];
        if self.random.one_in(12) && uri != EventType::SessionsRevoked.uri() {
            reported.push((EventType::SessionsRevoked.uri(), json!({})));
        }
        let mut token = Token::new(app.rest_api_key, &user_id.digits(), &token_id, at / 1_000, uri, &reported[0].1);
        for (uri, members) in &reported[1..] {
            token.claims["events"][*uri] = members.clone();
        }
        token.claims["sub"] = number_or_text(user_id, number);
        if self.random.one_in(2) {
            token.claims.insert("app_id".to_owned(), json!(app.id));
            token.claims.insert("txn".to_owned(), json!(format!("transaction-{number}")));
        }
        let event = |(uri, members): &(&str, Value)| {
            let event = SecurityEvent::read(uri, members.as_object().unwrap().clone()).unwrap();
            let status = AccountStatus { user_id, at: time(at), event };
            envelope(&id_of(&token_id, uri), Some(app), time(received_at), Event::AccountStatus(status))
        };
        let events: Vec<Envelope> = reported.iter().map(event).collect();
        let request =
            Request::new("POST", "/webhooks/account-status").received_at(received_at).id(&format!("g{number}"));
        let mut post = kept("account-status", 202, request, &events);
        post.token = Some((token, None));
        self.tell(&post, events, again_later);
    }

    /// What such an event adds to its subject.
    fn members(&mut self, uri: &str, number: u64) -> Value {
        let scope = self.random.one_of(&["account_email", "gender birthday", "account_email gender"]);
        let list: Vec<&str> = scope.split(' ').collect();
        match EventType::of_uri(uri) {
            EventType::UserUnlinked => {
                json!({"reason": self.random.one_of(&["UNLINK_FROM_SERVICE", "ACCOUNT_DELETE"])})
            }
            EventType::UserScopeConsent => json!({"scope": scope}),
            EventType::UserScopeWithdraw => json!({"scopes": list}),
            EventType::AccountDisabled => json!({"reason": self.random.one_of(&["hijacking", "bulk-account"])}),
            EventType::CredentialChange | EventType::CredentialCompromise => {
                json!({"credential_type": "password", "change_type": "update"})
            }
            EventType::AssuranceLevelChange => {
                json!({"current_level": "nist-aal2", "previous_level": "nist-aal1", "change_direction": "increase"})
            }
            EventType::UserProfileChanged => {
                let field = self.random.one_of(&["nickname", "email", "phone_number"]);
                json!({field: format!("user.{number}@봄봄.example"), "profile": {"나이": [20, 29, format!("살 {number}")]}})
            }
            EventType::Unknown(_) => json!({"목적지": {"화성": format!("비밀 기지 {number}")}}),
            _ => json!({}),
        }
    }

    fn share(&mut self, number: u64) {
        let ((user_id, app), at, id) = (self.member(), self.moment(), self.id(number));
        let chat_type = self.random.one_of(&["MemoChat", "DirectChat", "MultiChat", "OpenDirectChat", "TeamChat"]);
        let chat_id = format!("l7sQ0m2VbW4f-{}", self.random.below(40));
        let claimed_user = (!self.random.one_in(4)).then_some(user_id);
        let mut fields = json!({"CHAT_TYPE": chat_type, "HASH_CHAT_ID": chat_id, "TEMPLATE_ID": 90_210,
            "campaign": format!("봄 세일 {number} & more")});
        if claimed_user.is_some() {
            fields["user_id"] = number_or_text(user_id, number);
        }
        let shape = self.random.place(3);
        let request = shaped(shape, "/webhooks/talk-share", app, &fields).received_at(at).id(&format!("g{number}"));
        let event = TalkShare {
            chat_type: chat_type.to_owned().into(),
            chat_id: chat_id.parse().unwrap(),
            template_id: Some(90_210),
            is_single_chatroom: None,
            chat_member_count_range: None,
            claimed_user,
        };
        let events = vec![envelope(&id, Some(app), time(at), Event::TalkShare(event))];
        let request = request.header("X-Kakao-Resource-ID", &id).header("User-Agent", "KakaoOpenAPI/1.0");
        self.tell(&kept("talk-share", 200, request, &events), events, again_at_once);
    }

    fn channel(&mut self, number: u64) {
        let ((user_id, app), at, id) = (self.member(), self.moment(), self.id(number));
        let received_at = self.later(at);
        let open_id = format!("Zk3Qb7xT1mWc-{}", self.random.below(30));
        let (id_type, user, who) = match self.random.below(4) {
            0 => ("open_id", ChannelUser::OpenId(open_id.parse().unwrap()), json!(open_id)),
            _ => ("app_user_id", ChannelUser::AppUserId(user_id), number_or_text(user_id, number)),
        };
        let (event, channel) =
            (self.random.one_of(&["added", "blocked"]), self.random.one_of(&["_ISxgbxb", "_xkTdls"]));
        let body = if self.random.one_in(4) {
            json!({"event": event, "id": who, "id_type": id_type, "plus_friend_public_id": channel,
                "plus_friend_uuid": "@가게", "timestamp": at})
        } else {
            json!({"event": event, "id": who, "id_type": id_type, "channel_public_id": channel,
                "channel_uuid": "@가게", "updated_at": time(at)})
        };
        let channel_event = TalkChannel {
            event: event.to_owned().into(),
            user,
            channel_id: channel.parse().unwrap(),
            channel_uuid: Some("@가게".to_owned()),
            at: time(at),
        };
        let events = vec![envelope(&id, Some(app), time(received_at), Event::TalkChannel(channel_event))];
        let request = from_kakao("POST", "/webhooks/talk-channel", app)
            .header("X-Kakao-Resource-ID", &id)
            .body("application/json", body.to_string())
            .received_at(received_at)
            .id(&format!("g{number}"));
        self.tell(&kept("talk-channel", 200, request, &events), events, again_later);
    }

    fn message(&mut self, number: u64) {
        // The bot is tied to the first app; another one is tied to none.
        let app = APPS[0];
        let (user_id, at, id) = (self.member_of(app), self.moment(), self.id(number));
        let bot = self.random.one_of(&[BOT_ID, BOT_ID, BOT_ID, "0a1b2c3d4e5f60718293a4b5"]);
        let user_key = format!("bot-user-9e44b2-{}", self.random.below(self.members));
        let plusfriend_user_key = format!("plusfriend-2y9-{user_key}");
        let app_user_id = self.random.one_in(2).then_some(user_id);
        let is_friend = self.random.one_in(2);
        let body = json!({
            "bot": {"id": bot, "name": "봄 가게"}, "intent": null, "action": {"params": {"주문": format!("주문번호 {number}")}},
            "userRequest": {
                "utterance": format!("주문 {number}은 언제 오나요?\n"),
                "callbackUrl": format!("https://bot-api.kakao.com/v1/bots/0a/callback/{number}"),
                "user": {"id": user_key, "type": "botUserKey", "properties": {
                    "plusfriendUserKey": plusfriend_user_key, "appUserId": app_user_id.map(UserId::digits),
                    "isFriend": is_friend}},
            },
        });
        let message = SkillMessage {
            bot_id: bot.parse().unwrap(),
            user_key: user_key.parse().unwrap(),
            plusfriend_user_key: Some(plusfriend_user_key.parse().unwrap()),
            app_user_id,
            is_friend: Some(is_friend),
        };
        let of_app: Option<App> = (bot == BOT_ID).then_some(app);
        let events = vec![envelope(&id, of_app, time(at), Event::Skill(message))];
        let request = skill_request(&body).header("X-Request-Id", &id).received_at(at).id(&format!("g{number}"));
        self.tell(&kept("skill", 200, request, &events), events, again_at_once);
    }
}

/// A skill request with the console's key.
pub(super) fn skill_request(body: &Value) -> Request {
    let (header, key) = end_to_end::service::SKILL_KEY;
    Request::new("POST", "/skill/").header(header, key).body("application/json", body.to_string())
}

/// A member number is sent either way.
fn number_or_text(user_id: UserId, number: u64) -> Value {
    let digits = user_id.digits();
    if number.is_multiple_of(2) { json!(digits) } else { json!(digits.parse::<u64>().unwrap()) }
}

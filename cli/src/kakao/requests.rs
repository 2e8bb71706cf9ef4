//! The webhooks as Kakao documents them, each from its fields to a request.

use anyhow::{Context, Result};
use kakao_webhooks::wire::{Kind, Route};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Forgery, Request, SigningKey, Token};

/// How Kakao writes the fields of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// GET, in the query.
    Query,
    /// POST, `application/x-www-form-urlencoded`.
    Form,
    /// POST, `application/json`.
    Json,
}

/// What Kakao calls itself.
const USER_AGENT: &str = "KakaoOpenAPI/1.0";

type Headers = Vec<(String, String)>;

fn headers(headers: &[(&str, &str)]) -> Headers {
    let own = [("User-Agent", USER_AGENT)];
    headers.iter().chain(&own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn kakao_ak(admin_key: &str) -> String {
    format!("KakaoAK {admin_key}")
}

/// As a query or a form has it: all values are text.
fn form(fields: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.iter().map(|(name, value)| (name, text(value))))
        .finish()
}

fn shaped(kind: Kind, path: &'static str, fields: &Map<String, Value>, mut headers: Headers, shape: Shape) -> Request {
    let content_type = |text: &str| ("Content-Type".to_owned(), text.to_owned());
    let (method, query, body) = match shape {
        Shape::Query => (Method::GET, form(fields), String::new()),
        Shape::Form => {
            headers.push(content_type("application/x-www-form-urlencoded;charset=utf-8"));
            (Method::POST, String::new(), form(fields))
        }
        Shape::Json => {
            headers.push(content_type("application/json;charset=UTF-8"));
            (Method::POST, String::new(), Value::Object(fields.clone()).to_string())
        }
    };
    Request { kind, method, path, query, headers, body }
}

/// The members of an object that are there.
fn present(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

/// Kakao Login's unlink webhook.
#[derive(Clone, Debug, Default)]
pub struct Unlink {
    /// The app.
    pub app_id: String,
    /// The member number.
    pub user_id: String,
    /// `referrer_type`: why.
    pub referrer_type: Option<String>,
    /// For apps in a group.
    pub group_user_token: Option<String>,
}

impl Unlink {
    /// The request of a sender that knows this admin key.
    #[must_use]
    pub fn request(&self, admin_key: &str, shape: Shape) -> Request {
        let fields = present(json!({
            "app_id": self.app_id, "user_id": self.user_id,
            "referrer_type": self.referrer_type, "group_user_token": self.group_user_token,
        }));
        let headers = headers(&[("Authorization", &kakao_ak(admin_key))]);
        shaped(Kind::Unlink, Route::UNLINK.path, &fields, headers, shape)
    }
}

/// KakaoTalk Share's webhook.
#[derive(Clone, Debug, Default)]
pub struct TalkShare {
    /// `CHAT_TYPE`.
    pub chat_type: String,
    /// `HASH_CHAT_ID`.
    pub chat_id: String,
    /// `TEMPLATE_ID`.
    pub template_id: Option<u64>,
    /// The custom keys (`serverCallbackArgs`).
    pub custom: Map<String, Value>,
    /// `X-Kakao-Resource-ID`.
    pub resource_id: String,
}

impl TalkShare {
    /// The request of a sender that knows this admin key.
    #[must_use]
    pub fn request(&self, admin_key: &str, shape: Shape) -> Request {
        let mut fields = present(json!({
            "CHAT_TYPE": self.chat_type, "HASH_CHAT_ID": self.chat_id, "TEMPLATE_ID": self.template_id,
        }));
        fields.extend(self.custom.clone());
        let headers = headers(&[("Authorization", &kakao_ak(admin_key)), ("X-Kakao-Resource-ID", &self.resource_id)]);
        shaped(Kind::TalkShare, Route::TALK_SHARE.path, &fields, headers, shape)
    }
}

/// KakaoTalk Channel's webhook.
#[derive(Clone, Debug, Default)]
pub struct TalkChannel {
    /// `added` or `blocked`.
    pub event: String,
    /// The member number, or the open id.
    pub id: String,
    /// `app_user_id` or `open_id`.
    pub id_type: String,
    /// `channel_public_id`.
    pub channel_id: String,
    /// `channel_uuid`: the search name.
    pub channel_uuid: Option<String>,
    /// When it happened.
    pub at: Option<kakao_webhooks::wire::Time>,
    /// `X-Kakao-Resource-ID`.
    pub resource_id: String,
    /// With the deprecated names of the fields instead of the present ones.
    pub deprecated: bool,
}

impl TalkChannel {
    /// The request of a sender that knows this admin key.
    #[must_use]
    pub fn request(&self, admin_key: &str) -> Request {
        let mut fields = present(json!({"event": self.event, "id": self.id, "id_type": self.id_type}));
        fields.extend(present(if self.deprecated {
            json!({
                "plus_friend_public_id": self.channel_id, "plus_friend_uuid": self.channel_uuid,
                "timestamp": self.at.map(|at| at.as_millis()),
            })
        } else {
            json!({"channel_public_id": self.channel_id, "channel_uuid": self.channel_uuid, "updated_at": self.at})
        }));
        let headers = headers(&[("Authorization", &kakao_ak(admin_key)), ("X-Kakao-Resource-ID", &self.resource_id)]);
        shaped(Kind::TalkChannel, Route::TALK_CHANNEL.path, &fields, headers, Shape::Json)
    }
}

/// Kakao Login's account status change webhook: a Security Event Token of one event.
#[derive(Clone, Debug, Default)]
pub struct AccountStatus {
    /// `aud`: a REST API key.
    pub audience: String,
    /// `sub`: the member number. None: the event names no user.
    pub user_id: Option<String>,
    /// `jti`.
    pub token_id: String,
    /// `iat` and `toe`, in seconds.
    pub at: i64,
    /// The event's URI.
    pub event_uri: String,
    /// What the event adds to its subject.
    pub members: Map<String, Value>,
    /// Claims to set or, with `null`, to leave out.
    pub claims: Map<String, Value>,
}

impl AccountStatus {
    /// The token, not yet signed.
    #[must_use]
    pub fn token(&self) -> Token {
        let members = Value::Object(self.members.clone());
        let user_id = self.user_id.as_deref().unwrap_or_default();
        let mut token = Token::new(&self.audience, user_id, &self.token_id, self.at, &self.event_uri, &members);
        if self.user_id.is_none() {
            token.claims.remove("sub");
            token.claims.insert("events".to_owned(), json!({&self.event_uri: self.members}));
        }
        for (name, value) in &self.claims {
            if value.is_null() {
                token.claims.remove(name);
            } else {
                token.claims.insert(name.clone(), value.clone());
            }
        }
        token
    }

    /// The request with the token signed, or forged in one way.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn request(&self, key: &SigningKey, forgery: Option<Forgery>) -> Result<Request> {
        let token = self.token();
        let signed = forgery.map_or_else(|| token.sign(key), |forgery| token.forge(key, forgery));
        Ok(token_request(signed.ok().context("the key can't sign")?))
    }
}

/// The request that pushes a token in its compact form (RFC 8935).
#[must_use]
pub fn token_request(token: String) -> Request {
    Request {
        kind: Kind::AccountStatus,
        method: Method::POST,
        path: Route::ACCOUNT_STATUS.path,
        query: String::new(),
        headers: headers(&[("Content-Type", "application/secevent+jwt"), ("Accept", "application/json")]),
        body: token,
    }
}

/// A message to a KakaoTalk chatbot, as a skill gets it.
#[derive(Clone, Debug, Default)]
pub struct SkillMessage {
    /// `bot.id`.
    pub bot_id: String,
    /// `userRequest.user.id`: the user as the bot knows them.
    pub user_key: String,
    /// `plusfriendUserKey`: the user as the channel knows them.
    pub plusfriend_user_key: Option<String>,
    /// `appUserId`: the member number.
    pub app_user_id: Option<String>,
    /// Whether the user added the channel.
    pub is_friend: Option<bool>,
    /// What they wrote.
    pub utterance: String,
    /// `X-Request-Id`.
    pub request_id: String,
    /// `userRequest.callbackUrl`: where a later answer may be sent.
    pub callback_url: Option<String>,
    /// `botGroupKey`: the group chat room that it was written in.
    pub room: Option<String>,
    /// Whether it was written in the bot test.
    pub is_bot_test: bool,
    /// `block.id`: the block that a button or a quick reply led to; else the fallback block.
    pub block_id: Option<String>,
    /// `action.clientExtra`: the data of that button or quick reply.
    pub client_extra: Map<String, Value>,
}

/// What a bot is called, and is mentioned by.
const BOT_NAME: &str = "khook";
const BOT_TEST: &str = "BuilderBotTest";

impl SkillMessage {
    /// The request, proven by the header that the bot's owner set, if there is one.
    #[must_use]
    pub fn request(&self, proof: Option<(&str, &str)>) -> Request {
        let mut fields = present(json!({
            "bot": {"id": self.bot_id, "name": BOT_NAME},
            "intent": {"id": "fallback", "name": "폴백 블록"},
            "action": {"id": "skill", "name": BOT_NAME, "params": {}, "detailParams": {}, "clientExtra": self.client_extra},
        }));
        let mut asked = self.room.as_ref().map_or_else(|| self.in_chat(), |room| self.in_room(room));
        asked.extend(self.callback_url.iter().map(|url| ("callbackUrl".to_owned(), json!(url))));
        fields.insert("userRequest".to_owned(), Value::Object(asked));
        if self.room.is_none() {
            fields.insert("contexts".to_owned(), json!([]));
        }
        skill_request(&fields, &self.request_id, proof)
    }

    fn in_chat(&self) -> Map<String, Value> {
        let properties = present(json!({
            "plusfriendUserKey": self.plusfriend_user_key, "appUserId": self.app_user_id, "isFriend": self.is_friend,
        }));
        let params = present(json!({"surface": self.is_bot_test.then_some(BOT_TEST)}));
        let block =
            self.block_id.as_ref().map_or(json!({"id": "fallback", "name": "폴백 블록"}), |id| json!({"id": id}));
        present(json!({
            "timezone": "Asia/Seoul", "lang": "ko", "params": params,
            "block": block,
            "utterance": format!("{}\n", self.utterance),
            "user": {"id": self.user_key, "type": "botUserKey", "properties": properties},
        }))
    }

    /// Without a block, a language, a time zone and the channel's key, and with the bot's mention before the words.
    fn in_room(&self, room: &str) -> Map<String, Value> {
        let properties = present(json!({"appUserId": self.app_user_id, "isFriend": self.is_friend}));
        present(json!({
            "utterance": format!("@{BOT_NAME} {}", self.utterance),
            "user": {"id": self.user_key, "type": "botUserKey", "properties": properties},
            "chat": {"id": room, "type": "botGroupKey", "properties": {"botGroupKey": room}},
        }))
    }
}

fn skill_request(fields: &Map<String, Value>, request_id: &str, proof: Option<(&str, &str)>) -> Request {
    let mut headers = headers(&[("X-Request-Id", request_id)]);
    headers.extend(proof.map(|(name, value)| (name.to_owned(), value.to_owned())));
    shaped(Kind::Skill, Route::SKILL.path, fields, headers, Shape::Json)
}

/// The question whether a value can be taken for a parameter.
#[derive(Clone, Debug, Default)]
pub struct ParameterValidation {
    /// What the user wrote, and the value in it.
    pub utterance: String,
    /// `user.id`: the user as the bot knows them.
    pub user_key: String,
    /// `X-Request-Id`.
    pub request_id: String,
}

impl ParameterValidation {
    /// The request, proven as a message is.
    #[must_use]
    pub fn request(&self, proof: Option<(&str, &str)>) -> Request {
        let fields = present(json!({
            "isInSlotFilling": true,
            "utterance": self.utterance,
            "value": {"origin": self.utterance, "resolved": self.utterance},
            "user": {"id": self.user_key, "type": "botUserKey", "properties": {}},
        }));
        skill_request(&fields, &self.request_id, proof)
    }
}

/// The check that Kakao makes when a skill's URL is registered.
#[must_use]
pub fn registration_check() -> Request {
    Request {
        kind: Kind::Skill,
        method: Method::GET,
        path: Route::SKILL.path,
        query: String::new(),
        headers: headers(&[]),
        body: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn unlink() -> Unlink {
        Unlink { app_id: "1".into(), user_id: "9007199254740993".into(), ..Unlink::default() }
    }

    #[test]
    fn an_unlink_has_a_query_a_form_or_a_json_body() {
        let [query, form, json] = [Shape::Query, Shape::Form, Shape::Json].map(|shape| unlink().request(KEY, shape));
        assert_eq!(
            (query.shape().as_str(), query.query.as_str(), query.body.as_str()),
            ("GET query", "app_id=1&user_id=9007199254740993", "")
        );
        assert_eq!((form.shape().as_str(), form.body.as_str()), ("POST form", "app_id=1&user_id=9007199254740993"));
        assert_eq!(
            (json.shape().as_str(), json.body.as_str()),
            ("POST JSON", r#"{"app_id":"1","user_id":"9007199254740993"}"#)
        );
        assert!(json.headers.contains(&("Authorization".to_owned(), format!("KakaoAK {KEY}"))));
    }

    #[test]
    fn custom_keys_of_a_share_stand_at_the_top_and_are_encoded() {
        let custom = present(json!({"user_id": 7, "말": "한 글&=", "none": null}));
        let share = TalkShare { chat_type: "MemoChat".into(), chat_id: "c".into(), custom, ..TalkShare::default() };
        assert_eq!(
            share.request(KEY, Shape::Form).body,
            "CHAT_TYPE=MemoChat&HASH_CHAT_ID=c&user_id=7&%EB%A7%90=%ED%95%9C+%EA%B8%80%26%3D"
        );
    }

    #[test]
    fn a_channel_event_has_the_present_names_or_the_deprecated_ones() {
        let at = kakao_webhooks::wire::Time::from_millis(1_700_000_000_007);
        let channel = TalkChannel { event: "added".into(), at, channel_id: "_x".into(), ..TalkChannel::default() };
        assert!(channel.request(KEY).body.contains(r#""updated_at":"2023-11-14T22:13:20.007Z""#));
        let deprecated = TalkChannel { deprecated: true, ..channel }.request(KEY).body;
        assert!(deprecated.contains(r#""timestamp":1700000000007"#) && !deprecated.contains("channel_public_id"));
    }

    #[test]
    fn a_claim_may_be_set_or_left_out() {
        let claims = json!({"app_id": "1", "toe": null}).as_object().unwrap().clone();
        let token = AccountStatus { claims, user_id: Some("1".into()), ..AccountStatus::default() }.token();
        assert_eq!(token.claims.get("sub"), Some(&json!("1")));
        assert_eq!((token.claims.get("app_id"), token.claims.get("toe")), (Some(&json!("1")), None));
    }

    #[test]
    fn an_event_without_a_user_names_none_anywhere() {
        let status = AccountStatus { event_uri: "e".into(), ..AccountStatus::default() };
        let claims = Value::Object(status.token().claims);
        assert_eq!((claims.get("sub"), &claims["events"]), (None, &json!({"e": {}})));
    }

    fn message() -> SkillMessage {
        let text = ["b", "u", "p", "안녕"].map(str::to_owned);
        let [bot_id, user_key, friend_key, utterance] = text;
        let plusfriend_user_key = Some(friend_key);
        SkillMessage { bot_id, user_key, plusfriend_user_key, utterance, ..SkillMessage::default() }
    }

    fn sent(request: &Request) -> Value {
        serde_json::from_str(&request.body).unwrap()
    }

    #[test]
    fn a_message_names_its_callback_url_and_the_bot_test_its_surface() {
        let url = "http://127.0.0.1:1/v1/bots/b/callback/t".to_owned();
        let body =
            sent(&SkillMessage { callback_url: Some(url.clone()), is_bot_test: true, ..message() }.request(None));
        assert_eq!(body["userRequest"]["callbackUrl"], url);
        assert_eq!(body["userRequest"]["params"], json!({"surface": "BuilderBotTest"}));
        let body = sent(&message().request(None));
        assert_eq!((&body["userRequest"]["callbackUrl"], &body["userRequest"]["params"]), (&Value::Null, &json!({})));
    }

    #[test]
    fn a_message_of_a_room_mentions_the_bot_and_lacks_what_rooms_have_not() {
        let body = sent(&SkillMessage { room: Some("r".to_owned()), ..message() }.request(None));
        let asked = json!({
            "utterance": "@khook 안녕",
            "user": {"id": "u", "type": "botUserKey", "properties": {}},
            "chat": {"id": "r", "type": "botGroupKey", "properties": {"botGroupKey": "r"}},
        });
        assert_eq!((&body["userRequest"], body.get("contexts")), (&asked, None));
    }

    #[test]
    fn a_parameter_validation_is_no_message() {
        let body = sent(&ParameterValidation { utterance: "3월32일".into(), ..Default::default() }.request(None));
        assert_eq!(body["value"], json!({"origin": "3월32일", "resolved": "3월32일"}));
        assert_eq!((body["isInSlotFilling"].as_bool(), body.get("userRequest")), (Some(true), None));
    }

    #[test]
    fn the_registration_check_is_a_bare_get() {
        let check = registration_check();
        assert_eq!((check.shape().as_str(), check.body.as_str()), ("GET", ""));
    }
}

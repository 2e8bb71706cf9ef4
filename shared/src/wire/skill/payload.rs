use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::{Fields, Personal};

/// What Kakao sends with a message (Kakao business guide, "Chatbot > Skill development guide > JSON
/// format by type of answer", section `SkillPayload`). Any member may be absent, null or of a shape that
/// this version doesn't know: then it is as if it weren't there, and the message is answered all the same.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct SkillPayload {
    /// The bot that was written to.
    pub bot: Named,
    /// The block that the words matched.
    pub intent: Intent,
    /// The skill that is executed.
    pub action: Action,
    /// The user and their words.
    pub user_request: UserRequest,
    /// The contexts that are alive.
    pub contexts: Vec<Value>,
    /// What set the words off.
    pub flow: Flow,
}

/// Shows which block it is about, and nothing of what the user said, which contexts and parameters hold, too.
impl std::fmt::Debug for SkillPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let block = &self.user_request.block;
        f.debug_struct("SkillPayload").field("bot", &self.bot).field("block", block).finish_non_exhaustive()
    }
}

/// A block, a bot: something with an id and a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named {
    /// The id.
    pub id: Option<String>,
    /// The name that its owner gave it.
    pub name: Option<String>,
}

/// The block that the words matched.
#[derive(Clone, Default, PartialEq)]
pub struct Intent {
    /// The block's id.
    pub id: Option<String>,
    /// The block's name.
    pub name: Option<String>,
    /// The reason, and the knowledge that was matched.
    pub extra: Map<String, Value>,
}

/// The skill that is executed.
#[derive(Clone, Default, PartialEq)]
pub struct Action {
    /// The skill's id.
    pub id: Option<String>,
    /// The skill's name.
    pub name: Option<String>,
    /// What was found in the words, by name.
    pub params: Map<String, Value>,
    /// The same with the words that it was found in.
    pub detail_params: BTreeMap<String, DetailParam>,
    /// The `extra` of the button or quick reply that was pressed.
    pub client_extra: Map<String, Value>,
}

/// Something that was found in the words.
#[derive(Clone, Default, PartialEq)]
pub struct DetailParam {
    /// The words.
    pub origin: Option<String>,
    /// What they mean: a text (often JSON as text), or anything else.
    pub value: Value,
    /// The group that it is of.
    pub group_name: Option<String>,
}

/// The user and their words.
#[derive(Clone, Default, PartialEq)]
pub struct UserRequest {
    /// The user's time zone, as in `Asia/Seoul`.
    pub timezone: Option<String>,
    /// The block that reacts.
    pub block: Named,
    /// The words. They may end in a line break: see [`UserRequest::words`].
    pub utterance: Option<Personal<String>>,
    /// The user's language, as in `ko`.
    pub lang: Option<String>,
    /// What the surface adds.
    pub params: Map<String, Value>,
    /// Where a later answer may be sent, of a block with *callback* on. Anyone may have written it: a
    /// skill request isn't signed. Never called by us.
    pub callback_url: Option<Personal<String>>,
    /// Who wrote.
    pub user: User,
    /// Where, if it was in a group chat room.
    pub chat: Chat,
}

/// What kind of id a group chat room has.
const ROOM: &str = "botGroupKey";

impl UserRequest {
    /// Whether this was written in a group chat room, which takes fewer kinds of answers.
    #[must_use]
    pub fn is_in_room(&self) -> bool {
        self.chat.kind.as_deref() == Some(ROOM) || self.chat.properties.contains_key(ROOM)
    }

    /// The words, without the line break that they may end in; `None` where there are none.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        self.utterance.as_ref().map(|words| words.expose().trim_end()).filter(|words| !words.is_empty())
    }
}

/// Who wrote.
#[derive(Clone, Default, PartialEq)]
pub struct User {
    /// The user as this bot knows them.
    pub id: Option<String>,
    /// What kind of id that is, as in `botUserKey`.
    pub kind: Option<String>,
    /// Further ids, and whether they added the channel.
    pub properties: Map<String, Value>,
}

/// A group chat room (Kakao business guide, "Group chatbot", 1.11.1).
#[derive(Clone, Default, PartialEq)]
pub struct Chat {
    /// The room as this bot knows it.
    pub id: Option<String>,
    /// What kind of id that is: `botGroupKey`.
    pub kind: Option<String>,
    /// Further ids.
    pub properties: Map<String, Value>,
}

/// What set the words off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// What the user did.
    pub trigger: Trigger,
    /// The block before this one.
    pub last_block: Named,
}

/// What the user did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trigger {
    /// As in `TEXT_INPUT` or `CARD_BUTTON_BLOCK`; an open set.
    pub kind: Option<String>,
    /// The block with which the user did it.
    pub referrer_block: Named,
}

impl SkillPayload {
    /// The payload that a body is.
    #[must_use]
    pub fn read(body: Fields<'static>) -> Self {
        body.into_members().into()
    }
}

impl From<Map<String, Value>> for SkillPayload {
    fn from(members: Map<String, Value>) -> Self {
        let mut members = Members(members);
        Self {
            bot: Named::of(members.object("bot")),
            intent: Intent::of(members.object("intent")),
            action: Action::of(members.object("action")),
            user_request: UserRequest::of(members.object("userRequest")),
            contexts: members.list("contexts"),
            flow: Flow::of(members.object("flow")),
        }
    }
}

impl Named {
    fn of(mut members: Members) -> Self {
        Self { id: members.text("id"), name: members.text("name") }
    }
}

impl Intent {
    fn of(mut members: Members) -> Self {
        Self { id: members.text("id"), name: members.text("name"), extra: members.object("extra").0 }
    }
}

impl Action {
    fn of(mut members: Members) -> Self {
        let detail_params = members.object("detailParams").0.into_iter();
        Self {
            id: members.text("id"),
            name: members.text("name"),
            params: members.object("params").0,
            detail_params: detail_params.map(|(name, value)| (name, DetailParam::of(Members::of(value)))).collect(),
            client_extra: members.object("clientExtra").0,
        }
    }
}

impl DetailParam {
    fn of(mut members: Members) -> Self {
        Self { origin: members.text("origin"), value: members.value("value"), group_name: members.text("groupName") }
    }
}

impl UserRequest {
    fn of(mut members: Members) -> Self {
        Self {
            timezone: members.text("timezone"),
            block: Named::of(members.object("block")),
            utterance: members.text("utterance").map(Personal::new),
            lang: members.text("lang"),
            params: members.object("params").0,
            callback_url: members.text("callbackUrl").map(Personal::new),
            user: User::of(members.object("user")),
            chat: Chat::of(members.object("chat")),
        }
    }
}

impl User {
    fn of(mut members: Members) -> Self {
        Self { id: members.text("id"), kind: members.text("type"), properties: members.object("properties").0 }
    }
}

impl Chat {
    fn of(mut members: Members) -> Self {
        Self { id: members.text("id"), kind: members.text("type"), properties: members.object("properties").0 }
    }
}

impl Flow {
    fn of(mut members: Members) -> Self {
        Self { trigger: Trigger::of(members.object("trigger")), last_block: Named::of(members.object("lastBlock")) }
    }
}

impl Trigger {
    fn of(mut members: Members) -> Self {
        Self { kind: members.text("type"), referrer_block: Named::of(members.object("referrerBlock")) }
    }
}

/// An object's members, taken out one by one. What is null or of another shape is absent: one odd member must not cost
/// the user the answer.
struct Members(Map<String, Value>);

impl Members {
    fn of(value: Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            _ => Self(Map::new()),
        }
    }

    fn value(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name) {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn list(&mut self, name: &str) -> Vec<Value> {
        match self.value(name) {
            Value::Array(elements) => elements,
            _ => Vec::new(),
        }
    }

    fn object(&mut self, name: &str) -> Self {
        Self::of(self.value(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(payload: &Value) -> SkillPayload {
        SkillPayload::read(payload.as_object().unwrap().clone().into())
    }

    fn whole() -> Value {
        json!({
            "bot": {"id": "b1", "name": "봇"},
            "intent": {"id": "i1", "name": "블록", "extra": {"reason": {"code": 1, "message": "OK"}}},
            "action": {"id": "a1", "name": "스킬", "params": {"sys_number": "{\"amount\": 1}"},
                "detailParams": {"sys_number": {"origin": "1", "value": {"amount": 1}, "groupName": ""}},
                "clientExtra": {"key": [1]}},
            "userRequest": {"timezone": "Asia/Seoul", "block": {"id": "i1", "name": "블록"}, "utterance": "안녕\n",
                "lang": "ko", "params": {"surface": "Kakaotalk.plusfriend"}, "callbackUrl": "https://example.com/c",
                "user": {"id": "u1", "type": "botUserKey", "properties": {"plusfriendUserKey": "p1", "isFriend": true}}},
            "contexts": [{"name": "c", "params": {"said": "비밀"}}],
            "flow": {"trigger": {"type": "TEXT_INPUT", "referrerBlock": {"id": "r1"}}, "lastBlock": {"id": "l1"}},
        })
    }

    #[test]
    fn every_documented_member_is_read() {
        let payload = read(&whole());
        assert_eq!(payload.bot.id.as_deref(), Some("b1"));
        assert_eq!(payload.intent.extra["reason"]["code"], 1);
        assert_eq!(payload.action.detail_params["sys_number"].value, json!({"amount": 1}));
        assert_eq!(payload.action.client_extra["key"], json!([1]));
        assert_eq!(payload.user_request.words(), Some("안녕"));
        assert_eq!(payload.user_request.block.name.as_deref(), Some("블록"));
        assert_eq!(payload.user_request.callback_url.as_ref().unwrap().expose(), "https://example.com/c");
        assert_eq!(payload.user_request.user.properties["isFriend"], true);
        assert_eq!(payload.flow.trigger.kind.as_deref(), Some("TEXT_INPUT"));
        assert_eq!(payload.flow.last_block.id.as_deref(), Some("l1"));
        assert_eq!(payload.contexts.len(), 1);
    }

    /// Every path of the payload, once with each odd value in its place: the rest is read as ever.
    #[test]
    fn any_member_may_be_absent_null_unknown_or_of_another_shape() {
        fn paths(value: &Value, at: &str) -> Vec<String> {
            let Some(members) = value.as_object() else { return vec![at.to_owned()] };
            let below = members.iter().flat_map(|(name, value)| paths(value, &format!("{at}/{name}")));
            std::iter::once(at.to_owned()).chain(below).collect()
        }
        for path in paths(&whole(), "").into_iter().skip(1) {
            for odd in [Value::Null, json!(7), json!("x"), json!([{}]), json!({"unknown": {}})] {
                let mut payload = whole();
                *payload.pointer_mut(&path).unwrap() = odd;
                let read = read(&payload);
                if !path.starts_with("/userRequest") {
                    assert_eq!(read.user_request.words(), Some("안녕"), "{path}");
                }
            }
        }
        assert_eq!(read(&json!({})), SkillPayload::default());
        assert_eq!(read(&json!({"bot": ["b1", "봇"], "intent": null, "contexts": {}})), SkillPayload::default());
        let mut payload = whole();
        payload["action"]["detailParams"]["odd"] = json!([7]);
        assert_eq!(read(&payload).action.detail_params["sys_number"].origin.as_deref(), Some("1"));
    }

    #[test]
    fn debug_shows_nothing_of_a_person() {
        let shown = format!("{:?}", read(&whole()));
        for secret in ["안녕", "u1", "p1", "amount", "비밀", "OK", "surface"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
    }
}

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::wire::{Fields, Personal};

/// What Kakao sends with a message (Kakao business guide, "Chatbot > Skill development guide > JSON
/// format by type of answer", section `SkillPayload`). Any member may be absent, null or of a shape that
/// this version doesn't know: then it is as if it weren't there, and the message is answered all the same.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SkillPayload {
    /// The bot that was written to.
    #[serde(deserialize_with = "lenient")]
    pub bot: Named,
    /// The block that the words matched.
    #[serde(deserialize_with = "lenient")]
    pub intent: Intent,
    /// The skill that is executed.
    #[serde(deserialize_with = "lenient")]
    pub action: Action,
    /// The user and their words.
    #[serde(deserialize_with = "lenient")]
    pub user_request: UserRequest,
    /// The contexts that are alive.
    #[serde(deserialize_with = "lenient")]
    pub contexts: Vec<Value>,
    /// What set the words off.
    #[serde(deserialize_with = "lenient")]
    pub flow: Flow,
}

/// Shows which block it is about, and nothing of what somebody said, which contexts and parameters hold, too.
impl std::fmt::Debug for SkillPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let block = &self.user_request.block;
        f.debug_struct("SkillPayload").field("bot", &self.bot).field("block", block).finish_non_exhaustive()
    }
}

/// A block, a bot: something with an id and a name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Named {
    /// The id.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// The name that its owner gave it.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
}

/// The block that the words matched.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Intent {
    /// The block's id.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// The block's name.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The reason, and the knowledge that was matched.
    #[serde(deserialize_with = "lenient")]
    pub extra: Map<String, Value>,
}

/// The skill that is executed.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Action {
    /// The skill's id.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// The skill's name.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// What was found in the words, by name.
    #[serde(deserialize_with = "lenient")]
    pub params: Map<String, Value>,
    /// The same with the words that it was found in.
    #[serde(deserialize_with = "lenient_each")]
    pub detail_params: BTreeMap<String, DetailParam>,
    /// The `extra` of the button or quick reply that was pressed.
    #[serde(deserialize_with = "lenient")]
    pub client_extra: Map<String, Value>,
}

/// Something that was found in the words.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DetailParam {
    /// The words.
    #[serde(deserialize_with = "lenient")]
    pub origin: Option<String>,
    /// What they mean: a text (often JSON as text), or anything else.
    #[serde(deserialize_with = "lenient")]
    pub value: Value,
    /// The group that it is of.
    #[serde(deserialize_with = "lenient")]
    pub group_name: Option<String>,
}

/// The user and their words.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UserRequest {
    /// The user's time zone, as in `Asia/Seoul`.
    #[serde(deserialize_with = "lenient")]
    pub timezone: Option<String>,
    /// The block that reacts.
    #[serde(deserialize_with = "lenient")]
    pub block: Named,
    /// The words. They may end in a line break: see [`UserRequest::words`].
    #[serde(deserialize_with = "lenient")]
    pub utterance: Option<Personal<String>>,
    /// The user's language, as in `ko`.
    #[serde(deserialize_with = "lenient")]
    pub lang: Option<String>,
    /// What the surface adds.
    #[serde(deserialize_with = "lenient")]
    pub params: Map<String, Value>,
    /// Where a later answer may be sent, of a block with *callback* on. Anybody may have written it: a
    /// skill request isn't signed. Never called by us.
    #[serde(deserialize_with = "lenient")]
    pub callback_url: Option<Personal<String>>,
    /// Who wrote.
    #[serde(deserialize_with = "lenient")]
    pub user: User,
}

impl UserRequest {
    /// The words, without the line break that they may end in; `None` where there are none.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        self.utterance.as_ref().map(|words| words.expose().trim_end()).filter(|words| !words.is_empty())
    }
}

/// Who wrote.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct User {
    /// The user as this bot knows them.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// What kind of id that is, as in `botUserKey`.
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// Further ids, and whether they added the channel.
    #[serde(deserialize_with = "lenient")]
    pub properties: Map<String, Value>,
}

/// What set the words off.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Flow {
    /// What the user did.
    #[serde(deserialize_with = "lenient")]
    pub trigger: Trigger,
    /// The block before this one.
    #[serde(deserialize_with = "lenient")]
    pub last_block: Named,
}

/// What the user did.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Trigger {
    /// As in `TEXT_INPUT` or `CARD_BUTTON_BLOCK`; an open set.
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// The block with which the user did it.
    #[serde(deserialize_with = "lenient")]
    pub referrer_block: Named,
}

impl SkillPayload {
    /// The payload that a body is.
    #[must_use]
    pub fn read(body: Fields<'static>) -> Self {
        serde_json::from_value(Value::Object(body.into_members())).unwrap_or_default()
    }
}

/// What is null or of another shape is absent: one odd member must not cost the user the answer.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The same for each entry of a map by itself.
fn lenient_each<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let entries: Map<String, Value> = lenient(deserializer)?;
    Ok(entries.into_iter().map(|(name, value)| (name, serde_json::from_value(value).unwrap_or_default())).collect())
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

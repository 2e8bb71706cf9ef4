//! Writes to the bot through the console's own proxy, so that it is recorded as any other request.

use anyhow::{Context, Result, bail};
use http::StatusCode;
use play_kakao::callback::CallbackKind;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Chat, USER};
use crate::{
    console::{Shared, explain::Received, form::field, proxy},
    kakao::SkillMessage,
    random,
};

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::console) struct NewMessage {
    pub(in crate::console) chat: Chat,
    pub(in crate::console) utterance: String,
    /// The member number of a user who is linked; empty else.
    pub(in crate::console) member: String,
    /// Whether it names a callback URL.
    pub(in crate::console) callback: bool,
    /// The block that a button leads to; empty else.
    block: String,
    /// The data of that button, as JSON; empty without any.
    extra: String,
}

/// The same as an API takes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::console) struct NewMessageJson {
    utterance: String,
    user: String,
    member: String,
    room: String,
    callback: bool,
    block: String,
    extra: Map<String, Value>,
}

impl From<NewMessageJson> for NewMessage {
    fn from(json: NewMessageJson) -> Self {
        let NewMessageJson { utterance, user, member, room, callback, block, extra } = json;
        let extra = if extra.is_empty() { String::new() } else { Value::Object(extra).to_string() };
        Self { chat: Chat::named(user, room), utterance, member, callback, block, extra }
    }
}

impl NewMessage {
    /// That of a form or a query.
    pub(in crate::console) fn of_form(form: &[u8]) -> Self {
        let field = |name| field(form, name);
        Self {
            chat: Chat::named(field("user"), field("room")),
            utterance: field("utterance"),
            member: field("member"),
            callback: field("callback") == "on",
            block: field("block"),
            extra: field("extra"),
        }
    }

    /// Where the chat is shown in which it was sent, with the same settings.
    pub(in crate::console) fn path(&self) -> String {
        let mut path = self.chat.path();
        let more = [("member", self.member.as_str()), ("callback", if self.callback { "on" } else { "" })];
        for (name, value) in more.into_iter().filter(|(_, value)| !value.is_empty()) {
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            path.push_str(&format!("&{name}={encoded}"));
        }
        path
    }

    /// Whether it is other than what most people write.
    pub(in crate::console) fn is_special(&self) -> bool {
        self.callback || !self.member.is_empty() || !self.chat.room.is_empty() || self.chat.user != USER
    }

    fn extra(&self) -> Result<Map<String, Value>> {
        if self.extra.is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_str(&self.extra).context("`extra` is not a JSON object")
    }
}

/// A message that was sent: the request's number, and the answer's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) struct Sent {
    pub(in crate::console) id: u64,
    pub(in crate::console) status: StatusCode,
}

/// Sends a message, and gives the simulated Kakao the answer if it waits for one at a callback URL.
///
/// # Errors
/// What is missing in the message.
pub(in crate::console) async fn say(shared: &Shared, message: &NewMessage) -> Result<Sent> {
    if message.utterance.is_empty() {
        bail!("`utterance` is empty: write something");
    }
    if !message.member.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("`member` is not a member number: it has digits only");
    }
    let client_extra = message.extra()?;
    let room = Some(message.chat.room.clone()).filter(|room| !room.is_empty());
    let kind = if room.is_some() { CallbackKind::Room } else { CallbackKind::Chat };
    let callback = match shared.callbacks.as_ref().filter(|_| message.callback) {
        Some(kakao) => Some((kakao, kakao.issue(&shared.kakao.bot_id, kind, &[]).await?)),
        None => None,
    };
    let request = SkillMessage {
        bot_id: shared.kakao.bot_id.clone(),
        user_key: message.chat.user.clone(),
        app_user_id: Some(message.member.clone()).filter(|member| !member.is_empty()),
        utterance: message.utterance.clone(),
        request_id: random::hex::<16>()?,
        callback_url: callback.as_ref().map(|(_, issued)| issued.url.clone()),
        room,
        block_id: Some(message.block.clone()).filter(|block| !block.is_empty()),
        client_extra,
        ..SkillMessage::default()
    };
    let request = request.request(Some(shared.kakao.skill_proof()));
    let (id, response) = proxy::pass(shared, Received::of(&request)?).await;
    if let Some((kakao, issued)) = callback {
        let answer = shared.history.get(id).and_then(|exchange| exchange.answer);
        let body = answer.map(|answer| answer.body.shown().to_owned()).unwrap_or_default();
        kakao.take_first_answer(&issued.token, &body).await?;
    }
    Ok(Sent { id, status: response.status() })
}

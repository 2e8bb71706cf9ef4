use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    cards::{BasicCard, CommerceCard, MAX_SIMPLE_TEXT, Placement, SimpleImage, SimpleText, TextCard},
    carousel::Carousel,
    check::{InvalidReply, NearLimit, Note, Place, Remark, ReplyError, Rule, Unit},
    lists::{ItemCard, ListCard},
    parts::QuickReply,
    reply::cut,
    walk::{Author, Node, near_limits, walk},
};
use crate::wire::parse_strict_json;

/// The longest reply. Over 30 KB Kakao may show the block's fallback.
pub const MAX_REPLY_BYTES: usize = 30_000;

/// An answer that Kakao accepts: the only kind that leaves the function.
#[derive(Clone, PartialEq, Eq)]
pub struct SkillResponse {
    json: String,
    remarks: Vec<Remark>,
}

/// Shows how long it is, and nothing of what it says.
impl std::fmt::Debug for SkillResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkillResponse").field("bytes", &self.json.len()).field("remarks", &self.remarks.len()).finish()
    }
}

impl SkillResponse {
    /// What is remarked on a component that this version doesn't know. The set is open.
    pub const UNKNOWN_COMPONENT: Note = Note::Unknown { what: "component", known: &COMPONENTS };

    /// What is remarked on quick replies to a group chat room.
    pub const LEFT_OUT_IN_ROOMS: &str = "group chat rooms don't show it, and it is left out";

    /// Plain words, cut to what Kakao takes: valid by construction.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let text = cut(text, MAX_SIMPLE_TEXT);
        let json = json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}}).to_string();
        Self { json, remarks: vec![] }
    }

    /// The answer that sends nothing to a group chat room.
    #[must_use]
    pub fn nothing() -> Self {
        let json = json!({"version": "2.0", "template": {"outputs": []}}).to_string();
        Self { json, remarks: vec![] }
    }

    /// Reads an answer that something else wrote. It stays as it is written, with members that this version doesn't
    /// know. Components and actions that it doesn't know are accepted: Kakao's sets are open. So are texts of which Kakao
    /// shows only the beginning, and quick replies to a group chat room, which are left out. All of these are remarked.
    ///
    /// # Errors
    /// [`ReplyError`]: what is wrong, by field and rule. It shows nothing of what the answer says.
    pub fn from_json(text: &str, place: Place) -> Result<Self, ReplyError> {
        check_size(text)?;
        let mut reply = parse_strict_json(text.as_bytes())?;
        let remarks = walk(&reply, place, Author::Elsewhere, check)?;
        let is_fitted = place == Place::Room && without_quick_replies(&mut reply);
        // Half a surrogate pair, as a text cut in the middle of an emoji has, is read but must not be passed on.
        let is_readable = serde_json::from_str::<Value>(text).is_ok();
        let json = if is_readable && !is_fitted { text.to_owned() } else { Value::Object(reply).to_string() };
        check_size(&json)?;
        Ok(Self { json, remarks })
    }

    pub(super) fn of(reply: &impl Serialize, place: Place) -> Result<Self, InvalidReply> {
        let json = serde_json::to_string(reply).unwrap_or_default();
        let members = serde_json::from_str(&json).unwrap_or_default();
        let remarks = walk(&members, place, Author::Responder, |reply| {
            check(reply);
            reply.at_most(WHOLE, json.len(), MAX_REPLY_BYTES, Unit::Bytes);
        })?;
        Ok(Self { json, remarks })
    }

    /// The same with more remarks, on the form in which it was written.
    pub(super) fn with_remarks(mut self, remarks: impl IntoIterator<Item = Remark>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    /// The limits that an answer comes near to, whether it is right or not; none of what is not JSON.
    #[must_use]
    pub fn near_limits(text: &str, place: Place) -> Vec<NearLimit> {
        let reply = parse_strict_json(text.as_bytes()).unwrap_or_default();
        near_limits(&reply, place, |reply| {
            check(reply);
            reply.at_most(WHOLE, text.len(), MAX_REPLY_BYTES, Unit::Bytes);
        })
    }

    /// What is accepted but may not be meant.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// The JSON.
    #[must_use]
    pub fn into_json(self) -> String {
        self.json
    }
}

/// Takes the quick replies out of a reply; whether there were any.
fn without_quick_replies(reply: &mut Map<String, Value>) -> bool {
    let template = reply.get_mut("template").and_then(Value::as_object_mut);
    template.and_then(|template| template.remove("quickReplies")).is_some()
}

/// What the whole reply is called in an error.
const WHOLE: &str = "reply";

fn check_size(text: &str) -> Result<(), InvalidReply> {
    walk(&Map::new(), Place::Chat, Author::Elsewhere, |reply| {
        reply.at_most(WHOLE, text.len(), MAX_REPLY_BYTES, Unit::Bytes)
    })
    .map(drop)
}

/// Checks a whole reply. Fields below `template` are named without it.
fn check(reply: &mut Node<'_, '_>) {
    reply.only(&["version", "template", "context", "data", "useCallback", "extra"]);
    match reply.get("version") {
        None => reply.violated("version", Rule::Required),
        Some(version) if version != "2.0" => reply.violated("version", Rule::Form("the text \"2.0\"")),
        Some(_) => {}
    }
    if reply.flag("useCallback") {
        let why = "the service must return the answer itself: kakao-webhooks does the callback";
        reply.violated("useCallback", Rule::Conflict(why));
    }
    if reply.has("template") {
        reply.inline("template", check_template);
    } else if !reply.has("data") && !reply.has("context") {
        reply.violated("template", Rule::Required);
    }
    reply.below("context", |context| {
        context.only(&["values"]);
        context.each("values", (0, usize::MAX), check_context_value);
    });
    reply.map("data");
    check_mentions(reply);
}

fn check_template(template: &mut Node<'_, '_>) {
    template.only(&["outputs", "quickReplies"]);
    let least = if template.place() == Place::Room { 0 } else { 1 };
    template.each("outputs", (least, 3), check_output);
    template.each("quickReplies", (0, 10), QuickReply::check);
    let quick_replies = template.get("quickReplies").and_then(Value::as_array);
    if template.place() == Place::Room && quick_replies.is_some_and(|replies| !replies.is_empty()) {
        if template.is_from(Author::Elsewhere) {
            template.remark("quickReplies", SkillResponse::LEFT_OUT_IN_ROOMS);
        } else {
            template.violated("quickReplies", NOT_IN_ROOMS);
        }
    }
}

fn check_context_value(value: &mut Node<'_, '_>) {
    value.only(&["name", "lifeSpan", "ttl", "params"]);
    value.required_text("name");
    value.number("lifeSpan");
    value.number("ttl");
    value.map("params");
}

const NOT_IN_ROOMS: Rule = Rule::Conflict("group chat rooms don't show it");

const COMPONENTS: [&str; 8] =
    ["simpleText", "simpleImage", "textCard", "basicCard", "commerceCard", "listCard", "itemCard", "carousel"];

fn check_output(output: &mut Node<'_, '_>) {
    let mut names = output.members().keys();
    let (Some(name), None) = (names.next(), names.next()) else {
        output.violated("", Rule::Conflict("a bubble is one component, such as simpleText"));
        return;
    };
    if output.place() == Place::Room && matches!(name.as_str(), "commerceCard" | "carousel") {
        output.violated(name, NOT_IN_ROOMS);
        return;
    }
    match name.as_str() {
        "simpleText" => output.required_below(name, SimpleText::check),
        "simpleImage" => output.required_below(name, SimpleImage::check),
        "textCard" => output.required_below(name, |card| TextCard::check(card, Placement::Alone)),
        "basicCard" => output.required_below(name, |card| BasicCard::check(card, Placement::Alone)),
        "commerceCard" => output.required_below(name, CommerceCard::check),
        "listCard" => output.required_below(name, |card| ListCard::check(card, Placement::Alone)),
        "itemCard" => output.required_below(name, |card| ItemCard::check(card, Placement::Alone)),
        "carousel" => output.required_below(name, Carousel::check),
        _ => output.note(name, SkillResponse::UNKNOWN_COMPONENT),
    }
}

/// As many as Kakao's guide to group chatbots (1.11) allows in one answer.
const MAX_MENTIONS: usize = 15;

/// Users who are mentioned in words: `{{#mentions.k}}`, with `extra.mentions.k`. The guide is of a beta and was read at
/// second hand, so that only the form is a rule.
fn check_mentions(reply: &mut Node<'_, '_>) {
    let mentioned = mentioned(reply.members());
    let mut named = BTreeSet::new();
    reply.below("extra", |extra| {
        extra.below("mentions", |mentions| {
            named.extend(mentions.members().keys().map(String::as_str));
            if mentions.place() == Place::Chat && !named.is_empty() {
                mentions.remark("", "only group chat rooms have mentions");
            }
            if named.len() > MAX_MENTIONS {
                mentions.remark("", "an answer mentions 15 users at most");
            }
        });
    });
    if reply.place() == Place::Room && mentioned.iter().any(|name| !named.contains(name)) {
        reply.remark("extra.mentions", "words mention a user who is not in it");
    }
}

/// The names of the mentions in all words of a reply.
fn mentioned(reply: &Map<String, Value>) -> BTreeSet<&str> {
    let outputs = reply.get("template").and_then(|template| template.get("outputs")).and_then(Value::as_array);
    let texts = outputs.into_iter().flatten().filter_map(|output| output.get("simpleText")?.get("text")?.as_str());
    let tokens = texts.flat_map(|text| text.split("{{#mentions.").skip(1));
    tokens.filter_map(|rest| Some(rest.split_once("}}")?.0)).collect()
}

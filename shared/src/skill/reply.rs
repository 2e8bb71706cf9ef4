use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    cards::{BasicCard, CommerceCard, MAX_SIMPLE_TEXT, Placement, SimpleImage, SimpleText, TextCard},
    carousel::Carousel,
    check::{Check, InvalidReply, Unit, characters},
    lists::{ItemCard, ListCard},
    parts::QuickReply,
};

/// A bubble.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a reply has three at most, and boxes would be in the way of a caller that writes one"
)]
#[serde(rename_all = "camelCase")]
pub enum Component {
    /// Words.
    SimpleText(SimpleText),
    /// A picture.
    SimpleImage(SimpleImage),
    /// Words with buttons.
    TextCard(TextCard),
    /// A picture with words and buttons.
    BasicCard(BasicCard),
    /// Something to buy.
    CommerceCard(CommerceCard),
    /// Several things, one below the other.
    ListCard(ListCard),
    /// A table of names and values.
    ItemCard(ItemCard),
    /// Cards of one kind in a row.
    Carousel(Carousel),
}

macro_rules! into_component {
    ($($name:ident),+) => {$(
        impl From<$name> for Component {
            fn from(component: $name) -> Self {
                Self::$name(component)
            }
        }
    )+};
}

into_component!(SimpleText, SimpleImage, TextCard, BasicCard, CommerceCard, ListCard, ItemCard, Carousel);

/// Something that the bot is to remember for the next blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextValue {
    /// The output context's name.
    pub name: String,
    /// For how many turns. 0 removes it.
    pub life_span: u32,
    /// For how many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// What; other types as text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

/// A reply that is being made. Only [`Reply::build`] makes an answer of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    outputs: Vec<Component>,
    quick_replies: Vec<QuickReply>,
    context: Vec<ContextValue>,
    data: Map<String, Value>,
}

/// The longest reply. Over 30 KB Kakao may show the block's fallback.
pub const MAX_REPLY_BYTES: usize = 30_000;

impl Reply {
    /// A reply of one bubble.
    #[must_use]
    pub fn of(component: impl Into<Component>) -> Self {
        Self::default().and(component)
    }

    /// A reply of words. Too long ones are cut to what Kakao takes.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::of(SimpleText { text: cut(text, MAX_SIMPLE_TEXT).to_owned() })
    }

    /// The same with one more bubble: three at most.
    #[must_use]
    pub fn and(mut self, component: impl Into<Component>) -> Self {
        self.outputs.push(component.into());
        self
    }

    /// The same with something more to tap: ten at most.
    #[must_use]
    pub fn quick_reply(mut self, quick_reply: QuickReply) -> Self {
        self.quick_replies.push(quick_reply);
        self
    }

    pub(super) fn without_quick_replies(mut self) -> Self {
        self.quick_replies.clear();
        self
    }

    /// The same with something to remember.
    #[must_use]
    pub fn context(mut self, value: ContextValue) -> Self {
        self.context.push(value);
        self
    }

    /// The same with a value for the block's own bubbles (`{{#webhook.name}}`). A reply may be of these
    /// alone.
    #[must_use]
    pub fn data(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.data.insert(name.into(), value.into());
        self
    }

    /// The answer.
    ///
    /// # Errors
    /// [`InvalidReply`], with everything that is wrong.
    pub fn build(&self) -> Result<SkillResponse, InvalidReply> {
        let mut check = Check::default();
        let has_template = !self.outputs.is_empty() || self.data.is_empty() && self.context.is_empty();
        if has_template || !self.quick_replies.is_empty() {
            check.each("outputs", &self.outputs, (1, 3), |check, component| component.check(check));
        }
        check.each("quickReplies", &self.quick_replies, (0, 10), |check, reply| reply.check(check));
        check.each("context.values", &self.context, (0, usize::MAX), |check, value| {
            check.required("name", &value.name);
        });
        let text = serde_json::to_string(&self.form()).unwrap_or_default();
        check.at_most("reply", text.len(), MAX_REPLY_BYTES, Unit::Bytes);
        check.end()?;
        Ok(SkillResponse(text))
    }

    fn form(&self) -> Form<'_> {
        let (outputs, quick_replies) = (&self.outputs, &self.quick_replies);
        Form {
            version: "2.0",
            template: (!outputs.is_empty()).then_some(Template { outputs, quick_replies }),
            context: (!self.context.is_empty()).then_some(Context { values: &self.context }),
            data: (!self.data.is_empty()).then_some(&self.data),
        }
    }
}

/// An answer that Kakao accepts: the only kind that leaves the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillResponse(String);

impl SkillResponse {
    /// Plain words, cut to what Kakao takes: valid by construction.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let text = cut(text, MAX_SIMPLE_TEXT);
        Self(json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}}).to_string())
    }

    /// The JSON.
    #[must_use]
    pub fn into_json(self) -> String {
        self.0
    }
}

#[derive(Serialize)]
struct Form<'r> {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Template<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'r Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Template<'r> {
    outputs: &'r [Component],
    #[serde(skip_serializing_if = "<[QuickReply]>::is_empty")]
    quick_replies: &'r [QuickReply],
}

#[derive(Serialize)]
struct Context<'r> {
    values: &'r [ContextValue],
}

impl Component {
    fn check(&self, check: &mut Check) {
        match self {
            Self::SimpleText(text) => check.below("simpleText", |check| text.check(check)),
            Self::SimpleImage(image) => check.below("simpleImage", |check| image.check(check)),
            Self::TextCard(card) => check.below("textCard", |check| card.check(check, Placement::Alone)),
            Self::BasicCard(card) => check.below("basicCard", |check| card.check(check, Placement::Alone)),
            Self::CommerceCard(card) => check.below("commerceCard", |check| card.check(check)),
            Self::ListCard(card) => check.below("listCard", |check| card.check(check, Placement::Alone)),
            Self::ItemCard(card) => check.below("itemCard", |check| card.check(check, Placement::Alone)),
            Self::Carousel(carousel) => check.below("carousel", |check| carousel.check(check)),
        }
    }
}

/// The longest beginning of a text that has at most this many characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > most
    });
    let cut = end.and_then(|(end, _)| text.get(..end)).unwrap_or(text);
    debug_assert!(characters(cut) <= most);
    cut
}

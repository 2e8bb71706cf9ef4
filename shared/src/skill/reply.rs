use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cards::{BasicCard, CommerceCard, MAX_SIMPLE_TEXT, SimpleImage, SimpleText, TextCard},
    carousel::Carousel,
    check::{InvalidReply, Place, characters},
    lists::{ItemCard, ListCard},
    parts::QuickReply,
    response::SkillResponse,
};
use crate::wire::BotUserKey;

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
    mentions: BTreeMap<String, Mention>,
}

/// A user whom a group chatbot's words mention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Mention {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

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

    /// The same without quick replies where there are none.
    pub(super) fn fitted(mut self, place: Place) -> Self {
        if place == Place::Room {
            self.quick_replies.clear();
        }
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

    /// The same with a user of this bot, whose mention stands for `{{#mentions.<name>}}` in words. Only in group chat
    /// rooms, and only in `simpleText`.
    #[must_use]
    pub fn mention(mut self, name: impl Into<String>, user: &BotUserKey) -> Self {
        let mention = Mention { kind: "botUserKey", id: user.as_str().to_owned() };
        self.mentions.insert(name.into(), mention);
        self
    }

    /// The answer in a user's chat with the bot.
    ///
    /// # Errors
    /// [`InvalidReply`], with everything that is wrong.
    pub fn build(&self) -> Result<SkillResponse, InvalidReply> {
        self.build_for(Place::Chat)
    }

    /// The answer in this place. An empty reply sends nothing to a group chat room.
    ///
    /// # Errors
    /// [`InvalidReply`], with everything that is wrong.
    pub fn build_for(&self, place: Place) -> Result<SkillResponse, InvalidReply> {
        SkillResponse::of(&self.form(), place)
    }

    pub(super) fn form(&self) -> Form<'_> {
        let (outputs, quick_replies) = (&self.outputs, &self.quick_replies);
        let has_values = !self.data.is_empty() || !self.context.is_empty();
        let has_template = !outputs.is_empty() || !quick_replies.is_empty() || !has_values;
        Form {
            version: "2.0",
            template: has_template.then_some(Template { outputs, quick_replies }),
            context: (!self.context.is_empty()).then_some(Context { values: &self.context }),
            data: (!self.data.is_empty()).then_some(&self.data),
            extra: (!self.mentions.is_empty()).then_some(Extra { mentions: &self.mentions }),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Form<'r> {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<Template<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'r Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<Extra<'r>>,
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

#[derive(Serialize)]
struct Extra<'r> {
    mentions: &'r BTreeMap<String, Mention>,
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

//! What components are made of.

use serde::Serialize;
use serde_json::{Map, Value};

use super::check::{Check, Rule};

/// A button of a card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Button {
    /// What is written on it: 14 characters; 8 where two stand side by side.
    pub label: String,
    /// What it does.
    #[serde(flatten)]
    pub action: ButtonAction,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ButtonAction {
    /// Opens a page.
    WebLink {
        /// Its address.
        web_link_url: String,
    },
    /// Calls a phone number.
    Phone {
        /// Their number.
        phone_number: String,
    },
    /// Shares the bubble with another user.
    Share,
    /// Calls a human, by the consultation plug-in.
    Operator,
    /// Sends a message or goes to a block, as a quick reply does.
    #[serde(untagged)]
    Tap(Tap),
}

/// Continues the conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Tap {
    /// Sends a message in the user's name.
    Message {
        /// What.
        message_text: String,
        /// Data for the next skill (`action.clientExtra`).
        #[serde(skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// Goes to a block, whatever is said.
    Block {
        /// The block's id.
        block_id: String,
        /// What is shown as said in the user's name; absent, the label.
        #[serde(skip_serializing_if = "Option::is_none")]
        message_text: Option<String>,
        /// Data for the next skill (`action.clientExtra`).
        #[serde(skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
}

impl Tap {
    fn message(text: impl Into<String>) -> Self {
        Self::Message { message_text: text.into(), extra: Map::new() }
    }

    fn block(id: impl Into<String>) -> Self {
        Self::Block { block_id: id.into(), message_text: None, extra: Map::new() }
    }

    fn check(&self, check: &mut Check) {
        match self {
            Self::Message { message_text, .. } => check.required("messageText", message_text),
            Self::Block { block_id, .. } => check.required("blockId", block_id),
        }
    }
}

impl Button {
    /// A button that opens a page.
    #[must_use]
    pub fn web_link(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self { label: label.into(), action: ButtonAction::WebLink { web_link_url: url.into() } }
    }

    /// A button that sends a message in the user's name.
    #[must_use]
    pub fn message(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), action: ButtonAction::Tap(Tap::message(text)) }
    }

    /// A button that goes to a block.
    #[must_use]
    pub fn block(label: impl Into<String>, block_id: impl Into<String>) -> Self {
        Self { label: label.into(), action: ButtonAction::Tap(Tap::block(block_id)) }
    }

    fn check(&self, check: &mut Check, most: usize) {
        check.text("label", &self.label, most);
        match &self.action {
            ButtonAction::WebLink { web_link_url } => check.url("webLinkUrl", web_link_url),
            ButtonAction::Tap(tap) => tap.check(check),
            ButtonAction::Phone { phone_number } => check.required("phoneNumber", phone_number),
            ButtonAction::Share | ButtonAction::Operator => {}
        }
    }
}

/// How a card's buttons stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ButtonLayout {
    /// One below the other: three at most.
    Vertical,
    /// Side by side: two at most.
    Horizontal,
}

/// The buttons of a card with this layout. Without one, a square picture makes them stand side by side.
pub(super) fn check_buttons(check: &mut Check, buttons: &[Button], layout: Option<ButtonLayout>, is_square: bool) {
    let is_horizontal = layout.map_or(is_square, |layout| layout == ButtonLayout::Horizontal);
    let most_characters = if is_horizontal && buttons.len() > 1 { 8 } else { 14 };
    let most = if is_horizontal { 2 } else { 3 };
    check.each("buttons", buttons, (0, most), |check, button| button.check(check, most_characters));
}

/// Something to tap below the answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuickReply {
    /// What is written on it.
    pub label: String,
    /// What it does.
    #[serde(flatten)]
    pub action: Tap,
}

impl QuickReply {
    /// A quick reply that sends a message in the user's name.
    #[must_use]
    pub fn message(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), action: Tap::message(text) }
    }

    /// A quick reply that goes to a block.
    #[must_use]
    pub fn block(label: impl Into<String>, block_id: impl Into<String>) -> Self {
        Self { label: label.into(), action: Tap::block(block_id) }
    }

    pub(super) fn check(&self, check: &mut Check) {
        check.required("label", &self.label);
        self.action.check(check);
    }
}

/// Where a tap leads, by device. `web` is for all, and goes before the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    /// On a computer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pc: Option<String>,
    /// On a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// On any device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<String>,
}

impl Link {
    /// The same page on any device.
    #[must_use]
    pub fn web(url: impl Into<String>) -> Self {
        Self { web: Some(url.into()), ..Self::default() }
    }

    pub(super) fn check(&self, check: &mut Check) {
        for (name, url) in [("pc", &self.pc), ("mobile", &self.mobile), ("web", &self.web)] {
            check.url_if_any(name, url.as_deref());
        }
        if *self == Self::default() {
            check.violated("web", Rule::Required);
        }
    }
}

/// The longest text that a screen reader reads in a picture's place.
const MAX_ALT_TEXT: usize = 50;

/// Checks what all pictures have.
pub(super) fn check_picture(check: &mut Check, image_url: &str, alt_text: Option<&str>, link: Option<&Link>) {
    check.url("imageUrl", image_url);
    check.characters("altText", alt_text.unwrap_or_default(), MAX_ALT_TEXT);
    check_link(check, link);
}

pub(super) fn check_link(check: &mut Check, link: Option<&Link>) {
    if let Some(link) = link {
        check.below("link", |check| link.check(check));
    }
}

/// A card's picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Thumbnail {
    /// The picture's address.
    pub image_url: String,
    /// What a screen reader reads in its place: 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
    /// Where a tap leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Square (1:1) and whole; else wide (2:1) and cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fixed_ratio: bool,
}

impl Thumbnail {
    /// A wide picture.
    #[must_use]
    pub fn new(image_url: impl Into<String>) -> Self {
        Self { image_url: image_url.into(), ..Self::default() }
    }

    pub(super) fn check(&self, check: &mut Check) {
        check_picture(check, &self.image_url, self.alt_text.as_deref(), self.link.as_ref());
    }
}

/// Who sells or says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Their name.
    pub nickname: String,
    /// Their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
}

impl Profile {
    pub(super) fn check(&self, check: &mut Check) {
        check.required("nickname", &self.nickname);
        check.url_if_any("imageUrl", self.image_url.as_deref());
    }
}

//! What components are made of.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    check::{Place, Rule},
    walk::Node,
};

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
    /// Shows how to use the bot, in a group chat room.
    Guide,
    /// Invites the bot to another room, from a group chat room.
    Invite,
    /// Invites a friend to this group chat room.
    InviteMember,
    /// Writes the bot's mention into the input field, in a group chat room.
    Mention,
    /// Opens the bot's settings, in a group chat room.
    Settings,
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

    /// Checks what this action needs; whether it is one that continues the conversation.
    pub(super) fn check(tap: &mut Node<'_, '_>, action: &str) -> bool {
        match action {
            "message" => tap.required_text("messageText"),
            "block" => tap.required_text("blockId"),
            _ => return false,
        };
        tap.text("messageText");
        tap.map("extra");
        true
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

    fn check(button: &mut Node<'_, '_>, most: usize) {
        button.only(&["label", "action", "webLinkUrl", "messageText", "phoneNumber", "blockId", "extra", "osLink"]);
        button.required_characters("label", most);
        let action = button.required_text("action");
        match action {
            _ if Tap::check(button, action) => {}
            "webLink" => button.link("webLinkUrl"),
            "phone" => {
                button.required_text("phoneNumber");
            }
            "" | "share" | "operator" => {}
            _ if !ROOM_ACTIONS.contains(&action) => button.unknown("action", "action", &BUTTON_ACTIONS),
            _ if button.place() == Place::Chat => button.remark("action", "only group chat rooms have it"),
            _ => {}
        }
    }
}

/// What only the buttons of group chatbots do.
const ROOM_ACTIONS: [&str; 5] = ["guide", "invite", "inviteMember", "mention", "settings"];

const BUTTON_ACTIONS: [&str; 11] = [
    "webLink",
    "message",
    "block",
    "phone",
    "share",
    "operator",
    "guide",
    "invite",
    "inviteMember",
    "mention",
    "settings",
];

/// What continues the conversation.
pub(super) const TAP_ACTIONS: [&str; 2] = ["message", "block"];

/// How a card's buttons stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ButtonLayout {
    /// One below the other: three at most, five in a group chat room.
    Vertical,
    /// Side by side: two at most.
    Horizontal,
}

/// The buttons of a card. Without a layout, a square picture makes them stand side by side.
pub(super) fn check_buttons(card: &mut Node<'_, '_>, is_square: bool) {
    let is_horizontal = match card.text("buttonLayout") {
        "horizontal" => true,
        "vertical" => false,
        "" => is_square,
        _ => {
            card.unknown("buttonLayout", "layout", &["vertical", "horizontal"]);
            false
        }
    };
    let count = card.members().get("buttons").and_then(Value::as_array).map_or(0, Vec::len);
    let most_characters = if is_horizontal && count > 1 { 8 } else { 14 };
    let most = match card.place() {
        _ if is_horizontal => 2,
        Place::Chat => 3,
        Place::Room => 5,
    };
    card.each("buttons", (0, most), |button| Button::check(button, most_characters));
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

    pub(super) fn check(reply: &mut Node<'_, '_>) {
        reply.only(&["label", "action", "messageText", "blockId", "extra"]);
        reply.required_text("label");
        let action = reply.required_text("action");
        if !Tap::check(reply, action) && !action.is_empty() {
            reply.unknown("action", "action", &TAP_ACTIONS);
        }
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

    pub(super) fn check(link: &mut Node<'_, '_>) {
        link.only(&["pc", "mobile", "web", "mac", "win", "ios", "android"]);
        for device in ["pc", "mobile", "web"] {
            link.link_if_any(device);
        }
        if link.members().values().all(Value::is_null) {
            link.unshown("web", Rule::Required);
        }
    }
}

/// The longest text that a screen reader reads in a picture's place.
const MAX_ALT_TEXT: usize = 50;

/// Checks what all pictures have.
pub(super) fn check_picture(picture: &mut Node<'_, '_>) {
    picture.url("imageUrl");
    picture.characters("altText", MAX_ALT_TEXT);
    picture.below("link", Link::check);
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

    pub(super) fn check(thumbnail: &mut Node<'_, '_>) {
        thumbnail.only(&["imageUrl", "altText", "link", "fixedRatio", "width", "height"]);
        check_picture(thumbnail);
        thumbnail.flag("fixedRatio");
    }

    pub(super) fn is_square(thumbnail: &Value) -> bool {
        thumbnail.get("fixedRatio").and_then(Value::as_bool).unwrap_or_default()
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
    pub(super) fn check(profile: &mut Node<'_, '_>) {
        profile.only(&["nickname", "imageUrl"]);
        profile.required_text("nickname");
        profile.url_if_any("imageUrl");
    }
}

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    check::{Rule, Unit, characters},
    parts::{Button, ButtonLayout, Profile, Thumbnail, check_buttons, check_picture},
    walk::Node,
};

/// Whether a card stands alone or with others in a row: there it has less room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    Alone,
    InCarousel,
}

/// Words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimpleText {
    /// 1,000 characters; behind 500 a button shows the rest.
    pub text: String,
}

/// The most that a `simpleText` may hold.
pub(super) const MAX_SIMPLE_TEXT: usize = 1_000;

impl SimpleText {
    pub(super) fn check(bubble: &mut Node<'_, '_>) {
        bubble.only(&["text"]);
        let length = characters(bubble.required_text("text"));
        bubble.at_most("text", length, MAX_SIMPLE_TEXT, Unit::Characters);
    }
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleImage {
    /// Its address.
    pub image_url: String,
    /// What a screen reader reads in its place: 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
}

impl SimpleImage {
    pub(super) fn check(bubble: &mut Node<'_, '_>) {
        bubble.only(&["imageUrl", "altText", "link"]);
        check_picture(bubble);
    }
}

/// Words with buttons. A title or a description, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextCard {
    /// 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 400 characters together with the title; in a carousel 128.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
}

impl TextCard {
    pub(super) fn check(card: &mut Node<'_, '_>, placement: Placement) {
        card.only(&["title", "description", "buttons", "buttonLayout", "lock", "forwardable"]);
        let (title, description) = (card.text("title"), card.text("description"));
        if title.trim().is_empty() && description.trim().is_empty() {
            card.violated("title", Rule::Conflict("a title or a description is needed"));
        }
        card.characters("title", 50);
        match placement {
            Placement::Alone => {
                card.shown("description", characters(title) + characters(description), 400, Unit::Characters);
            }
            Placement::InCarousel => card.characters("description", 128),
        }
        check_buttons(card, false);
    }
}

/// A picture with words and buttons.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BasicCard {
    /// 50 characters; in a carousel two lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 230 characters; in a carousel two lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The picture.
    pub thumbnail: Thumbnail,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
    /// Whether it can be passed on with one tap. Not shown in a carousel, nor with buttons.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwardable: bool,
}

impl BasicCard {
    pub(super) fn check(card: &mut Node<'_, '_>, placement: Placement) {
        card.only(&[
            "title",
            "description",
            "thumbnail",
            "buttons",
            "buttonLayout",
            "forwardable",
            "lock",
            "profile",
            "social",
        ]);
        card.characters("title", 50);
        card.characters("description", 230);
        if placement == Placement::InCarousel {
            card.lines("title", 2);
            card.lines("description", 2);
        }
        card.required_below("thumbnail", Thumbnail::check);
        card.flag("forwardable");
        check_buttons(card, Self::is_square(card.members()));
    }

    pub(super) fn is_square(card: &Map<String, Value>) -> bool {
        card.get("thumbnail").is_some_and(Thumbnail::is_square)
    }
}

/// Something to buy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommerceCard {
    /// 30 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 40 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In won.
    pub price: u64,
    /// How much less, in won.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<u64>,
    /// How much less, in percent. Needs `discounted_price`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_rate: Option<u8>,
    /// What is left to pay, in won. Goes before everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discounted_price: Option<u64>,
    /// Exactly one picture.
    pub thumbnails: Vec<Thumbnail>,
    /// Who sells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
    /// Of all amounts.
    pub currency: Currency,
}

/// A currency. Kakao knows one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Currency {
    /// The Korean won.
    #[default]
    Won,
}

impl CommerceCard {
    /// Something to buy.
    #[must_use]
    pub fn new(price: u64, thumbnail: Thumbnail) -> Self {
        Self { price, thumbnails: vec![thumbnail], ..Self::default() }
    }

    pub(super) fn check(card: &mut Node<'_, '_>) {
        card.only(&[
            "title",
            "description",
            "price",
            "currency",
            "discount",
            "discountRate",
            "discountedPrice",
            "thumbnails",
            "profile",
            "buttons",
            "buttonLayout",
            "lock",
            "forwardable",
        ]);
        card.characters("title", 30);
        card.characters("description", 40);
        card.required_number("price");
        card.number("discount");
        card.number("discountedPrice");
        let discount_rate = card.number("discountRate");
        if discount_rate.is_some() && !card.has("discountedPrice") {
            card.violated("discountRate", Rule::Conflict("it needs discountedPrice"));
        }
        if discount_rate.is_some_and(|percent| percent > 100) {
            card.violated("discountRate", Rule::Conflict("it is more than 100 percent"));
        }
        card.each("thumbnails", (1, 1), Thumbnail::check);
        card.below("profile", Profile::check);
        check_buttons(card, Self::is_square(card.members()));
    }

    pub(super) fn is_square(card: &Map<String, Value>) -> bool {
        let thumbnails = card.get("thumbnails").and_then(Value::as_array);
        thumbnails.is_some_and(|thumbnails| thumbnails.iter().any(Thumbnail::is_square))
    }
}

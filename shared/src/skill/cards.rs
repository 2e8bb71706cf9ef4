use serde::Serialize;

use super::{
    check::{Check, Rule, Unit, characters},
    parts::{Button, ButtonLayout, Profile, Thumbnail, check_buttons, check_picture},
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
    pub(super) fn check(&self, check: &mut Check) {
        check.text("text", &self.text, MAX_SIMPLE_TEXT);
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
    pub(super) fn check(&self, check: &mut Check) {
        check_picture(check, &self.image_url, self.alt_text.as_deref(), None);
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
    pub(super) fn check(&self, check: &mut Check, placement: Placement) {
        let (title, description) = texts(self.title.as_ref(), self.description.as_ref());
        if title.trim().is_empty() && description.trim().is_empty() {
            check.violated("title", Rule::Conflict("a title or a description is needed"));
        }
        check.characters("title", title, 50);
        match placement {
            Placement::Alone => {
                let together = characters(title) + characters(description);
                check.at_most("description", together, 400, Unit::Characters);
            }
            Placement::InCarousel => check.characters("description", description, 128),
        }
        check_buttons(check, &self.buttons, self.button_layout, false);
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
    pub(super) fn check(&self, check: &mut Check, placement: Placement) {
        let (title, description) = texts(self.title.as_ref(), self.description.as_ref());
        check.characters("title", title, 50);
        check.characters("description", description, 230);
        if placement == Placement::InCarousel {
            check.lines("title", title, 2);
            check.lines("description", description, 2);
        }
        check.below("thumbnail", |check| self.thumbnail.check(check));
        check_buttons(check, &self.buttons, self.button_layout, self.thumbnail.fixed_ratio);
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

    pub(super) fn check(&self, check: &mut Check) {
        let (title, description) = texts(self.title.as_ref(), self.description.as_ref());
        check.characters("title", title, 30);
        check.characters("description", description, 40);
        if self.discount_rate.is_some() && self.discounted_price.is_none() {
            check.violated("discountRate", Rule::Conflict("it needs discountedPrice"));
        }
        check.at_most("discountRate", self.discount_rate.unwrap_or_default().into(), 100, Unit::Elements);
        check.each("thumbnails", &self.thumbnails, (1, 1), |check, thumbnail| thumbnail.check(check));
        if let Some(profile) = &self.profile {
            check.below("profile", |check| profile.check(check));
        }
        check_buttons(check, &self.buttons, self.button_layout, self.is_square());
    }

    pub(super) fn is_square(&self) -> bool {
        self.thumbnails.iter().any(|thumbnail| thumbnail.fixed_ratio)
    }
}

pub(super) fn texts<'t>(title: Option<&'t String>, description: Option<&'t String>) -> (&'t str, &'t str) {
    (title.map_or("", String::as_str), description.map_or("", String::as_str))
}

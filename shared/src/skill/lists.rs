use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cards::{Placement, texts},
    check::{Check, Rule, Unit, characters},
    parts::{Button, ButtonLayout, Link, check_buttons, check_link, check_picture},
};

/// Several things, one below the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListCard {
    /// The title above them.
    pub header: ListHeader,
    /// Two to five; in a carousel up to four.
    pub items: Vec<ListItem>,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
}

/// The title of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ListHeader {
    /// What it says.
    pub title: String,
}

/// One thing of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListItem {
    /// Its name.
    pub title: String,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its picture, at the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Where a tap leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// What a tap does.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub action: Option<ItemAction>,
}

/// What a tap on a thing of a list does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ItemAction {
    /// Sends a message in the user's name.
    Message {
        /// What.
        message_text: String,
        /// Data for the next skill (`action.clientExtra`).
        #[serde(skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
    /// Goes to a block; the item's title is shown as said in the user's name.
    Block {
        /// The block's id.
        block_id: String,
        /// Data for the next skill (`action.clientExtra`).
        #[serde(skip_serializing_if = "Map::is_empty")]
        extra: Map<String, Value>,
    },
}

impl ListCard {
    pub(super) fn check(&self, check: &mut Check, placement: Placement) {
        check.below("header", |check| check.required("title", &self.header.title));
        let most = if placement == Placement::Alone { 5 } else { 4 };
        check.each("items", &self.items, (2, most), |check, item| item.check(check));
        check_buttons(check, &self.buttons, self.button_layout, false);
    }
}

impl ListItem {
    fn check(&self, check: &mut Check) {
        check.required("title", &self.title);
        check.url_if_any("imageUrl", self.image_url.as_deref());
        check_link(check, self.link.as_ref());
        match &self.action {
            Some(ItemAction::Message { message_text, .. }) => check.required("messageText", message_text),
            Some(ItemAction::Block { block_id, .. }) => check.required("blockId", block_id),
            None => {}
        }
    }
}

/// A table of names and values: a booking, a receipt.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemCard {
    /// The picture above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<ItemThumbnail>,
    /// A title above. Not together with a profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Who it is from. Not together with a head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ItemProfile>,
    /// A title with a picture at the right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_title: Option<ImageTitle>,
    /// One to ten lines; in a carousel up to five.
    pub item_list: Vec<Item>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_list_alignment: Option<Alignment>,
    /// The sum below them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_list_summary: Option<Summary>,
    /// With the description 200 characters and 12 lines; in a carousel 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Needs a title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
}

/// The picture above a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemThumbnail {
    /// Its address.
    pub image_url: String,
    /// What a screen reader reads in its place: 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
    /// Its width: 800. Twice the height in a carousel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Its height: 400 or 800.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where a tap leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
}

/// A title above a table: one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Head {
    /// What it says.
    pub title: String,
}

/// Who a table is from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemProfile {
    /// 15 characters.
    pub title: String,
    /// Their picture, square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
}

/// A title with a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageTitle {
    /// Two lines.
    pub title: String,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
}

/// A line of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Six characters.
    pub title: String,
    /// Two lines.
    pub description: String,
}

/// The sum below a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Six characters.
    pub title: String,
    /// 14 characters: an amount with its currency.
    pub description: String,
}

/// How a table's lines stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Alignment {
    /// At the left.
    Left,
    /// At the right: for amounts.
    Right,
}

impl ItemCard {
    pub(super) fn check(&self, check: &mut Check, placement: Placement) {
        let (most_items, most_characters) = if placement == Placement::Alone { (10, 200) } else { (5, 100) };
        self.check_top(check, placement);
        check.each("itemList", &self.item_list, (1, most_items), |check, item| {
            check.text("title", &item.title, 6);
            check.required("description", &item.description);
            check.lines("description", &item.description, 2);
        });
        if let Some(summary) = &self.item_list_summary {
            check.below("itemListSummary", |check| {
                check.text("title", &summary.title, 6);
                check.text("description", &summary.description, 14);
            });
        }
        let (title, description) = texts(self.title.as_ref(), self.description.as_ref());
        if title.trim().is_empty() && !description.trim().is_empty() {
            check.violated("title", Rule::Conflict("a description needs a title"));
        }
        let together = characters(title) + characters(description);
        check.at_most("description", together, most_characters, Unit::Characters);
        check.at_most("description", title.lines().count() + description.lines().count(), 12, Unit::Lines);
        let is_square = self.thumbnail.as_ref().is_some_and(|thumbnail| !thumbnail.is_wide());
        check_buttons(check, &self.buttons, self.button_layout, is_square);
    }

    fn check_top(&self, check: &mut Check, placement: Placement) {
        if let Some(thumbnail) = &self.thumbnail {
            check.below("thumbnail", |check| thumbnail.check(check, placement));
        }
        if self.head.is_some() && self.profile.is_some() {
            check.violated("head", Rule::Conflict("not together with a profile"));
        }
        if let Some(head) = &self.head {
            check.below("head", |check| {
                check.required("title", &head.title);
                check.lines("title", &head.title, 1);
            });
        }
        if let Some(profile) = &self.profile {
            check.below("profile", |check| {
                check.text("title", &profile.title, 15);
                check.url_if_any("imageUrl", profile.image_url.as_deref());
            });
        }
        if let Some(title) = &self.image_title {
            check.below("imageTitle", |check| title.check(check));
        }
    }

    /// Which of the parts that all cards of a carousel must have or not have it has.
    pub(super) const fn parts(&self) -> [bool; 4] {
        [self.thumbnail.is_some(), self.head.is_some(), self.profile.is_some(), self.image_title.is_some()]
    }
}

impl ItemThumbnail {
    /// Without a size it is shown square.
    fn is_wide(&self) -> bool {
        matches!((self.width, self.height), (Some(width), Some(height)) if u64::from(width) == 2 * u64::from(height))
    }

    fn check(&self, check: &mut Check, placement: Placement) {
        check_picture(check, &self.image_url, self.alt_text.as_deref(), self.link.as_ref());
        let is_square = self.width == self.height;
        if !is_square && !self.is_wide() {
            check.violated("width", Rule::Conflict("it must be as great as the height, or twice as great"));
        }
        if placement == Placement::InCarousel && !self.is_wide() {
            check.violated("width", Rule::Conflict("in a carousel it must be twice the height"));
        }
    }
}

impl ImageTitle {
    fn check(&self, check: &mut Check) {
        check.required("title", &self.title);
        check.lines("title", &self.title, 2);
        check.lines("description", self.description.as_deref().unwrap_or_default(), 1);
        check.url_if_any("imageUrl", self.image_url.as_deref());
    }
}

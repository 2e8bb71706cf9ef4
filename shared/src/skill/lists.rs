use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cards::Placement,
    check::{Place, Rule, Unit, characters},
    parts::{Button, ButtonLayout, Link, TAP_ACTIONS, Tap, check_buttons, check_picture},
    walk::Node,
};

/// Several things, one below the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListCard {
    /// The title above them.
    pub header: ListHeader,
    /// Two to five; in a carousel up to four.
    pub items: Vec<ListItem>,
    /// How they are shown, in a group chat room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_layout: Option<ListLayout>,
    /// Three, or two side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// How they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button_layout: Option<ButtonLayout>,
}

/// How a list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ListLayout {
    /// With the places: the first, the second, and so on. Only in group chat rooms.
    Ranking,
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
    /// What a tap does. For a block, the title is shown as said in the user's name.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub action: Option<Tap>,
}

impl ListCard {
    pub(super) fn check(card: &mut Node<'_, '_>, placement: Placement) {
        card.only(&["header", "items", "listLayout", "buttons", "buttonLayout", "lock", "forwardable"]);
        card.required_below("header", |header| {
            header.only(&["title", "imageUrl"]);
            header.required_text("title");
        });
        let most = if placement == Placement::Alone { 5 } else { 4 };
        card.each("items", (2, most), ListItem::check);
        match card.text("listLayout") {
            "" => {}
            "ranking" if card.place() == Place::Room => {}
            "ranking" => card.remark("listLayout", "only group chat rooms show places"),
            _ => card.unknown("listLayout", "layout", &["ranking"]),
        }
        check_buttons(card, false);
    }
}

impl ListItem {
    fn check(item: &mut Node<'_, '_>) {
        item.only(&["title", "description", "imageUrl", "link", "action", "messageText", "blockId", "extra"]);
        item.required_text("title");
        item.text("description");
        item.url_if_any("imageUrl");
        item.below("link", Link::check);
        let action = item.text("action");
        if !Tap::check(item, action) && !action.is_empty() {
            item.unknown("action", "action", &TAP_ACTIONS);
        }
        item.map("extra");
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
    pub(super) fn check(card: &mut Node<'_, '_>, placement: Placement) {
        let (most_items, most_characters) = if placement == Placement::Alone { (10, 200) } else { (5, 100) };
        card.only(&[
            "thumbnail",
            "head",
            "profile",
            "imageTitle",
            "itemList",
            "itemListAlignment",
            "itemListSummary",
            "title",
            "description",
            "buttons",
            "buttonLayout",
            "lock",
            "forwardable",
        ]);
        Self::check_top(card, placement);
        card.each("itemList", (1, most_items), |item| {
            item.only(&["title", "description"]);
            item.required_characters("title", 6);
            item.required_lines("description", 2);
        });
        card.text("itemListAlignment");
        card.below("itemListSummary", |summary| {
            summary.only(&["title", "description"]);
            summary.required_characters("title", 6);
            summary.required_characters("description", 14);
        });
        let (title, description) = (card.text("title"), card.text("description"));
        if title.trim().is_empty() && !description.trim().is_empty() {
            card.violated("title", Rule::Conflict("a description needs a title"));
        }
        card.shown("description", characters(title) + characters(description), most_characters, Unit::Characters);
        card.shown("description", title.lines().count() + description.lines().count(), 12, Unit::Lines);
        let is_square = card.get("thumbnail").is_some_and(|thumbnail| !ItemThumbnail::is_wide(thumbnail));
        check_buttons(card, is_square);
    }

    fn check_top(card: &mut Node<'_, '_>, placement: Placement) {
        card.below("thumbnail", |thumbnail| ItemThumbnail::check(thumbnail, placement));
        if card.has("head") && card.has("profile") {
            card.violated("head", Rule::Conflict("not together with a profile"));
        }
        card.below("head", |head| {
            head.only(&["title"]);
            head.required_lines("title", 1);
        });
        card.below("profile", |profile| {
            profile.only(&["title", "imageUrl", "width", "height"]);
            profile.required_characters("title", 15);
            profile.url_if_any("imageUrl");
        });
        card.below("imageTitle", ImageTitle::check);
    }

    /// Which of the parts that all cards of a carousel must have or not have it has.
    pub(super) fn parts(card: &Map<String, Value>) -> [bool; 4] {
        ["thumbnail", "head", "profile", "imageTitle"].map(|part| card.get(part).is_some_and(|part| !part.is_null()))
    }
}

impl ItemThumbnail {
    /// Without a size it is shown square.
    fn is_wide(thumbnail: &Value) -> bool {
        let size = |side| thumbnail.get(side).and_then(Value::as_u64);
        matches!((size("width"), size("height")), (Some(width), Some(height)) if Some(width) == height.checked_mul(2))
    }

    fn check(thumbnail: &mut Node<'_, '_>, placement: Placement) {
        thumbnail.only(&["imageUrl", "altText", "width", "height", "link"]);
        check_picture(thumbnail);
        let (width, height) = (thumbnail.number("width"), thumbnail.number("height"));
        let is_wide = width.is_some() && width == height.and_then(|height| height.checked_mul(2));
        if width != height && !is_wide {
            thumbnail.violated("width", Rule::Conflict("it must be as great as the height, or twice as great"));
        }
        if placement == Placement::InCarousel && !is_wide {
            thumbnail.violated("width", Rule::Conflict("in a carousel it must be twice the height"));
        }
    }
}

impl ImageTitle {
    fn check(title: &mut Node<'_, '_>) {
        title.only(&["title", "description", "imageUrl", "width", "height"]);
        title.required_lines("title", 2);
        title.lines("description", 1);
        title.url_if_any("imageUrl");
    }
}

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cards::{BasicCard, CommerceCard, Placement, TextCard},
    check::Rule,
    lists::{ItemCard, ListCard},
    walk::Node,
};

/// Cards of one kind in a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Carousel {
    /// The cards: two to ten, lists up to five.
    #[serde(flatten)]
    pub cards: Cards,
    /// A cover before them. Neither for text cards nor for lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<CarouselHeader>,
}

/// The cards of a carousel.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "items", rename_all = "camelCase")]
pub enum Cards {
    /// Words with buttons.
    TextCard(Vec<TextCard>),
    /// Pictures with words and buttons.
    BasicCard(Vec<BasicCard>),
    /// Things to buy.
    CommerceCard(Vec<CommerceCard>),
    /// Lists.
    ListCard(Vec<ListCard>),
    /// Tables.
    ItemCard(Vec<ItemCard>),
}

/// A carousel's cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CarouselHeader {
    /// Two lines.
    pub title: String,
    /// Three lines.
    pub description: String,
    /// The picture behind.
    pub thumbnail: CoverImage,
}

/// The picture of a cover.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverImage {
    /// Its address.
    pub image_url: String,
}

/// What a carousel may hold.
const KINDS: [&str; 5] = ["textCard", "basicCard", "commerceCard", "listCard", "itemCard"];
/// How many cards stand in a row.
const FEW_OR_MANY: (usize, usize) = (2, 10);
/// How many lists do.
const LISTS_IN_CAROUSEL: (usize, usize) = (2, 5);

impl Carousel {
    /// Cards without a cover.
    #[must_use]
    pub const fn new(cards: Cards) -> Self {
        Self { cards, header: None }
    }

    pub(super) fn check(carousel: &mut Node<'_, '_>) {
        carousel.only(&["type", "items", "header"]);
        let placement = Placement::InCarousel;
        let kind = carousel.required_text("type");
        match kind {
            "textCard" => carousel.each("items", FEW_OR_MANY, |card| TextCard::check(card, placement)),
            "basicCard" => {
                carousel.each("items", FEW_OR_MANY, |card| BasicCard::check(card, placement));
                alike(carousel, BasicCard::is_square, SHAPES);
            }
            "commerceCard" => {
                carousel.each("items", FEW_OR_MANY, CommerceCard::check);
                alike(carousel, CommerceCard::is_square, SHAPES);
            }
            "listCard" => carousel.each("items", LISTS_IN_CAROUSEL, |card| ListCard::check(card, placement)),
            "itemCard" => {
                carousel.each("items", FEW_OR_MANY, |card| ItemCard::check(card, placement));
                alike(carousel, ItemCard::parts, PARTS);
            }
            "" => {}
            _ => carousel.unknown("type", "kind of cards", &KINDS),
        }
        if matches!(kind, "textCard" | "listCard") && carousel.has("header") {
            carousel.violated("header", Rule::Conflict("text cards and lists have none"));
        }
        carousel.below("header", CarouselHeader::check);
    }
}

impl CarouselHeader {
    fn check(header: &mut Node<'_, '_>) {
        header.only(&["title", "description", "thumbnail"]);
        header.required_lines("title", 2);
        header.required_lines("description", 3);
        header.required_below("thumbnail", |thumbnail| {
            thumbnail.only(&["imageUrl"]);
            thumbnail.url("imageUrl");
        });
    }
}

const SHAPES: &str = "all pictures of a carousel are square, or all are wide";
const PARTS: &str = "all cards of a carousel have a thumbnail, a head, a profile, an imageTitle, or none has";

fn alike<P: PartialEq>(carousel: &mut Node<'_, '_>, of: impl Fn(&Map<String, Value>) -> P, what: &'static str) {
    let cards = carousel.get("items").and_then(Value::as_array).into_iter().flatten();
    let kinds: Vec<_> = cards.filter_map(Value::as_object).map(of).collect();
    if kinds.windows(2).any(|two| matches!(two, [one, other] if one != other)) {
        carousel.violated("items", Rule::Conflict(what));
    }
}

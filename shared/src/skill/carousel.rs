use serde::Serialize;

use super::{
    cards::{BasicCard, CommerceCard, Placement, TextCard},
    check::{Check, Rule},
    lists::{ItemCard, ListCard},
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

    pub(super) fn check(&self, check: &mut Check) {
        let placement = Placement::InCarousel;
        match &self.cards {
            Cards::TextCard(cards) => {
                check.each("items", cards, FEW_OR_MANY, |check, card| card.check(check, placement));
            }
            Cards::BasicCard(cards) => {
                check.each("items", cards, FEW_OR_MANY, |check, card| card.check(check, placement));
                alike(check, cards, |card| card.thumbnail.fixed_ratio, SHAPES);
            }
            Cards::CommerceCard(cards) => {
                check.each("items", cards, FEW_OR_MANY, |check, card| card.check(check));
                alike(check, cards, CommerceCard::is_square, SHAPES);
            }
            Cards::ListCard(cards) => {
                check.each("items", cards, LISTS_IN_CAROUSEL, |check, card| card.check(check, placement))
            }
            Cards::ItemCard(cards) => {
                check.each("items", cards, FEW_OR_MANY, |check, card| card.check(check, placement));
                alike(check, cards, ItemCard::parts, PARTS);
            }
        }
        self.check_header(check);
    }

    fn check_header(&self, check: &mut Check) {
        let Some(header) = &self.header else { return };
        if matches!(self.cards, Cards::TextCard(_) | Cards::ListCard(_)) {
            check.violated("header", Rule::Conflict("text cards and lists have none"));
        }
        check.below("header", |check| {
            check.required("title", &header.title);
            check.lines("title", &header.title, 2);
            check.required("description", &header.description);
            check.lines("description", &header.description, 3);
            check.below("thumbnail", |check| check.url("imageUrl", &header.thumbnail.image_url));
        });
    }
}

const SHAPES: &str = "all pictures of a carousel are square, or all are wide";
const PARTS: &str = "all cards of a carousel have a thumbnail, a head, a profile, an imageTitle, or none has";

fn alike<T, P: PartialEq>(check: &mut Check, cards: &[T], of: impl Fn(&T) -> P, what: &'static str) {
    if cards.windows(2).any(|two| matches!(two, [one, other] if of(one) != of(other))) {
        check.violated("items", Rule::Conflict(what));
    }
}

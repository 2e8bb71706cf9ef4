//! What a user sees of an answer. It draws what is there, whether the answer is right or not.

use serde::Serialize;
use serde_json::Value;

/// An answer as a chat shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in crate::console) struct Drawn {
    pub(in crate::console) bubbles: Vec<Bubble>,
    pub(in crate::console) quick_replies: Vec<Tap>,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::console) enum Bubble {
    /// Words.
    Text { text: String },
    /// A picture alone.
    Image { picture: Picture },
    /// A card.
    Card { card: Box<Card> },
    /// Cards in a row, with a cover before them.
    Row { cover: Option<Cover>, cards: Vec<Card> },
    /// A component that is unknown, by its name.
    Unknown { name: String },
}

/// The kinds of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::console) enum CardKind {
    Text,
    Basic,
    Commerce,
    List,
    Item,
}

/// A card. It has the parts that its kind has; what is empty is not drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::console) struct Card {
    pub(in crate::console) kind: CardKind,
    pub(in crate::console) picture: Option<Picture>,
    /// Who it is from, or a list's or a table's own title.
    pub(in crate::console) head: String,
    /// A title with a picture beside it, and a line below.
    pub(in crate::console) image_title: Option<Entry>,
    /// The things of a list.
    pub(in crate::console) entries: Vec<Entry>,
    pub(in crate::console) is_ranking: bool,
    /// The lines of a table; the last one is the sum if there is one.
    pub(in crate::console) lines: Vec<(String, String)>,
    pub(in crate::console) has_sum: bool,
    pub(in crate::console) is_right_aligned: bool,
    pub(in crate::console) price: Option<Price>,
    pub(in crate::console) title: String,
    pub(in crate::console) description: String,
    pub(in crate::console) buttons: Vec<Tap>,
    pub(in crate::console) is_side_by_side: bool,
}

/// A picture. The console loads none: it shows where it is and what a screen reader reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::console) struct Picture {
    pub(in crate::console) url: String,
    pub(in crate::console) alt: String,
    pub(in crate::console) is_square: bool,
    /// Where a tap leads.
    pub(in crate::console) link: String,
}

/// What stands before the cards of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::console) struct Cover {
    pub(in crate::console) title: String,
    pub(in crate::console) description: String,
    pub(in crate::console) picture: Picture,
}

/// A thing of a list, or a title with a picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in crate::console) struct Entry {
    pub(in crate::console) title: String,
    pub(in crate::console) description: String,
    pub(in crate::console) picture: Option<Picture>,
    pub(in crate::console) tap: Option<Tap>,
}

/// What something costs, in won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::console) struct Price {
    /// What is to be paid.
    pub(in crate::console) now: u64,
    /// What it costs without a discount, if there is one.
    pub(in crate::console) before: Option<u64>,
    /// By how much less, in percent, if that is said.
    pub(in crate::console) percent: Option<u64>,
}

/// A button, a quick reply or a thing of a list that can be tapped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::console) struct Tap {
    pub(in crate::console) label: String,
    #[serde(flatten)]
    pub(in crate::console) action: Action,
}

/// What a tap does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub(in crate::console) enum Action {
    /// Says something in the user's name, in a block if one is named.
    Say { text: String, block: Option<String>, extra: String },
    /// Opens a page.
    Open { url: String },
    /// Calls a number.
    Call { number: String },
    /// Does what only KakaoTalk can do: `share` and others.
    Other { name: String },
}

impl Drawn {
    /// The answer with this body; nothing of a body that is no answer.
    pub(in crate::console) fn of(body: &Value) -> Self {
        let list = |pointer: &str| list(body.pointer(pointer));
        Self {
            bubbles: list("/template/outputs").filter_map(Bubble::of).collect(),
            quick_replies: list("/template/quickReplies").map(Tap::of).collect(),
        }
    }
}

impl Bubble {
    fn of(output: &Value) -> Option<Self> {
        let (name, value) = output.as_object()?.iter().next()?;
        Some(match name.as_str() {
            "simpleText" => Self::Text { text: text(value, "text") },
            "simpleImage" => Self::Image { picture: Picture::of(value, false) },
            "carousel" => Self::row(value),
            name => match CardKind::named(name) {
                Some(kind) => Self::Card { card: Box::new(Card::of(kind, value)) },
                None => Self::Unknown { name: name.to_owned() },
            },
        })
    }

    fn row(carousel: &Value) -> Self {
        let name = text(carousel, "type");
        let Some(kind) = CardKind::named(&name) else { return Self::Unknown { name: format!("carousel: {name}") } };
        let cover = carousel.get("header").filter(|header| header.is_object()).map(|header| Cover {
            title: text(header, "title"),
            description: text(header, "description"),
            picture: header.get("thumbnail").map(|picture| Picture::of(picture, false)).unwrap_or_default(),
        });
        Self::Row { cover, cards: list(carousel.get("items")).map(|card| Card::of(kind, card)).collect() }
    }
}

impl CardKind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "textCard" => Self::Text,
            "basicCard" => Self::Basic,
            "commerceCard" => Self::Commerce,
            "listCard" => Self::List,
            "itemCard" => Self::Item,
            _ => return None,
        })
    }

    /// As in the JSON.
    pub(in crate::console) const fn name(self) -> &'static str {
        match self {
            Self::Text => "textCard",
            Self::Basic => "basicCard",
            Self::Commerce => "commerceCard",
            Self::List => "listCard",
            Self::Item => "itemCard",
        }
    }
}

impl Card {
    fn of(kind: CardKind, card: &Value) -> Self {
        let picture = card.get("thumbnail").or_else(|| card.pointer("/thumbnails/0"));
        let picture = picture.map(|picture| Picture::of(picture, kind == CardKind::Item));
        let head = ["/header/title", "/head/title", "/profile/nickname", "/profile/title"];
        let head = head.iter().find_map(|pointer| card.pointer(pointer)?.as_str()).unwrap_or_default();
        let buttons: Vec<_> = list(card.get("buttons")).map(Tap::of).collect();
        let is_square = picture.as_ref().is_some_and(|picture| picture.is_square);
        let mut lines: Vec<_> = list(card.get("itemList")).map(line).collect();
        let sum = card.get("itemListSummary").filter(|sum| sum.is_object()).map(line);
        let has_sum = sum.is_some();
        lines.extend(sum);
        Self {
            kind,
            head: head.to_owned(),
            image_title: card.get("imageTitle").filter(|title| title.is_object()).map(Entry::of),
            entries: list(card.get("items")).map(Entry::of).collect(),
            is_ranking: text(card, "listLayout") == "ranking",
            lines,
            has_sum,
            is_right_aligned: text(card, "itemListAlignment") == "right",
            price: Price::of(card),
            title: text(card, "title"),
            description: text(card, "description"),
            is_side_by_side: buttons.len() == 2
                && match text(card, "buttonLayout").as_str() {
                    "" => is_square,
                    layout => layout == "horizontal",
                },
            buttons,
            picture,
        }
    }
}

impl Picture {
    /// A table's picture is square unless its size says that it is wide; all others are wide unless they say otherwise.
    fn of(picture: &Value, is_of_table: bool) -> Self {
        let size = |side| picture.get(side).and_then(Value::as_u64);
        let is_wide = size("width").zip(size("height")).is_some_and(|(width, height)| width > height);
        let is_fixed = picture.get("fixedRatio").and_then(Value::as_bool).unwrap_or_default();
        Self {
            url: text(picture, "imageUrl"),
            alt: text(picture, "altText"),
            is_square: if is_of_table { !is_wide } else { is_fixed },
            link: link(picture),
        }
    }
}

impl Entry {
    fn of(entry: &Value) -> Self {
        let url = text(entry, "imageUrl");
        let title = text(entry, "title");
        let has_action = entry.get("action").is_some_and(Value::is_string);
        let open = Some(link(entry)).filter(|link| !link.is_empty()).map(|url| Action::Open { url });
        // Of a thing that leads to a block, the title is what is shown as said.
        let action = if has_action { Some(Action::of(entry, &title)) } else { open };
        Self {
            description: text(entry, "description"),
            picture: (!url.is_empty()).then(|| Picture { url, is_square: true, ..Picture::default() }),
            tap: action.map(|action| Tap { label: title.clone(), action }),
            title,
        }
    }
}

impl Price {
    fn of(card: &Value) -> Option<Self> {
        let number = |name| card.get(name).and_then(Value::as_u64);
        let price = number("price")?;
        let discounted = number("discountedPrice").or_else(|| price.checked_sub(number("discount")?));
        let (now, before) = discounted.map_or((price, None), |discounted| (discounted, Some(price)));
        Some(Self { now, before, percent: number("discountRate") })
    }
}

impl Tap {
    fn of(button: &Value) -> Self {
        let label = text(button, "label");
        Self { action: Action::of(button, &label), label }
    }
}

impl Action {
    fn of(button: &Value, label: &str) -> Self {
        let said = text(button, "messageText");
        let extra = button.get("extra").filter(|extra| extra.is_object()).map(Value::to_string).unwrap_or_default();
        match text(button, "action").as_str() {
            "message" => Self::Say { text: said, block: None, extra },
            "block" => {
                let text_said = if said.is_empty() { label.to_owned() } else { said };
                Self::Say { text: text_said, block: Some(text(button, "blockId")), extra }
            }
            "webLink" => Self::Open { url: text(button, "webLinkUrl") },
            "phone" => Self::Call { number: text(button, "phoneNumber") },
            name => Self::Other { name: name.to_owned() },
        }
    }
}

/// Where a tap leads on a computer.
fn link(of: &Value) -> String {
    let links = ["/link/web", "/link/pc", "/link/mobile"].iter().filter_map(|pointer| of.pointer(pointer)?.as_str());
    links.filter(|link| !link.is_empty()).map(str::to_owned).next().unwrap_or_default()
}

fn line(line: &Value) -> (String, String) {
    (text(line, "title"), text(line, "description"))
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(of: Option<&Value>) -> impl Iterator<Item = &Value> {
    of.and_then(Value::as_array).into_iter().flatten()
}

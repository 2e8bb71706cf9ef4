//! Every component as a snapshot.

use serde_json::{Map, Value, json};

use super::*;

mod limits;
mod read;
mod responders;
mod rooms;

const IMAGE: &str = "https://example.com/1.png";

fn built(reply: &Reply) -> Value {
    serde_json::from_str(&reply.build().unwrap().into_json()).unwrap()
}

fn violations(reply: &Reply) -> Vec<String> {
    match reply.build() {
        Ok(_) => vec![],
        Err(InvalidReply(violations)) => violations.iter().map(ToString::to_string).collect(),
    }
}

/// A text of so many characters.
fn chars(count: usize) -> String {
    "한".repeat(count)
}

fn extra() -> Map<String, Value> {
    Map::from_iter([("from".to_owned(), json!("card"))])
}

fn block() -> Tap {
    Tap::Block { block_id: "b1".to_owned(), message_text: Some("가자".to_owned()), extra: extra() }
}

fn buttons() -> Vec<Button> {
    vec![
        Button::web_link("구경하기", "https://example.com"),
        Button::message("열어보기", "짜잔"),
        Button { label: "블록".to_owned(), action: ButtonAction::Tap(block()) },
    ]
}

fn other_buttons() -> Vec<Button> {
    let labelled = |label: &str, action| Button { label: label.to_owned(), action };
    vec![
        labelled("전화하기", ButtonAction::Phone { phone_number: "02-123-4567".to_owned() }),
        labelled("공유하기", ButtonAction::Share),
        labelled("상담원", ButtonAction::Operator),
    ]
}

fn text_card() -> TextCard {
    TextCard {
        title: Some("제목".to_owned()),
        description: Some("설명".to_owned()),
        buttons: buttons(),
        button_layout: Some(ButtonLayout::Vertical),
    }
}

fn basic_card() -> BasicCard {
    BasicCard {
        title: Some("보물상자".to_owned()),
        description: Some("무엇이 있을까".to_owned()),
        thumbnail: Thumbnail {
            alt_text: Some("상자".to_owned()),
            link: Some(Link { pc: Some(IMAGE.to_owned()), mobile: Some(IMAGE.to_owned()), web: None }),
            ..Thumbnail::new(IMAGE)
        },
        buttons: other_buttons(),
        forwardable: true,
        ..BasicCard::default()
    }
}

fn commerce_card() -> CommerceCard {
    let mut card = CommerceCard::new(10_000, Thumbnail { fixed_ratio: true, ..Thumbnail::new(IMAGE) });
    card.title = Some("상자".to_owned());
    card.description = Some("나무".to_owned());
    card.discount_rate = Some(10);
    card.discounted_price = Some(9_000);
    card.discount = Some(1_000);
    card.profile = Some(Profile { nickname: "가게".to_owned(), image_url: Some(IMAGE.to_owned()) });
    card.buttons = vec![Button::block("구매", "b1"), Button::message("찜", "찜")];
    card
}

fn list_card() -> ListCard {
    let item = |title: &str, action| ListItem { title: title.to_owned(), action, ..ListItem::default() };
    let message = Tap::Message { message_text: "둘".to_owned(), extra: extra() };
    let block = Tap::Block { block_id: "b1".to_owned(), message_text: None, extra: Map::new() };
    ListCard {
        header: ListHeader { title: "목록".to_owned() },
        items: vec![
            ListItem {
                description: Some("첫째".to_owned()),
                image_url: Some(IMAGE.to_owned()),
                link: Some(Link::web(IMAGE)),
                ..item("하나", None)
            },
            item("둘", Some(message)),
            item("셋", Some(block)),
        ],
        buttons: vec![Button::message("더보기", "더보기")],
        button_layout: Some(ButtonLayout::Horizontal),
        ..ListCard::default()
    }
}

fn item_card() -> ItemCard {
    ItemCard {
        thumbnail: Some(ItemThumbnail {
            image_url: IMAGE.to_owned(),
            alt_text: Some("표".to_owned()),
            width: Some(800),
            height: Some(400),
            link: Some(Link::web(IMAGE)),
        }),
        profile: Some(ItemProfile { title: "항공".to_owned(), image_url: Some(IMAGE.to_owned()) }),
        image_title: Some(ImageTitle {
            title: "DOFQTK".to_owned(),
            description: Some("번호".to_owned()),
            image_url: Some(IMAGE.to_owned()),
        }),
        item_list: vec![Item { title: "Gate".to_owned(), description: "C24".to_owned() }],
        item_list_alignment: Some(Alignment::Right),
        item_list_summary: Some(Summary { title: "Total".to_owned(), description: "$4,032.54".to_owned() }),
        title: Some("제목".to_owned()),
        description: Some("설명".to_owned()),
        buttons: vec![Button::message("예약", "예약")],
        ..ItemCard::default()
    }
}

fn header() -> CarouselHeader {
    CarouselHeader {
        title: "둘\n줄".to_owned(),
        description: "셋\n줄\n까지".to_owned(),
        thumbnail: CoverImage { image_url: IMAGE.to_owned() },
    }
}

fn carousels() -> [Carousel; 5] {
    [
        Carousel::new(Cards::TextCard(vec![text_card(); 2])),
        Carousel { header: Some(header()), ..Carousel::new(Cards::BasicCard(vec![basic_card(); 2])) },
        Carousel { header: Some(header()), ..Carousel::new(Cards::CommerceCard(vec![commerce_card(); 2])) },
        Carousel::new(Cards::ListCard(vec![list_card(); 2])),
        Carousel { header: Some(header()), ..Carousel::new(Cards::ItemCard(vec![item_card(); 2])) },
    ]
}

fn components() -> Vec<Component> {
    let image = SimpleImage { image_url: IMAGE.to_owned(), alt_text: Some("상자".to_owned()) };
    let cards: [Component; 7] = [
        SimpleText { text: "안녕하세요".to_owned() }.into(),
        image.into(),
        text_card().into(),
        basic_card().into(),
        commerce_card().into(),
        list_card().into(),
        item_card().into(),
    ];
    cards.into_iter().chain(carousels().map(Component::from)).collect()
}

#[test]
fn every_component_is_written_as_kakao_reads_it() {
    let replies: Vec<_> = components().into_iter().map(|component| built(&Reply::of(component))).collect();
    insta::assert_json_snapshot!("components", replies);
}

#[test]
fn quick_replies_context_and_data_are_written_as_kakao_reads_them() {
    let reply = Reply::text("안녕")
        .quick_reply(QuickReply::message("예", "네"))
        .quick_reply(QuickReply { label: "블록".to_owned(), action: block() })
        .context(ContextValue { name: "abc".to_owned(), life_span: 10, ttl: Some(60), ..ContextValue::default() })
        .context(ContextValue {
            name: "def".to_owned(),
            params: [("key".to_owned(), "1".to_owned())].into(),
            ..ContextValue::default()
        })
        .data("name", "값");
    insta::assert_json_snapshot!("quick-replies-context-and-data", built(&reply));
    assert_eq!(built(&Reply::default().data("a", 1)), json!({"version": "2.0", "data": {"a": 1}}));
}

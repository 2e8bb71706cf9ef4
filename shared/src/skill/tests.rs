//! Every component as a snapshot, and each limit at it and one past it.

use serde_json::{Map, Value, json};

use super::*;
use crate::wire::skill::SkillPayload;

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
    let message = ItemAction::Message { message_text: "둘".to_owned(), extra: extra() };
    let block = ItemAction::Block { block_id: "b1".to_owned(), extra: Map::new() };
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

/// A text of this many characters.
fn chars(count: usize) -> String {
    "한".repeat(count)
}

fn lines(count: usize) -> String {
    vec!["줄"; count].join("\n")
}

/// What is made with a count: a reply that is right up to the limit and wrong one past it.
type Made = Box<dyn Fn(usize) -> Reply>;

fn limit(
    field: &'static str,
    limit: usize,
    unit: &'static str,
    made: impl Fn(usize) -> Reply + 'static,
) -> (&'static str, usize, &'static str, Made) {
    (field, limit, unit, Box::new(made))
}

fn some(text: String) -> Option<String> {
    Some(text)
}

fn in_text_carousel(card: TextCard) -> Reply {
    Reply::of(Carousel::new(Cards::TextCard(vec![card, text_card()])))
}

fn in_item_carousel(card: ItemCard) -> Reply {
    Reply::of(Carousel::new(Cards::ItemCard(vec![card, item_card()])))
}

fn labelled(count: usize) -> Vec<Button> {
    vec![Button::message(chars(count), "m")]
}

#[test]
fn each_limit_holds_and_one_past_it_is_named_with_field_limit_and_length() {
    let many_buttons = |count| vec![Button::message("b", "m"); count];
    let limits = [
        limit("outputs", 3, "elements", |count| (1..count).fold(Reply::text("a"), |reply, _| reply.and(text_card()))),
        limit("quickReplies", 10, "elements", |count| {
            (0..count).fold(Reply::text("a"), |reply, _| reply.quick_reply(QuickReply::message("a", "b")))
        }),
        limit("outputs[0].simpleText.text", 1_000, "characters", |count| Reply::of(SimpleText { text: chars(count) })),
        limit("outputs[0].simpleImage.altText", 50, "characters", |count| {
            Reply::of(SimpleImage { image_url: IMAGE.to_owned(), alt_text: some(chars(count)) })
        }),
        limit("outputs[0].textCard.title", 50, "characters", |count| {
            Reply::of(TextCard { title: some(chars(count)), ..TextCard::default() })
        }),
        limit("outputs[0].textCard.description", 400, "characters", |count| {
            let (title, description) = (some(chars(10)), some(chars(count - 10)));
            Reply::of(TextCard { title, description, ..TextCard::default() })
        }),
        limit("outputs[0].carousel.items[0].description", 128, "characters", |count| {
            in_text_carousel(TextCard { description: some(chars(count)), ..TextCard::default() })
        }),
        limit("outputs[0].textCard.buttons", 3, "elements", move |count| {
            Reply::of(TextCard { buttons: many_buttons(count), ..text_card() })
        }),
        limit("outputs[0].textCard.buttons", 2, "elements", move |count| {
            let button_layout = Some(ButtonLayout::Horizontal);
            Reply::of(TextCard { buttons: many_buttons(count), button_layout, ..text_card() })
        }),
        limit("outputs[0].textCard.buttons[0].label", 14, "characters", |count| {
            Reply::of(TextCard { buttons: labelled(count), ..text_card() })
        }),
        limit("outputs[0].basicCard.buttons[0].label", 8, "characters", |count| {
            let buttons = [labelled(count), labelled(1)].concat();
            let thumbnail = Thumbnail { fixed_ratio: true, ..Thumbnail::new(IMAGE) };
            Reply::of(BasicCard { buttons, thumbnail, ..BasicCard::default() })
        }),
        limit("outputs[0].basicCard.title", 50, "characters", |count| {
            Reply::of(BasicCard { title: some(chars(count)), ..basic_card() })
        }),
        limit("outputs[0].basicCard.description", 230, "characters", |count| {
            Reply::of(BasicCard { description: some(chars(count)), ..basic_card() })
        }),
        limit("outputs[0].carousel.items[0].title", 2, "lines", |count| {
            let card = BasicCard { title: some(lines(count)), ..basic_card() };
            Reply::of(Carousel::new(Cards::BasicCard(vec![card, basic_card()])))
        }),
        limit("outputs[0].carousel.items", 10, "elements", |count| {
            Reply::of(Carousel::new(Cards::BasicCard(vec![
                BasicCard {
                    thumbnail: Thumbnail::new(IMAGE),
                    ..BasicCard::default()
                };
                count
            ])))
        }),
        limit("outputs[0].carousel.items", 5, "elements", |count| {
            Reply::of(Carousel::new(Cards::ListCard(vec![list_card(); count])))
        }),
        limit("outputs[0].carousel.items[0].items", 4, "elements", |count| {
            let card = ListCard { items: vec![list_card().items[0].clone(); count], ..list_card() };
            Reply::of(Carousel::new(Cards::ListCard(vec![card, list_card()])))
        }),
        limit("outputs[0].carousel.header.title", 2, "lines", |count| {
            let header = CarouselHeader { title: lines(count), ..header() };
            Reply::of(Carousel { header: Some(header), ..carousels()[1].clone() })
        }),
        limit("outputs[0].carousel.header.description", 3, "lines", |count| {
            let header = CarouselHeader { description: lines(count), ..header() };
            Reply::of(Carousel { header: Some(header), ..carousels()[1].clone() })
        }),
        limit("outputs[0].commerceCard.title", 30, "characters", |count| {
            Reply::of(CommerceCard { title: some(chars(count)), ..commerce_card() })
        }),
        limit("outputs[0].commerceCard.description", 40, "characters", |count| {
            Reply::of(CommerceCard { description: some(chars(count)), ..commerce_card() })
        }),
        limit("outputs[0].commerceCard.thumbnails", 1, "elements", |count| {
            Reply::of(CommerceCard { thumbnails: vec![Thumbnail::new(IMAGE); count], ..commerce_card() })
        }),
        limit("outputs[0].listCard.items", 5, "elements", |count| {
            Reply::of(ListCard { items: vec![list_card().items[0].clone(); count], ..list_card() })
        }),
        limit("outputs[0].itemCard.itemList", 10, "elements", |count| {
            Reply::of(ItemCard { item_list: vec![item_card().item_list[0].clone(); count], ..item_card() })
        }),
        limit("outputs[0].carousel.items[0].itemList", 5, "elements", |count| {
            in_item_carousel(ItemCard { item_list: vec![item_card().item_list[0].clone(); count], ..item_card() })
        }),
        limit("outputs[0].itemCard.itemList[0].title", 6, "characters", |count| {
            let item = Item { title: chars(count), description: "d".to_owned() };
            Reply::of(ItemCard { item_list: vec![item], ..item_card() })
        }),
        limit("outputs[0].itemCard.itemList[0].description", 2, "lines", |count| {
            let item = Item { title: "t".to_owned(), description: lines(count) };
            Reply::of(ItemCard { item_list: vec![item], ..item_card() })
        }),
        limit("outputs[0].itemCard.itemListSummary.title", 6, "characters", |count| {
            let summary = Summary { title: chars(count), description: "1".to_owned() };
            Reply::of(ItemCard { item_list_summary: Some(summary), ..item_card() })
        }),
        limit("outputs[0].itemCard.itemListSummary.description", 14, "characters", |count| {
            let summary = Summary { title: "t".to_owned(), description: chars(count) };
            Reply::of(ItemCard { item_list_summary: Some(summary), ..item_card() })
        }),
        limit("outputs[0].itemCard.description", 200, "characters", |count| {
            Reply::of(ItemCard { title: some(chars(1)), description: some(chars(count - 1)), ..item_card() })
        }),
        limit("outputs[0].carousel.items[0].description", 100, "characters", |count| {
            in_item_carousel(ItemCard { title: some(chars(1)), description: some(chars(count - 1)), ..item_card() })
        }),
        limit("outputs[0].itemCard.description", 12, "lines", |count| {
            Reply::of(ItemCard { title: some(lines(1)), description: some(lines(count - 1)), ..item_card() })
        }),
        limit("outputs[0].itemCard.head.title", 1, "lines", |count| {
            Reply::of(ItemCard { head: Some(Head { title: lines(count) }), profile: None, ..item_card() })
        }),
        limit("outputs[0].itemCard.profile.title", 15, "characters", |count| {
            let profile = ItemProfile { title: chars(count), image_url: None };
            Reply::of(ItemCard { profile: Some(profile), ..item_card() })
        }),
        limit("outputs[0].itemCard.imageTitle.title", 2, "lines", |count| {
            let title = ImageTitle { title: lines(count), ..ImageTitle::default() };
            Reply::of(ItemCard { image_title: Some(title), ..item_card() })
        }),
        limit("outputs[0].itemCard.imageTitle.description", 1, "lines", |count| {
            let title = ImageTitle { title: "t".to_owned(), description: some(lines(count)), image_url: None };
            Reply::of(ItemCard { image_title: Some(title), ..item_card() })
        }),
        limit("reply", MAX_REPLY_BYTES, "bytes", |count| {
            let empty = built(&Reply::text("a").data("d", "")).to_string().len();
            Reply::text("a").data("d", "x".repeat(count - empty))
        }),
    ];
    for (field, limit, unit, made) in limits {
        assert_eq!(violations(&made(limit)), Vec::<String>::new(), "{field} at its limit");
        let wrong = format!("`{field}` has {} {unit}, at most {limit} are allowed", limit + 1);
        assert_eq!(violations(&made(limit + 1)), [wrong]);
    }
}

#[test]
fn too_few_are_as_wrong_as_too_many() {
    for (reply, field, least) in [
        (Reply::default(), "outputs", 1),
        (Reply::default().data("a", 1).quick_reply(QuickReply::message("a", "b")), "outputs", 1),
        (
            Reply::of(ListCard { items: vec![list_card().items[0].clone()], ..list_card() }),
            "outputs[0].listCard.items",
            2,
        ),
        (Reply::of(Carousel::new(Cards::TextCard(vec![text_card()]))), "outputs[0].carousel.items", 2),
        (Reply::of(ItemCard { item_list: vec![], ..item_card() }), "outputs[0].itemCard.itemList", 1),
        (Reply::of(CommerceCard { thumbnails: vec![], ..commerce_card() }), "outputs[0].commerceCard.thumbnails", 1),
    ] {
        let wrong = format!("`{field}` has {} elements, at least {least} are needed", least - 1);
        assert_eq!(violations(&reply), [wrong]);
    }
}

#[test]
fn what_is_required_or_does_not_go_together_is_named() {
    let wide =
        ItemThumbnail { image_url: IMAGE.to_owned(), width: Some(700), height: Some(400), ..ItemThumbnail::default() };
    let square =
        ItemThumbnail { image_url: IMAGE.to_owned(), width: Some(800), height: Some(800), ..ItemThumbnail::default() };
    let head = Some(Head { title: "h".to_owned() });
    let cases = [
        Reply::of(SimpleText { text: " \n".to_owned() }),
        Reply::of(TextCard::default()),
        Reply::of(BasicCard::default()),
        Reply::of(SimpleImage { image_url: "ftp://example.com".to_owned(), alt_text: None }),
        Reply::of(BasicCard {
            thumbnail: Thumbnail { link: Some(Link::default()), ..Thumbnail::new("https://a b") },
            ..basic_card()
        }),
        Reply::of(CommerceCard { discounted_price: None, ..commerce_card() }),
        Reply::of(TextCard {
            buttons: vec![Button::web_link("", "x"), Button::message("m", ""), Button::block("b", "")],
            ..text_card()
        }),
        Reply::of(ListCard { header: ListHeader::default(), ..list_card() }),
        Reply::of(ItemCard { head: head.clone(), ..item_card() }),
        Reply::of(ItemCard { title: None, ..item_card() }),
        Reply::of(ItemCard { thumbnail: Some(wide), ..item_card() }),
        in_item_carousel(ItemCard { thumbnail: Some(square), ..item_card() }),
        in_item_carousel(ItemCard { head, profile: None, ..item_card() }),
        Reply::of(Carousel::new(Cards::BasicCard(vec![
            basic_card(),
            BasicCard {
                thumbnail: Thumbnail { fixed_ratio: true, ..Thumbnail::new(IMAGE) },
                buttons: vec![],
                ..basic_card()
            },
        ]))),
        Reply::of(Carousel { header: Some(header()), ..carousels()[0].clone() }),
        Reply::text("a").quick_reply(QuickReply::block(" ", "")).context(ContextValue::default()),
    ];
    let said: Vec<_> = cases.iter().map(violations).collect();
    assert!(said.iter().all(|violations| !violations.is_empty()), "{said:#?}");
    insta::assert_json_snapshot!("required-and-conflicts", said);
}

#[test]
fn the_length_is_that_of_the_strictest_reading() {
    // One symbol, two UTF-16 code units.
    let text = "🙂".repeat(501);
    assert_eq!(violations(&Reply::of(SimpleText { text: text.clone() })).len(), 1);
    let reply = built(&Reply::text(&text));
    assert_eq!(reply["template"]["outputs"][0]["simpleText"]["text"], "🙂".repeat(500));
}

fn payload(members: Value) -> SkillPayload {
    serde_json::from_value(members).unwrap()
}

fn said(responder: &dyn Responder, members: Value) -> Value {
    let reply: Value = serde_json::from_str(&respond(responder, &payload(members)).into_json()).unwrap();
    reply["template"]["outputs"][0]["simpleText"]["text"].clone()
}

#[test]
fn a_list_answers_with_the_first_that_fits_and_otherwise_with_the_other_answer() {
    let list = r#"[{"utterance": "영업시간", "text": "10시부터", "quick_replies": ["위치"]},
        {"block": "b1", "text": "블록"}, {"block": "주문", "intent": "i1", "text": "둘 다"}, {"intent": "인사", "text": "인사"}]"#;
    let listed = Listed::from_json(list, Box::new(Echo)).unwrap();
    for (members, answer) in [
        (json!({"userRequest": {"utterance": " 영업시간\n", "block": {"id": "b1"}}}), "10시부터"),
        (json!({"userRequest": {"utterance": "x", "block": {"id": "b1"}}}), "블록"),
        (json!({"userRequest": {"utterance": "x", "block": {"name": "주문"}}}), "x"),
        (json!({"userRequest": {"utterance": "x", "block": {"name": "주문"}}, "intent": {"id": "i1"}}), "둘 다"),
        (json!({"intent": {"name": "인사"}}), "인사"),
        (json!({}), "무엇을 도와드릴까요?"),
    ] {
        assert_eq!(said(&listed, members), answer);
    }
    let reply = listed.reply(&payload(json!({"userRequest": {"utterance": "영업시간"}})));
    assert_eq!(
        built(&reply)["template"]["quickReplies"][0],
        json!({"label": "위치", "action": "message", "messageText": "위치"})
    );
}

#[test]
fn a_listed_answer_is_found_by_words_that_look_the_same() {
    const DECOMPOSED: &str = "\u{110b}\u{1167}\u{11bc}\u{110b}\u{1165}\u{11b8}\u{1109}\u{1175}\u{1100}\u{1161}\u{11ab}";
    let bot = |name: &str| json!({"id": "b", "name": name});
    for configured in ["영업시간", DECOMPOSED, " 영업시간\u{200b}", "@샘플 봇  영업시간"] {
        let list = json!([{"utterance": configured, "text": "10시부터"}]).to_string();
        let listed = Listed::from_json(&list, Box::new(Fixed("다른 말".to_owned()))).unwrap();
        for utterance in ["영업시간", "@샘플 봇 영업시간\n", "\u{feff}@샘플\u{a0}봇 영\u{200d}업시간", DECOMPOSED]
        {
            let members = json!({"bot": bot("샘플 봇"), "userRequest": {"utterance": utterance}});
            assert_eq!(said(&listed, members), "10시부터", "{utterance:?} for {configured:?}");
        }
        for utterance in ["@샘플 봇", "@다른 봇 영업시간", "영업 시간", "영업시간이", "\u{200b}"] {
            let members = json!({"bot": bot("샘플 봇"), "userRequest": {"utterance": utterance}});
            assert_eq!(said(&listed, members), "다른 말", "{utterance:?} for {configured:?}");
        }
    }
    let list = json!([{"block": DECOMPOSED, "intent": DECOMPOSED, "text": "블록"}]).to_string();
    let listed = Listed::from_json(&list, Box::new(Echo)).unwrap();
    let named = json!({"name": "영업시간"});
    assert_eq!(said(&listed, json!({"intent": named, "userRequest": {"block": named}})), "블록");
}

#[test]
fn a_group_chat_room_is_answered_without_quick_replies() {
    let list = r#"[{"utterance": "내일 비 와?", "text": "맑음", "quick_replies": ["모레"]}]"#;
    let listed = Listed::from_json(list, Box::new(Echo)).unwrap();
    let reply = |chat: Value| -> Value {
        let members = json!({"userRequest": {"utterance": "내일 비 와?", "user": {"id": "u"}, "chat": chat}});
        serde_json::from_str(&respond(&listed, &payload(members)).into_json()).unwrap()
    };
    let room = reply(json!({"id": "r", "type": "botGroupKey", "properties": {"botGroupKey": "r"}}));
    assert_eq!(room, json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "맑음"}}]}}));
    assert_eq!(reply(json!({"properties": {"botGroupKey": "r"}})), room);
    for none in [json!(null), json!({}), json!("r"), json!({"type": 7})] {
        assert_eq!(reply(none)["template"]["quickReplies"][0]["label"], "모레");
    }
}

#[test]
fn a_list_that_kakao_would_not_take_is_no_list() {
    let from = |list: &str| Listed::from_json(list, Box::new(Echo)).map(drop).unwrap_err().to_string();
    let form = |line, column| ListError::Form { line, column }.to_string();
    assert_eq!(from("{}"), form(1, 0));
    assert_eq!(from("[{\"text\": \"a\"},\n{\"text\": \"a\", \"tpyo\": 1}]"), form(2, 20));
    assert_eq!(
        from(r#"[{"text": "a"}, {"text": ""}]"#),
        "answer 2 of the list: `outputs[0].simpleText.text` is required"
    );
    let long = json!([{"text": chars(1_001)}]).to_string();
    assert!(from(&long).ends_with("has 1001 characters, at most 1000 are allowed"), "{}", from(&long));
}

#[test]
fn whatever_happens_inside_the_user_gets_a_valid_reply() {
    struct Panics;
    impl Responder for Panics {
        fn reply(&self, _payload: &SkillPayload) -> Reply {
            panic!("a bug")
        }
    }
    struct Invalid;
    impl Responder for Invalid {
        fn reply(&self, _payload: &SkillPayload) -> Reply {
            Reply::default()
        }
    }
    assert_eq!(said(&Panics, json!({})), "무엇을 도와드릴까요?");
    assert_eq!(said(&Invalid, json!({})), "무엇을 도와드릴까요?");
}

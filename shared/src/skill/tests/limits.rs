//! Each limit of a reply, at it and one past it.

use super::*;

fn lines(count: usize) -> String {
    vec!["줄"; count].join("\n")
}

/// What is made with a count: a reply that is right up to the limit and wrong one past it.
type Made = Box<dyn Fn(usize) -> Reply>;

/// The field, the limit, its unit, and what is made.
type Limit = (&'static str, usize, &'static str, Made);

fn limit(field: &'static str, limit: usize, unit: &'static str, made: impl Fn(usize) -> Reply + 'static) -> Limit {
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

fn many_buttons(count: usize) -> Vec<Button> {
    vec![Button::message("b", "m"); count]
}

fn limits_of_replies() -> Vec<Limit> {
    vec![
        limit("outputs", 3, "elements", |count| (1..count).fold(Reply::text("a"), |reply, _| reply.and(text_card()))),
        limit("quickReplies", 10, "elements", |count| {
            (0..count).fold(Reply::text("a"), |reply, _| reply.quick_reply(QuickReply::message("a", "b")))
        }),
        limit("outputs[0].simpleText.text", 1_000, "characters", |count| Reply::of(SimpleText { text: chars(count) })),
        limit("outputs[0].simpleImage.altText", 50, "characters", |count| {
            Reply::of(SimpleImage { image_url: IMAGE.to_owned(), alt_text: some(chars(count)) })
        }),
        limit("reply", MAX_REPLY_BYTES, "bytes", |count| {
            let empty = built(&Reply::text("a").data("d", "")).to_string().len();
            Reply::text("a").data("d", "x".repeat(count - empty))
        }),
    ]
}

fn limits_of_text_and_basic_cards() -> Vec<Limit> {
    vec![
        limit("outputs[0].textCard.title", 50, "characters", |count| {
            Reply::of(TextCard { title: some(chars(count)), ..TextCard::default() })
        }),
        limit("outputs[0].textCard.description", 400, "characters", |count| {
            let (title, description) = (some(chars(10)), some(chars(count - 10)));
            Reply::of(TextCard { title, description, ..TextCard::default() })
        }),
        limit("outputs[0].textCard.buttons", 3, "elements", |count| {
            Reply::of(TextCard { buttons: many_buttons(count), ..text_card() })
        }),
        limit("outputs[0].textCard.buttons", 2, "elements", |count| {
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
    ]
}

fn limits_of_carousels() -> Vec<Limit> {
    vec![
        limit("outputs[0].carousel.items[0].description", 128, "characters", |count| {
            in_text_carousel(TextCard { description: some(chars(count)), ..TextCard::default() })
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
    ]
}

fn limits_of_list_and_commerce_cards() -> Vec<Limit> {
    vec![
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
    ]
}

fn limits_of_item_cards() -> Vec<Limit> {
    vec![
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
    ]
}

fn limits_of_item_card_texts() -> Vec<Limit> {
    vec![
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
    ]
}

#[test]
fn each_limit_holds_and_one_past_it_is_named_and_refused_or_remarked() {
    let limits = [
        limits_of_replies(),
        limits_of_text_and_basic_cards(),
        limits_of_carousels(),
        limits_of_list_and_commerce_cards(),
        limits_of_item_cards(),
        limits_of_item_card_texts(),
    ];
    for (field, limit, unit, made) in limits.into_iter().flatten() {
        assert_eq!(violations(&made(limit)), Vec::<String>::new(), "{field} at its limit");
        let wrong = format!("`{field}` has {} {unit}, at most {limit} are allowed", limit + 1);
        assert_eq!(violations(&made(limit + 1)), std::slice::from_ref(&wrong));
        let json = serde_json::to_string(&made(limit + 1).form()).unwrap();
        let read = SkillResponse::from_json(&json, Place::Chat);
        if matches!(unit, "elements" | "bytes") || field.ends_with("simpleText.text") {
            assert_eq!(read.unwrap_err().to_string(), wrong);
        } else {
            let remark = format!("`{field}` has {} {unit}, Kakao shows {limit}", limit + 1);
            assert_eq!(read.unwrap().remarks().iter().map(ToString::to_string).collect::<Vec<_>>(), [remark]);
        }
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

#[test]
fn a_limit_that_is_kept_but_not_by_much_is_named() {
    let near = |label: usize, text: usize, place| {
        let buttons = [json!({"label": "가".repeat(label), "action": "message", "messageText": "m"})];
        let reply = json!({"version": "2.0", "template": {"outputs": [
            {"simpleText": {"text": "x".repeat(text)}},
            {"textCard": {"title": "t", "buttons": buttons}},
        ]}});
        let near = SkillResponse::near_limits(&reply.to_string(), place);
        near.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let of_label = |length| format!("`outputs[1].textCard.buttons[0].label` has {length} of 14 characters");
    assert_eq!(near(11, 799, Place::Chat), Vec::<String>::new());
    assert_eq!(near(12, 799, Place::Room), [of_label(12)]);
    assert_eq!(
        near(14, 1_000, Place::Chat),
        ["`outputs[0].simpleText.text` has 1000 of 1000 characters".to_owned(), of_label(14)]
    );
    // What is over the limit is a violation or a remark.
    assert_eq!(near(15, 1_001, Place::Chat), Vec::<String>::new());
    assert_eq!(SkillResponse::near_limits("no JSON", Place::Chat), []);
    let spaces = format!("{{}}{}", " ".repeat(MAX_REPLY_BYTES - 2));
    assert_eq!(SkillResponse::near_limits(&spaces, Place::Chat)[0].to_string(), "`reply` has 30000 of 30000 bytes");
}

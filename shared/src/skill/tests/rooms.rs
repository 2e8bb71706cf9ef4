//! Group chatbots' answers.

use super::*;

fn group_buttons() -> Vec<Button> {
    let actions = [
        ("도움말", ButtonAction::Guide),
        ("초대하기", ButtonAction::Invite),
        ("친구 초대", ButtonAction::InviteMember),
        ("부르기", ButtonAction::Mention),
        ("설정", ButtonAction::Settings),
    ];
    actions.map(|(label, action)| Button { label: label.to_owned(), action }).to_vec()
}

fn violations(reply: &Reply, place: Place) -> Vec<String> {
    match reply.build_for(place) {
        Ok(_) => vec![],
        Err(InvalidReply(violations)) => violations.iter().map(ToString::to_string).collect(),
    }
}

fn remarks(reply: &Reply, place: Place) -> Vec<String> {
    reply.build_for(place).unwrap().remarks().iter().map(ToString::to_string).collect()
}

#[test]
fn an_answer_to_a_room_is_written_as_kakao_reads_it() {
    let ranking = ListCard { list_layout: Some(ListLayout::Ranking), ..list_card() };
    let reply = Reply::text("1위 {{#mentions.user1}}")
        .and(TextCard { buttons: group_buttons(), ..text_card() })
        .and(ranking)
        .mention("user1", &"user-key".parse().unwrap());
    let response = reply.build_for(Place::Room).unwrap();
    assert_eq!(response.remarks(), []);
    let json: Value = serde_json::from_str(response.as_json()).unwrap();
    insta::assert_json_snapshot!("group-chat-room", json);
}

#[test]
fn a_room_is_sent_nothing_by_an_answer_without_bubbles() {
    let nothing = Reply::default().build_for(Place::Room).unwrap();
    assert_eq!(nothing.as_json(), r#"{"version":"2.0","template":{"outputs":[]}}"#);
    let read: Value = serde_json::from_str(nothing.as_json()).unwrap();
    assert_eq!(read, serde_json::from_str::<Value>(SkillResponse::nothing().as_json()).unwrap());
    assert_eq!(violations(&Reply::default(), Place::Chat), ["`outputs` has 0 elements, at least 1 are needed"]);
}

#[test]
fn what_rooms_do_not_show_is_named() {
    let quick_replies = Reply::text("a").quick_reply(QuickReply::message("a", "b"));
    for (reply, field) in [
        (quick_replies, "quickReplies"),
        (Reply::of(commerce_card()), "outputs[0].commerceCard"),
        (Reply::text("a").and(carousels()[0].clone()), "outputs[1].carousel"),
    ] {
        assert_eq!(violations(&reply, Place::Chat), Vec::<String>::new(), "{field}");
        assert_eq!(violations(&reply, Place::Room), [format!("`{field}`: group chat rooms don't show it")]);
    }
}

#[test]
fn quick_replies_of_an_answer_that_something_else_wrote_are_left_out_in_a_room() {
    let text = r#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"a"}}],"later":1,
        "quickReplies":[{"label":"a","action":"message","messageText":"b"}]}}"#;
    let response = SkillResponse::from_json(text, Place::Room).unwrap();
    let read: Value = serde_json::from_str(response.as_json()).unwrap();
    let template = json!({"outputs": [{"simpleText": {"text": "a"}}], "later": 1});
    assert_eq!(read, json!({"version": "2.0", "template": template}));
    let remarks: Vec<_> = response.remarks().iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            "`later`: no member that this version knows; known here: `outputs`, `quickReplies`",
            "`quickReplies`: group chat rooms don't show it, and it is left out",
        ]
    );
    assert_eq!(SkillResponse::from_json(text, Place::Chat).unwrap().as_json(), text);
}

#[test]
fn a_room_shows_five_buttons_one_below_the_other() {
    let card = |count: usize, layout| {
        Reply::of(TextCard { buttons: vec![Button::message("a", "b"); count], button_layout: layout, ..text_card() })
    };
    let (vertical, horizontal) = (Some(ButtonLayout::Vertical), Some(ButtonLayout::Horizontal));
    for (place, layout, most) in [
        (Place::Chat, vertical, 3),
        (Place::Chat, None, 3),
        (Place::Chat, horizontal, 2),
        (Place::Room, vertical, 5),
        (Place::Room, None, 5),
        (Place::Room, horizontal, 2),
    ] {
        assert_eq!(violations(&card(most, layout), place), Vec::<String>::new());
        let wrong = format!("`outputs[0].textCard.buttons` has {} elements, at most {most} are allowed", most + 1);
        assert_eq!(violations(&card(most + 1, layout), place), [wrong], "{place:?} {layout:?}");
    }
}

#[test]
fn what_only_rooms_have_is_a_remark_elsewhere() {
    let ranking = ListCard { list_layout: Some(ListLayout::Ranking), ..list_card() };
    let reply = Reply::of(TextCard { buttons: group_buttons()[..2].to_vec(), ..text_card() })
        .and(ranking)
        .mention("user1", &"user-key".parse().unwrap());
    assert_eq!(
        remarks(&reply, Place::Chat),
        [
            "`outputs[0].textCard.buttons[0].action`: only group chat rooms have it",
            "`outputs[0].textCard.buttons[1].action`: only group chat rooms have it",
            "`outputs[1].listCard.listLayout`: only group chat rooms show places",
            "`extra.mentions`: only group chat rooms have mentions",
        ]
    );
    assert_eq!(remarks(&reply, Place::Room), Vec::<String>::new());
}

#[test]
fn a_mention_of_nobody_and_too_many_of_them_are_remarks() {
    let key = "user-key".parse().unwrap();
    let many = (0..16).fold(Reply::text("a"), |reply, index| reply.mention(format!("user{index}"), &key));
    assert_eq!(remarks(&many, Place::Room), ["`extra.mentions`: an answer mentions 15 users at most"]);
    let nobody = Reply::text("{{#mentions.user1}} {{#mentions.user2}}").mention("user1", &key);
    assert_eq!(remarks(&nobody, Place::Room), ["`extra.mentions`: words mention a user who is not in it"]);
    assert_eq!(remarks(&Reply::text("{{#mentions."), Place::Room), Vec::<String>::new());
}

#[test]
fn an_answer_that_rooms_do_not_show_becomes_plain_words() {
    struct Sells;
    impl Responder for Sells {
        fn reply(&self, _payload: &crate::wire::skill::SkillPayload) -> Reply {
            Reply::of(commerce_card())
        }
    }
    let answer = |chat: Value| {
        let payload = serde_json::from_value(json!({"userRequest": {"chat": chat}})).unwrap();
        respond(&Sells, &payload).into_json()
    };
    assert!(answer(json!(null)).contains("commerceCard"));
    let room = answer(json!({"type": "botGroupKey"}));
    assert!(room.contains("simpleText") && SkillResponse::from_json(&room, Place::Room).is_ok(), "{room}");
}

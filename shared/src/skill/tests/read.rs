//! Answers that something else wrote.

use proptest::prelude::*;

use super::*;

/// What is wrong with an answer, if anything is.
fn wrong(reply: &Value, place: Place) -> Vec<String> {
    match SkillResponse::from_json(&reply.to_string(), place) {
        Ok(_) => vec![],
        Err(ReplyError::Invalid(InvalidReply(violations))) => violations.iter().map(ToString::to_string).collect(),
        Err(ReplyError::Json(error)) => vec![error.to_string()],
    }
}

fn remarks(reply: &Value, place: Place) -> Vec<String> {
    let response = SkillResponse::from_json(&reply.to_string(), place).unwrap();
    response.remarks().iter().map(ToString::to_string).collect()
}

fn with(outputs: &Value) -> Value {
    json!({"version": "2.0", "template": {"outputs": outputs}})
}

fn text(text: &str) -> Value {
    json!({"simpleText": {"text": text}})
}

fn card(buttons: &Value) -> Value {
    with(&json!([{"textCard": {"title": "제목", "buttons": buttons}}]))
}

/// The pointers of all values of a document.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<String> = match value {
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| pointers(value, &format!("{at}/{name}"))).collect()
        }
        Value::Array(elements) => {
            elements.iter().enumerate().flat_map(|(index, value)| pointers(value, &format!("{at}/{index}"))).collect()
        }
        _ => vec![],
    };
    std::iter::once(at.to_owned()).chain(below).collect()
}

prop_compose! {
    /// A reply of any components, right or wrong.
    fn any_reply()(
        outputs in proptest::collection::vec(0..components().len(), 0..5),
        words in "\\PC{0,20}|[ \n가]{0,3}",
        quick_replies in 0..12_usize,
        has_context in any::<bool>(),
        has_data in any::<bool>(),
        has_mention in any::<bool>(),
    ) -> Reply {
        let outputs = outputs.into_iter().map(|index| components()[index].clone());
        let mut reply = outputs.fold(Reply::default(), Reply::and);
        if !words.is_empty() {
            reply = reply.and(SimpleText { text: words.clone() });
        }
        for _ in 0..quick_replies {
            reply = reply.quick_reply(QuickReply::message(words.clone(), "b"));
        }
        if has_context {
            reply = reply.context(ContextValue { name: words.clone(), ..ContextValue::default() });
        }
        if has_data {
            reply = reply.data("d", words);
        }
        if has_mention {
            reply = reply.mention("user1", &"key".parse().unwrap());
        }
        reply
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Chat), Just(Place::Room)]
}

proptest! {
    #[test]
    fn whatever_is_built_is_read_again_and_whatever_is_not_is_refused_or_remarked(reply in any_reply(), place in any_place()) {
        let json = serde_json::to_string(&reply.form()).unwrap();
        let read = SkillResponse::from_json(&json, place);
        match reply.build_for(place) {
            Ok(built) => prop_assert_eq!(read, Ok(built)),
            Err(InvalidReply(all)) => match read {
                Ok(read) => prop_assert!(!read.remarks().is_empty()),
                Err(ReplyError::Invalid(InvalidReply(some))) => prop_assert!(some.iter().all(|one| all.contains(one))),
                Err(ReplyError::Json(error)) => prop_assert!(false, "{}", error),
            },
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in any::<String>(), place in any_place()) {
        let _ = SkillResponse::from_json(&text, place);
    }
}

#[test]
fn an_error_never_shows_what_the_answer_says() {
    for component in components() {
        let whole =
            built(&Reply::of(component).context(ContextValue { name: "c".to_owned(), ..ContextValue::default() }));
        for pointer in pointers(&whole, "").into_iter().skip(1) {
            for odd in [
                Value::Null,
                json!(7),
                json!(-1.5),
                json!("비밀"),
                json!("비밀".repeat(600)),
                json!(["비밀"]),
                // A name that is not known is shown, its value is not.
                json!({"이름": "비밀"}),
            ] {
                for place in [Place::Chat, Place::Room] {
                    let mut reply = whole.clone();
                    *reply.pointer_mut(&pointer).unwrap() = odd.clone();
                    let said = wrong(&reply, place).join("\n");
                    assert!(!said.contains("비밀"), "{pointer}: {said}");
                    if let Ok(response) = SkillResponse::from_json(&reply.to_string(), place) {
                        let said = format!("{:?} {response:?}", response.remarks());
                        assert!(!said.contains("비밀"), "{pointer}: {said}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_value_of_the_wrong_form_is_named_by_its_field_and_the_right_form() {
    for (reply, said) in [
        (json!({"version": 2.0, "template": {"outputs": [text("a")]}}), "`version` is not the text \"2.0\""),
        (json!({"version": "1.0", "data": {}}), "`version` is not the text \"2.0\""),
        (json!({"template": {"outputs": [text("a")]}}), "`version` is required"),
        (json!({"version": "2.0"}), "`template` is required"),
        (json!({"version": "2.0", "template": []}), "`template` is not an object"),
        (json!({"version": "2.0", "template": {}}), "`outputs` has 0 elements, at least 1 are needed"),
        (with(&json!("a")), "`outputs` is not a list; `outputs` has 0 elements, at least 1 are needed"),
        (with(&json!(["a"])), "`outputs[0]` is not an object"),
        (with(&json!([text("a"), {}])), "`outputs[1]`: a bubble is one component, such as simpleText"),
        (
            with(&json!([{"simpleText": {"text": "a"}, "simpleImage": {}}])),
            "`outputs[0]`: a bubble is one component, such as simpleText",
        ),
        (with(&json!([{"simpleText": "a"}])), "`outputs[0].simpleText` is not an object"),
        (with(&json!([{"simpleText": null}])), "`outputs[0].simpleText.text` is required"),
        (with(&json!([{"simpleText": {"text": 7}}])), "`outputs[0].simpleText.text` is not a text"),
        (with(&json!([text(" ")])), "`outputs[0].simpleText.text` is empty"),
        (card(&json!({})), "`outputs[0].textCard.buttons` is not a list"),
        (card(&json!([{"label": "a"}])), "`outputs[0].textCard.buttons[0].action` is required"),
        (
            card(&json!([{"label": "a", "action": "webLink"}])),
            "`outputs[0].textCard.buttons[0].webLinkUrl` is not an http or https address",
        ),
        (
            card(&json!([{"label": "a", "action": "message", "messageText": "a", "extra": "x"}])),
            "`outputs[0].textCard.buttons[0].extra` is not an object",
        ),
        (
            with(&json!([{"basicCard": {"title": "a"}}])),
            "`outputs[0].basicCard.thumbnail.imageUrl` is not an http or https address",
        ),
        (json!({"version": "2.0", "context": {"values": [{}]}}), "`context.values[0].name` is required"),
        (json!({"version": "2.0", "data": []}), "`data` is not an object"),
        (
            json!({"version": "2.0", "useCallback": true}),
            "`useCallback`: the service must return the answer itself: kakao-webhooks does the callback; `template` is required",
        ),
    ] {
        assert_eq!(wrong(&reply, Place::Chat).join("; "), said, "{reply}");
    }
}

#[test]
fn what_is_no_json_object_or_can_be_read_in_two_ways_is_refused() {
    for (text, said) in [
        ("", "it is not one JSON document"),
        ("안녕", "it is not one JSON document"),
        ("\u{feff}{}", "it is not one JSON document"),
        ("[]", "it is not a JSON object"),
        (r#"{"version":"2.0","version":"2.0"}"#, "a key occurs twice in one object"),
        (&format!("{}{}", r#"{"a":"#.repeat(100), "}".repeat(100)), "it is nested too deeply"),
    ] {
        assert_eq!(SkillResponse::from_json(text, Place::Chat).unwrap_err().to_string(), said, "{text}");
    }
    let long = with(&json!([text(&"x".repeat(MAX_REPLY_BYTES))])).to_string();
    let said = SkillResponse::from_json(&long, Place::Chat).unwrap_err().to_string();
    assert_eq!(said, format!("`reply` has {} bytes, at most 30000 are allowed", long.len()));
}

#[test]
fn an_answer_stays_as_it_was_written_with_what_is_unknown() {
    let text = r#" {"template": {"outputs": [{"simpleText": {"text": "A", "later": [1.0]}}, {"videoCard": {"url": 7}}],
        "outro": null}, "version": "2.0", "useCallback": false, "later": {"b": 1, "a": 2}} "#;
    let response = SkillResponse::from_json(text, Place::Chat).unwrap();
    assert_eq!(response.as_json(), text);
    let remarks: Vec<_> = response.remarks().iter().map(|remark| remark.field.as_str()).collect();
    assert_eq!(remarks, ["later", "outro", "outputs[0].simpleText.later", "outputs[1].videoCard"]);
}

#[test]
fn half_an_emoji_of_a_text_that_was_cut_costs_no_answer() {
    let text = r#"{"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "웃어요 \ud83d"}}]}}"#;
    let response = SkillResponse::from_json(text, Place::Chat).unwrap();
    let read: Value = serde_json::from_str(response.as_json()).unwrap();
    assert_eq!(read["template"]["outputs"][0]["simpleText"]["text"], "웃어요 \u{fffd}");
}

#[test]
fn absent_members_may_be_null() {
    let reply = json!({"version": "2.0", "context": null, "data": null, "useCallback": null, "template": {
        "quickReplies": null,
        "outputs": [{"listCard": {"header": {"title": "a"}, "buttons": null, "buttonLayout": null, "listLayout": null, "items": [
            {"title": "a", "description": null, "imageUrl": null, "link": null, "action": null, "extra": null},
            {"title": "b", "action": "message", "messageText": "b", "blockId": null},
        ]}}],
    }});
    assert_eq!(wrong(&reply, Place::Chat), Vec::<String>::new());
    assert_eq!(remarks(&reply, Place::Chat), Vec::<String>::new());
}

#[test]
fn unknown_values_of_open_sets_are_remarks() {
    let list = json!({"listCard": {"header": {"title": "a"}, "listLayout": "stack", "buttonLayout": "grid", "items": [
        {"title": "a", "action": "dance"}, {"title": "b"}]}});
    let mut reply = with(&json!([list, {"carousel": {"type": "videoCard", "items": []}}, text("a")]));
    reply["template"]["quickReplies"] = json!([{"label": "a", "action": "webLink", "webLinkUrl": "x"}]);
    assert_eq!(
        remarks(&reply, Place::Chat),
        [
            "`outputs[0].listCard.items[0].action`: no action that this version knows; known here: `message`, `block`",
            "`outputs[0].listCard.listLayout`: no layout that this version knows; known here: `ranking`",
            "`outputs[0].listCard.buttonLayout`: no layout that this version knows; known here: `vertical`, `horizontal`",
            "`outputs[1].carousel.type`: no kind of cards that this version knows; known here: `textCard`, `basicCard`, \
             `commerceCard`, `listCard`, `itemCard`",
            "`quickReplies[0].webLinkUrl`: no member that this version knows; known here: `label`, `action`, \
             `messageText`, `blockId`, `extra`",
            "`quickReplies[0].action`: no action that this version knows; known here: `message`, `block`",
        ]
    );
}

/// Every object of a reply but the maps, whose members are the service's.
fn objects(reply: &Value) -> Vec<String> {
    let is_map = |pointer: &str| ["data", "extra", "params"].iter().any(|map| pointer.contains(&format!("/{map}")));
    // An element of `outputs` has one component, and no further member.
    let is_output = |pointer: &str| pointer.rsplit_once('/').is_some_and(|(list, _)| list.ends_with("/outputs"));
    let is_object = |pointer: &String| reply.pointer(pointer).is_some_and(Value::is_object);
    let all = pointers(reply, "").into_iter().filter(is_object);
    all.filter(|pointer| !is_map(pointer) && !is_output(pointer)).collect()
}

#[test]
fn a_member_that_kakao_does_not_know_is_remarked_in_every_object() {
    for component in components() {
        let context = ContextValue { name: "c".to_owned(), ..ContextValue::default() };
        let reply = Reply::of(component).quick_reply(QuickReply::message("a", "b")).context(context);
        let whole = built(&reply);
        assert_eq!(remarks(&whole, Place::Chat), Vec::<String>::new());
        for pointer in objects(&whole) {
            let mut odd = whole.clone();
            odd.pointer_mut(&pointer).and_then(Value::as_object_mut).unwrap().insert("titel".to_owned(), json!(7));
            let remarks = remarks(&odd, Place::Chat);
            assert!(
                matches!(&remarks[..], [one] if one.contains("titel`: no member that this version knows; known here: `")),
                "{pointer}: {remarks:?}"
            );
        }
    }
}

#[test]
fn what_kakao_shows_without_its_end_or_its_link_is_remarked_and_stays_as_it_is() {
    let list = json!({"listCard": {"header": {"title": "a"}, "items": [
        {"title": "a", "imageUrl": "", "link": {}}, {"title": "b", "link": {"web": "kakaotalk://inappbrowser"}}]}});
    let buttons = json!([{"label": "가".repeat(16), "action": "webLink", "webLinkUrl": "tel:15881588"}]);
    let reply = with(&json!([list, {"textCard": {"title": "제목", "buttons": buttons}}]));
    assert_eq!(
        remarks(&reply, Place::Chat),
        [
            "`outputs[0].listCard.items[0].imageUrl` is not an http or https address",
            "`outputs[0].listCard.items[0].link.web` is required",
            "`outputs[0].listCard.items[1].link.web` is not an http or https address",
            "`outputs[1].textCard.buttons[0].label` has 16 characters, Kakao shows 14",
            "`outputs[1].textCard.buttons[0].webLinkUrl` is not an http or https address",
        ]
    );
    assert_eq!(SkillResponse::from_json(&reply.to_string(), Place::Chat).unwrap().into_json(), reply.to_string());
}

#[test]
fn thousands_of_mistakes_are_not_all_told() {
    let reply = json!({"version": "2.0", "context": {"values": vec![json!({}); 9_000]}});
    assert_eq!(wrong(&reply, Place::Chat).len(), 50);
}

//! What rules fit, and what is wrong with a document.

use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::*;

fn rules(document: &Value) -> Rules {
    Rules::from_json(&document.to_string()).unwrap()
}

fn of_rules(rules: &Value) -> Rules {
    self::rules(&json!({"version": 1, "rules": rules}))
}

fn payload(members: &Value) -> SkillPayload {
    serde_json::from_value(members.clone()).unwrap()
}

fn said(utterance: &str) -> Value {
    json!({"bot": {"id": "b", "name": "샘플 봇"}, "userRequest": {"utterance": utterance}})
}

fn in_room(utterance: &str) -> Value {
    let mut message = said(utterance);
    message["userRequest"]["chat"] = json!({"id": "r", "type": "botGroupKey"});
    message
}

fn found(rules: &Rules, message: &Value) -> Option<usize> {
    rules.find(&payload(message)).map(|found| found.index)
}

fn answer(rules: &Rules, message: &Value) -> Option<Value> {
    rules.find(&payload(message)).map(|found| serde_json::from_str(&found.reply.clone().into_json()).unwrap())
}

/// The mistakes of a document, as they are shown.
fn mistakes(text: &str) -> Vec<String> {
    Rules::from_json(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

fn remarks(rules: &Value) -> Vec<String> {
    of_rules(rules).remarks().iter().map(ToString::to_string).collect()
}

#[test]
fn the_first_rule_that_fits_is_the_answer() {
    let rules = of_rules(&json!([
        {"when": {"says": "영업시간"}, "reply": "10시부터"},
        {"when": {"says": ["위치", "어디예요?"]}, "reply": "서울"},
        {"when": {"starts_with": "예약"}, "reply": "예약"},
        {"when": {"contains": ["환불", "반품"], "block": "b1"}, "reply": "환불"},
        {"when": {"block": ["b1", "주문"]}, "reply": "주문"},
        {"when": {"intent": "인사"}, "reply": "안녕"},
    ]));
    let in_block = |utterance: &str, block: Value| {
        let mut message = said(utterance);
        message["userRequest"]["block"] = block;
        message
    };
    for (message, index) in [
        (said("영업시간\n"), Some(0)),
        (said("영업시간이요"), None),
        (said("어디예요?"), Some(1)),
        (said("예약하고 싶어요"), Some(2)),
        (said("내일 예약"), None),
        (said("환불은 어떻게 해요"), None),
        (in_block("환불은 어떻게 해요", json!({"id": "b1"})), Some(3)),
        (in_block("이거반품", json!({"id": "b1"})), Some(3)),
        (in_block("다른 말", json!({"id": "x", "name": "주문"})), Some(4)),
        (in_block("예약", json!({"name": "주문"})), Some(2)),
        (json!({"intent": {"name": "인사"}}), Some(5)),
        (json!({}), None),
    ] {
        assert_eq!(found(&rules, &message), index, "{message}");
    }
}

#[test]
fn a_rule_without_a_condition_fits_always_and_no_condition_on_words_fits_silence() {
    let rules = of_rules(&json!([
        {"when": {"contains": "가"}, "reply": "1"}, {"when": {}, "reply": "2"},
    ]));
    for message in [json!({}), said(""), said("\u{200b}"), in_room("나")] {
        assert_eq!(found(&rules, &message), Some(1), "{message}");
    }
}

#[test]
fn a_reply_is_words_or_words_with_quick_replies_or_whatever_kakao_takes() {
    let whole = json!({"version": "2.0", "template": {"outputs": [{"simpleImage": {
        "imageUrl": "https://example.com/a.png", "altText": "지도"}}]}, "data": {"unknown": [1]}});
    let rules = of_rules(&json!([
        {"when": {"says": "1"}, "reply": "말"},
        {"when": {"says": "2"}, "reply": {"text": "말", "quick_replies": ["영업시간"]}},
        {"when": {"says": "3"}, "reply": whole},
    ]));
    let words = json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "말"}}]}});
    let mut with_quick_reply = words.clone();
    with_quick_reply["template"]["quickReplies"] =
        json!([{"label": "영업시간", "action": "message", "messageText": "영업시간"}]);
    for (utterance, expected, expected_in_room) in
        [("1", &words, &words), ("2", &with_quick_reply, &words), ("3", &whole, &whole)]
    {
        assert_eq!(answer(&rules, &said(utterance)).as_ref(), Some(expected));
        assert_eq!(answer(&rules, &in_room(utterance)).as_ref(), Some(expected_in_room));
    }
}

#[test]
fn a_rule_whose_reply_no_room_takes_does_not_fit_there() {
    let whole = json!({"version": "2.0", "template": {"outputs": [{"carousel": {"type": "textCard", "items": [
        {"title": "하나"}, {"title": "둘"}]}}]}});
    let list =
        json!([{"when": {"says": "예약"}, "reply": whole}, {"when": {"says": "예약"}, "reply": "방에서는 말로"}]);
    let rules = of_rules(&list);
    assert_eq!(found(&rules, &said("예약")), Some(0));
    assert_eq!(found(&rules, &in_room("예약")), Some(1));
    // The second one is used in rooms, so it can fit.
    let remarks = remarks(&list);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(
        remarks[0].starts_with("`rules[0]` does not fit in group chat rooms: `outputs[0].carousel`"),
        "{remarks:?}"
    );
}

#[test]
fn quick_replies_of_a_whole_reply_are_left_out_in_rooms() {
    let words = json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "예약할까요?"}}]}});
    let mut whole = words.clone();
    whole["template"]["quickReplies"] = json!([{"label": "네", "action": "message", "messageText": "네"}]);
    let list = json!([{"when": {"room": true, "says": "방"}, "reply": whole}, {"reply": whole}]);
    let rules = of_rules(&list);
    assert_eq!(answer(&rules, &in_room("방")), Some(words.clone()));
    assert_eq!(answer(&rules, &in_room("예약")), Some(words));
    assert_eq!(answer(&rules, &said("예약")), Some(whole));
    let remark = "`rules[0].reply.template.quickReplies`: group chat rooms don't show it, and it is left out";
    assert_eq!(remarks(&list), [remark]);
}

#[test]
fn a_text_of_which_kakao_shows_the_beginning_is_remarked_with_its_place() {
    let buttons = json!([{"label": "가".repeat(15), "action": "share"}]);
    let card = json!({"textCard": {"title": "제목", "buttons": buttons}});
    assert_eq!(
        remarks(&json!([{"reply": {"version": "2.0", "template": {"outputs": [card]}}}])),
        ["`rules[0].reply.template.outputs[0].textCard.buttons[0].label` has 15 characters, Kakao shows 14"]
    );
}

#[test]
fn a_rule_may_be_for_rooms_only_or_for_chats_only() {
    let nothing = json!({"version": "2.0", "template": {"outputs": []}});
    let carousel = json!({"version": "2.0", "template": {"outputs": [{"carousel": {"type": "textCard", "items": [
        {"title": "하나"}, {"title": "둘"}]}}]}});
    let list = json!([
        {"when": {"room": true, "says": "ㅋㅋ"}, "reply": nothing},
        {"when": {"room": false}, "reply": carousel},
        {"reply": "방에서"},
    ]);
    let rules = of_rules(&list);
    for (message, index) in [(in_room("ㅋㅋ"), 0), (said("ㅋㅋ"), 1), (in_room("안녕"), 2)] {
        assert_eq!(found(&rules, &message), Some(index), "{message}");
    }
    assert_eq!(answer(&rules, &in_room("ㅋㅋ")), Some(nothing.clone()));
    assert_eq!(remarks(&list), Vec::<String>::new());
    let wrong = json!({"version": 1, "rules": [{"when": {"room": true}, "reply": carousel}, {"reply": nothing}]});
    assert_eq!(
        mistakes(&wrong.to_string()),
        [
            "`rules[0].reply.template.outputs[0].carousel`: group chat rooms don't show it",
            "`rules[1].reply.template.outputs` has 0 elements, at least 1 are needed",
        ]
    );
}

#[test]
fn a_mistake_in_a_whole_reply_has_its_place_in_the_document() {
    let button = |label: &str| json!({"label": label, "action": "webLink", "webLinkUrl": "https://example.com"});
    let card = json!({"textCard": {"title": "제목", "buttons": [button("네"), button(" ")]}});
    let reply = |outputs: Value| json!({"version": "2.0", "template": {"outputs": outputs}});
    let document = json!({"version": 1, "rules": [
        {"reply": reply(json!([card]))},
        {"reply": reply(json!([{"simpleText": {"text": "가".repeat(40_000)}}]))},
        {"reply": {"version": "2.0", "useCallback": true}},
        {"reply": {"template": {}}},
    ]});
    insta::assert_snapshot!(mistakes(&document.to_string()).join("\n"));
}

#[test]
fn what_kakaos_open_sets_do_not_hold_is_remarked_on() {
    let reply = json!({"version": "2.0", "template": {"outputs": [{"futureCard": {}}]}});
    assert_eq!(
        remarks(&json!([{"reply": reply}])),
        [
            "`rules[0].reply.template.outputs[0].futureCard`: no component that this version knows; known here: `simpleText`, \
          `simpleImage`, `textCard`, `basicCard`, `commerceCard`, `listCard`, `itemCard`, `carousel`"
        ]
    );
}

#[test]
fn what_contradicts_itself_can_never_fit() {
    let long = "가".repeat(1_001);
    let contradicts = "`rules[0]` can never fit: no text of `says` fits its `starts_with` and its `contains`";
    let too_long = "`rules[0]` can never fit: its texts have more than 1,000 characters, and only so many of a message \
                    are compared";
    for (when, remark) in [
        (json!({"says": "a", "starts_with": "b"}), contradicts),
        (json!({"says": ["a b", "c"], "starts_with": "a", "contains": "c"}), contradicts),
        (json!({"says": "a", "contains": ["b", "c"]}), contradicts),
        (json!({"says": long}), too_long),
        (json!({"contains": [long, long], "block": "b"}), too_long),
    ] {
        assert_eq!(remarks(&json!([{"when": when, "reply": "a"}])), [remark], "{when}");
    }
    for when in [
        json!({"says": ["a b", "c"], "starts_with": "a", "contains": ["c", "b"]}),
        json!({"starts_with": "a", "contains": "b"}),
        json!({"says": "@봇 a", "starts_with": "a"}),
        json!({"says": ["a", long]}),
        json!({"says": format!("@봇 {long}")}),
    ] {
        assert_eq!(remarks(&json!([{"when": when, "reply": "a"}])), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn validations_are_answered_by_the_first_that_fits() {
    let rules = rules(&json!({"version": 1, "rules": [], "validations": [
        {"name": "번호", "when": {"starts_with": "010"}, "status": "SUCCESS"},
        {"when": {"says": ["그만", "취소"]}, "status": "IGNORE"},
        {"when": {"contains": "오류"}, "status": "ERROR"},
        {"status": "FAIL"},
    ]}));
    let status = |request: Value| rules.validate(&Validation::read(&request.as_object().unwrap().into()));
    let value = |origin: &str| json!({"origin": origin, "resolved": {"amount": 1}});
    for (request, expected) in [
        (
            json!({"isInSlotFilling": true, "utterance": "010-0000-0000", "value": value("x")}),
            ValidationStatus::Success,
        ),
        (json!({"isInSlotFilling": true, "utterance": "@봇 취소\n", "bot": {"name": "봇"}}), ValidationStatus::Ignore),
        (json!({"isInSlotFilling": true, "value": value("오류 3")}), ValidationStatus::Error),
        (json!({"isInSlotFilling": true, "utterance": 7, "value": 7}), ValidationStatus::Fail),
    ] {
        assert_eq!(status(request.clone()), Some(expected), "{request}");
    }
    assert_eq!(Rules::default().validate(&Validation::default()), None);
}

#[test]
fn every_mistake_is_listed_with_its_place() {
    let document = json!({
        "version": 2,
        "rulez": [],
        "comment": 7,
        "rules": [
            "영업시간",
            {"when": {"say": "a", "contains": [], "says": ["", 7], "starts_with": "\u{200b}"}, "reply": "b", "nmae": "c"},
            {"name": ["a"], "when": [], "reply": ""},
            {"reply": {"text": "a".repeat(1_001), "quick_replies": ["b", "", 7]}},
            {"reply": {"text": "a", "quick_replies": ["b", ""]}},
            {"reply": {"text": 7, "quickReplies": []}},
            {"reply": {"quick_replies": []}},
            {"reply": 7},
            {"reply": {}},
            {"when": {}},
        ],
        "validations": [{"when": {"block": "b"}, "status": "fail"}, {"reply": "a"}],
    });
    insta::assert_snapshot!(mistakes(&document.to_string()).join("\n"));
    assert_eq!(
        mistakes("{}"),
        ["`version` is required: 1", "`rules` is required: a list of rules, which may be empty"]
    );
    assert_eq!(
        mistakes(r#"{"version": 1, "rules": {}, "validations": null}"#),
        ["`rules` must be a list", "`validations` must be a list"]
    );
}

#[test]
fn what_is_no_json_has_a_line_and_a_column() {
    for (text, mistake) in [
        ("", "it is not one JSON document: it is empty (line 1, column 1)"),
        (
            "{\n \"version\": 1,\n}",
            "it is not one JSON document: the comma before this bracket is one too many (line 3, column 1)",
        ),
        ("7", "it is not a JSON object of the form {\"version\": 1, \"rules\": […]}"),
        ("{\"version\": 1,\n \"version\": 1}", "a key occurs twice in one object (line 2, column 10)"),
    ] {
        assert_eq!(mistakes(text), [mistake], "{text}");
    }
}

#[test]
fn the_short_list_of_a_stacks_parameter_is_told_from_a_document() {
    let mistakes = mistakes(r#"[{"utterance": "a", "text": "b"}]"#);
    assert!(matches!(&mistakes[..], [one] if one.starts_with("it is a list, as SkillAnswers")), "{mistakes:?}");
}

#[test]
fn a_document_is_at_most_350_kilobytes() {
    let document = |comment: usize| json!({"version": 1, "rules": [], "comment": "a".repeat(comment)}).to_string();
    let most = MAX_RULES_BYTES - document(0).len();
    assert!(Rules::from_json(&document(most)).is_ok());
    assert_eq!(mistakes(&document(most + 1)), ["the rules have 350001 bytes, at most 350000 are allowed"]);
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert!(Rules::from_json("\u{feff}{\"version\": 1, \"rules\": []}").is_ok());
}

#[test]
fn what_can_never_fit_is_remarked_on() {
    assert_eq!(remarks(&json!([])), ["`rules` is empty: no message is answered by a rule"]);
    for (earlier, later) in [
        (json!({}), json!({"says": "a"})),
        (json!({"says": ["a", "b"]}), json!({"says": "b", "block": "x"})),
        (json!({"starts_with": "예약"}), json!({"says": "예약 취소"})),
        (json!({"starts_with": "예약"}), json!({"starts_with": ["예약 취소", "예약 변경"]})),
        (json!({"contains": ["취소", "환불"]}), json!({"starts_with": "예약 취소", "intent": "i"})),
        (json!({"contains": "약", "starts_with": "예"}), json!({"says": "예약"})),
        (json!({"block": ["x", "y"]}), json!({"block": "y"})),
        (json!({"says": "@봇 시간"}), json!({"says": "@봇 시간"})),
    ] {
        let list = json!([{"reply": "1", "when": earlier}, {"reply": "2", "when": later}]);
        assert_eq!(
            remarks(&list),
            ["`rules[1]` can never fit: `rules[0]` fits wherever it does, and comes first"],
            "{list}"
        );
    }
    for (earlier, later) in [
        (json!({"says": "a"}), json!({})),
        (json!({"says": "a", "block": "x"}), json!({"says": "a"})),
        (json!({"starts_with": "예약"}), json!({"contains": "예약"})),
        (json!({"starts_with": "예약"}), json!({"starts_with": ["예약 취소", "취소"]})),
        (json!({"contains": "@"}), json!({"says": "@봇 시간"})),
    ] {
        let list = json!([{"reply": "1", "when": earlier}, {"reply": "2", "when": later}]);
        assert_eq!(remarks(&list), Vec::<String>::new(), "{list}");
    }
    let validations = rules(&json!({"version": 1, "rules": [{"reply": "a"}],
        "validations": [{"status": "FAIL"}, {"when": {"says": "a"}, "status": "IGNORE"}]}));
    let remarks: Vec<_> = validations.remarks().iter().map(ToString::to_string).collect();
    assert_eq!(remarks, ["`validations[1]` can never fit: `validations[0]` fits wherever it does, and comes first"]);
}

#[test]
fn a_rule_behind_one_of_the_same_place_can_never_fit_whatever_their_replies() {
    let whole = |outputs: Value| json!({"version": "2.0", "template": {"outputs": outputs}});
    let (nothing, text) = (whole(json!([])), whole(json!([{"simpleText": {"text": "a"}}])));
    let never = ["`rules[1]` can never fit: `rules[0]` fits wherever it does, and comes first"];
    for (room, earlier) in [(true, &nothing), (true, &text), (false, &text)] {
        for later in [json!("b"), text.clone()] {
            let list = |when| json!([{"when": {"room": room}, "reply": earlier}, {"when": when, "reply": later}]);
            assert_eq!(remarks(&list(json!({"room": room, "says": "b"}))), never);
            assert_eq!(remarks(&list(json!({"room": !room}))), Vec::<String>::new());
            assert_eq!(remarks(&list(json!({"says": "b"}))), Vec::<String>::new());
        }
    }
}

/// Of few letters, so that they fit each other.
fn text() -> impl Strategy<Value = String> {
    "@?(봇 )?[가나a]{1,3}( [가나a])?"
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(text(), 1..3)
}

fn when() -> impl Strategy<Value = Value> {
    let names = proptest::sample::select(vec!["block", "intent", "says", "starts_with", "contains"]);
    let conditions = proptest::collection::btree_map(names, texts(), 0..3);
    (conditions, proptest::option::weighted(0.2, any::<bool>())).prop_map(|(conditions, room)| {
        let mut when = json!(conditions);
        when.as_object_mut().unwrap().extend(room.map(|room| ("room".to_owned(), json!(room))));
        when
    })
}

fn message() -> impl Strategy<Value = Value> {
    (text(), text(), text(), any::<bool>()).prop_map(|(said, block, intent, in_room)| {
        let chat = if in_room { json!({"type": "botGroupKey"}) } else { Value::Null };
        json!({"bot": {"name": "봇"}, "intent": {"name": intent},
            "userRequest": {"utterance": said, "block": {"id": block}, "chat": chat}})
    })
}

proptest! {
    #[test]
    fn a_message_fits_in_every_spelling(
        when in when(), message in message(), blank in "[ \t\u{a0}\u{3000}]{1,3}", invisible in "[\u{200b}\u{feff}\u{2060}]"
    ) {
        let rules = of_rules(&json!([{"when": when, "reply": "a"}]));
        let utterance = message["userRequest"]["utterance"].as_str().unwrap();
        let other: String = utterance.replace(' ', &blank).nfd().flat_map(|letter| [letter].into_iter().chain(invisible.chars())).collect();
        let mut other_message = message.clone();
        other_message["userRequest"]["utterance"] = json!(format!("{blank}{other}{invisible}\n"));
        prop_assert_eq!(found(&rules, &other_message), found(&rules, &message));
        if !utterance.starts_with('@') {
            other_message["userRequest"]["utterance"] = json!(format!("@봇{blank}{other}"));
            prop_assert_eq!(found(&rules, &other_message), found(&rules, &message));
        }
    }

    #[test]
    fn what_says_all_of_it_begins_with_it_and_what_begins_with_it_contains_it(texts in texts(), message in message()) {
        let fits = |name: &str| found(&of_rules(&json!([{"when": {name: texts}, "reply": "a"}])), &message).is_some();
        prop_assert!(!fits("says") || fits("starts_with"));
        prop_assert!(!fits("starts_with") || fits("contains"));
    }

    #[test]
    fn a_list_fits_if_one_of_its_texts_does(texts in texts(), message in message()) {
        for name in ["block", "intent", "says", "starts_with", "contains"] {
            let fits = |texts: Value| found(&of_rules(&json!([{"when": {name: texts}, "reply": "a"}])), &message).is_some();
            prop_assert_eq!(fits(json!(texts)), texts.iter().any(|text| fits(json!(text))));
        }
    }

    #[test]
    fn each_further_condition_narrows(one in when(), other in when(), message in message()) {
        let fits = |when: &Value| found(&of_rules(&json!([{"when": when, "reply": "a"}])), &message).is_some();
        let mut both = one.clone();
        both.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        let disjoint = both.as_object().unwrap().len() == one.as_object().unwrap().len() + other.as_object().unwrap().len();
        prop_assume!(disjoint);
        prop_assert_eq!(fits(&both), fits(&one) && fits(&other));
    }

    #[test]
    fn a_rule_that_can_never_fit_never_does(whens in proptest::collection::vec(when(), 1..5), message in message()) {
        let list: Vec<_> = whens.iter().map(|when| json!({"when": when, "reply": "a"})).collect();
        let rules = of_rules(&json!(list));
        let fitting = found(&rules, &message).map(|index| format!("rules[{index}]"));
        let dead = rules.remarks().into_iter().find(|remark| Some(&remark.field) == fitting.as_ref());
        prop_assert_eq!(dead, None);
    }

    #[test]
    fn no_document_makes_it_panic(text in any::<String>(), json in "[{}\\[\\]\",:a1 ]{0,40}") {
        let _ = Rules::from_json(&text);
        let _ = Rules::from_json(&json);
    }
}

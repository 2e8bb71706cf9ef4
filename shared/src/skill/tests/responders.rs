//! What responders answer.

use super::*;
use crate::wire::skill::SkillPayload;

fn payload(members: Value) -> SkillPayload {
    serde_json::from_value(members).unwrap()
}

fn text_of(response: SkillResponse) -> Value {
    let reply: Value = serde_json::from_str(&response.into_json()).unwrap();
    reply["template"]["outputs"][0]["simpleText"]["text"].clone()
}

fn said(responder: &dyn Responder, members: Value) -> Value {
    text_of(respond(responder, &payload(members)))
}

fn listed(list: &Rules, members: Value) -> Option<Value> {
    list.answer(&payload(members)).map(text_of)
}

#[test]
fn a_list_answers_with_the_first_that_fits() {
    let list = r#"[{"utterance": "영업시간", "text": "10시부터", "quick_replies": ["위치"]},
        {"block": "b1", "text": "블록"}, {"block": "주문", "intent": "i1", "text": "둘 다"}, {"intent": "인사", "text": "인사"}]"#;
    let list = Rules::from_list(list).unwrap();
    for (members, answer) in [
        (json!({"userRequest": {"utterance": " 영업시간\n", "block": {"id": "b1"}}}), Some("10시부터")),
        (json!({"userRequest": {"utterance": "x", "block": {"id": "b1"}}}), Some("블록")),
        (json!({"userRequest": {"utterance": "x", "block": {"name": "주문"}}}), None),
        (json!({"userRequest": {"utterance": "x", "block": {"name": "주문"}}, "intent": {"id": "i1"}}), Some("둘 다")),
        (json!({"intent": {"name": "인사"}}), Some("인사")),
        (json!({}), None),
    ] {
        assert_eq!(listed(&list, members), answer.map(Value::from));
    }
    let reply = list.answer(&payload(json!({"userRequest": {"utterance": "영업시간"}}))).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&reply.into_json()).unwrap()["template"]["quickReplies"][0],
        json!({"label": "위치", "action": "message", "messageText": "위치"})
    );
}

#[test]
fn a_listed_answer_is_found_by_words_that_look_the_same() {
    const DECOMPOSED: &str = "\u{110b}\u{1167}\u{11bc}\u{110b}\u{1165}\u{11b8}\u{1109}\u{1175}\u{1100}\u{1161}\u{11ab}";
    let bot = |name: &str| json!({"id": "b", "name": name});
    for configured in ["영업시간", DECOMPOSED, " 영업시간\u{200b}", "@샘플 봇  영업시간"] {
        let list = json!([{"utterance": configured, "text": "10시부터"}]).to_string();
        let list = Rules::from_list(&list).unwrap();
        for utterance in ["영업시간", "@샘플 봇 영업시간\n", "\u{feff}@샘플\u{a0}봇 영\u{200d}업시간", DECOMPOSED]
        {
            let members = json!({"bot": bot("샘플 봇"), "userRequest": {"utterance": utterance}});
            assert_eq!(listed(&list, members), Some(json!("10시부터")), "{utterance:?} for {configured:?}");
        }
        for utterance in ["@샘플 봇", "@다른 봇 영업시간", "영업 시간", "영업시간이", "\u{200b}"] {
            let members = json!({"bot": bot("샘플 봇"), "userRequest": {"utterance": utterance}});
            assert_eq!(listed(&list, members), None, "{utterance:?} for {configured:?}");
        }
    }
    let list = json!([{"block": DECOMPOSED, "intent": DECOMPOSED, "text": "블록"}]).to_string();
    let list = Rules::from_list(&list).unwrap();
    let named = json!({"name": "영업시간"});
    assert_eq!(listed(&list, json!({"intent": named, "userRequest": {"block": named}})), Some(json!("블록")));
}

#[test]
fn a_group_chat_room_is_answered_without_quick_replies() {
    let list = r#"[{"utterance": "내일 비 와?", "text": "맑음", "quick_replies": ["모레"]}]"#;
    let list = Rules::from_list(list).unwrap();
    let reply = |chat: Value| -> Value {
        let members = json!({"userRequest": {"utterance": "내일 비 와?", "user": {"id": "u"}, "chat": chat}});
        serde_json::from_str(&list.answer(&payload(members)).unwrap().into_json()).unwrap()
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
    let from = |list: &str| Rules::from_list(list).map(drop).unwrap_err().to_string();
    let form = |line, column| ListError::Form { line, column }.to_string();
    assert_eq!(from("{}"), form(1, 0));
    assert_eq!(from("[{\"text\": \"a\"},\n{\"text\": \"a\", \"tpyo\": 1}]"), form(2, 20));
    assert_eq!(from(r#"[{"text": "a"}, {"text": ""}]"#), "answer 2 of the list: `outputs[0].simpleText.text` is empty");
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

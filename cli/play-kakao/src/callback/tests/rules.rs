use super::*;

#[test]
fn a_reply_is_said_once_and_its_url_is_used() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    assert_eq!(said(&mut callbacks, &reply("안녕"), at(59)), success());
    assert_eq!(said(&mut callbacks, &reply("또 안녕"), at(59)), fail(CallbackFail::Token));
    assert_eq!(heard(&callbacks), ["안녕"]);
    let exchange = callbacks.exchange(TOKEN).unwrap();
    assert_eq!(exchange.waiting_text(), Some("잠시만요"));
    let verdicts: Vec<_> = exchange.attempts().iter().map(|attempt| attempt.verdict).collect();
    assert_eq!(verdicts, [Verdict::Said, Verdict::Refused(CallbackFail::Token)]);
}

#[test]
fn a_url_lives_a_minute_and_five_in_rooms() {
    for (kind, seconds) in [(CallbackKind::Chat, 60), (CallbackKind::Room, 300)] {
        let late = said(&mut callbacks(kind), &reply("늦음"), at(seconds));
        assert_eq!(late, fail(CallbackFail::Token), "{kind:?}");
        assert_eq!(said(&mut callbacks(kind), &reply("제때"), at(seconds - 1)), success(), "{kind:?}");
    }
}

#[test]
fn a_token_that_was_never_issued_is_invalid() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let answer = answered(&mut callbacks, &post(&callback_path(BOT, "mistyped"), &reply("x")), at(1));
    assert_eq!(verdict(&answer), fail(CallbackFail::Token));
}

#[test]
fn a_url_of_the_bot_test_takes_nothing() {
    let mut callbacks = callbacks(CallbackKind::BotTest);
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::TestToken));
}

#[test]
fn another_bots_id_is_refused_and_that_of_the_development_channel_is_the_same_bot() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let answer = answered(&mut callbacks, &post(&callback_path("other", TOKEN), &reply("x")), at(1));
    assert_eq!(verdict(&answer), fail(CallbackFail::BotId));
    let answer = answered(&mut callbacks, &post(&callback_path(&format!("{BOT}!"), TOKEN), &reply("x")), at(1));
    assert_eq!(verdict(&answer), success());
}

#[test]
fn a_reply_before_the_first_answer_is_refused_and_leaves_the_url_usable() {
    let mut callbacks = SimulatedCallbacks::default();
    callbacks.settings.first_answer_takes = Duration::from_secs(1);
    callbacks.issue(TOKEN, BOT, CallbackKind::Chat, at(0));
    assert_eq!(said(&mut callbacks, &reply("x"), at(0)), fail(CallbackFail::UseCallback));
    callbacks.take_first_answer(TOKEN, WAIT, at(1));
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::UseCallback));
    assert_eq!(said(&mut callbacks, &reply("x"), at(2)), success());
}

#[test]
fn a_reply_after_a_first_answer_that_was_one_is_refused_and_the_first_was_heard() {
    for first in [reply("바로"), json!({"version": "2.0", "useCallback": false}).to_string(), "no JSON".to_owned()] {
        let mut callbacks = SimulatedCallbacks::default();
        callbacks.issue(TOKEN, BOT, CallbackKind::Chat, at(0));
        callbacks.take_first_answer(TOKEN, &first, at(0));
        assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::UseCallback), "{first}");
        let expected: &[&str] = if first == reply("바로") { &["바로"] } else { &[] };
        assert_eq!(heard(&callbacks), expected);
        assert_eq!(callbacks.exchange(TOKEN).unwrap().waiting_text(), None);
    }
}

#[test]
fn a_reply_that_is_no_json_or_breaks_a_rule_is_refused_and_a_right_one_still_taken() {
    let with = |outputs: Value| json!({"version": "2.0", "template": {"outputs": outputs}}).to_string();
    let bubble = json!({"simpleText": {"text": "x"}});
    for (body, expected) in [
        ("{".to_owned(), CallbackFail::Json),
        (String::new(), CallbackFail::Json),
        ("[]".to_owned(), CallbackFail::Json),
        (r#"{"text":"x"}"#.to_owned(), CallbackFail::SkillJson),
        (reply("x").replace("2.0", "1.0"), CallbackFail::SkillJson),
        (reply(" "), CallbackFail::SkillJson),
        (reply(&"가".repeat(1_001)), CallbackFail::SkillJson),
        (with(json!([])), CallbackFail::SkillJson),
        (with(json!([bubble, bubble, bubble, bubble])), CallbackFail::SkillJson),
        (with(json!([{"simpleText": {"text": "x"}, "textCard": {}}])), CallbackFail::SkillJson),
        (with(json!([{"textCard": {"title": "x".repeat(30_000)}}])), CallbackFail::SkillJson),
    ] {
        let mut callbacks = callbacks(CallbackKind::Chat);
        assert_eq!(said(&mut callbacks, &body, at(1)), fail(expected), "{body:.80}");
        assert_eq!(said(&mut callbacks, &reply("쉬운 말"), at(2)), success());
        assert_eq!(heard(&callbacks), ["쉬운 말"]);
    }
}

#[test]
fn a_reply_that_is_not_sent_as_json_is_refused() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let mut request = post(&callback_path(BOT, TOKEN), &reply("x"));
    request.content_type = "text/plain".to_owned();
    assert_eq!(verdict(&answered(&mut callbacks, &request, at(1))), fail(CallbackFail::Json));
}

#[test]
fn a_room_takes_a_reply_of_nothing_and_no_carousel() {
    let with = |template: Value| json!({"version": "2.0", "template": template}).to_string();
    let card = json!({"title": "x"});
    let carousel = json!({"carousel": {"type": "textCard", "items": [card, card]}});
    let taken = |kind, template: &Value| said(&mut callbacks(kind), &with(template.clone()), at(1)) == success();
    for (template, in_chat, in_room) in [
        (json!({"outputs": []}), false, true),
        (json!({"outputs": [carousel]}), true, false),
        (json!({"outputs": [{"aCardOfTomorrow": {}}]}), true, true),
    ] {
        assert_eq!(taken(CallbackKind::Chat, &template), in_chat, "{template}");
        assert_eq!(taken(CallbackKind::Room, &template), in_room, "{template}");
    }
}

#[test]
fn a_reply_of_several_bubbles_is_heard_line_by_line() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let outputs = json!([{"simpleText": {"text": "하나"}}, {"textCard": {"title": "둘"}}]);
    said(&mut callbacks, &json!({"version": "2.0", "template": {"outputs": outputs}}).to_string(), at(1));
    assert_eq!(heard(&callbacks), ["하나\n{\"textCard\":{\"title\":\"둘\"}}"]);
}

#[test]
fn an_answer_has_the_four_members_of_kakaos() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let answer = answered(&mut callbacks, &post(&callback_path(BOT, TOKEN), &reply("x")), at(1));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let expected = json!({
        "taskId": "00000001-0000-4000-8000-000000000000", "status": "SUCCESS", "message": "success",
        "timestamp": 1_700_000_001_000_u64,
    });
    assert_eq!((answer.status, body), (200, expected));
}

#[test]
fn the_http_status_of_a_failure_is_a_setting() {
    for status in [200, 400] {
        let mut callbacks = SimulatedCallbacks::default();
        callbacks.settings.fail_status = status;
        let answer = answered(&mut callbacks, &post(&callback_path(BOT, TOKEN), "{"), at(1));
        assert_eq!((answer.status, verdict(&answer)), (status, fail(CallbackFail::Token)));
    }
}

#[test]
fn another_path_or_method_is_none_of_the_callback() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    let right = callback_path(BOT, TOKEN);
    for path in
        ["/", "/v1/bots/b/callback/", "/v1/bots//callback/t", "/v1/bots/b/callback/t/u", "/v2/bots/b/callback/t"]
    {
        assert_eq!(answered(&mut callbacks, &post(path, "{}"), at(1)).status, 404, "{path}");
    }
    let get = CallbackRequest { method: "GET".to_owned(), ..post(&right, "") };
    assert_eq!(answered(&mut callbacks, &get, at(1)).status, 405);
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), success());
}

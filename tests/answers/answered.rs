//! What a user hears while nothing fails.

use end_to_end::{
    Pipeline, Request,
    answering::{ANSWER, Answering, FALLBACK, SECRET, WAIT, body, request},
    service::SKILL_KEY,
};
use play_kakao::callback::CallbackKind;
use serde_json::{Value, json};

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

fn text_of(body: &str) -> String {
    json_of(body)["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_message_with_a_callback_url_is_answered_there() {
    let mut answering = Answering::start().await.unwrap();
    for kind in [CallbackKind::Chat, CallbackKind::Room] {
        let said = answering.say(kind, "무엇을 할 수 있어?", 0).await.unwrap();
        assert_eq!(json_of(&said.answer.body), json!({"version": "2.0", "useCallback": true, "data": {"text": WAIT}}));
        assert_eq!(answering.work().await.unwrap(), []);
        assert_eq!(answering.heard(&said).unwrap(), [ANSWER]);
    }
    let posted = answering.model.posted();
    assert_eq!(posted.len(), 2);
    assert!(posted.iter().all(|posted| posted.is_signed_by_the_functions_clock(SECRET)));
    let question = posted[0].json();
    assert_eq!(question["userRequest"]["utterance"], "무엇을 할 수 있어?");
    assert!(question["deadline_ms"].is_i64());
    assert!(posted[0].header("webhook-id").starts_with("gateway-"));
    let line = answering.answerer().await.as_ref().unwrap().line("event", "replied").await.unwrap();
    assert_eq!((&line["via"], &line["in_time"], &line["level"]), (&json!("callback"), &json!(true), &json!("INFO")));
    assert_eq!(answering.queue.deleted().len(), 2);
    // The event is stored beside it.
    assert_eq!(answering.pipeline.queue.bodies().len(), 2);
}

#[tokio::test]
async fn a_message_without_a_callback_url_that_may_be_called_is_answered_at_once() {
    let mut answering = Answering::start().await.unwrap();
    let said = answering.say(CallbackKind::BotTest, "시험", 0).await.unwrap();
    assert_eq!(text_of(&said.answer.body), ANSWER);
    let path = answering.callbacks.issue("another-bot", CallbackKind::Chat).unwrap().url;
    for url in [json!(null), json!(path), json!("https://example.com/v1/bots/x/callback/y"), json!(7)] {
        let mut body = body("무엇?");
        body["userRequest"]["callbackUrl"] = url;
        let answer = answering.deliver(&request(&body, "a").received_now()).await.unwrap();
        assert_eq!((answer.status, text_of(&answer.body)), (200, ANSWER.to_owned()));
    }
    assert!(answering.queue.is_empty());
    let line = answering.skill.line("event", "replied").await.unwrap();
    assert_eq!((&line["via"], &line["in_time"]), (&json!("direct"), &json!(true)));
}

#[tokio::test]
async fn without_an_answer_in_time_a_message_is_answered_with_the_fallback_text() {
    use end_to_end::faults::Fault;
    let mut answering = Answering::start().await.unwrap();
    for fault in [Fault::Hangs, Fault::Status(500)] {
        answering.model.gate().set(fault);
        let answer = answering.deliver(&request(&body("무엇?"), "a").received_now()).await.unwrap();
        assert_eq!((answer.status, text_of(&answer.body)), (200, FALLBACK.to_owned()));
    }
    answering.kill_answerer().await;
    let answer = answering.deliver(&request(&body("무엇?"), "a").received_now()).await.unwrap();
    assert_eq!((answer.status, text_of(&answer.body)), (200, FALLBACK.to_owned()));
    answering.skill.line("event", "fallback").await.unwrap();
}

#[tokio::test]
async fn a_rule_comes_first_and_asks_no_one() {
    const RULES: &str = r#"[{"utterance": "영업시간", "text": "10시부터"}]"#;
    let pipeline = Pipeline::start().await.unwrap().with("SKILL_ANSWERS", RULES);
    let mut answering = Answering::around(pipeline).await.unwrap();
    let said = answering.say(CallbackKind::Chat, "영업시간", 0).await.unwrap();
    assert_eq!(text_of(&said.answer.body), "10시부터");
    assert!(answering.queue.is_empty() && answering.model.posts() == 0);
}

#[tokio::test]
async fn a_validation_is_judged_by_the_service_and_good_where_that_says_nothing() {
    let mut answering = Answering::start().await.unwrap();
    let validation = json!({"isInSlotFilling": true, "utterance": "둘이요", "value": {"origin": "둘", "resolved": "2"},
        "user": {"id": "u1"}, "bot": {"id": "b"}});
    for (model, expected) in [(r#"{"status":"FAIL"}"#, "FAIL"), (r#"{"text":"?"}"#, "SUCCESS"), ("", "SUCCESS")] {
        answering.model.says(model);
        let answer = answering.deliver(&request(&validation, "a").received_now()).await.unwrap();
        assert_eq!(json_of(&answer.body), json!({"status": expected}), "{model}");
    }
    assert_eq!(answering.model.posted()[0].json()["value"], validation["value"]);
}

#[tokio::test]
async fn a_long_text_comes_in_bubbles_and_a_card_as_it_is() {
    let mut answering = Answering::start().await.unwrap();
    let sentence = "가나다라마바사. ".repeat(200);
    answering.model.says(&json!({"text": sentence}).to_string());
    let said = answering.say(CallbackKind::Chat, "길게", 0).await.unwrap();
    answering.work().await.unwrap();
    let attempts = answering.exchange(&said).unwrap().attempts().to_vec();
    assert_eq!(json_of(&attempts[0].body)["template"]["outputs"].as_array().unwrap().len(), 2);
    let card = r#"{"version":"2.0","template":{"outputs":[{"textCard":{"title":"제목","description":"설명"}}]},"data":{"n":1}}"#;
    answering.model.says(card);
    let said = answering.say(CallbackKind::Chat, "카드", 0).await.unwrap();
    answering.work().await.unwrap();
    assert_eq!(answering.exchange(&said).unwrap().attempts()[0].body, card);
}

#[tokio::test]
async fn without_the_skills_key_no_one_is_asked() {
    let mut answering = Answering::start().await.unwrap();
    let stranger = Request::new("POST", "/skill").body("application/json", body("무엇?").to_string());
    assert_eq!(answering.deliver(&stranger).await.unwrap().status, 401);
    let wrong = stranger.header(SKILL_KEY.0, "wrong");
    assert_eq!(answering.deliver(&wrong).await.unwrap().status, 401);
    assert!(answering.queue.is_empty() && answering.model.posts() == 0);
}

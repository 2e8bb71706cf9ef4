//! The chatbot's skill.

use std::net::{TcpListener, TcpStream};

use end_to_end::{
    Pipeline, Request,
    faults::Fault,
    lambda::Outcome,
    service::{APP_ID, BOT_ID, SKILL_KEY},
};
use serde_json::{Value, json};

use crate::kakao::{skill, skill_body, snapshot};

#[tokio::test]
async fn the_registration_check_is_answered_to_the_letter() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in ["/skill", "/skill/"] {
        let answer = pipeline.deliver(&Request::new("GET", path)).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.body, r#"{"version":"2.0","data":{}}"#);
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn the_health_check_is_answered() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let answer = pipeline.deliver(&Request::new("GET", "/health")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body, r#"{"status":"ok"}"#);
}

/// The text of the answer to a message.
async fn reply(pipeline: &mut Pipeline, request: &Request) -> String {
    let answer = pipeline.deliver(request).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["version"], "2.0");
    assert_eq!(body["template"]["outputs"].as_array().unwrap().len(), 1);
    body["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_repeated() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (said, repeated) in
        [("안녕 🙂\n", "안녕 🙂"), ("  a \"b\" \\ ", "  a \"b\" \\"), ("\n", "무엇을 도와드릴까요?")]
    {
        assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", said), "r1")).await, repeated);
    }
    assert_eq!(pipeline.queue.bodies().len(), 3);
}

#[tokio::test]
async fn no_answer_is_longer_than_kakao_accepts() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let text = reply(&mut pipeline, &skill(&skill_body("u1", &"한".repeat(1_001)), "r1")).await;
    assert_eq!(text, "한".repeat(1_000));
}

#[tokio::test]
async fn what_was_said_is_not_in_the_envelope() {
    let mut pipeline = Pipeline::start().await.unwrap();
    reply(&mut pipeline, &skill(&skill_body("u1", "my-secret-words"), "r1")).await;
    let texts = pipeline.queue.bodies();
    assert_eq!(texts.len(), 1);
    assert!(!texts[0].contains("my-secret-words"), "{texts:?}");
}

#[tokio::test]
async fn skill_text_is_the_answer_if_it_is_set() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_TEXT", "곧 답해 드릴게요");
    assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), "r1")).await, "곧 답해 드릴게요");
}

#[tokio::test]
async fn any_field_may_be_absent_or_null() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut body = skill_body("u1", "");
    body["intent"] = Value::Null;
    body["action"] = json!({"params": null, "detailParams": null, "clientExtra": null});
    body["userRequest"]["utterance"] = Value::Null;
    body["userRequest"]["user"]["properties"] = Value::Null;
    assert_eq!(reply(&mut pipeline, &skill(&body, "r1")).await, "무엇을 도와드릴까요?");
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of("BOT#").unwrap().len(), 2);
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_refused_and_queues_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let message = skill(&skill_body("u1", "안녕"), "r1");
    let mut missing = message.clone();
    missing.headers.retain(|(name, _)| name != SKILL_KEY.0);
    let wrong = missing.clone().header(SKILL_KEY.0, "wrong");
    let empty = missing.clone().header(SKILL_KEY.0, "");
    let twice = message.clone().header(SKILL_KEY.0, SKILL_KEY.1);
    let mut answers = vec![];
    for request in [missing, wrong, empty, twice] {
        let answer = pipeline.deliver(&request).await.unwrap();
        assert_eq!(answer.status, 401, "{request:?}");
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    snapshot("refused-skill-messages", &answers);
}

#[tokio::test]
async fn without_skill_auth_every_request_is_answered_and_nothing_is_stored() {
    let mut pipeline = Pipeline::start().await.unwrap().without("SKILL_AUTH");
    assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), "r1")).await, "안녕");
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(pipeline.table.items().unwrap().is_empty());
    let warning = pipeline.function("skill").await.unwrap().line("event", "unauthenticated").await.unwrap();
    assert_eq!(warning["level"], "WARN");
}

#[tokio::test]
async fn a_bot_of_no_app_of_ours_keeps_its_own_item_only() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut body = skill_body("u1", "안녕");
    body["bot"]["id"] = json!("an-unlisted-bot");
    body["userRequest"]["user"]["properties"] = json!({"appUserId": "3142858400"});
    reply(&mut pipeline, &skill(&body, "r1")).await;
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of("USER#").unwrap(), []);
    let state = pipeline.state_of("BOT#an-unlisted-bot#u1").unwrap().unwrap();
    assert_eq!(state["app_user_id"], "3142858400");
}

#[tokio::test]
async fn a_parameter_validation_is_confirmed_and_nothing_of_it_is_kept() {
    let body = json!({"isInSlotFilling": true, "utterance": "010-0000-0000",
        "value": {"origin": "010-0000-0000", "resolved": "01000000000"},
        "user": {"id": "u1", "type": "botUserKey", "properties": {}}, "bot": {"id": BOT_ID, "name": "봇"}});
    let mut pipeline = Pipeline::start().await.unwrap();
    let answer = pipeline.deliver(&skill(&body, "r1")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"SUCCESS"}"#));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(pipeline.table.items().unwrap().is_empty());
    let line = pipeline.function("skill").await.unwrap().line("event", "no_event").await.unwrap();
    assert_eq!((&line["level"], &line["reason"]), (&json!("INFO"), &json!("parameter_validation")));
    assert!(!line.to_string().contains("0000"), "{line}");
    let mut open = Pipeline::start().await.unwrap().without("SKILL_AUTH");
    assert_eq!(open.deliver(&skill(&body, "r1")).await.unwrap().body, r#"{"status":"SUCCESS"}"#);
}

#[tokio::test]
async fn the_development_channel_is_the_same_bot() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (bot, at) in [(format!("{BOT_ID}!"), "r1"), (BOT_ID.to_owned(), "r2")] {
        let mut body = skill_body("u1", "안녕");
        body["bot"]["id"] = json!(bot);
        body["userRequest"]["user"]["properties"] = json!({"appUserId": "3142858400"});
        reply(&mut pipeline, &skill(&body, at)).await;
    }
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of(&format!("BOT#{BOT_ID}!")).unwrap(), []);
    assert!(pipeline.state_of(&format!("BOT#{BOT_ID}#u1")).unwrap().is_some());
    let state = pipeline.state(APP_ID, "3142858400").unwrap().unwrap();
    assert_eq!(state["bots"].as_object().unwrap().keys().collect::<Vec<_>>(), [BOT_ID]);
}

#[tokio::test]
async fn the_older_spelling_of_a_property_counts_where_the_newer_can_not_be_read() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (user, properties) in [
        ("u1", json!({"appUserId": "3142858401", "plusfriend_user_key": "pf"})),
        (
            "u2",
            json!({"appUserId": null, "app_user_id": "3142858401", "plusfriendUserKey": [], "plusfriend_user_key": "pf"}),
        ),
        ("u3", json!({"appUserId": 1.5, "app_user_id": 3_142_858_401_i64, "plusfriendUserKey": "pf"})),
    ] {
        let mut body = skill_body(user, "안녕");
        body["userRequest"]["user"]["properties"] = properties;
        reply(&mut pipeline, &skill(&body, user)).await;
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        let state = pipeline.state_of(&format!("BOT#{BOT_ID}#{user}")).unwrap().unwrap();
        assert_eq!((&state["app_user_id"], &state["plusfriend_user_key"]), (&json!("3142858401"), &json!("pf")));
        assert_eq!(pipeline.state(APP_ID, "3142858401").unwrap().unwrap()["bots"][BOT_ID]["user_key"], user);
    }
}

#[tokio::test]
async fn a_group_chat_room_is_answered_to_its_words_and_without_quick_replies() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_ANSWERS", ANSWERS);
    // "영업시간" as macOS writes it.
    let decomposed = "\u{110b}\u{1167}\u{11bc}\u{110b}\u{1165}\u{11b8}\u{1109}\u{1175}\u{1100}\u{1161}\u{11ab}";
    for utterance in ["영업시간".to_owned(), "@우리 봇 영업시간\n".to_owned(), format!("@우리 봇 {decomposed}\u{200b}")]
    {
        let user =
            json!({"id": "u1", "type": "botUserKey", "properties": {"botUserKey": "u1", "appUserId": "3142858402"}});
        let chat = json!({"id": "room", "type": "botGroupKey", "properties": {"botGroupKey": "room"}});
        let body = json!({"bot": {"id": BOT_ID, "name": "우리 봇"}, "intent": {"id": "i"},
            "userRequest": {"utterance": utterance, "user": user, "chat": chat}});
        let answer = pipeline.deliver(&skill(&body, "r1")).await.unwrap();
        let template = json!({"outputs": [{"simpleText": {"text": "10시부터 20시까지입니다."}}]});
        assert_eq!(
            serde_json::from_str::<Value>(&answer.body).unwrap(),
            json!({"version": "2.0", "template": template}),
            "{utterance:?}"
        );
    }
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.state(APP_ID, "3142858402").unwrap().unwrap()["bots"][BOT_ID]["user_key"], "u1");
    assert!(pipeline.table.items().unwrap().iter().all(|item| !item["pk"].as_str().unwrap().contains("room")));
}

const ANSWERS: &str = r#"[
  {"utterance": "영업시간", "text": "10시부터 20시까지입니다.", "quick_replies": ["위치", "예약"]},
  {"block": "주문 블록", "intent": "order", "text": "무엇을 주문할까요?"},
  {"block": "65f0c3a1", "text": "블록으로 골랐어요."},
  {"intent": "인사", "text": "반가워요."}
]"#;

/// A message, with the block and the intent that Kakao matched it with.
fn matched(utterance: &str, block: &Value, intent: &Value) -> Value {
    let mut body = skill_body("u1", utterance);
    body["userRequest"]["block"] = block.clone();
    body["intent"] = intent.clone();
    body
}

#[tokio::test]
async fn skill_answers_are_given_to_what_they_fit_and_skill_text_to_all_else() {
    let mut pipeline =
        Pipeline::start().await.unwrap().with("SKILL_ANSWERS", ANSWERS).with("SKILL_TEXT", "곧 답할게요");
    let (none, order) = (Value::Null, json!({"id": "order", "name": "주문"}));
    for (body, text) in [
        (matched("영업시간", &none, &none), "10시부터 20시까지입니다."),
        (matched(" 영업시간\n", &json!({"id": "65f0c3a1"}), &none), "10시부터 20시까지입니다."),
        (matched("치킨", &json!({"id": "b", "name": "주문 블록"}), &order), "무엇을 주문할까요?"),
        (matched("치킨", &json!({"id": "b", "name": "주문 블록"}), &none), "곧 답할게요"),
        (matched("치킨", &json!({"id": "65f0c3a1"}), &order), "블록으로 골랐어요."),
        (matched("안녕", &none, &json!({"id": "x", "name": "인사"})), "반가워요."),
        (matched("영업시간이 언제예요", &none, &none), "곧 답할게요"),
    ] {
        assert_eq!(reply(&mut pipeline, &skill(&body, "r1")).await, text, "{body}");
    }
    assert_eq!(pipeline.queue.bodies().len(), 7);
}

#[tokio::test]
async fn quick_replies_say_what_is_written_on_them() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_ANSWERS", ANSWERS);
    let answer = pipeline.deliver(&skill(&skill_body("u1", "영업시간"), "r1")).await.unwrap();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let button = |text: &str| json!({"label": text, "action": "message", "messageText": text});
    assert_eq!(body["template"]["quickReplies"], json!([button("위치"), button("예약")]));
    // Without SKILL_TEXT, an utterance that matches nothing is repeated.
    assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", "다른 말"), "r2")).await, "다른 말");
}

#[tokio::test]
async fn a_callback_url_is_never_called() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    for pipeline in [Pipeline::start().await.unwrap(), Pipeline::start().await.unwrap().without("SKILL_AUTH")] {
        let mut pipeline = pipeline;
        for url in
            [format!("http://{address}/a"), format!("https://{address}/a"), format!("http://{address}@kakao.com")]
        {
            let mut body = skill_body("u1", "안녕");
            body["userRequest"]["callbackUrl"] = json!(url);
            assert_eq!(reply(&mut pipeline, &skill(&body, "r1")).await, "안녕");
        }
        pipeline.drain().await.unwrap();
    }
    // The functions have ended, so no further request can follow.
    assert!(listener.accept().is_err(), "the callback was called");
    let _caller = TcpStream::connect(address).unwrap();
    listener.set_nonblocking(false).unwrap();
    assert!(listener.accept().is_ok(), "the listener notices no connection");
}

#[tokio::test]
async fn every_message_of_a_proven_sender_is_safe_before_it_is_answered() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for number in 1..=3 {
        reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), &format!("r{number}"))).await;
        assert_eq!(pipeline.queue.bodies().len(), number);
    }
    pipeline.queue.gate().set(Fault::Status(500));
    reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), "r4")).await;
    assert_eq!(pipeline.items_of("INBOX#").unwrap().len(), 1);
    pipeline.table.gate().set(Fault::Status(500));
    let answer = pipeline.deliver(&skill(&skill_body("u1", "안녕"), "r5")).await.unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
}

#[tokio::test]
async fn a_message_that_is_not_stored_in_time_is_answered_503() {
    let pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Hangs);
    pipeline.table.gate().set(Fault::Hangs);
    let mut function = pipeline.start_function("skill").await.unwrap();
    let message = skill(&skill_body("u1", "안녕"), "r1").received_now();
    let Outcome::Response(response) = function.invoke(&message.event()).await.unwrap() else {
        panic!("it failed");
    };
    // Not stored in time: an answer to the user would hide that.
    assert_eq!(response["statusCode"], 503);
    pipeline.queue.gate().set(Fault::None);
    let message = skill(&skill_body("u1", "안녕"), "r2").received_now();
    let Outcome::Response(response) = function.invoke(&message.event()).await.unwrap() else {
        panic!("it failed");
    };
    assert_eq!((&response["statusCode"], pipeline.queue.bodies().len()), (&json!(200), 1));
}

#[tokio::test]
async fn head_agrees_with_get() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in ["/skill", "/skill/", "/health", "/health/"] {
        let get = pipeline.deliver(&Request::new("GET", path)).await.unwrap();
        let head = pipeline.deliver(&Request::new("HEAD", path)).await.unwrap();
        assert_eq!((head.status, &head.headers, head.body.as_str()), (get.status, &get.headers, ""), "{path}");
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}

//! The rules of the chatbot: stored by khook, used by the skill function.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use end_to_end::{
    Pipeline,
    faults::Fault,
    khook_binary::{self, Done},
    table,
};
use khook::{aws::rules::RuleTable, commands::skill::watch::WatchedRules};
use runtime::store::{DynamoStore, Pace, Retention, Saved};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use unicode_normalization::UnicodeNormalization;

use crate::kakao::{skill, skill_body};

/// What is stored takes effect within this time.
const IN_EFFECT: Duration = Duration::from_secs(30);

async fn khook(pipeline: &Pipeline, arguments: &[&str]) -> Done {
    khook_binary::of(pipeline, &[&["skill", "rules"], arguments].concat()).await.unwrap()
}

/// A file of its own with this text.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("skill-rules-{name}.json"));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn document(rules: &Value) -> String {
    json!({"version": 1, "rules": rules}).to_string()
}

/// Stores rules as khook does.
async fn put(pipeline: &Pipeline, name: &str, text: &str) {
    khook(pipeline, &["put", &file(name, text), "--yes"]).await.printed();
}

fn stored(pipeline: &Pipeline) -> Option<Value> {
    pipeline.table.item("ANSWERS", "RULES").unwrap().map(Value::Object)
}

/// What the bot answers to a message.
async fn answer(pipeline: &mut Pipeline, body: &Value) -> Value {
    let answer = pipeline.deliver(&skill(body, "r1")).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

async fn words(pipeline: &mut Pipeline, utterance: &str) -> String {
    let answer = answer(pipeline, &skill_body("u1", utterance)).await;
    answer["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rules_that_are_put_are_used_within_30_seconds_without_a_restart() {
    let mut pipeline = Pipeline::start().await.unwrap();
    assert_eq!(words(&mut pipeline, "영업시간").await, "영업시간");
    let rules = document(&json!([{"when": {"starts_with": "영업"}, "reply": "10시부터"}]));
    put(&pipeline, "effect", &rules).await;
    let put_at = Instant::now();
    while words(&mut pipeline, "영업시간").await != "10시부터" {
        assert!(put_at.elapsed() < IN_EFFECT, "not in effect yet");
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(words(&mut pipeline, "다른 말").await, "다른 말");
}

#[tokio::test]
async fn the_last_good_rules_stay_while_the_table_fails_or_holds_what_is_none() {
    let mut pipeline = Pipeline::start().await.unwrap();
    put(&pipeline, "stay", &document(&json!([{"reply": "규칙"}]))).await;
    assert_eq!(words(&mut pipeline, "안녕").await, "규칙");
    pipeline.table.gate().set(Fault::Status(500));
    logs(&mut pipeline, "rules_load_failed").await;
    pipeline.table.gate().set(Fault::None);
    pipeline.table.set("ANSWERS", "RULES", "document", r#"{"version": 1, "rules": [{"replyy": "비밀"}]}"#).unwrap();
    logs(&mut pipeline, "rules_unreadable").await;
    let lines = pipeline.lines();
    let unreadable: Vec<_> = lines.iter().filter(|line| line["event"] == "rules_unreadable").collect();
    assert_eq!(
        (unreadable.len(), &unreadable[0]["level"], &unreadable[0]["mistakes"]),
        (1, &json!("ERROR"), &json!(2))
    );
}

/// Messages come until the skill function logs this; each is answered by the rule.
async fn logs(pipeline: &mut Pipeline, event: &str) {
    let begun = Instant::now();
    while !pipeline.lines().iter().any(|line| line["event"] == event) {
        assert!(begun.elapsed() < IN_EFFECT, "no {event}");
        assert_eq!(words(pipeline, "안녕").await, "규칙");
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(words(pipeline, "안녕").await, "규칙");
}

#[tokio::test]
async fn a_start_and_an_answer_wait_for_no_table() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_ANSWERS", r#"[{"text": "목록"}]"#);
    for fault in [Fault::Hangs, Fault::Status(500), Fault::Throttled] {
        pipeline.table.gate().set(fault);
        let mut function = pipeline.start_function("skill").await.unwrap();
        let begun = Instant::now();
        let message = skill(&skill_body("u1", "안녕"), "r1").received_now();
        let answer = format!("{:?}", function.invoke(&message.event()).await.unwrap());
        assert!(answer.contains("목록"), "{fault:?} {answer}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{fault:?} {:?}", begun.elapsed());
    }
    pipeline.table.gate().set(Fault::None);
    assert_eq!(words(&mut pipeline, "안녕").await, "목록");
}

#[tokio::test]
async fn stored_rules_go_before_skill_answers_and_an_unproven_sender_gets_them_too() {
    let mut pipeline = Pipeline::start().await.unwrap().without("SKILL_AUTH").with("SKILL_TEXT", "글");
    pipeline = pipeline.with("SKILL_ANSWERS", r#"[{"utterance": "목록", "text": "목록"}]"#);
    put(&pipeline, "before", &document(&json!([{"when": {"says": "규칙"}, "reply": "규칙"}]))).await;
    assert_eq!(words(&mut pipeline, "규칙").await, "규칙");
    assert_eq!(words(&mut pipeline, "목록").await, "글");
    assert!(pipeline.queue.bodies().is_empty());
}

/// Every component that Kakao documents, as a reply.
fn components() -> Value {
    let (image, link) = ("https://example.com/a.png", json!({"web": "https://example.com"}));
    let thumbnail = json!({"imageUrl": image});
    let button = json!({"label": "구경하기", "action": "webLink", "webLinkUrl": "https://example.com"});
    let item = json!({"title": "가방", "description": "검정", "imageUrl": image, "link": link});
    let text_card = json!({"title": "제목", "description": "설명", "buttons": [button]});
    json!({
        "simpleText": {"text": "말"},
        "simpleImage": {"imageUrl": image, "altText": "지도"},
        "textCard": text_card,
        "basicCard": {"title": "제목", "thumbnail": thumbnail, "buttons": [button]},
        "commerceCard": {"price": 10_000, "currency": "won", "thumbnails": [thumbnail]},
        "listCard": {"header": {"title": "목록"}, "items": [item, item]},
        "itemCard": {"itemList": [{"title": "주문", "description": "가방"}]},
        "carousel": {"type": "textCard", "items": [text_card, text_card]},
    })
}

#[tokio::test]
async fn every_component_may_be_a_reply() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let reply = |name: &str, component: &Value| json!({"version": "2.0", "template": {"outputs": [{name: component}]}});
    let components = components();
    let rule = |(name, it): (&String, &Value)| json!({"name": name, "when": {"says": name}, "reply": reply(name, it)});
    put(&pipeline, "components", &document(&components.as_object().unwrap().iter().map(rule).collect())).await;
    for (name, component) in components.as_object().unwrap() {
        assert_eq!(answer(&mut pipeline, &skill_body("u1", name)).await, reply(name, component), "{name}");
    }
    // Group chat rooms take neither of these: the rule doesn't fit there.
    for name in ["commerceCard", "carousel"] {
        let mut body = skill_body("u1", name);
        body["userRequest"]["chat"] = json!({"id": "r", "type": "botGroupKey"});
        let said = answer(&mut pipeline, &body).await["template"]["outputs"][0]["simpleText"]["text"].clone();
        assert_eq!(said, *name);
    }
}

#[tokio::test]
async fn words_fit_however_they_are_written() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_TEXT", "몰라요");
    let decomposed: String = "영업 시간".nfd().collect();
    put(
        &pipeline,
        "spelling",
        &document(&json!([
            {"when": {"says": decomposed}, "reply": "모두"}, {"when": {"starts_with": "예약"}, "reply": "앞"},
            {"when": {"contains": ["환불", "반품"]}, "reply": "안"},
        ])),
    )
    .await;
    for (utterance, reply) in [
        ("영업 시간", "모두"),
        (&decomposed, "모두"),
        (" 영업\u{200b}\u{3000}시간\u{feff}\n", "모두"),
        ("@우리 봇 영업  시간", "모두"),
        ("@남의 봇 영업 시간", "몰라요"),
        ("@우리 봇 예약할게요", "앞"),
        (&"예약".nfd().collect::<String>(), "앞"),
        ("내일 예약", "몰라요"),
        ("이거 환\u{200d}불돼요?", "안"),
        (&"반품은요".nfd().collect::<String>(), "안"),
    ] {
        let mut body = skill_body("u1", utterance);
        body["bot"]["name"] = json!("우리 봇");
        let said = answer(&mut pipeline, &body).await["template"]["outputs"][0]["simpleText"]["text"].clone();
        assert_eq!(said, reply, "{utterance:?}");
    }
}

#[tokio::test]
async fn a_validation_is_answered_by_its_rule_or_else_with_success() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let validations = json!([
        {"when": {"starts_with": "011"}, "status": "FAIL"}, {"when": {"says": "몰라"}, "status": "IGNORE"},
        {"when": {"contains": "?"}, "status": "ERROR"}, {"when": {"says": "맞아"}, "status": "SUCCESS"},
    ]);
    put(&pipeline, "validations", &json!({"version": 1, "rules": [], "validations": validations}).to_string()).await;
    for (utterance, status) in
        [("011-000-0000", "FAIL"), ("몰라\n", "IGNORE"), ("왜?", "ERROR"), ("맞아", "SUCCESS"), ("010", "SUCCESS")]
    {
        let body = json!({"isInSlotFilling": true, "utterance": utterance, "value": {"origin": utterance, "resolved": "1"},
            "user": {"id": "u1", "type": "botUserKey", "properties": {}}, "bot": {"id": "b", "name": "봇"}});
        assert_eq!(answer(&mut pipeline, &body).await, json!({"status": status}), "{utterance}");
    }
    assert!(pipeline.queue.bodies().is_empty());
}

#[tokio::test]
async fn put_shows_what_changes_and_stores_nothing_that_is_wrong() {
    let pipeline = Pipeline::start().await.unwrap();
    let wrong = file("wrong", r#"{"version": 1, "rules": [{"reply": ""}, {"when": {"say": "a"}, "reply": "b"}]}"#);
    let done = khook(&pipeline, &["put", &wrong, "--yes"]).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    for text in
        ["2 mistakes", "`rules[0].reply` is empty", "`rules[1].when.say` (say a) is unknown", "nothing was stored"]
    {
        assert!(done.error.contains(text), "{text}: {}", done.error);
    }
    assert_eq!(stored(&pipeline), None);

    let first =
        file("first", &document(&json!([{"name": "시간", "reply": "1"}, {"when": {"says": "b"}, "reply": "1"}])));
    let asked = khook(&pipeline, &["put", &first]).await;
    assert_eq!((asked.code, stored(&pipeline)), (Some(2), None));
    assert!(asked.error.contains("+ rules[0] 시간") && asked.error.contains("--yes"), "{}", asked.error);
    khook(&pipeline, &["put", &first, "--yes"]).await.printed();
    assert_eq!(stored(&pipeline).unwrap()["document"], fs::read_to_string(&first).unwrap());
    assert!(khook(&pipeline, &["put", &first]).await.printed().contains("No change"));

    let second =
        file("second", &document(&json!([{"name": "시간", "reply": "2"}, {"when": {"says": "c"}, "reply": "1"}])));
    let done = khook(&pipeline, &["put", &second, "--yes", "--json"]).await;
    assert!(done.error.lines().all(|line| line.chars().count() <= 80 || line.contains('/')), "{}", done.error);
    let changes = json!(["- rules[1] says b", "~ rules[0] 시간", "+ rules[1] says c"]);
    assert_eq!(done.json(), json!({"stored": true, "changes": changes}));
}

#[tokio::test]
async fn show_and_clear_work_on_what_is_stored() {
    let pipeline = Pipeline::start().await.unwrap();
    assert!(khook(&pipeline, &["show"]).await.printed().contains("No rules are stored"));
    assert_eq!(khook(&pipeline, &["show", "--json"]).await.json(), json!({"written_at": null, "document": null}));
    assert!(khook(&pipeline, &["clear"]).await.printed().contains("No rules are stored"));
    let text = document(&json!([{"name": "시간", "when": {"says": ["a", "b"]}, "reply": {"text": "열 시부터"}}]));
    put(&pipeline, "show", &text).await;
    let shown = khook(&pipeline, &["show"]).await.printed();
    for part in ["Stored at 20", "1 rule, ", "rules[0]", "시간", "says a | b", "열 시부터"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = khook(&pipeline, &["show", "--json"]).await.json();
    assert_eq!(json["document"], serde_json::from_str::<Value>(&text).unwrap());
    assert!(json["written_at"].as_str().unwrap().starts_with("20"));
    assert_eq!(khook(&pipeline, &["clear"]).await.code, Some(2));
    assert!(khook(&pipeline, &["clear", "--yes"]).await.printed().contains("Removed"));
    assert_eq!(stored(&pipeline), None);
    // What another program put there is shown for what it is, and can be replaced.
    pipeline.table.put(&json!({"pk": {"S": "ANSWERS"}, "sk": {"S": "RULES"}, "document": {"S": "nonsense"}})).unwrap();
    let done = khook(&pipeline, &["show"]).await;
    assert!(done.error.contains("can't use these rules"), "{}", done.error);
    put(&pipeline, "show", &text).await;
    assert_eq!(stored(&pipeline).unwrap()["document"], text);
}

#[tokio::test]
async fn of_two_writers_the_later_one_overwrites_nothing_unseen() {
    let pipeline = Pipeline::start().await.unwrap();
    let aws = khook::local::sdk_config(&pipeline.table.endpoint(), "ap-northeast-2");
    let store = DynamoStore::new(&aws, table::NAME.to_owned(), Retention::default(), Pace::Operator);
    let now = runtime::clock::now();
    assert_eq!(store.put_rules("1", now, None).await.unwrap(), Saved::Done);
    assert_eq!(store.put_rules("2", now, None).await.unwrap(), Saved::Conflict);
    let first = store.rules().await.unwrap().unwrap();
    assert_eq!(store.put_rules("2", now, Some(&first)).await.unwrap(), Saved::Done);
    assert_eq!(store.put_rules("3", now, Some(&first)).await.unwrap(), Saved::Conflict);
    assert_eq!(store.clear_rules(&first).await.unwrap(), Saved::Conflict);
    let second = store.rules().await.unwrap().unwrap();
    assert_eq!(second.document, "2");
    assert_eq!(store.clear_rules(&second).await.unwrap(), Saved::Done);
    assert_eq!(store.put_rules("3", now, Some(&second)).await.unwrap(), Saved::Conflict);
}

#[tokio::test]
async fn check_tries_a_message_without_any_network() {
    let rules = document(&json!([
        {"name": "시간", "when": {"says": "영업시간"}, "reply": {"text": "10시부터", "quick_replies": ["위치"]}},
        {"when": {"block": "b1", "room": true}, "reply": "방"},
    ]));
    let path = file("try", &rules);
    let run = |arguments: Vec<String>| async move {
        let arguments: Vec<&str> =
            ["skill", "rules", "check"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        khook_binary::run(&[], &arguments).await.unwrap()
    };
    let with = |more: &[&str]| [&[path.as_str()], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let printed = run(with(&["--try", "영업시간"])).await.printed();
    assert!(printed.contains("`rules[0]` (시간) fits") && printed.contains("\"위치\""), "{printed}");
    let tried = run(with(&["--try", "x", "--block", "b1", "--room", "--json"])).await.json();
    assert_eq!((&tried["tried"]["rule"], &tried["valid"]), (&json!(1), &json!(true)));
    assert!(run(with(&["--try", "x", "--block", "b1"])).await.printed().contains("No rule fits"));
    let wrong = file("try-wrong", "{}");
    let tried = run(vec![wrong, "--try".to_owned(), "x".to_owned()]).await;
    assert!(tried.code == Some(1) && tried.out.contains("--try was not tried"), "{tried:?}");
    let missing = run(vec!["no-such-file.json".to_owned()]).await;
    assert_eq!(missing.code, Some(2), "{}", missing.error);
}

#[tokio::test]
async fn khook_dev_stores_a_file_again_when_it_is_saved_and_keeps_the_last_good_one() {
    let pipeline = Pipeline::start().await.unwrap();
    let aws = khook::local::sdk_config(&pipeline.table.endpoint(), "ap-northeast-2");
    let table = RuleTable::new(&aws, table::NAME.to_owned());
    let good = |reply: &str| document(&json!([{"reply": reply}]));
    let path = PathBuf::from(file("watched", &good("1")));
    let mut rules = WatchedRules::open(path.clone()).unwrap();
    rules.put(&table).await.unwrap();
    assert_eq!(stored(&pipeline).unwrap()["document"], good("1"));
    for (text, expected) in [(good("이"), good("이")), ("{".to_owned(), good("이")), (good("three"), good("three"))]
    {
        fs::write(&path, &text).unwrap();
        rules.look(&table).await;
        assert_eq!(stored(&pipeline).unwrap()["document"], expected);
    }
    // Nothing is written while the file stays as it is.
    pipeline.table.remove("ANSWERS", "RULES").unwrap();
    rules.look(&table).await;
    assert_eq!(stored(&pipeline), None);
    // A file that is only touched is stored again: the stored rules were removed by another command.
    let later = SystemTime::now() + Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    rules.look(&table).await;
    assert_eq!(stored(&pipeline).unwrap()["document"], good("three"));
}

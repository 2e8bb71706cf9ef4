use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use aws_config::SdkConfig;
use end_to_end::{
    faults::Fault as Broken,
    queue::Queue,
    table::{self, Table},
};
use http::{Method, StatusCode};
use kakao_webhooks::wire::Time;
use runtime::edges::EdgeError;
use serde_json::{Value, json};

use super::Set;
use crate::{
    aws::table::Table as StackTable,
    commands::{backlog::Wanted, inbox::InboxItems},
    console::backlogs::{Backlogs, resent},
    local::{Faults, sdk_config},
};

/// Those of a service whose table and queues do not answer.
fn unreachable() -> Backlogs {
    let aws: SdkConfig = sdk_config("http://127.0.0.1:1", "ap-northeast-2");
    Backlogs {
        aws,
        table: "t".into(),
        queue_url: "http://127.0.0.1:1/q".into(),
        dead_letter_queue_url: "http://127.0.0.1:1/d".into(),
        delivery_urls: None,
    }
}

#[tokio::test]
async fn a_backlog_that_cannot_be_read_says_so_and_the_page_stays_whole() {
    let set = Set::with_faults(&Faults::default(), Some(unreachable())).await;
    let page = set.text("/backlogs").await;
    assert_eq!(page.matches("<p class=\"fault\" lang=\"en\">").count(), 3, "{page}");
    assert!(page.contains("id=\"dead-letters\"") && !page.contains("id=\"undelivered\""), "{page}");
    let counts = set.json("/api/backlogs").await;
    assert_eq!(counts["backlogs"], json!({"inbox": null, "quarantine": null, "dead-letters": null}));
    let answer = set.ask(Method::GET, "/api/backlogs/undelivered").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_replay_that_names_no_place_or_not_exactly_one_of_id_and_all_is_refused() {
    let set = Set::with_faults(&Faults::default(), Some(unreachable())).await;
    for form in ["", "kind=inbox", "kind=x&all=yes", "kind=inbox&all=yes&id=7"] {
        let answer = set.ask(Method::POST, "/backlogs").body(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{form}");
    }
}

/// Those of a service whose table and queues are at this address.
pub(super) fn at(endpoint: &str, dead_letter_queue_url: String, queue_url: String) -> Backlogs {
    let aws = sdk_config(endpoint, "ap-northeast-2");
    Backlogs { aws, table: table::NAME.to_owned(), queue_url, dead_letter_queue_url, delivery_urls: None }
}

const ENVELOPE: &str =
    r#"{"v":1,"id":"e1","app_id":"1","received_at":"2026-01-01T00:00:00Z","kind":"unlink","event":{"user_id":"7"}}"#;
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_sent_again_and_what_is_no_envelope_stays() {
    let queue = Queue::start().await.unwrap();
    let backlogs = at(&queue.endpoint(), queue.dead_letter_url(), queue.url());
    let set = Set::with_faults(&Faults::default(), Some(backlogs)).await;
    assert!(set.text("/backlogs").await.contains("Nothing waits."));
    let [id, _] = [ENVELOPE, HOSTILE].map(|body| queue.dead_letters().put(body));
    let listed = set.json("/api/backlogs/dead-letters").await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!((&listed["count"], items.len(), &items[0]["what"]), (&json!(2), 2, &json!("unlink")));
    let page = set.text("/backlogs").await;
    assert!(page.contains(&format!("name=\"id\" value=\"{id}\"")) && !page.contains("<script>"), "{page}");

    let sent = set.ask(Method::POST, "/backlogs").body(format!("kind=dead-letters&id={id}")).send().await.unwrap();
    assert_eq!(sent.headers()["location"], "/backlogs?sent=1&kept=0&missing=0#dead-letters");
    assert_eq!((queue.bodies().len(), queue.dead_letters().ids().len()), (1, 1));
    assert!(queue.bodies()[0].contains("\"id\":\"e1\"") && queue.bodies()[0].contains("replayed_at"));
    let all = set.ask(Method::POST, "/api/backlogs/dead-letters/replay").send().await.unwrap();
    assert_eq!(all.text().await.unwrap(), r#"{"sent":0,"kept":1}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_names_what_was_sent_and_what_is_gone() {
    let queue = Queue::start().await.unwrap();
    let backlogs = at(&queue.endpoint(), queue.dead_letter_url(), queue.url());
    let set = Set::with_faults(&Faults::default(), Some(backlogs)).await;
    let id = queue.dead_letters().put(ENVELOPE);
    let replay = |body: String| set.ask(Method::POST, "/api/backlogs/dead-letters/replay").body(body).send();
    let partly = replay(json!({"ids": [id, "gone"]}).to_string()).await.unwrap();
    assert_eq!(partly.status(), StatusCode::OK);
    assert_eq!(partly.text().await.unwrap(), r#"{"sent":1,"kept":0,"missing":["gone"]}"#);
    assert_eq!(queue.bodies().len(), 1);
    let nothing = replay(json!({"ids": ["gone"]}).to_string()).await.unwrap();
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND);
    assert_eq!(nothing.text().await.unwrap(), r#"{"sent":0,"kept":0,"missing":["gone"]}"#);
    let sent = set.ask(Method::POST, "/backlogs").body("kind=dead-letters&id=gone").send().await.unwrap();
    let path = sent.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(path, "/backlogs?sent=0&kept=0&missing=1#dead-letters");
    let page = set.text(&path).await;
    assert!(page.contains("Sent again: 0 · not there any more, or being read by another process: 1<"), "{page}");
    assert!(!page.contains("its cause is not fixed"), "{page}");
}

#[tokio::test]
async fn a_replay_that_sent_something_says_what_it_means_if_it_is_there_again() {
    let set = Set::with_faults(&Faults::default(), Some(unreachable())).await;
    let page = set.text("/backlogs?sent=1&kept=0&missing=0").await;
    let wanted = "Sent again: 1 · What is here again has failed again: its cause is not fixed.<";
    assert!(page.contains(wanted), "{page}");
}

/// A queue that takes one message.
#[derive(Default)]
struct Full(Mutex<usize>);

impl runtime::edges::Queue for Full {
    async fn send(&self, _envelope: &str) -> Result<(), EdgeError> {
        let mut sent = self.0.lock().unwrap();
        *sent += 1;
        if *sent > 1 { Err(EdgeError("full".to_owned())) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_replay_that_ends_early_names_what_was_sent_before() {
    let table = Table::start().await.unwrap();
    put_inbox(&table, 6);
    let inbox = InboxItems(StackTable::new(&sdk_config(&table.endpoint(), "ap-northeast-2"), table::NAME));
    let replayed = resent(&inbox, &Full::default(), Wanted::All).await.unwrap();
    assert_eq!((replayed.sent, replayed.kept, replayed.missing.len()), (1, 3, 0));
    assert!(replayed.problem.unwrap().contains("3 in a row were refused"));
    let nothing = resent(&inbox, &Full(Mutex::new(1)), Wanted::All).await;
    assert!(nothing.is_err(), "nothing was sent");
}

/// So many events in the inbox.
fn put_inbox(table: &Table, count: usize) {
    for number in 0..count {
        let item = json!({"pk": {"S": format!("INBOX#{:x}", number % 16)}, "sk": {"S": format!("e{number}")},
            "envelope": {"S": ENVELOPE}});
        table.put(&item).unwrap();
    }
}

/// So many quarantined events, of today and of the day before.
fn put_quarantine(table: &Table, count: usize) {
    let now = runtime::clock::now();
    for number in 0..count {
        let day = Time::from_millis(now.as_millis() - 86_400_000 * i64::from(number % 2 == 0)).unwrap().day();
        let item = json!({"pk": {"S": format!("QUARANTINE#{day}")}, "sk": {"S": format!("{day}T00:00:00.000Z#{number:03}")},
            "envelope": {"S": ENVELOPE}});
        table.put(&item).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_ends_at_its_limit_says_that_there_may_be_more() {
    let table = Table::start().await.unwrap();
    put_inbox(&table, 201);
    put_quarantine(&table, 203);
    let nowhere = || "http://127.0.0.1:1/q".to_owned();
    let set = Set::with_faults(&Faults::default(), Some(at(&table.endpoint(), nowhere(), nowhere()))).await;
    let counts = set.json("/api/backlogs").await;
    assert_eq!(counts["backlogs"], json!({"inbox": 200, "quarantine": 200, "dead-letters": null}));
    assert_eq!(counts["at_least"], json!(["inbox", "quarantine"]));
    let listed = set.json("/api/backlogs/quarantine").await;
    assert_eq!(
        (&listed["count"], &listed["is_at_least"], &listed["has_more"]),
        (&json!(200), &json!(true), &json!(true))
    );
    let items = listed["items"].as_array().unwrap();
    let days: Vec<_> = items.iter().map(|item| item["key"].as_str().unwrap().get(..10).unwrap()).collect();
    assert!(days.is_sorted() && days[0] < days[199], "the oldest come first");
    for path in ["/faults", "/backlogs"] {
        let ask = |language| set.ask(Method::GET, path).header("accept-language", language).send();
        assert_eq!(ask("en").await.unwrap().text().await.unwrap().matches(">200 or more<").count(), 2, "{path}");
        assert_eq!(ask("ko").await.unwrap().text().await.unwrap().matches(">200개 이상<").count(), 2, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_polls_reads_the_days_of_the_quarantine_together_and_not_each_time() {
    let table = Table::start().await.unwrap();
    put_quarantine(&table, 3);
    table.gate().set_for("QUARANTINE#", Broken::Slow(Duration::from_millis(100)));
    let nowhere = || "http://127.0.0.1:1/q".to_owned();
    let set = Set::with_faults(&Faults::default(), Some(at(&table.endpoint(), nowhere(), nowhere()))).await;
    let shows = |page: String| page.contains("<a href=\"/backlogs#quarantine\">Quarantine</a></dt><dd>3</dd>");
    let begun = Instant::now();
    assert!(shows(set.text("/faults").await));
    assert!(begun.elapsed() < Duration::from_secs(5), "61 days took {:?}", begun.elapsed());
    table.gate().set_for("QUARANTINE#", Broken::Status(500));
    assert!(shows(set.text("/faults").await), "it was read again");
    table.gate().set(Broken::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_and_the_quarantine_are_counted_and_shown_as_text() {
    let table = Table::start().await.unwrap();
    let today = runtime::clock::now();
    let put = |members: &[(&str, String)]| {
        let members = members.iter().map(|(name, text)| ((*name).to_owned(), json!({"S": text})));
        table.put(&Value::Object(members.collect())).unwrap();
    };
    put(&[("pk", "INBOX#0".into()), ("sk", "e1".into()), ("envelope", ENVELOPE.into())]);
    put(&[
        ("pk", format!("QUARANTINE#{}", today.day())),
        ("sk", format!("{today}#e2")),
        ("event_id", "e2".into()),
        ("kind", "unlink".into()),
        ("app_id", "1".into()),
        ("reason", "missing_field".into()),
        ("detail", HOSTILE.into()),
        ("envelope", ENVELOPE.into()),
    ]);
    let nowhere = || "http://127.0.0.1:1/q".to_owned();
    let set = Set::with_faults(&Faults::default(), Some(at(&table.endpoint(), nowhere(), nowhere()))).await;
    let counts = set.json("/api/backlogs").await;
    assert_eq!((&counts["backlogs"]["inbox"], &counts["backlogs"]["quarantine"]), (&json!(1), &json!(1)));
    let page = set.text("/backlogs").await;
    assert!(page.contains("<td lang=\"en\">e1</td>") && page.contains("missing_field"), "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>alert") && !page.contains("<img"), "{page}");
    let faults = set.text("/faults").await;
    assert!(faults.contains("<a href=\"/backlogs#inbox\">Inbox</a></dt><dd>1</dd>"), "{faults}");
}

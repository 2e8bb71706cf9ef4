use std::time::Duration;

use end_to_end::{
    queue::Queue as QueueServer,
    table::{NAME, Table as TableServer},
};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use kakao_webhooks::{
    envelope::{Envelope, Event, Letter, ServiceEvent, ServiceWord},
    wire::{EventId, Time},
};
use runtime::store::{Applier, DynamoStore, Pace, Record, Retention};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Edges, Set};
use crate::{
    aws::{queue::StackQueue, table::Table},
    console::history::Exchange,
    local::{logs::LogLine, sdk_config},
};

const REGION: &str = "ap-northeast-2";
const USER: &str = "9007199254740993";

/// A console beside a table and a queue, with the processor's own merge behind them.
struct Cloud {
    set: Set,
    queue: QueueServer,
    _table: TableServer,
    applier: Applier<DynamoStore>,
}

impl Cloud {
    async fn start() -> Self {
        let (table, queue) = (TableServer::start().await.unwrap(), QueueServer::start().await.unwrap());
        let (of_table, of_queue) = (sdk_config(&table.endpoint(), REGION), sdk_config(&queue.endpoint(), REGION));
        let edges = Edges {
            table: Table::new(&of_table, NAME),
            queue: StackQueue::new(&of_queue, queue.url()),
            kakao_api_url: String::new(),
        };
        let retention = Retention::default();
        let store = DynamoStore::new(&of_table, NAME.to_owned(), retention, Pace::Background);
        let applier = Applier::new(store, retention, "user_id".to_owned());
        Self { set: Set::beside(edges).await, queue, _table: table, applier }
    }

    /// Sends an order of the API, and takes its request into the queue as the function does. Its event has this id.
    async fn send(&self, order: Value, id: &str) {
        self.set.ask(Method::POST, "/api/send").body(order.to_string()).send().await.unwrap();
        let shared = &self.set.console.shared;
        let exchange = self.set.console.history().newest(1, None, |exchange| Some(exchange.clone())).remove(0);
        let came = self.set.came().pop().unwrap();
        let received = crate::console::explain::Received {
            method: came.method,
            path: exchange.request.path.clone(),
            query: came.target.split_once('?').map(|(_, query)| query.to_owned()),
            headers: came.headers,
            body: came.body,
            at: Time::from_millis(exchange.at).unwrap(),
        };
        let event = shared.judge.events(&received).remove(0);
        let request_id = exchange.request_id.clone();
        let envelope = Envelope {
            id: EventId::from_text(id),
            app_id: Some(event.app_id),
            received_at: order["at"].as_str().unwrap_or("2026-03-09T00:00:00.000Z").parse().unwrap(),
            request_id,
            replayed_at: None,
            letter: Letter::Event(event.event),
        };
        self.log("kept", id, &exchange);
        self.queue.put(&envelope.encode().unwrap());
        self.process("recorded").await;
    }

    fn log(&self, event: &str, id: &str, exchange: &Exchange) {
        let fields = json!({"event": event, "event_id": id, "request_id": exchange.request_id, "destination": "queue"});
        let line = LogLine { function: "unlink".into(), at: 1, fields: fields.as_object().unwrap().clone() };
        self.set.console.follow(&[line]);
    }

    /// The processor takes what is in the queue, each message by itself, and logs it.
    async fn process(&self, event: &str) {
        for message in self.queue.take() {
            let record = Record { id: message.id, body: message.body.clone(), sent_at: None };
            let until = Instant::now() + Duration::from_secs(10);
            assert_eq!(self.applier.apply(&[record], until).await, Vec::<String>::new());
            self.log_processed(&message.body, event, "unchanged");
        }
    }

    /// An invocation of the processor with this event ends, and with this result of the merge.
    fn log_processed(&self, body: &str, event: &str, merge: &str) {
        let envelope = Envelope::decode(body).unwrap();
        let recorded = json!({"event": event, "event_id": envelope.id, "request_id": envelope.request_id});
        let lines = [recorded, json!({"event": merge})].map(|fields| LogLine {
            function: "processor".into(),
            at: 2,
            fields: fields.as_object().unwrap().clone(),
        });
        self.set.console.follow(&lines);
    }

    /// Asks for something while the processor works.
    async fn while_processing<T>(&self, asked: impl Future<Output = T>) -> T {
        let work = async {
            loop {
                self.process("duplicate").await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            answer = asked => answer,
            () = work => unreachable!(),
        }
    }

    fn path(&self) -> String {
        format!("/users/{}/{USER}", self.set.kakao.app_id)
    }

    async fn report(&self) -> Value {
        self.set.json(&format!("/api{}", self.path())).await
    }

    async fn shuffle(&self) -> Value {
        let path = format!("/api{}/shuffle", self.path());
        let asked = async { self.set.ask(Method::POST, &path).send().await.unwrap().json().await.unwrap() };
        self.while_processing(asked).await
    }

    /// A member who joins, changes the profile, adds the channel, leaves by the webhook without a time, and joins again.
    async fn live(&self, nickname: &str) {
        let at = |day: u8| format!("2026-03-{day:02}T00:00:00.000Z");
        let status = |event: &str, day: u8, member: Value| {
            json!({"kind": "account-status", "event": event, "user": USER, "at": at(day), "jti": format!("jti-{day}"),
                "member": member})
        };
        self.send(status("user-linked", 1, json!({})), "jti-1:user-linked").await;
        self.send(status("user-scope-consent", 2, json!({"scope": "account_email"})), "jti-2:user-scope-consent").await;
        self.send(
            json!({"kind": "talk-channel", "event": "added", "user": USER, "at": at(3), "resource-id": "channel-1"}),
            "channel-1",
        )
        .await;
        self.send(json!({"kind": "unlink", "user": USER, "as": "form"}), "request-4").await;
        self.send(status("user-linked", 10, json!({})), "jti-10:user-linked").await;
        self.send(status("user-profile-changed", 11, json!({"nickname": nickname})), "jti-11:user-profile-changed")
            .await;
    }
}

fn names(list: &Value, of: impl Fn(&Value) -> Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| of(one).as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_user_has_the_stored_state_and_the_effect_of_each_event_with_its_request() {
    let cloud = Cloud::start().await;
    cloud.live("라이언").await;
    let report = cloud.report().await;
    assert_eq!((&report["user_id"], &report["state"]["access"]), (&json!(USER), &json!("allowed")));
    assert_eq!(report["state"]["profile"]["nickname"]["value"], "라이언");
    let history = &report["history"];
    assert_eq!(
        names(history, |line| line["event"].clone()),
        ["user-linked", "user-scope-consent", "added", "unlink", "user-linked", "user-profile-changed"]
    );
    let requests: Vec<_> = history.as_array().unwrap().iter().map(|line| line["request"].as_u64().unwrap()).collect();
    assert_eq!(requests, [1, 2, 3, 4, 5, 6]);
    let what = |line: usize| names(&history[line]["differences"], |difference| difference["what"].clone());
    assert_eq!(what(1), ["scopes.account_email"]);
    assert_eq!(
        what(3),
        ["access", "erased_until", "link", "scopes.account_email", "sessions_valid_from", "tokens_valid_from"]
    );
    assert_eq!(history[3]["differences"][0]["after"], "gone");
    assert_eq!(what(4), ["access", "link"]);
}

#[tokio::test]
async fn a_shuffled_history_leads_to_the_same_state() {
    let cloud = Cloud::start().await;
    cloud.live("라이언").await;
    for _ in 0..3 {
        let before = cloud.report().await;
        let shuffled = cloud.shuffle().await;
        let mut order = names(&shuffled["order"], Value::clone);
        let in_time = names(&before["history"], |line| line["event"].clone());
        assert_eq!((&shuffled["is_in_time"], &shuffled["is_same"]), (&json!(true), &json!(true)), "{shuffled}");
        assert_eq!((&shuffled["left_out"], &shuffled["before"]), (&json!(0), &before["state"]));
        assert_eq!(cloud.report().await["state"], before["state"]);
        let mut same = in_time.clone();
        order.sort();
        same.sort();
        assert_eq!(order, same);
    }
}

#[tokio::test]
async fn a_shuffle_leaves_out_the_events_that_no_recorded_request_has_led_to() {
    let cloud = Cloud::start().await;
    cloud.live("x").await;
    cloud.set.ask(Method::DELETE, "/api/events").send().await.unwrap();
    cloud.send(json!({"kind": "unlink", "user": USER}), "request-7").await;
    let shuffled = cloud.shuffle().await;
    assert_eq!((&shuffled["order"], &shuffled["left_out"]), (&json!(["unlink"]), &json!(6)));
    let page = cloud.set.ask(Method::POST, &format!("{}/shuffle", cloud.path())).send();
    let page = cloud.while_processing(page).await.unwrap().text().await.unwrap();
    assert!(page.contains("Nothing differs") && page.contains("were not sent again: 6<"), "{page}");
    let page = cloud.set.ask(Method::POST, &format!("{}/shuffle", cloud.path())).header("accept-language", "ko").send();
    let page = cloud.while_processing(page).await.unwrap().text().await.unwrap();
    assert!(page.contains("6개의 이벤트는"), "{page}");
}

#[tokio::test]
async fn a_shuffle_waits_for_the_states_and_reports_what_another_event_changed_meanwhile() {
    let cloud = Cloud::start().await;
    cloud.live("x").await;
    let at: Time = "2026-04-01T00:00:00.000Z".parse().unwrap();
    let (word, user_id) = (ServiceWord::ServiceUnlinked, USER.parse().unwrap());
    let late = Envelope {
        id: EventId::from_text("late"),
        app_id: Some(cloud.set.kakao.app_id.parse().unwrap()),
        received_at: at,
        request_id: None,
        replayed_at: None,
        letter: Letter::Event(Event::Service(ServiceEvent { word, user_id, at })),
    };
    let path = format!("/api{}/shuffle", cloud.path());
    let asked = async { cloud.set.ask(Method::POST, &path).send().await.unwrap().json::<Value>().await.unwrap() };
    let work = async {
        // The state before has been read once all of the history is in the queue.
        while cloud.queue.len() < 6 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let messages = cloud.queue.take();
        // Their histories are known, and their merges fail: the queue brings them again.
        messages.iter().for_each(|message| cloud.log_processed(&message.body, "duplicate", "not_applied"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        cloud.queue.put(&late.encode().unwrap());
        cloud.queue.give_back(messages);
        cloud.process("duplicate").await;
    };
    let (shuffled, ()) = tokio::join!(asked, work);
    assert_eq!(shuffled["is_same"], false);
    assert!(names(&shuffled["differences"], |difference| difference["what"].clone()).contains(&"link".to_owned()));
}

#[tokio::test]
async fn changes_and_deliveries_of_a_user_are_listed() {
    let cloud = Cloud::start().await;
    cloud.live("x").await;
    let change = |user: &str| {
        json!({"id": format!("1:{user}:5"), "app_id": cloud.set.kakao.app_id, "user_id": user, "version": 5,
            "written_at": "2026-03-10T00:00:00.000Z", "changed": ["access", "link"], "state": {}})
    };
    let observed = &cloud.set.console.shared.observed;
    observed.take_change(&change(USER));
    observed.take_change(&json!({"id": "1:8:6", "user_id": "8", "version": 6}));
    let fields = json!({"event": "not_delivered", "version": 5, "attempt": 1, "status": 503});
    let line = LogLine { function: "deliverer".into(), at: 1, fields: fields.as_object().unwrap().clone() };
    cloud.set.console.follow(&[line]);
    let changes = cloud.report().await["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!((&changes[0]["deliveries"][0]["status"], &changes[0]["change"]["version"]), (&json!(503), &json!(5)));
    let page = cloud.set.text(&cloud.path()).await;
    assert!(page.contains("Access, Link with the app") && page.contains("<code>503</code>"), "{page}");
}

#[tokio::test]
async fn a_users_page_shows_the_state_and_the_effect_of_each_event() {
    let cloud = Cloud::start().await;
    cloud.live("라이언").await;
    let page = cloud.set.text(&cloud.path()).await;
    let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    assert_snapshot!("user-page", main);
}

#[tokio::test]
async fn hostile_names_are_text_on_a_users_page() {
    let cloud = Cloud::start().await;
    let hostile = "\"><script>alert(1)</script><img src=x>'\u{1b}]0;x\u{7}";
    cloud.live(hostile).await;
    let page = cloud.set.text(&cloud.path()).await;
    assert!(page.contains("alert(1)") && !page.contains("<script>alert") && !page.contains("<img"), "{page}");
    for key in [&cloud.set.kakao.admin_key, &cloud.set.kakao.signing_key, &cloud.set.kakao.rest_api_key] {
        assert!(!page.contains(key.as_str()));
    }
}

#[tokio::test]
async fn the_list_has_the_users_of_recorded_requests_and_finds_others() {
    let set = Set::new().await;
    let app = set.kakao.app_id.clone();
    for order in [
        json!({"kind": "unlink", "user": "77"}),
        json!({"kind": "talk-channel", "event": "added", "open-id": "open/1", "user": ""}),
        json!({"kind": "unlink", "user": "77"}),
        json!({"kind": "unlink", "user": "88", "forge": "wrong-key"}),
        json!({"kind": "skill"}),
    ] {
        set.ask(Method::POST, "/api/send").body(order.to_string()).send().await.unwrap();
    }
    let list = |q: &'static str| {
        let set = &set;
        async move { set.json(&format!("/api/users{q}")).await["users"].clone() }
    };
    let all = list("").await;
    assert_eq!(
        (&all[0]["user_id"], &all[0]["requests"], &all[0]["newest"]["id"]),
        (&json!("77"), &json!(2), &json!(3))
    );
    assert_eq!((&all[1]["open_id"], &all[2]), (&json!("open/1"), &Value::Null));
    assert_eq!(list("?q=open").await.as_array().unwrap().len(), 1);
    assert_eq!(list("?q=none").await, json!([]));
    let page = set.text("/users").await;
    assert!(page.contains(&format!("href=\"/users/{app}/77\"")), "{page}");
    assert!(page.contains(&format!("href=\"/users/{app}/open-id/open%2F1\"")), "{page}");
    assert!(set.text("/users?q=4711").await.contains(&format!("href=\"/users/{app}/4711\"")));
    let timeline = set.text("/").await;
    assert_eq!(timeline.matches(&format!("class=\"user\" href=\"/users/{app}/77\"")).count(), 2);
    assert!(!timeline.contains(&format!("/users/{app}/88")), "what a forged request claims is no user's");
    assert!(set.text("/requests/1").await.contains(&format!("href=\"/users/{app}/77\"")));
}

#[tokio::test]
async fn an_unknown_user_is_answered_404_and_an_unreadable_table_502() {
    let cloud = Cloud::start().await;
    for path in [cloud.path(), format!("/api{}", cloud.path()), "/users/x/y/".to_owned(), "/users/1/abc".to_owned()] {
        assert_eq!(cloud.set.ask(Method::GET, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let set = Set::new().await;
    for path in [cloud.path(), format!("/api{}", cloud.path())] {
        let answer = set.ask(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{path}");
        assert!(answer.text().await.unwrap().contains("can&#39;t be used") || path.starts_with("/api"));
    }
}

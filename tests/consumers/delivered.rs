//! Each example behind the real deliverer: what Kakao sends is published by the real functions, and delivered out of
//! order and more than once.

use end_to_end::{
    Pipeline, Request,
    bus::{self, Bus},
    delivery::{Delivery, OLD},
    lambda::Lambda,
    service::{APP_ID, REST_API_KEY},
    stream::Stream,
};
use play_kakao::Token;
use serde_json::{Value, json};

use crate::served::{Consumer, SECRET};

/// When the members' events begin, in seconds. They became members a minute before.
const AT: i64 = 1_740_798_000;

/// Leaves and comes back.
const BACK: &str = "3142857901";
/// Leaves.
const GONE: &str = "3142857902";
/// Has sessions revoked.
const REVOKED: &str = "3142857903";
/// Nothing happens to this one.
const OTHER: &str = "3142857904";

/// What Kakao sends: of whom, how many seconds after [`AT`], and what.
const EVENTS: [(&str, i64, &str); 8] = [
    (BACK, 0, "risc/event-type/sessions-revoked"),
    (BACK, 10, "risc/event-type/account-disabled"),
    (BACK, 20, "risc/event-type/account-enabled"),
    (BACK, 30, "oauth/event-type/user-unlinked"),
    (BACK, 40, "oauth/event-type/user-linked"),
    (GONE, 0, "oauth/event-type/user-linked"),
    (GONE, 10, "oauth/event-type/user-unlinked"),
    (REVOKED, 0, "risc/event-type/sessions-revoked"),
];
/// The places of those in [`EVENTS`] whose changes are delivered first: the newest of one member twice, the oldest of another.
const FIRST: [usize; 4] = [4, 4, 5, 7];

/// Sessions: whose, and how many seconds after [`AT`] each began.
const SESSIONS: [(&str, i64); 7] =
    [(BACK, -60), (BACK, 50), (GONE, -60), (GONE, 50), (REVOKED, 0), (REVOKED, 1), (OTHER, -60)];

#[tokio::test]
async fn fastapi_follows_the_deliverer_and_nothing_that_another_secret_signed() {
    check(Consumer::fastapi().await).await;
}

#[tokio::test]
async fn express_follows_the_deliverer_and_nothing_that_another_secret_signed() {
    check(Consumer::express().await).await;
}

#[tokio::test]
async fn spring_follows_the_deliverer_and_nothing_that_another_secret_signed() {
    check(Consumer::spring().await).await;
}

async fn check(consumer: Option<Consumer>) {
    let Some(consumer) = consumer else { return };
    let mut service = Service::start(consumer).await;
    service.log_members_in().await;
    service.another_secret_is_refused().await;
    service.every_change_is_delivered().await;
    service.the_newest_state_is_kept().await;
    service.sessions_ended_and_profiles_are_forgotten().await;
}

/// A service that has changes delivered to an example.
struct Service {
    consumer: Consumer,
    delivery: Delivery,
    deliverer: Lambda,
    pipeline: Pipeline,
    /// Of [`EVENTS`], in order.
    changes: Vec<bus::Event>,
}

impl Service {
    async fn start(consumer: Consumer) -> Self {
        let mut pipeline = Pipeline::start().await.unwrap();
        let changes = publish(&mut pipeline).await;
        let delivery = Delivery::start(&pipeline).await.unwrap();
        let deliverer = start_deliverer(&delivery, &pipeline, &consumer).await;
        Self { consumer, delivery, deliverer, pipeline, changes }
    }

    async fn log_members_in(&mut self) {
        for user in [BACK, GONE, REVOKED, OTHER] {
            let at = (AT - 60) * 1_000;
            let member = format!("insert into member values ('{APP_ID}', '{user}', true, 'Ryan', {at})");
            self.consumer.rows(&member).await;
        }
        for (user, after) in SESSIONS {
            let at = (AT + after) * 1_000;
            let session = format!("insert into session values ('{user} {after}', '{APP_ID}', '{user}', {at})");
            self.consumer.rows(&session).await;
        }
    }

    async fn another_secret_is_refused(&mut self) {
        assert_ne!(OLD, SECRET);
        FIRST.iter().for_each(|place| drop(self.delivery.route(&self.changes[*place])));
        let refused = self.delivery.deliver(&mut self.deliverer).await.unwrap();
        assert_eq!(refused.len(), FIRST.len());
        let line = self.deliverer.line("event", "not_delivered").await.unwrap();
        assert_eq!(line["status"], 401, "{line}");
        assert_eq!(self.consumer.rows("select * from kakao_user").await, json!([]));
        assert_eq!(self.consumer.rows("select count(*) from session").await, json!([[SESSIONS.len()]]));
        self.delivery.queue.give_back(refused);
    }

    /// While the secret rotates, the one that the example holds is enough.
    async fn every_change_is_delivered(&mut self) {
        self.delivery.secrets.set(&format!("{OLD} {SECRET}"));
        self.deliverer = start_deliverer(&self.delivery, &self.pipeline, &self.consumer).await;
        assert_eq!(self.delivery.deliver(&mut self.deliverer).await.unwrap(), [], "{:?}", self.deliverer.lines());
        self.changes.iter().for_each(|change| drop(self.delivery.route(change)));
        assert_eq!(self.delivery.deliver(&mut self.deliverer).await.unwrap(), [], "{:?}", self.deliverer.lines());
        assert!(self.delivery.queue.is_empty());
    }

    async fn the_newest_state_is_kept(&mut self) {
        let stored = |user: &str| {
            let state = self.pipeline.state(APP_ID, user).unwrap().unwrap();
            json!([user, state["version"], state["access"]])
        };
        let expected: Value = [BACK, GONE, REVOKED].into_iter().map(stored).collect();
        let access: Vec<_> = expected.as_array().unwrap().iter().map(|row| row[2].clone()).collect();
        assert_eq!(access, ["allowed", "gone", "allowed"]);
        let kept = self.consumer.rows("select user_id, version, access from kakao_user order by user_id").await;
        assert_eq!(kept, expected);
    }

    async fn sessions_ended_and_profiles_are_forgotten(&mut self) {
        let sessions = self.consumer.rows("select id from session order by id").await;
        let left = [(BACK, 50), (REVOKED, 1), (OTHER, -60)];
        assert_eq!(
            sessions,
            left.map(|(user, after)| json!([format!("{user} {after}")])).into_iter().collect::<Value>()
        );
        let members = "select user_id, case when active then 1 else 0 end, nickname from member order by user_id";
        let expected = json!([[BACK, 1, null], [GONE, 0, null], [REVOKED, 1, "Ryan"], [OTHER, 1, "Ryan"]]);
        assert_eq!(self.consumer.rows(members).await, expected);
    }
}

async fn start_deliverer(delivery: &Delivery, pipeline: &Pipeline, consumer: &Consumer) -> Lambda {
    delivery.start_deliverer(pipeline, &[("DELIVERY_URL", &consumer.url())]).await.unwrap()
}

/// Sends [`EVENTS`] to the webhook. Returns what is published of each.
async fn publish(pipeline: &mut Pipeline) -> Vec<bus::Event> {
    let mut stream = Stream::begin(&pipeline.table).unwrap();
    for (user, after, event) in EVENTS {
        let (id, uri) = (format!("{user}-{after}"), format!("https://schemas.openid.net/secevent/{event}"));
        let token = Token::new(REST_API_KEY, user, &id, AT + after, &uri, &json!({}));
        let token = token.sign(pipeline.keys.key()).unwrap();
        let request = Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", token);
        let answer = pipeline.deliver(&request).await.unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        // Each is written, and so published, by itself.
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    }
    let bus = Bus::start(&pipeline.table).await.unwrap();
    let variables = [("EVENT_BUS_NAME", bus::NAME), ("AWS_ENDPOINT_URL_EVENTBRIDGE", &*bus.endpoint())];
    let mut publisher = pipeline.start_function_with("publisher", &variables).await.unwrap();
    stream.drain(&pipeline.table, &mut publisher).await.unwrap();
    let changes = bus.taken();
    let users: Vec<_> = changes.iter().map(|change| change.text("user_id")).collect();
    assert_eq!(users, EVENTS.map(|(user, ..)| user));
    changes
}

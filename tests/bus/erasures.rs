//! Proof of erasure, from the webhook to what `khook erasures` prints: the real binaries before the same table.

use std::process::Stdio;

use end_to_end::{
    binaries::binary,
    delivery::Delivery,
    faults::Fault,
    lambda::{Lambda, Outcome},
    service::APP_ID,
    stream::Stream,
    table,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::service::{Service, unlink_now};

/// A service, its recorder and its deliverer.
struct Proving {
    service: Service,
    departures: Stream,
    recorder: Lambda,
    delivery: Delivery,
    deliverer: Lambda,
}

impl Proving {
    async fn start() -> Self {
        let service = Service::start_now().await;
        let departures = service.stream.of_departures();
        let recorder = service.pipeline.start_function("recorder").await.unwrap();
        let delivery = Delivery::start(&service.pipeline).await.unwrap();
        let deliverer = delivery.start_deliverer(&service.pipeline, &[]).await.unwrap();
        Self { service, departures, recorder, delivery, deliverer }
    }

    async fn record(&mut self) {
        self.departures.drain(&self.service.pipeline.table, &mut self.recorder).await.unwrap();
    }

    /// Publishes what changed, and delivers it.
    async fn deliver(&mut self) {
        self.service.publish().await;
        for change in self.service.bus.taken() {
            self.delivery.route(&change);
        }
        while !self.delivery.queue.is_empty() {
            assert_eq!(self.delivery.deliver(&mut self.deliverer).await.unwrap().len(), 0);
        }
    }

    /// The service's own word, at this moment: its time may not be later than the queue's of the message.
    async fn word(&mut self, word: &str, user: &str) {
        let now = jiff::Timestamp::now();
        let message = json!({
            "v": 1, "kind": "service", "id": format!("{word}-of-{user}"), "app_id": APP_ID,
            "received_at": now.to_string(), "event": {"type": word, "user_id": user, "at": now.to_string()},
        });
        let sent_at = now.as_millisecond().to_string();
        let record = json!({
            "messageId": "1", "receiptHandle": "1", "body": message.to_string(), "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": sent_at},
        });
        let processor = self.service.pipeline.function("processor").await.unwrap();
        let outcome = processor.invoke(&json!({"Records": [record]})).await.unwrap();
        let Outcome::Response(response) = outcome else { panic!("{outcome:?}") };
        assert_eq!(response, json!({"batchItemFailures": []}));
    }

    async fn khook(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary("khook").unwrap());
        command.arg("erasures").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs([
            ("AWS_REGION", "ap-northeast-2"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("TABLE_NAME", table::NAME),
        ]);
        command.env("AWS_ENDPOINT_URL_DYNAMODB", self.service.pipeline.table.endpoint());
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn rows(&self) -> Vec<Value> {
        self.khook(&["--json"]).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The row of a member.
fn row<'r>(rows: &'r [Value], user: &str) -> &'r Value {
    let of_user: Vec<_> = rows.iter().filter(|row| row["user_id"] == user).collect();
    assert_eq!(of_user.len(), 1, "{rows:#?}");
    of_user[0]
}

fn time(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_else(|| panic!("{name}: {row}")).to_owned()
}

#[tokio::test]
async fn a_departure_is_proven_from_kakaos_webhook_to_the_services_confirmation() {
    let mut proving = Proving::start().await;
    proving.service.send(&unlink_now("3142857901")).await;
    proving.word("service-unlinked", "3142857902").await;
    proving.record().await;
    let rows = proving.rows().await;
    let first = row(&rows, "3142857901");
    assert_eq!(first["events"][0]["event"], "unlink");
    assert_eq!(first["events"][0]["reason"], "ACCOUNT_DELETE");
    assert_eq!(first["left_at"], first["events"][0]["received_at"]);
    assert!(time(first, "effective_at") >= time(first, "left_at"));
    assert_eq!((first.get("acknowledged_at"), first.get("confirmed_at")), (None, None));
    assert_eq!((&first["held"]["state"], &first["held"]["history"]), (&json!(1), &json!(1)));
    assert!(first["held"]["until"].is_string());
    assert_eq!(row(&rows, "3142857902")["events"][0]["event"], "service-unlinked");

    proving.deliver().await;
    let acknowledged = time(row(&proving.rows().await, "3142857901"), "acknowledged_at");
    assert!(acknowledged >= time(first, "effective_at"));
    // Delivered again, it is the first time that counts.
    proving.deliver().await;
    proving.word("service-erased", "3142857901").await;
    proving.word("service-linked", "3142857902").await;
    proving.record().await;
    let rows = proving.rows().await;
    assert_eq!(time(row(&rows, "3142857901"), "acknowledged_at"), acknowledged);
    assert!(time(row(&rows, "3142857901"), "confirmed_at") >= acknowledged);
    assert!(time(row(&rows, "3142857902"), "linked_again_at") > time(row(&rows, "3142857902"), "left_at"));

    let csv = proving.khook(&["--csv", "--app", APP_ID]).await;
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert_eq!((lines.len(), lines[3]), (4, ""), "{csv}");
    assert!(lines[0].starts_with("app_id,user_id,left_at,") && lines[1].contains(",3142857901,"), "{csv}");
    let shown = proving.khook(&[]).await;
    assert!(shown.contains("3142857901") && shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_eq!(proving.khook(&["--json", "--app", "999"]).await, "");
    assert!(proving.khook(&["--since", "2199-01-01"]).await.contains("no member left since"));
}

/// A member's departures, by time.
fn rows_of<'r>(rows: &'r [Value], user: &str) -> Vec<&'r Value> {
    rows.iter().filter(|row| row["user_id"] == user).collect()
}

#[tokio::test]
async fn a_member_who_comes_back_and_leaves_again_is_listed_twice_and_only_the_first_is_confirmed() {
    let mut proving = Proving::start().await;
    let user = "3142857901";
    for word in ["service-unlinked", "service-erased"] {
        proving.word(word, user).await;
    }
    proving.record().await;
    // Much later: the item of the member who is gone has expired, and a link begins a new one.
    proving.service.pipeline.table.remove(&format!("USER#{APP_ID}#{user}"), "STATE").unwrap();
    proving.word("service-linked", user).await;
    let rows = proving.rows().await;
    // The record does not know yet, the state does.
    assert!(time(row(&rows, user), "linked_again_at") > time(row(&rows, user), "confirmed_at"));
    proving.word("service-unlinked", user).await;
    proving.record().await;
    let listed = proving.rows().await;
    let [first, second] = rows_of(&listed, user).try_into().unwrap_or_else(|rows| panic!("{rows:#?}"));
    assert!(time(first, "linked_again_at") > time(first, "confirmed_at"));
    assert!(time(second, "effective_at") >= time(second, "left_at"));
    assert_eq!((second.get("confirmed_at"), second.get("linked_again_at")), (None, None));
    // A list that begins later has the same row.
    let later = proving.khook(&["--json", "--since", &time(second, "left_at")]).await;
    assert_eq!(
        later.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>(),
        std::slice::from_ref(second)
    );
    proving.khook(&["rebuild", "--yes"]).await;
    assert_eq!(proving.rows().await, listed);
}

#[tokio::test]
async fn what_the_table_refuses_or_a_killed_recorder_leaves_comes_again() {
    let mut proving = Proving::start().await;
    proving.service.send(&unlink_now("3142857901")).await;
    proving.service.pipeline.table.gate().set(Fault::Status(500));
    assert!(proving.departures.poll(&proving.service.pipeline.table, &mut proving.recorder).await.unwrap());
    proving.service.pipeline.table.gate().set(Fault::None);
    assert_eq!(proving.rows().await, Vec::<Value>::new());
    // Another process in its place.
    proving.recorder = proving.service.pipeline.start_function("recorder").await.unwrap();
    proving.record().await;
    let once = proving.rows().await;
    assert_eq!(once.len(), 1);
    proving.departures = proving.service.stream.of_departures();
    proving.record().await;
    assert_eq!(proving.rows().await, once);
}

#[tokio::test]
async fn a_lost_record_is_rebuilt_from_the_history_and_as_often_as_one_likes() {
    let mut proving = Proving::start().await;
    proving.service.send(&unlink_now("3142857901")).await;
    proving.word("service-unlinked", "3142857902").await;
    proving.word("service-erased", "3142857902").await;
    proving.record().await;
    let recorded = proving.rows().await;
    for item in proving.service.pipeline.items_of("ERASURES#").unwrap() {
        let [pk, sk] = ["pk", "sk"].map(|name| item[name].as_str().unwrap());
        proving.service.pipeline.table.remove(pk, sk).unwrap();
    }
    assert_eq!(proving.rows().await, Vec::<Value>::new());
    for _ in 0..2 {
        let output = proving.khook(&["rebuild", "--yes"]).await;
        assert!(output.contains("the departures of 2 members recorded"), "{output}");
        let rows = proving.rows().await;
        assert_eq!(row(&rows, "3142857901"), row(&recorded, "3142857901"));
        let (rebuilt, before) = (row(&rows, "3142857902"), row(&recorded, "3142857902"));
        assert_eq!((&rebuilt["events"], &rebuilt["confirmed_at"]), (&before["events"], &before["confirmed_at"]));
        // When the state was last written: at the latest then.
        assert!(time(rebuilt, "effective_at") >= time(before, "effective_at"));
    }
    let keys = proving.service.pipeline.items_of("ERASURES#").unwrap().len();
    proving.khook(&["rebuild", "--yes"]).await;
    assert_eq!(proving.service.pipeline.items_of("ERASURES#").unwrap().len(), keys);
}

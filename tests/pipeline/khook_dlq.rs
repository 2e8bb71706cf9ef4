//! `khook dlq`, the real binary: messages that the processor could not process are listed, replayed or dropped, and
//! none is lost.

use std::time::Duration;

use end_to_end::{
    Pipeline,
    dead_letters::{DeadLetters, Trouble},
    faults::Fault,
    khook_binary::{self, Done},
    service::APP_ID,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::kakao::{snapshot, unlink};

const USER: &str = "3142858500";
/// Longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest time for which khook hides a message.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

struct Service {
    pipeline: Pipeline,
    dead: DeadLetters,
}

impl Service {
    async fn start() -> Self {
        let pipeline = Pipeline::start().await.unwrap();
        let dead = pipeline.queue.dead_letters().clone();
        Self { pipeline, dead }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_SQS", self.pipeline.queue.endpoint()),
            ("DEAD_LETTER_QUEUE_URL", self.pipeline.queue.dead_letter_url()),
            ("EVENT_QUEUE_URL", self.pipeline.queue.url()),
        ]
    }

    async fn khook(&self, arguments: &[&str]) -> Done {
        khook_binary::run(&self.variables(), &[&["dlq"], arguments].concat()).await.unwrap()
    }

    /// The envelope of a real unlinking, among the dead letters.
    async fn dead_unlinking(&mut self, user_id: &str) -> String {
        let body = self.envelope(user_id).await;
        self.dead.put(&body)
    }

    async fn envelope(&mut self, user_id: &str) -> String {
        assert_eq!(self.pipeline.deliver(&unlink(user_id).id("unlinking")).await.unwrap().status, 200);
        let [message] = <[_; 1]>::try_from(self.pipeline.queue.take()).unwrap();
        message.body
    }

    /// Everything in the queue is applied to the user once.
    async fn is_applied_once(&mut self, user_id: &str) {
        assert_eq!(self.pipeline.drain().await.unwrap(), Vec::<String>::new());
        assert_eq!(self.pipeline.state(APP_ID, user_id).unwrap().unwrap()["access"], "gone");
        assert_eq!(self.pipeline.history(&format!("USER#{APP_ID}#{user_id}")).unwrap().len(), 1);
    }
}

fn without_ages(mut list: Value) -> Value {
    for letter in list.as_array_mut().unwrap() {
        let age = letter.as_object_mut().unwrap().remove("age_seconds");
        assert!(age.unwrap().as_i64().unwrap() > 0);
    }
    list
}

#[tokio::test]
async fn a_list_shows_each_message_and_returns_all_of_them_to_the_queue() {
    let mut service = Service::start().await;
    service.dead_unlinking(USER).await;
    service.dead.put("poison");
    service.dead.put(r#"{"v":2,"id":"from the future"}"#);
    service.dead.put(r#"{"v":1,"id":"bent"}"#);
    let listed = without_ages(service.khook(&["list", "--json"]).await.json());
    snapshot("khook-dlq-list", &listed);
    assert_eq!(service.dead.visible().len(), 4);
    let printed = service.khook(&["list"]).await.printed();
    for shown in ["unlink", APP_ID, "not a known envelope (its version is unknown)", "2025-03-01T03:30:00.100Z"] {
        assert!(printed.contains(shown), "{printed}");
    }
    assert!(!printed.contains(USER), "{printed}");
    assert_eq!(service.dead.visible().len(), 4);
}

#[tokio::test]
async fn an_empty_queue_is_an_empty_list() {
    let service = Service::start().await;
    assert_eq!(service.khook(&["list", "--json"]).await.json(), json!([]));
    assert!(service.khook(&["list"]).await.printed().contains("no dead letters"));
    assert!(service.khook(&["replay", "--all"]).await.printed().starts_with("0 sent"));
    assert!(service.khook(&["drop", "--all"]).await.printed().contains("no dead letters"));
}

#[tokio::test]
async fn a_message_that_another_reader_received_is_hidden_and_not_gone() {
    let mut service = Service::start().await;
    service.dead_unlinking(USER).await;
    // A reader that is killed returns nothing to the queue.
    service.dead.trouble("ChangeMessageVisibilityBatch", Trouble::Status(403));
    service.khook(&["list"]).await.printed();
    for command in [&["list"][..], &["list", "--json"], &["replay", "--all"], &["drop", "--all"]] {
        let error = service.khook(command).await.refused();
        assert!(error.contains("1 dead letter cannot be seen now") && error.contains("half a minute"), "{error}");
    }
    let error = service.khook(&["drop", "--all", "--yes"]).await.refused();
    assert!(error.contains("cannot be seen now"), "{error}");
    service.dead.no_trouble();
    service.dead.pass(HALF_A_MINUTE);
    service.khook(&["replay", "--all"]).await.printed();
    service.is_applied_once(USER).await;
}

#[tokio::test]
async fn a_message_that_returns_during_a_list_does_not_end_it() {
    let mut service = Service::start().await;
    let body = service.envelope(USER).await;
    for _ in 0..11 {
        service.dead.put(&body);
    }
    service.dead.repeat(3);
    assert_eq!(service.khook(&["list", "--json"]).await.json().as_array().unwrap().len(), 11);
    assert_eq!(service.dead.visible().len(), 11);
}

#[tokio::test]
async fn one_is_shown_with_its_whole_text() {
    let mut service = Service::start().await;
    let (id, poison) = (service.dead_unlinking(USER).await, service.dead.put("poison"));
    let shown = service.khook(&["show", &id]).await.json();
    assert_eq!(shown["body"]["event"]["user_id"], USER);
    assert_eq!((&shown["message_id"], &shown["receives"]), (&json!(id), &json!(6)));
    let shown = service.khook(&["show", &poison]).await.json();
    assert_eq!((&shown["body"], &shown["no_envelope"]), (&json!("poison"), &json!("its form is unknown")));
    let error = service.khook(&["show", "other"]).await.refused();
    assert!(error.contains("`other`") && error.contains("try again"), "{error}");
    assert_eq!(service.dead.visible().len(), 2);
}

#[tokio::test]
async fn what_is_replayed_reaches_the_table_and_is_no_dead_letter_any_more() {
    let mut service = Service::start().await;
    let id = service.dead_unlinking(USER).await;
    let poison = service.dead.put("poison");
    let printed = service.khook(&["replay", &id]).await.printed();
    assert!(printed.starts_with("1 sent"), "{printed}");
    assert_eq!(service.dead.visible(), [poison]);
    let [sent] = <[String; 1]>::try_from(service.pipeline.queue.bodies()).unwrap();
    assert!(serde_json::from_str::<Value>(&sent).unwrap()["replayed_at"].is_string(), "{sent}");
    service.is_applied_once(USER).await;

    let again = service.khook(&["replay", &id]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.error.contains(&id), "{}", again.error);
    assert_eq!(service.pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_would_return_is_kept_unless_anyway_is_set() {
    let mut service = Service::start().await;
    service.dead_unlinking(USER).await;
    let poison = service.dead.put("poison");
    let replayed = service.khook(&["replay", "--all"]).await;
    assert_eq!(replayed.code, Some(1), "{}", replayed.error);
    assert!(replayed.out.starts_with("1 sent"), "{}", replayed.out);
    assert!(replayed.error.contains(&poison) && replayed.error.contains("--anyway"), "{}", replayed.error);
    assert_eq!(service.dead.visible(), [poison]);
    service.is_applied_once(USER).await;

    service.khook(&["replay", "--all", "--anyway"]).await.printed();
    assert_eq!(service.pipeline.queue.bodies(), ["poison"]);
    assert_eq!(service.dead.ids(), Vec::<String>::new());
}

#[tokio::test]
async fn broken_off_between_sending_and_deleting_it_is_sent_twice_and_merged_once() {
    let mut service = Service::start().await;
    let id = service.dead_unlinking(USER).await;
    service.dead.trouble("DeleteMessage", Trouble::Hangs);
    let mut killed = khook_binary::command(&service.variables(), &["dlq", "replay", "--all"]).unwrap().spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while service.pipeline.queue.bodies().is_empty() {
        assert!(Instant::now() < deadline, "it sends nothing");
        sleep(Duration::from_millis(20)).await;
    }
    killed.kill().await.unwrap();
    assert_eq!(service.dead.ids(), [id]);
    assert_eq!(service.dead.visible(), Vec::<String>::new());

    service.dead.no_trouble();
    service.dead.pass(HALF_A_MINUTE);
    service.khook(&["replay", "--all"]).await.printed();
    assert_eq!(service.dead.ids(), Vec::<String>::new());
    assert_eq!(service.pipeline.queue.bodies().len(), 2);
    service.is_applied_once(USER).await;
}

#[tokio::test]
async fn what_cannot_be_deleted_stays_and_is_there_for_the_next_one() {
    let mut service = Service::start().await;
    let id = service.dead_unlinking(USER).await;
    service.dead.trouble("DeleteMessage", Trouble::Status(403));
    let error = service.khook(&["replay", &id]).await.refused();
    assert!(error.contains(&id) && error.contains("is safe"), "{error}");
    assert_eq!(service.dead.visible(), [id]);
}

#[tokio::test]
async fn a_queue_that_fails_leaves_all_of_them() {
    let mut service = Service::start().await;
    for user_id in ["3142858501", "3142858502", "3142858503"] {
        service.dead_unlinking(user_id).await;
    }
    service.pipeline.queue.gate().set_for(&service.pipeline.queue.url(), Fault::Status(403));
    let error = service.khook(&["replay", "--all"]).await.refused();
    assert!(error.contains("stays a dead letter"), "{error}");
    assert_eq!(service.dead.visible().len(), 3);
    service.dead.trouble("ReceiveMessage", Trouble::Status(403));
    let error = service.khook(&["list"]).await.refused();
    assert!(error.contains("the dead-letter queue can't be used: the answer to sqs:ReceiveMessage"), "{error}");
}

#[tokio::test]
async fn each_is_sent_once_though_the_queue_hands_it_out_twice_or_forgets_that_it_was_deleted() {
    let mut service = Service::start().await;
    let body = service.envelope(USER).await;
    for _ in 0..11 {
        service.dead.put(&body);
    }
    service.dead.hand_out_twice();
    service.dead.trouble("DeleteMessage", Trouble::Forgotten);
    let printed = service.khook(&["replay", "--all"]).await.printed();
    assert!(printed.starts_with("11 sent"), "{printed}");
    assert_eq!(service.pipeline.queue.bodies().len(), 11);
    assert_eq!(service.dead.ids(), Vec::<String>::new());
    service.is_applied_once(USER).await;
}

#[tokio::test]
async fn a_limit_ends_the_list_with_a_remark() {
    let mut service = Service::start().await;
    let body = service.envelope(USER).await;
    for _ in 0..25 {
        service.dead.put(&body);
    }
    let listed = service.khook(&["list", "--json", "--limit", "7"]).await;
    assert!(listed.error.contains("there may be more"), "{}", listed.error);
    assert_eq!(listed.json().as_array().unwrap().len(), 7);
    let all = service.khook(&["list", "--json"]).await;
    assert!(!all.error.contains("there may be more"), "{}", all.error);
    assert_eq!(all.json().as_array().unwrap().len(), 25);
    assert_eq!(service.dead.visible().len(), 25);

    service.khook(&["replay", "--all", "--limit", "7"]).await.printed();
    assert_eq!((service.dead.visible().len(), service.pipeline.queue.bodies().len()), (18, 7));
    let far = service.dead.ids().first().unwrap().clone();
    let error = service.khook(&["show", &far, "--limit", "2"]).await.refused();
    assert!(error.contains("--limit"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_undone_is_not_done_unasked_and_then_to_the_named_ones_only() {
    let mut service = Service::start().await;
    let (id, poison) = (service.dead_unlinking(USER).await, service.dead.put("poison"));
    for which in ["--all", &poison] {
        let error = service.khook(&["drop", which]).await.refused();
        assert!(error.contains("--yes") && error.contains("doesn't send"), "{error}");
    }
    assert_eq!(service.dead.visible().len(), 2);
    let unknown = service.khook(&["drop", "other"]).await.refused();
    assert!(unknown.contains("`other`"), "{unknown}");
    assert!(service.khook(&["drop", &poison, "--yes"]).await.printed().starts_with("1 deleted"));
    assert_eq!(service.dead.visible(), [id]);
    service.khook(&["drop", "--all", "--yes"]).await.printed();
    assert_eq!(service.dead.ids(), Vec::<String>::new());
    assert_eq!(service.pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_goes_to_another_service_or_back_into_the_dead_letters() {
    let mut service = Service::start().await;
    service.dead_unlinking(USER).await;
    let mut variables = service.variables();
    variables.retain(|(name, _)| *name != "EVENT_QUEUE_URL");
    let error = khook_binary::run(&variables, &["dlq", "replay", "--all"]).await.unwrap().refused();
    assert!(error.contains("DEAD_LETTER_QUEUE_URL is named and EVENT_QUEUE_URL isn't"), "{error}");
    let error =
        service.khook(&["replay", "--all", "--queue", &service.pipeline.queue.dead_letter_url()]).await.refused();
    assert!(error.contains("the same queue"), "{error}");
    assert_eq!(service.dead.visible().len(), 1);
}

#[tokio::test]
async fn changes_that_were_set_aside_are_listed_with_user_and_reason_and_dropped_but_not_replayed() {
    let service = Service::start().await;
    let change = |why, user| {
        json!({"why": why, "sequence_number": "1", "keys": {"pk": {"S": format!("USER#{APP_ID}#{user}")}}}).to_string()
    };
    let id = service.dead.put(&change("a member of an unknown form", USER));
    service.dead.put(&change("the bus refuses it: MalformedDetail", "2"));
    let mut variables = service.variables();
    variables.retain(|(name, _)| *name == "AWS_ENDPOINT_URL_SQS");
    variables.push(("UNPUBLISHED_QUEUE_URL", service.pipeline.queue.dead_letter_url()));
    // That one is another queue, and not used.
    variables.push(("DEAD_LETTER_QUEUE_URL", service.pipeline.queue.url()));
    let khook =
        async |arguments: &[&str]| khook_binary::run(&variables, &[&["dlq"], arguments].concat()).await.unwrap();

    let printed = khook(&["list", "--unpublished"]).await.printed();
    for shown in [&*format!("--user {APP_ID} {USER}"), "a member of an unknown form", "MalformedDetail"] {
        assert!(printed.contains(shown), "{printed}");
    }
    let listed = khook(&["list", "--unpublished", "--json"]).await.json();
    assert_eq!(
        (&listed[0]["user"], &listed[0]["publish_option"]),
        (&json!(format!("{APP_ID} {USER}")), &json!("--user"))
    );
    assert_eq!(listed[1]["why"], "the bus refuses it: MalformedDetail");
    assert_eq!(khook(&["show", &id, "--unpublished"]).await.json()["body"]["sequence_number"], "1");
    khook(&["replay", "--all", "--unpublished"]).await.refused();
    let printed = khook(&["drop", &id, "--unpublished", "--yes"]).await.printed();
    assert!(
        printed.contains(&format!(
            "1 deleted (queue of unpublished changes `{}`)",
            service.pipeline.queue.dead_letter_url()
        )),
        "{printed}"
    );
    assert_eq!(service.dead.visible().len(), 1);
}

#[tokio::test]
async fn a_typed_queue_of_unpublished_changes_is_the_one_that_is_worked_on_and_a_variable_alone_is_not() {
    let service = Service::start().await;
    // The event queue of the simulator can't be read: a command that works on it fails.
    let (readable, unreadable) = (service.pipeline.queue.dead_letter_url(), service.pipeline.queue.url());
    let khook = async |dead: &str, arguments: &[&str]| {
        let variables = [
            ("AWS_ENDPOINT_URL_SQS", service.pipeline.queue.endpoint()),
            ("DEAD_LETTER_QUEUE_URL", dead.to_owned()),
            ("UNPUBLISHED_QUEUE_URL", unreadable.clone()),
        ];
        khook_binary::run(&variables, &[&["dlq"], arguments].concat()).await.unwrap()
    };
    let typed =
        async |arguments: &[&str]| khook(&unreadable, &[arguments, &["--unpublished-queue", &readable]].concat()).await;
    let id = service.dead.put(r#"{"why":"w"}"#);
    assert_eq!(typed(&["list", "--json"]).await.json()[0]["why"], "w");
    assert_eq!(typed(&["show", &id]).await.json()["why"], "w");
    let printed = typed(&["drop", "--all", "--yes"]).await.printed();
    assert_eq!(printed, format!("1 deleted (queue of unpublished changes `{readable}`)\n"));

    service.dead.put("a dead letter");
    let printed = khook(&readable, &["drop", "--all", "--yes"]).await.printed();
    assert_eq!(printed, format!("1 deleted (dead-letter queue `{readable}`)\n"));
}

//! A service whose reconciler compares it with Kakao.

use std::{collections::BTreeSet, ops::Deref, time::Duration};

use end_to_end::{
    Pipeline, Request, khook_binary,
    lambda::Lambda,
    patience::becomes,
    reconciling::{self, LIMIT, Reconciling},
    service::{ADMIN_KEY, APP_ID, REST_API_KEY},
};
use play_kakao::Token;
use serde_json::{Map, Value, json};

/// 2025-03-01T00:00:00Z, in seconds.
pub(crate) const MIDNIGHT: i64 = 1_740_787_200;

/// The number of the first of some members.
pub(crate) const FIRST: u64 = 3_142_857_000;

/// More minutes than any run of a test takes.
const MOST_MINUTES: usize = 60;

pub(crate) struct Service {
    reconciling: Reconciling,
    pub(crate) reconciler: Lambda,
    pub(crate) pipeline: Pipeline,
}

impl Deref for Service {
    type Target = Reconciling;

    fn deref(&self) -> &Reconciling {
        &self.reconciling
    }
}

/// The request by which Kakao reports that a member linked, so many seconds after midnight.
pub(crate) fn linked(pipeline: &Pipeline, member: u64, seconds: i64) -> Request {
    let (uri, id) = ("https://schemas.openid.net/secevent/oauth/event-type/user-linked", format!("link-{seconds}"));
    let token = Token::new(REST_API_KEY, &member.to_string(), &id, MIDNIGHT + seconds, uri, &json!({}));
    let signed = token.sign(pipeline.keys.key()).unwrap();
    Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", signed)
}

/// The request by which Kakao reports that a member added a channel.
pub(crate) fn channel_added(member: u64) -> Request {
    let body = json!({"event": "added", "id": member.to_string(), "id_type": "app_user_id",
        "channel_public_id": "_ISxgbxb", "channel_uuid": "@가게", "updated_at": "2025-03-01T01:00:00Z"});
    Request::new("POST", "/webhooks/talk-channel")
        .header("Authorization", &format!("KakaoAK {ADMIN_KEY}"))
        .header("X-Kakao-Resource-ID", &format!("channel-{}", member % 1_000))
        .body("application/json", body.to_string())
}

/// The request by which Kakao reports an unlink.
pub(crate) fn unlinked(member: u64) -> Request {
    let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id={member}&referrer_type=UNLINK_FROM_APPS");
    Request::new("GET", &path).header("Authorization", &format!("KakaoAK {ADMIN_KEY}"))
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        let pipeline = Pipeline::start().await.unwrap();
        let reconciling = Reconciling::start(&pipeline).await.unwrap();
        let reconciler = reconciling.start_reconciler(&pipeline, LIMIT, variables).await.unwrap();
        Self { reconciling, reconciler, pipeline }
    }

    /// Another process in the reconciler's place, which knows how late it is.
    pub(crate) async fn restart(&mut self) {
        self.reconciler = self.reconciling.start_reconciler(&self.pipeline, LIMIT, &[]).await.unwrap();
    }

    /// As many members from the first number on link at Kakao, a second apart, and Kakao reports all of it.
    pub(crate) async fn members(&mut self, count: u64) {
        for number in 0..count {
            self.member(FIRST + number, i64::try_from(number).unwrap()).await;
        }
    }

    /// A member links at Kakao so many seconds after midnight, and Kakao reports it.
    pub(crate) async fn member(&mut self, member: u64, seconds: i64) {
        self.link_at_kakao(member, seconds);
        let request = linked(&self.pipeline, member, seconds);
        self.deliver(&request).await;
    }

    /// The same, and nothing is reported.
    pub(crate) fn link_at_kakao(&self, member: u64, seconds: i64) {
        self.link(APP_ID, [(member, MIDNIGHT + seconds)]);
    }

    /// A member unlinks at Kakao, and nothing is reported.
    pub(crate) fn unlink_at_kakao(&self, member: u64) {
        self.unlink(APP_ID, member);
    }

    /// Kakao sends a webhook, which is acknowledged and applied.
    pub(crate) async fn deliver(&mut self, request: &Request) {
        let answer = self.pipeline.deliver(request).await.unwrap();
        assert!([200, 202].contains(&answer.status), "{answer:?}");
        self.pipeline.settle().await.unwrap();
    }

    /// One minute of the reconciler and the processor.
    pub(crate) async fn minute(&mut self) {
        self.reconciling.invoke(&mut self.reconciler).await.unwrap();
        self.pipeline.settle().await.unwrap();
    }

    /// Minutes until the run of the first app does not work any more. Returns how many.
    pub(crate) async fn minutes(&mut self) -> usize {
        for minute in 1..MOST_MINUTES {
            self.minute().await;
            if !["listing", "confirming"].contains(&self.state().as_str()) {
                return minute;
            }
        }
        panic!("no end: {:?}", self.run());
    }

    /// A day later the next run is due.
    pub(crate) async fn next_day(&mut self) {
        self.next_day_with(&[]).await;
    }

    pub(crate) async fn next_day_with(&mut self, variables: &[(&str, &str)]) {
        self.pass(Duration::from_hours(24));
        self.reconciler = self.reconciling.start_reconciler(&self.pipeline, LIMIT, variables).await.unwrap();
    }

    /// The record of the first app's run.
    pub(crate) fn run(&self) -> Map<String, Value> {
        self.run_of(APP_ID)
    }

    pub(crate) fn run_of(&self, app: &str) -> Map<String, Value> {
        reconciling::run(&self.pipeline.table, app).unwrap().unwrap_or_default()
    }

    pub(crate) fn state(&self) -> String {
        self.run()["state"].as_str().unwrap().to_owned()
    }

    /// An operator approves of the first app's run.
    pub(crate) async fn approve(&self) {
        let arguments = ["reconcile", "approve", APP_ID, "--yes"];
        khook_binary::of(&self.pipeline, &arguments).await.unwrap().printed();
    }

    /// The members of the first app that are linked in the table.
    pub(crate) fn linked_here(&self) -> BTreeSet<u64> {
        reconciling::with_status(&self.pipeline, APP_ID, "linked").unwrap()
    }

    pub(crate) fn unlinked_here(&self) -> BTreeSet<u64> {
        reconciling::with_status(&self.pipeline, APP_ID, "unlinked").unwrap()
    }

    /// A member's items, without what differs from run to run.
    pub(crate) fn items(&self, member: u64) -> Vec<Map<String, Value>> {
        let run_id = self.run()["run_id"].as_str().unwrap().to_owned();
        let mut items = self.pipeline.table.partition(&format!("USER#{APP_ID}#{member}")).unwrap();
        for (name, value) in items.iter_mut().flatten() {
            if ["version", "expires_at"].contains(&name.as_str()) {
                *value = json!(format!("[{name}]"));
            }
            replace_texts(value, &run_id);
        }
        items
    }

    /// The line of this event that the reconciler wrote, which takes a moment from the process to here.
    pub(crate) async fn logged(&self, event: &str) -> Vec<Value> {
        self.logged_times(event, 1).await
    }

    /// So many lines of this event.
    pub(crate) async fn logged_times(&self, event: &str, count: usize) -> Vec<Value> {
        let of_event = || self.reconciler.lines().into_iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
        becomes(event, &count, async || of_event().len()).await;
        of_event()
    }
}

/// The hour in which the functions' clock starts.
const NOW: &str = "2025-03-01T04:";

/// Puts placeholders for the run's id and for times at which a test ran.
fn replace_texts(value: &mut Value, run_id: &str) {
    match value {
        Value::String(text) => {
            *text = text.replace(run_id, "[run id]");
            while let Some(at) = text.find(NOW) {
                text.replace_range(at..at + "2025-03-01T04:30:00.000Z".len(), "[when Kakao was asked]");
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace_texts(element, run_id)),
        Value::Object(members) => members.values_mut().for_each(|member| replace_texts(member, run_id)),
        _ => {}
    }
}

/// Compares with the stored snapshot of this name.
pub(crate) fn snapshot(name: &str, value: &impl serde::Serialize) {
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true,
    }, {
        insta::assert_json_snapshot!(name, value);
    });
}

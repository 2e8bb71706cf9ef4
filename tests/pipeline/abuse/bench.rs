//! A case, and how it is run.

use std::collections::BTreeMap;

use end_to_end::{Answer, Pipeline, Request, lambda::Outcome};
use play_kakao::SigningKey;
use serde_json::{Value, json};

use crate::kakao::{OAUTH, admin_key, channel, channel_body, pushed, share, skill, skill_body, token, unlink};

/// Where a request ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Destination {
    /// In the queue, as an event.
    Event,
    /// In the queue, to be quarantined for this reason.
    Quarantine(&'static str),
    /// Nowhere.
    Nowhere,
}

/// One event of the gateway and the expected result. The gateway answers 500 if a function fails.
pub(super) struct Case {
    name: String,
    function: &'static str,
    event: Value,
    status: u16,
    end: Destination,
}

impl Case {
    pub(super) fn new(
        name: impl Into<String>,
        function: &'static str,
        event: Value,
        status: u16,
        end: Destination,
    ) -> Self {
        Self { name: name.into(), function, event, status, end }
    }

    /// An authentic request: taken, whatever becomes of it then.
    pub(super) fn taken(name: impl Into<String>, request: &Request, end: Destination) -> Self {
        let function = function_of(request);
        Self::new(name, function, request.event(), accepted(function), end)
    }

    fn expected(&self) -> (u16, Vec<Destination>) {
        let ends = if self.end == Destination::Nowhere { vec![] } else { vec![self.end] };
        (self.status, ends)
    }

    /// The same with a wrong key: whatever is in it, it ends nowhere. (A token's proof is in the body.)
    pub(super) fn forged(&self) -> Option<Self> {
        let mut event = self.event.clone();
        forge(&mut event);
        (self.function != "account-status").then(|| {
            Self::new(format!("{} with a wrong key", self.name), self.function, event, 401, Destination::Nowhere)
        })
    }
}

/// One kind of request in a genuine and a forged shape.
pub(super) struct Webhook {
    pub(super) function: &'static str,
    pub(super) genuine: Value,
    pub(super) forged: Value,
    pub(super) accepted: u16,
    pub(super) refused: u16,
}

/// The real functions, and the results of the cases so far.
pub(super) struct Bench {
    pub(super) pipeline: Pipeline,
    good: BTreeMap<&'static str, Value>,
    /// How many envelopes were seen in the inbox.
    waited: usize,
}

/// How often a request is sent again that the machine was too busy for.
pub(super) const SENDINGS: usize = 3;

impl Bench {
    pub(super) async fn start() -> Self {
        let pipeline = Pipeline::start().await.unwrap();
        let good = webhooks(pipeline.keys.key()).into_iter().map(|webhook| (webhook.function, webhook.genuine));
        Self { good: good.collect(), waited: 0, pipeline }
    }

    pub(super) fn webhooks(&self) -> Vec<Webhook> {
        webhooks(self.pipeline.keys.key())
    }

    /// Runs the cases one after another and reports all whose result is not as expected.
    pub(super) async fn try_all(&mut self, cases: impl IntoIterator<Item = Case>) {
        let (mut tried, mut wrong) = (0, vec![]);
        for case in cases {
            let found = self.settled(&case).await;
            if found != case.expected() {
                wrong.push(format!("{}: {}: not {:?}, but {found:?}", case.function, case.name, case.expected()));
            }
            self.the_next_works(case.function).await;
            tried += 1;
        }
        assert!(tried > 0);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// The result of a case. On a machine too busy to answer in time, 503 and the inbox are valid, too: then
    /// it is sent again, as a sender would. What always ends there doesn't settle.
    async fn settled(&mut self, case: &Case) -> (u16, Vec<Destination>) {
        let mut found = self.outcome(case.function, &case.event).await;
        for _ in 0..SENDINGS {
            if found == case.expected() {
                break;
            }
            let waiting = self.waiting();
            if found.0 != 503 && waiting == self.waited {
                break;
            }
            self.waited = waiting;
            found = self.outcome(case.function, &case.event).await;
        }
        found
    }

    /// How many envelopes are in the inbox, which no janitor empties here.
    fn waiting(&self) -> usize {
        self.pipeline.items_of("INBOX#").unwrap().len()
    }

    /// The same with each case's forged twin.
    pub(super) async fn try_all_and_forged(&mut self, cases: Vec<Case>) {
        let forged: Vec<Case> = cases.iter().filter_map(Case::forged).collect();
        self.try_all(cases.into_iter().chain(forged)).await;
    }

    async fn outcome(&mut self, function: &'static str, event: &Value) -> (u16, Vec<Destination>) {
        let answer = self.answer(function, event).await;
        let ends = self.pipeline.queue.take().iter().map(|message| end_of(&message.body)).collect();
        (answer.status, ends)
    }

    pub(super) async fn answer(&mut self, function: &'static str, event: &Value) -> Answer {
        answer(&mut self.pipeline, function, event).await
    }

    /// The process that has just had a bad request acknowledges a good one.
    pub(super) async fn the_next_works(&mut self, function: &'static str) {
        let good = Case::new("the next", function, self.good[function].clone(), accepted(function), Destination::Event);
        assert_eq!(self.settled(&good).await, good.expected(), "{function}");
    }
}

/// What a function answers to an event of the gateway.
pub(super) async fn answer(pipeline: &mut Pipeline, function: &'static str, event: &Value) -> Answer {
    match pipeline.function(function).await.unwrap().invoke(event).await.unwrap() {
        Outcome::Response(response) => Answer::of_response(&response).unwrap(),
        Outcome::Error(_) => Answer::of_failure(),
    }
}

fn end_of(text: &str) -> Destination {
    const REASONS: [&str; 7] =
        ["json", "encoding", "duplicate_field", "missing_field", "field_shape", "other_app", "too_many_events"];
    let envelope: Value = serde_json::from_str(text).unwrap();
    match envelope["quarantine"]["reason"].as_str() {
        None => Destination::Event,
        Some(reason) => Destination::Quarantine(REASONS.into_iter().find(|known| *known == reason).unwrap()),
    }
}

fn function_of(request: &Request) -> &'static str {
    let path = request.path.as_str();
    ["unlink", "account-status", "talk-share", "talk-channel", "skill"]
        .into_iter()
        .find(|name| path.ends_with(name))
        .unwrap()
}

fn accepted(function: &str) -> u16 {
    if function == "account-status" { 202 } else { 200 }
}

/// Puts a wrong key in the place of the right one.
pub(super) fn forge(event: &mut Value) {
    for (header, wrong) in [("authorization", "KakaoAK 00000000000000000000000000000000"), ("x-skill-key", "wrong")] {
        if let Some(value) = event["headers"].get_mut(header) {
            *value = json!(wrong);
        }
    }
}

/// Every kind of request that is taken as an event.
fn webhooks(key: &SigningKey) -> Vec<Webhook> {
    let body = channel_body("added", "1", "2025-03-01T01:00:00Z");
    let form = |path: &str, form: &str| {
        Request::new("POST", path).header("Authorization", &admin_key()).body("application/x-www-form-urlencoded", form)
    };
    let by_key = [
        unlink("1"),
        form("/webhooks/unlink", "app_id=123456&user_id=1"),
        share("1", "r1"),
        form("/webhooks/talk-share", "CHAT_TYPE=MemoChat&HASH_CHAT_ID=h1"),
        channel(&body, "r2"),
        skill(&skill_body("u1", "안녕"), "r3"),
    ];
    let mut webhooks: Vec<Webhook> = by_key
        .map(|request| {
            let (genuine, mut forged) = (request.event(), request.event());
            forge(&mut forged);
            Webhook { function: function_of(&request), genuine, forged, accepted: 200, refused: 401 }
        })
        .into();
    let linked = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    let genuine = linked.sign(key).unwrap();
    let (rest, signature) = genuine.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    webhooks.push(Webhook {
        function: "account-status",
        forged: pushed(format!("{rest}.{other}")).event(),
        genuine: pushed(genuine).event(),
        accepted: 202,
        refused: 400,
    });
    webhooks
}

/// The same event with one thing changed.
pub(super) fn changed(event: &Value, pointer: &str, value: impl Into<Value>) -> Value {
    let mut event = event.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value.into();
    event
}

/// A change without effect: the genuine request becomes an event, the forged one is refused.
pub(super) fn to_every_webhook<'w>(
    webhooks: impl IntoIterator<Item = &'w Webhook>,
    name: &str,
    change: impl Fn(&Value) -> Value,
) -> Vec<Case> {
    let cases = webhooks.into_iter().flat_map(|webhook| {
        let Webhook { function, genuine, forged, accepted, refused } = webhook;
        [
            Case::new(name, function, change(genuine), *accepted, Destination::Event),
            Case::new(format!("{name}, forged"), function, change(forged), *refused, Destination::Nowhere),
        ]
    });
    cases.collect()
}

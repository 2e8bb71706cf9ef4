//! A stack without a mistake and its account; tests change single facts.

use std::{collections::BTreeMap, sync::LazyLock};

use kakao_webhooks::{
    auth::KeySet,
    wire::{AppId, Time},
};
use play_kakao::SigningKey;
use runtime::reconcile::{Phase, Purpose, ReaderKeys, ReaderKeysError, Run, all_reader_keys};

use super::{
    account::Account,
    facts::{
        Alarm, Backlog, Facts, Function, Inbox, Quota, Read, Reconciling, Resource, Settings, Source, Stack,
        StoredKeys, Unread,
    },
    members::{MEMBERS, RECONCILER},
    sources::{PROCESSOR, PUBLISHER, RECORDER},
};
use crate::commands::check::finding::{Finding, Verdict};

pub(super) const REST_API_KEY: &str = "b7d41f0e5a3c49d28e6f7a8b9c0d1e2f";
pub(super) const APPS: &str = r#"[{"app_id":"123456","rest_api_keys":["b7d41f0e5a3c49d28e6f7a8b9c0d1e2f"],"admin_key_sha256":["a1bf4dc2c0cea821798c38e16fcc1667d6f0504afa821b181672035fc5967890"]}]"#;

const TABLE: &str = "table";
const QUEUE: &str = "https://sqs.example.com/events";
const ALARMS: [(&str, &str); 2] = [
    ("DeadLettersAlarm", "A message could not be processed five times. docs/runbook.md, \"Dead letters\"."),
    ("QueueBehindAlarm", "Events have waited for five minutes. docs/runbook.md, \"The queue is behind\"."),
];

/// The worst of these.
pub(super) fn worst(findings: &[Finding]) -> Verdict {
    let order = [Verdict::Mistake, Verdict::Unknown, Verdict::Warning, Verdict::Right];
    let has = |verdict: &Verdict| findings.iter().any(|finding| finding.verdict == *verdict);
    order.into_iter().find(has).expect("nothing was found at all")
}

fn now() -> Time {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Option<Time> {
    Time::from_millis(now().as_millis() - seconds * 1_000)
}

/// One for the whole process: making a key takes as long as a test.
fn key_set() -> KeySet {
    static SET: LazyLock<KeySet> = LazyLock::new(|| {
        let key = SigningKey::generate("8d1f0a4c6e2b9375d0c1e8f7a6b5c4").unwrap();
        KeySet::from_json(play_kakao::key_set([&key]).to_string().as_bytes()).unwrap()
    });
    SET.clone()
}

pub(super) fn function(name: &str) -> Function {
    let mut settings = BTreeMap::from([("TABLE_NAME", TABLE), ("RUST_LOG", "info")]);
    if !["processor", "publisher", "recorder"].contains(&name) {
        settings.insert("EVENT_QUEUE_URL", QUEUE);
    }
    if MEMBERS.iter().any(|member| member.name == name && member.acknowledges) {
        settings.insert("KAKAO_APPS", APPS);
    }
    if name == "publisher" {
        settings.insert("EVENT_BUS_NAME", "bus");
    }
    if name == "account-status" {
        // The port is closed.
        settings.insert("KAKAO_JWKS_URL", "http://127.0.0.1:1/jwks.json");
    }
    Function {
        state: "Active".to_owned(),
        last_update: "Successful".to_owned(),
        reason: None,
        modified_at: ago(7_200),
        code_sha256: format!("code of {name}"),
        version: "$LATEST".to_owned(),
        settings: Settings(settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
    }
}

fn reconciler(api_url: &str) -> Function {
    let mut function = function(RECONCILER);
    for (name, value) in [("KAKAO_READER_KEYS", READER_SECRET), ("KAKAO_API_URL", api_url)] {
        function.settings.0.insert(name.to_owned(), value.to_owned());
    }
    function
}

fn stack() -> Stack {
    let outputs = [
        ("TableName", TABLE),
        ("EventQueueUrl", QUEUE),
        ("DeadLetterQueueUrl", "https://sqs.example.com/dead"),
        ("UnpublishedQueueUrl", "https://sqs.example.com/unpublished"),
        ("BusName", "bus"),
    ];
    Stack {
        status: "UPDATE_COMPLETE".to_owned(),
        outputs: outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        deployed_at: ago(7_200),
    }
}

fn resource(logical_id: &str, kind: &str) -> Resource {
    Resource { logical_id: logical_id.to_owned(), physical_id: format!("stack-{logical_id}"), kind: kind.to_owned() }
}

fn resources() -> Vec<Resource> {
    let functions = MEMBERS.iter().map(|member| resource(member.logical_id, "AWS::Lambda::Function"));
    let sources = [PROCESSOR, PUBLISHER, RECORDER].map(|name| resource(name, "AWS::Lambda::EventSourceMapping"));
    functions.chain(sources).chain(ALARMS.iter().map(|(name, _)| resource(name, "AWS::CloudWatch::Alarm"))).collect()
}

pub(super) fn source(logical_id: &str) -> Source {
    Source {
        id: format!("stack-{logical_id}"),
        state: "Enabled".to_owned(),
        reason: Some("USER_INITIATED".to_owned()),
        last_result: (logical_id == PUBLISHER).then(|| "OK".to_owned()),
        most_at_once: (logical_id == PROCESSOR).then_some(2),
    }
}

fn alarms() -> Vec<Alarm> {
    let alarm = |(name, description): (&str, &str)| Alarm {
        name: format!("stack-{name}"),
        is_firing: false,
        description: description.to_owned(),
        notifies: true,
    };
    ALARMS.map(alarm).into()
}

/// All as it should be.
pub(super) fn healthy() -> Facts {
    let queues = ["EventQueueUrl", "DeadLetterQueueUrl", "UnpublishedQueueUrl"];
    let set = key_set();
    Facts {
        now: now(),
        stack: stack(),
        resources: Ok(resources()),
        functions: MEMBERS.iter().map(|member| (member.name, Ok(Some(function(member.name))))).collect(),
        live: [("unlink", Ok(None))].into(),
        sources: [PROCESSOR, PUBLISHER, RECORDER].map(|name| (name, Ok(Some(source(name))))).into(),
        alarms: Ok(alarms()),
        quota: Ok(Quota { concurrent: 1_000, unreserved: 1_000 }),
        queues: queues.map(|output| (output, Ok(Backlog::default()))).into(),
        inbox: Ok(Inbox::default()),
        quarantined: Ok(0),
        stream_view: Ok(Some("NEW_AND_OLD_IMAGES".to_owned())),
        stored_keys: Ok(Some(StoredKeys { fetched_at: ago(30), set: Ok(set.clone()) })),
        published_keys: Some(Ok(Ok(set))),
        reconciling: None,
    }
}

/// The same with a reconciler, as it should be.
pub(super) fn reconciled() -> Facts {
    let app: AppId = "123456".parse().unwrap();
    let reconciling = Reconciling {
        index: Ok(Some("ACTIVE".to_owned())),
        proofs: Some(Ok(Ok([(app.clone(), Ok(()))].into()))),
        runs: [(app, Ok(Some(run_that_ended())))].into(),
    };
    Facts { reconciling: Some(reconciling), ..healthy() }
}

fn run_that_ended() -> Run {
    let mut run = Run::new("run".to_owned(), Purpose::Correct, None, ago(7_200).unwrap());
    run.state = Phase::Done;
    run.finish(ago(7_000).unwrap());
    run
}

/// The key in the secret of [`StandIn::reconciling`].
pub(super) const READER_KEY: &str = "1a2b3c4d5e6f78899aabbccddeeff001";
const READER_SECRET: &str = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:reader-0a1B2c";

/// An account with that stack, which may refuse to take some actions.
#[derive(Default)]
pub(super) struct StandIn {
    pub(super) denied: Vec<&'static str>,
    pub(super) live: Option<Function>,
    pub(super) delivers: bool,
    /// The address of Kakao's API, in a stack that has the reconciler.
    pub(super) reconciling: Option<String>,
}

impl StandIn {
    fn take<T>(&self, action: &'static str, answer: T) -> Read<T> {
        if self.denied.contains(&action) { Err(Unread::Denied(action)) } else { Ok(answer) }
    }
}

impl Account for StandIn {
    async fn stack(&self) -> Read<Stack> {
        let mut stack = stack();
        if self.delivers {
            let queues = ["DeliveryQueueUrl", "UndeliveredQueueUrl"];
            stack.outputs.extend(queues.map(|output| (output.to_owned(), format!("https://sqs.example.com/{output}"))));
        }
        self.take("cloudformation:DescribeStacks", stack)
    }

    async fn resources(&self) -> Read<Vec<Resource>> {
        let mut resources = resources();
        resources.extend(self.reconciling.as_ref().map(|_| resource("ReconcilerFunction", "AWS::Lambda::Function")));
        self.take("cloudformation:ListStackResources", resources)
    }

    async fn function(&self, name: &str, alias: Option<&str>) -> Read<Option<Function>> {
        let found = MEMBERS.iter().find(|member| format!("stack-{}", member.logical_id) == name);
        let found = match alias {
            None if name == "stack-ReconcilerFunction" => self.reconciling.as_deref().map(reconciler),
            None => found.map(|member| function(member.name)),
            Some("live") => self.live.clone().filter(|_| name == "stack-UnlinkFunction"),
            Some(_) => None,
        };
        self.take("lambda:GetFunctionConfiguration", found)
    }

    async fn source(&self, id: &str) -> Read<Option<Source>> {
        let found = [PROCESSOR, PUBLISHER, RECORDER].map(source).into_iter().find(|source| source.id == id);
        self.take("lambda:GetEventSourceMapping", found)
    }

    async fn alarms(&self, names: &[String]) -> Read<Vec<Alarm>> {
        self.take(
            "cloudwatch:DescribeAlarms",
            alarms().into_iter().filter(|alarm| names.contains(&alarm.name)).collect(),
        )
    }

    async fn quota(&self) -> Read<Quota> {
        self.take("lambda:GetAccountSettings", Quota { concurrent: 1_000, unreserved: 1_000 })
    }

    async fn backlog(&self, _: &str) -> Read<Backlog> {
        self.take("sqs:GetQueueAttributes", Backlog::default())
    }

    async fn inbox(&self, table: &str) -> Read<Inbox> {
        assert_eq!(table, TABLE);
        self.take("dynamodb:Query", Inbox::default())
    }

    async fn quarantined(&self, table: &str, _: Time) -> Read<usize> {
        assert_eq!(table, TABLE);
        self.take("dynamodb:Query", 0)
    }

    async fn stream_view(&self, table: &str) -> Read<Option<String>> {
        assert_eq!(table, TABLE);
        self.take("dynamodb:DescribeTable", Some("NEW_AND_OLD_IMAGES".to_owned()))
    }

    async fn stored_keys(&self, table: &str) -> Read<Option<StoredKeys>> {
        assert_eq!(table, TABLE);
        self.take("dynamodb:GetItem", Some(StoredKeys { fetched_at: Some(runtime::clock::now()), set: Ok(key_set()) }))
    }

    async fn roster_index(&self, table: &str) -> Read<Option<String>> {
        assert_eq!(table, TABLE);
        self.take("dynamodb:DescribeTable", Some("ACTIVE".to_owned()))
    }

    async fn reader_keys(&self, arn: &str) -> Read<Result<ReaderKeys, ReaderKeysError>> {
        assert_eq!(arn, READER_SECRET);
        let text = format!("{{\"123456\":\"{READER_KEY}\"}}");
        self.take("secretsmanager:GetSecretValue", all_reader_keys(&text))
    }

    async fn run(&self, table: &str, app: &AppId) -> Read<Option<Run>> {
        assert_eq!((table, app.as_str()), (TABLE, "123456"));
        let mut run = run_that_ended();
        run.finish(runtime::clock::now());
        self.take("dynamodb:GetItem", Some(run))
    }
}

//! What the reconciler asks of AWS: its own code, the table behind the meter, and Kakao's simulated REST API.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use end_to_end::{
    hygiene::Log,
    queue::Queue,
    secrets::{self, Secrets},
    table::{self, Table},
    units::Units,
};
use kakao_webhooks::wire::{AppId, Time};
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiCall, ApiServer, SimulatedApi},
};
use runtime::{
    config::Variables,
    queue::SqsQueue,
    reconcile::{HeldReaderKeys, HttpKakaoApi, Phase, Reconciler, RunTable, Settings, Table as _},
    signing::SecretsManager,
    store::{ROSTER_ATTRIBUTES, ROSTER_SHARDS, Retention},
    wiring,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::meter::Meter;

/// As long as real ones.
const APP: &str = "1234567";
const FIRST_MEMBER: u64 = 3_142_850_000;
const KEY: &str = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";
/// What two minutes' calls list: 184 pages, an empty one behind the last full one, and one call to know the list.
const MEMBERS: u64 = 18_400;
const MINUTES_OF_A_RUN: u64 = 2;
/// A secret is read so many minutes after it was read.
pub(crate) const MINUTES_BETWEEN_READS: u64 = 30;
/// Less than template.yaml's timeout.
const TIME_OF_AN_INVOCATION: Duration = Duration::from_secs(54);
/// DynamoDB adds this many bytes to each item of an index ("Item sizes and formats").
const OF_AN_INDEX_ITEM: u64 = 100;
/// 2026-01-01 12:00 in Korea.
const NOON: &str = "2026-01-01T03:00:00Z";

/// What a usual day's run asks for, and what a minute without one does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconciling {
    /// Members that were compared.
    pub(crate) members: f64,
    pub(crate) minutes: f64,
    /// Calls to Kakao.
    pub(crate) calls: f64,
    pub(crate) run: Units,
    pub(crate) idle_minute: Units,
    /// What a member takes in the index.
    pub(crate) bytes_of_index: f64,
}

impl Reconciling {
    /// Measures them: each member is linked here and at Kakao.
    pub(crate) async fn measure() -> Result<Self> {
        let table = Table::start().await?;
        let (meter, queue) = (Meter::before(&table.endpoint()).await?, Queue::start().await?);
        let secrets = Secrets::start(secrets::READER_KEYS_ARN, &json!({APP: KEY}).to_string(), &Log::default()).await?;
        let bytes_of_index = fill(&table)?;
        let kakao = kakao().await?;
        let variables = [
            ("AWS_REGION", "ap-northeast-2".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", meter.url()),
            ("AWS_ENDPOINT_URL_SQS", queue.endpoint()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.endpoint()),
            ("TABLE_NAME", table::NAME.to_owned()),
            ("KAKAO_API_URL", kakao.url().to_owned()),
        ];
        let variables = Variables::new(move |asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| value.clone())
        });
        let (aws, pool) = wiring::web_of_function(&variables)?;
        let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "test"));
        let aws = aws.into_builder().credentials_provider(credentials).build();
        let runs = RunTable(wiring::table(&aws, &variables, Retention::default())?);
        let api = HttpKakaoApi::new(variables.kakao_api_url()?, pool);
        let sqs = SqsQueue::new(&aws, queue.url());
        let keys = HeldReaderKeys::new(SecretsManager::new(&aws, secrets::READER_KEYS_ARN.to_owned()));
        let noon: Time = NOON.parse()?;
        let passed = AtomicI64::new(0);
        let now = || Time::clamped(noon.as_millis() + passed.load(Ordering::Relaxed));
        let reconciler = Reconciler::new(&runs, &api, &sqs, &keys, now, Settings::default());

        let app: AppId = APP.parse()?;
        meter.take();
        for _ in 0..MINUTES_OF_A_RUN {
            reconciler.reconcile(Instant::now() + TIME_OF_AN_INVOCATION, || 7).await;
            kakao.advance(Duration::from_secs(60));
            passed.fetch_add(60_000, Ordering::Relaxed);
        }
        let run = meter.take().units;
        let state = runs.run(&app).await?.context("no run")?;
        ensure!(state.state == Phase::Done && state.counts.shared == MEMBERS && queue.is_empty(), "{state:?}");
        meter.take();
        reconciler.reconcile(Instant::now() + TIME_OF_AN_INVOCATION, || 7).await;
        let idle_minute = meter.take().units;
        for (passes, reads) in [(MINUTES_BETWEEN_READS - MINUTES_OF_A_RUN - 1, 1), (1, 2)] {
            passed.fetch_add(i64::try_from(passes)? * 60_000, Ordering::Relaxed);
            reconciler.reconcile(Instant::now() + TIME_OF_AN_INVOCATION, || 7).await;
            ensure!(secrets.reads() == reads, "the secret was read {} times", secrets.reads());
        }
        Ok(Self {
            members: MEMBERS as f64,
            minutes: MINUTES_OF_A_RUN as f64,
            calls: ApiCall::ALL.iter().map(|call| kakao.usage().calls(*call)).sum::<u64>() as f64,
            run,
            idle_minute,
            bytes_of_index: bytes_of_index as f64,
        })
    }
}

fn members() -> impl Iterator<Item = u64> {
    (0..MEMBERS).map(|index| FIRST_MEMBER + index * 17)
}

/// Writes all members. Returns what the greatest number of them takes in the index.
fn fill(table: &Table) -> Result<u64> {
    members().map(member).try_fold(0, |_, item| {
        table.put(&item)?;
        Ok(bytes(&item) + OF_AN_INDEX_ITEM)
    })
}

/// As much of a state as the index has.
fn member(number: u64) -> Value {
    let [partition, sort, projected] = ROSTER_ATTRIBUTES;
    json!({
        "pk": {"S": format!("USER#{APP}#{number}")},
        "sk": {"S": "STATE"},
        partition: {"S": format!("{APP}#{}", number % ROSTER_SHARDS)},
        sort: {"N": number.to_string()},
        projected: {"S": "linked"},
    })
}

/// The size of an item: its names and texts, and of a number half its digits and one.
fn bytes(item: &Value) -> u64 {
    let value = |value: &Value| match (value["S"].as_str(), value["N"].as_str()) {
        (Some(text), _) => text.len(),
        (_, Some(number)) => number.len().div_ceil(2) + 1,
        _ => 0,
    };
    item.as_object().into_iter().flatten().map(|(name, one)| (name.len() + value(one)) as u64).sum()
}

async fn kakao() -> Result<ApiServer> {
    let mut kakao = KakaoMembers::default();
    kakao.link_all(APP, members().map(|number| (number, 1_700_000_000)));
    let mut api = SimulatedApi::new(kakao);
    api.add_key(KEY, AdminKey::reader(APP));
    Ok(ApiServer::start(api).await?)
}

//! The modules joined to a function: everything that a binary needs is built here, once, during init.

mod aws;

use std::{pin::pin, time::Duration};

use aws_config::SdkConfig;
use http::Uri;
use kakao_webhooks::{auth::Sources, wire::Time};
use lambda_http::{Context, Error, LambdaEvent, lambda_runtime, service_fn};
use tokio::time::{Instant, timeout};

use crate::{
    answer::{HttpsService, Service},
    clock::Clock,
    config::{AnswererAddress, ConfigError, Variables},
    deliver::HttpEndpoint,
    http::Pool,
    ingest::{Asking, Ingest, Webhook, gateway},
    invoke::LambdaFunction,
    queue::SqsQueue,
    signing::{HeldSecrets, SecretsManager},
    store::{DynamoStore, FallbackTable, Pace, Retention},
    telemetry,
};

pub use aws::{aws_of_function, web_of_function};

/// The table that the variables name, for a function that no caller waits for. Only what writes history, states or the
/// quarantine needs another retention than the default.
///
/// # Errors
/// A variable that can't be used.
pub fn table(aws: &SdkConfig, variables: &Variables<'_>, retention: Retention) -> Result<DynamoStore, ConfigError> {
    Ok(DynamoStore::new(aws, variables.table_name()?, retention, Pace::Background))
}

/// Where the deliverer notes which departures the service knows of: in the table, if the variables name one.
///
/// # Errors
/// A variable that can't be used.
pub fn acknowledgements(aws: &SdkConfig, variables: &Variables<'_>) -> Result<Option<DynamoStore>, ConfigError> {
    let retention = variables.retention()?;
    Ok(variables.optional_table_name().map(|name| DynamoStore::new(aws, name, retention, Pace::Background)))
}

/// The service's own answerer that the variables name, ready to be asked at this time.
///
/// # Errors
/// A variable that can't be used.
pub async fn answer_service(
    aws: &SdkConfig,
    pool: &Pool,
    variables: &Variables<'_>,
    now: Time,
) -> Result<Service<SecretsManager>, ConfigError> {
    let service = match variables.skill_answerer()? {
        AnswererAddress::Lambda(arn) => Service::Lambda(LambdaFunction::new(aws.clone(), arn)),
        AnswererAddress::Https(url) => {
            let secret = SecretsManager::new(aws, variables.skill_answerer_secret()?);
            let secrets = HeldSecrets::new("SKILL_ANSWERER_SECRET", secret);
            Service::Https(HttpsService::new(HttpEndpoint::new(url, pool.clone()), secrets))
        }
    };
    service.prepare(now, Instant::now() + DEFAULT_TIME).await;
    Ok(service)
}

/// Time kept to hand in the answer.
const RESERVE: Duration = Duration::from_millis(1_500);

/// What a function may work where its host names no deadline, or one that is past.
const DEFAULT_TIME: Duration = Duration::from_secs(20);

/// Until when a function that Kakao doesn't wait for may work: a little before Lambda would end it.
#[must_use]
pub fn deadline(context: &Context) -> Instant {
    let now = u64::try_from(crate::clock::now().as_millis()).unwrap_or_default();
    let left = context.deadline.checked_sub(now).filter(|left| *left > 0).map(Duration::from_millis);
    Instant::now() + left.map_or(DEFAULT_TIME, |left| left.saturating_sub(RESERVE))
}

/// Where connections can be opened before the clients need them.
#[derive(Debug)]
struct EarlyEndpoints {
    queue: Option<Uri>,
    table: Option<Uri>,
}

/// What an acknowledging function reaches outside.
#[derive(Debug)]
pub struct Edges {
    /// The queue.
    pub queue: SqsQueue,
    /// The table, for when the queue fails.
    pub fallback: FallbackTable,
    pool: Pool,
    endpoints: EarlyEndpoints,
    clock: Clock,
}

/// How long a start waits for connections.
const OPENING: Duration = Duration::from_millis(500);

/// How long for the queue's alone.
const QUEUE_ALONE: Duration = Duration::from_millis(250);

impl Edges {
    /// The edges that the variables name, with their connections [open](Self::open).
    ///
    /// # Errors
    /// A variable that can't be used.
    pub async fn connected(variables: &Variables<'_>) -> Result<Self, ConfigError> {
        let edges = Self::new(variables)?;
        edges.open().await;
        Ok(edges)
    }

    /// The edges that the variables name.
    ///
    /// # Errors
    /// A variable that can't be used.
    pub fn new(variables: &Variables<'_>) -> Result<Self, ConfigError> {
        let (pool, url) = (variables.pool()?, variables.event_queue_url()?);
        let aws = aws::of_pool(variables, pool.clone());
        let endpoints =
            EarlyEndpoints { queue: aws::queue_endpoint(variables, &url), table: aws::table_endpoint(variables) };
        let queue = SqsQueue::new(&aws, url);
        // The inbox and the key set are kept until they are removed.
        let (name, retention) = (variables.table_name()?, Retention::default());
        let fallback = FallbackTable::new(move || DynamoStore::new(&aws, name, retention, Pace::Acknowledging));
        Ok(Self { queue, fallback, pool, endpoints, clock: variables.clock()? })
    }

    /// How the skill asks the service what to answer, if the variables say so.
    ///
    /// # Errors
    /// A variable that can't be used.
    pub fn asking(&self, variables: &Variables<'_>) -> Result<Option<Asking<SqsQueue, LambdaFunction>>, ConfigError> {
        let Some((url, name)) = variables.asking()? else { return Ok(None) };
        let function = LambdaFunction::new(aws::of_pool(variables, variables.pool_for_one_attempt()?), name);
        let (origin, texts) = (variables.callback_origin()?, variables.answer_texts());
        Ok(Some(Asking { queue: self.queue.beside(url), function, origin, texts }))
    }

    /// Opens the queue's connection, so that the first request needn't, and the table's if the queue doesn't answer, or not
    /// soon: an unused one would be closed before it is needed. Not for long: a start never fails for it.
    pub async fn open(&self) {
        let opening = async {
            let Some(endpoint) = &self.endpoints.queue else { return };
            let mut queue = pin!(self.pool.open(endpoint));
            match timeout(QUEUE_ALONE, &mut queue).await {
                Ok(true) => {}
                Ok(false) => self.open_table().await,
                Err(_) => drop(tokio::join!(queue, self.open_table())),
            }
        };
        let _ = timeout(OPENING, opening).await;
    }

    async fn open_table(&self) {
        self.fallback.make();
        if let Some(endpoint) = &self.endpoints.table {
            self.pool.open(endpoint).await;
        }
    }

    /// Runs the acknowledging function of a webhook that comes from `sources` until Lambda ends it.
    ///
    /// # Errors
    /// A runtime that can't be reached.
    pub async fn acknowledge<W: Webhook>(self, webhook: W, sources: Sources) -> Result<(), Error> {
        let ingest = Ingest::new(webhook, self.queue, self.fallback).with_sources(sources).with_clock(self.clock);
        lambda_runtime::run(service_fn(async |event: LambdaEvent<gateway::Event>| {
            let answer = match gateway::request(event) {
                Ok(request) => ingest.accept(request).await.map(gateway::response),
                Err(error) => Err(error.into()),
            };
            telemetry::flush();
            answer
        }))
        .await
    }
}

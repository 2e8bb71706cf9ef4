//! Compares the states with Kakao's list of members, a minute's work at a time, and corrects what webhooks missed.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{
    config::Variables,
    process,
    queue::SqsQueue,
    reconcile::{HeldReaderKeys, HttpKakaoApi, Reconciler, RunTable, Settings},
    signing::SecretsManager,
    store::Retention,
    telemetry, wiring,
};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("reconciler", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let (url, secret, clock) = (variables.kakao_api_url()?, variables.kakao_reader_keys()?, variables.clock()?);
    let settings = Settings { most_unlinks: variables.reconcile_max_unlinks()?, at: variables.reconcile_at()? };
    let (aws, pool) = wiring::web_of_function(&variables)?;
    let table = RunTable(wiring::table(&aws, &variables, Retention::default())?);
    let (api, queue) = (HttpKakaoApi::new(url, pool), SqsQueue::new(&aws, variables.event_queue_url()?));
    let keys = HeldReaderKeys::new(SecretsManager::new(&aws, secret));
    let reconciler = &Reconciler::new(&table, &api, &queue, &keys, move || clock.now(), settings);
    run(service_fn(|event: LambdaEvent<Value>| async move {
        reconciler.reconcile(wiring::deadline(&event.context), || fastrand::u16(..)).await;
        telemetry::flush();
        Ok::<_, Error>(())
    }))
    .await
}

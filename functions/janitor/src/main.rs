//! Every minute: keeps the stored key set fresh, sends what waits in the inbox to the queue, and measures what
//! is stuck.

mod gauges;
mod inbox;
mod key_set;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{config::Variables, process, queue::SqsQueue, store::Retention, telemetry, wiring};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("janitor", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let endpoint = &variables.key_endpoint()?;
    let wanted =
        gauges::Wanted { quarantine_days: variables.quarantine_days()?, silence: variables.watches_silence()? };
    let aws = wiring::aws_of_function(&variables)?;
    let queue = &SqsQueue::new(&aws, variables.event_queue_url()?);
    let table = &wiring::table(&aws, &variables, Retention::default())?;
    run(service_fn(|event: LambdaEvent<Value>| async move {
        let deadline = wiring::deadline(&event.context);
        let wanted = gauges::is_due(&event.payload).then_some(wanted);
        tokio::join!(
            key_set::refresh(endpoint, table, deadline),
            inbox::empty(table, queue, deadline),
            gauges::measure(table, wanted, deadline)
        );
        telemetry::flush();
        Ok::<_, Error>(())
    }))
    .await
}

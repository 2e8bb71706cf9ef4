//! Publishes changes of users' states on a bus, from the table's stream.

mod stream;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{
    batch::Batch,
    config::Variables,
    process,
    publish::{EventBridge, Publisher},
    queue::SqsQueue,
    telemetry, wiring,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("publisher", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let (bus, values) = (variables.event_bus_name()?, variables.profile_values()?);
    let aws = wiring::aws_of_function(&variables)?;
    let kept = variables.unpublished_queue_url()?.map(|url| SqsQueue::new(&aws, url));
    let publisher = &Publisher::new(EventBridge::new(&aws, bus), values, kept);
    run(service_fn(|event: LambdaEvent<Batch>| async move {
        let deadline = wiring::deadline(&event.context);
        let response = stream::publish(publisher, event.payload, deadline).await;
        telemetry::flush();
        Ok::<_, Error>(response)
    }))
    .await
}

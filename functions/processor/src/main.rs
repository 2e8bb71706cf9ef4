//! Turns the queue into user state.

mod batch;

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{batch::Batch, config::Variables, process, store::Applier, telemetry, wiring};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("processor", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let retention = variables.retention()?;
    let store = wiring::table(&wiring::aws_of_function(&variables)?, &variables, retention)?;
    let applier =
        &Applier::new(store, retention, variables.share_user_key()?).watching_silence(variables.watches_silence()?);
    run(service_fn(|event: LambdaEvent<Batch>| async move {
        let deadline = wiring::deadline(&event.context);
        let response = batch::apply(applier, event.payload, deadline).await;
        telemetry::flush();
        Ok::<_, Error>(response)
    }))
    .await
}

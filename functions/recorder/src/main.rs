//! Records which members left, by which event and since when, from the table's stream.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{
    batch::{Batch, BatchResponse},
    clock,
    config::Variables,
    erasures::{Recorder, is_recorded},
    process,
    publish::Write,
    telemetry, wiring,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("recorder", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let retention = variables.retention()?;
    let aws = wiring::aws_of_function(&variables)?;
    let recorder = &Recorder::new(wiring::table(&aws, &variables, retention)?);
    run(service_fn(|event: LambdaEvent<Batch>| async move {
        let deadline = wiring::deadline(&event.context);
        let records = event.payload.records().into_iter();
        let writes: Vec<Write> = records.filter_map(|record| Write::of_record(record, is_recorded)).collect();
        let failed = recorder.record(&writes, clock::now(), deadline).await;
        telemetry::flush();
        Ok::<_, Error>(BatchResponse::of_failed(failed))
    }))
    .await
}

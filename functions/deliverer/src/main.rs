//! Delivers the changes of users to the service's endpoint, signed.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{
    batch::Batch,
    clock,
    config::Variables,
    deliver::{Deliverer, HttpEndpoint},
    process,
    queue::SqsQueue,
    signing::{HeldSecrets, SecretsManager},
    telemetry, wiring,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("deliverer", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let (url, queue, secret) =
        (variables.delivery_url()?, variables.delivery_queue_url()?, variables.delivery_secret()?);
    let (aws, pool) = wiring::web_of_function(&variables)?;
    let acknowledgements = wiring::acknowledgements(&aws, &variables)?;
    let secrets = HeldSecrets::new("DELIVERY_SECRET", SecretsManager::new(&aws, secret));
    let deliverer =
        &Deliverer::new(HttpEndpoint::new(url, pool), SqsQueue::new(&aws, queue), secrets, acknowledgements);
    deliverer.prepare(clock::now()).await;
    run(service_fn(|event: LambdaEvent<Batch>| async move {
        let deadline = wiring::deadline(&event.context);
        let response = deliverer.deliver(event.payload, clock::now(), deadline, fastrand::f64).await;
        telemetry::flush();
        Ok::<_, Error>(response)
    }))
    .await
}

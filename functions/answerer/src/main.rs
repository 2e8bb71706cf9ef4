//! Answers a chatbot's messages with what the service works out: by Kakao's callback, or to the skill function that waits.

use std::process::ExitCode;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use mimalloc::MiMalloc;
use runtime::{
    answer::{Answerer, Event, HttpCallback},
    config::Variables,
    process,
    queue::SqsQueue,
    store::Retention,
    telemetry, wiring,
};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("answerer", run_function).await
}

async fn run_function() -> Result<(), Error> {
    let variables = Variables::of_process();
    let (origin, fallback) = (variables.callback_origin()?, variables.answer_texts().fallback);
    let (aws, pool) = wiring::web_of_function(&variables)?;
    let claims = wiring::table(&aws, &variables, Retention::default())?;
    let queue = SqsQueue::new(&aws, variables.answer_queue_url()?);
    let clock = variables.clock()?;
    let service = wiring::answer_service(&aws, &pool, &variables, clock.now()).await?;
    let answerer = &Answerer { service, callback: HttpCallback(pool), claims, queue, origin, fallback };
    run(service_fn(|event: LambdaEvent<Event>| async move {
        let (deadline, id) = (wiring::deadline(&event.context), &event.context.request_id);
        let response = answerer.handle(event.payload, id, clock.now(), deadline).await;
        telemetry::flush();
        Ok::<_, Error>(response)
    }))
    .await
}

//! Takes Kakao Login's unlink webhook.

use kakao_webhooks::{config::Variables, ingest::Unlink, telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("unlink");
    let variables = Variables::of_process();
    let webhook = Unlink { apps: variables.apps()? };
    wiring::acknowledge(webhook, &wiring::aws().await, &variables).await
}

//! Takes Kakao Login's account status change webhook: Security Event Tokens.

use kakao_webhooks::{auth::Keys, config::Variables, ingest::AccountStatus, store::Pace, telemetry, wiring};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::init("account-status");
    let variables = Variables::of_process();
    let aws = wiring::aws().await;
    let shelf = wiring::table(&aws, &variables, Pace::Acknowledging)?;
    let keys = Keys::new(variables.key_endpoint()?, shelf);
    let webhook = AccountStatus { apps: variables.apps()?, keys, typing: variables.typing()? };
    webhook.keys.warm_up().await;
    wiring::acknowledge(webhook, &aws, &variables).await
}

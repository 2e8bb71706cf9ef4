//! Takes Kakao Login's account status change webhook: Security Event Tokens.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use runtime::{config::Variables, ingest::AccountStatusWebhook, keys::Keys, process, wiring::Edges};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("account-status", run_function).await
}

async fn run_function() -> Result<(), lambda_http::Error> {
    let variables = Variables::of_process();
    let edges = Edges::new(&variables)?;
    let keys = Keys::new(variables.key_endpoint()?, edges.fallback.clone());
    let webhook = AccountStatusWebhook { apps: variables.apps()?, keys, typing: variables.typing()? };
    tokio::join!(webhook.keys.warm_up(), edges.open());
    edges.acknowledge(webhook, variables.sources()?).await
}

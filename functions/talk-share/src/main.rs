//! Takes KakaoTalk Share's webhook.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use runtime::{config::Variables, ingest::TalkShareWebhook, process, wiring::Edges};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("talk-share", run_function).await
}

async fn run_function() -> Result<(), lambda_http::Error> {
    let variables = Variables::of_process();
    let webhook =
        TalkShareWebhook { apps: variables.apps_proven_by_admin_key()?, user_key: variables.share_user_key()? };
    Edges::connected(&variables).await?.acknowledge(webhook, variables.sources()?).await
}

//! Answers a KakaoTalk chatbot's skill requests, and turns those of an authenticated sender into events.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use runtime::{config::Variables, ingest::SkillWebhook, process, rules::HeldRules, wiring::Edges};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main(flavor = "local")]
async fn main() -> ExitCode {
    process::run("skill", run_function).await
}

async fn run_function() -> Result<(), lambda_http::Error> {
    let variables = Variables::of_process();
    let (apps, auth, listed) = (variables.apps()?, variables.skill_auth()?, variables.skill_rules()?);
    let edges = Edges::new(&variables)?;
    let asking = edges.asking(&variables)?;
    let rules = HeldRules::new(edges.fallback.clone(), listed);
    let webhook = SkillWebhook { apps, auth, rules, asking, otherwise: variables.skill_otherwise() };
    if webhook.auth.is_none() {
        tracing::warn!(event = "unauthenticated", fix = "set SKILL_AUTH: until then no message becomes an event");
    }
    let sources = variables.sources()?;
    edges.open().await;
    // After the connection that every message needs: this read needs one that most starts go without.
    webhook.rules.begin();
    edges.acknowledge(webhook, sources).await
}

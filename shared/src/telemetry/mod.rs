//! Logs and metrics. A log line is an event with fields, one JSON object a line on standard output, which
//! Lambda carries to CloudWatch; no field holds a key, a token or anything personal. The metrics are the
//! same events counted, so that neither can say what the other doesn't.

mod counting;

use std::{io, sync::OnceLock};

use metrics_cloudwatch_embedded::{Builder, Collector};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use counting::Counting;

/// The namespace of all metrics in CloudWatch.
pub const NAMESPACE: &str = "KakaoWebhooks";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Starts logging and counting for a function; `RUST_LOG` filters the log, by default `info`, and never
/// the counts.
pub fn init(function: &'static str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false);
    tracing_subscriber::registry().with(log.with_filter(filter)).with(Counting).init();
    match Builder::new().cloudwatch_namespace(NAMESPACE).init() {
        Ok(collector) => drop(COLLECTOR.set(collector)),
        Err(error) => tracing::error!(event = "metrics_off", %error),
    }
    tracing::info!(event = "started", function, version = env!("CARGO_PKG_VERSION"));
}

/// Writes what was counted since the last time, in CloudWatch's embedded metric format. At the end of
/// every invocation: what isn't written then is frozen with the function.
pub fn flush() {
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(io::stdout())
    {
        tracing::error!(event = "metrics_lost", %error);
    }
}

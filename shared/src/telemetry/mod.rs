//! Logs: one JSON object a line on standard output, which Lambda carries to CloudWatch. A log line is an
//! event with fields; no field holds a key, a token or anything personal.

use tracing_subscriber::EnvFilter;

/// Starts logging for a function; `RUST_LOG` filters, by default `info`.
pub fn init(function: &'static str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_env_filter(filter)
        .init();
    tracing::info!(event = "started", function, version = env!("CARGO_PKG_VERSION"));
}

//! Logs and metrics. A log line is an event with fields, one JSON object a line on standard output, which
//! Lambda carries to CloudWatch; no field holds a key, a token or anything personal. The metrics are the
//! same events counted, so that neither can say what the other doesn't.

mod counting;
mod lines;

use std::{io, sync::OnceLock};

use metrics_cloudwatch_embedded::{Builder, Collector};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, LevelFilter, Targets, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::ConfigError;
use counting::Counting;
use lines::Lines;

/// The namespace of all metrics in CloudWatch, where `METRICS_NAMESPACE` names none. Each stack has its own: what two
/// in one account count would be one sum.
pub const NAMESPACE: &str = "KakaoWebhooks";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();
static LINES: Lines = Lines::new();

/// Starts logging and counting for a function; `RUST_LOG` filters the log, by default `info`, and never
/// the counts. `METRICS_NAMESPACE` names where these go.
///
/// # Errors
/// `RUST_LOG` names no level that exists.
pub fn init(function: &'static str) -> Result<(), ConfigError> {
    let wanted = wanted(std::env::var(FILTER).ok().as_deref())?;
    // A filter that doesn't say what it lets through at most makes every library ask it, at each line of each level.
    let harmless = filter_fn(is_harmless).with_max_level_hint(LevelFilter::TRACE);
    let counted = filter_fn(is_counted).with_max_level_hint(LevelFilter::INFO);
    let filter = wanted.and(harmless);
    let log = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(&LINES);
    tracing_subscriber::registry().with(log.with_filter(filter)).with(Counting.with_filter(counted)).init();
    let namespace = std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| NAMESPACE.to_owned());
    match Builder::new().cloudwatch_namespace(namespace).init() {
        Ok(collector) => drop(COLLECTOR.set(collector)),
        Err(error) => tracing::error!(event = "metrics_off", %error),
    }
    tracing::info!(event = "started", function, version = env!("CARGO_PKG_VERSION"));
    Ok(())
}

/// The variable that filters the log.
const FILTER: &str = "RUST_LOG";

/// What `RUST_LOG` asks for: a level, or levels by target. No `EnvFilter`: it can filter by values, too, and brings two
/// engines for regular expressions into every function for it.
fn wanted(filter: Option<&str>) -> Result<Targets, ConfigError> {
    let mut directives = filter.unwrap_or_default().split(',').map(str::trim).filter(|directive| !directive.is_empty());
    let unknown = || ConfigError {
        variable: FILTER,
        problem: "names a level that does not exist".to_owned(),
        fix: "Set it to off, error, warn or info, or leave it out",
    };
    directives.try_fold(Targets::new().with_default(LevelFilter::INFO), |targets, directive| {
        // `Targets` itself reads a mistyped level as a target, which would silence everything else.
        let (target, level) = directive.rsplit_once('=').map_or((None, directive), |(to, level)| (Some(to), level));
        // `LevelFilter` itself takes nothing for `error`.
        let named = Some(level.trim()).filter(|level| !level.is_empty()).ok_or_else(unknown)?;
        let level: LevelFilter = named.parse().map_err(|_| unknown())?;
        Ok(match target {
            None => targets.with_default(level),
            Some(target) => targets.with_target(target.trim(), level),
        })
    })
}

/// Our own crates.
const OURS: [&str; 11] = [
    "kakao_webhooks",
    "runtime",
    "unlink",
    "account_status",
    "talk_share",
    "talk_channel",
    "skill",
    "processor",
    "janitor",
    "publisher",
    "khook",
];

fn is_ours(metadata: &Metadata<'_>) -> bool {
    OURS.contains(&metadata.target().split("::").next().unwrap_or_default())
}

/// What libraries trace holds whole requests, keys and all: no value of `RUST_LOG` makes them appear.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    // Of a hundred values at once the metrics' crate leaves out some of the others, and calls that an error.
    let is_said_by_metrics = metadata.target().starts_with("metrics_cloudwatch_embedded");
    is_ours(metadata) || (*metadata.level() <= Level::WARN && !is_said_by_metrics)
}

fn is_counted(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata) && *metadata.level() <= Level::INFO
}

/// Writes the invocation's lines, and what was counted since the last time, in CloudWatch's embedded metric format. At the
/// end of every invocation: what isn't written then is frozen with the function.
pub fn flush() {
    // Made before the lines are locked: what it would log goes among them.
    let mut metrics = Vec::new();
    let made = COLLECTOR.get().map_or(Ok(()), |collector| collector.flush(&mut metrics));
    if let Err(error) = made.and(LINES.leave(&metrics, io::stdout())) {
        tracing::error!(event = "metrics_lost", %error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_levels_by_target_are_what_is_logged_and_info_where_nothing_else_is_asked_for() {
        let enables = |filter, target, level| wanted(filter).unwrap().would_enable(target, &level);
        assert!(enables(Some("warn"), "unlink", Level::WARN) && !enables(Some("warn"), "unlink", Level::INFO));
        let by_target = Some("info,kakao_webhooks=debug");
        assert!(enables(by_target, "kakao_webhooks::ingest", Level::DEBUG));
        assert!(enables(by_target, "unlink", Level::INFO) && !enables(by_target, "unlink", Level::DEBUG));
        assert!(!enables(Some("warn,kakao_webhooks=info"), "unlink", Level::INFO));
        assert!(!enables(Some("off"), "unlink", Level::ERROR) && enables(Some("WARN"), "unlink", Level::WARN));
        for nothing in [None, Some(""), Some(" , ")] {
            assert!(enables(nothing, "unlink", Level::INFO) && !enables(nothing, "unlink", Level::DEBUG));
        }
    }

    #[test]
    fn a_level_that_does_not_exist_is_refused_and_silences_nothing() {
        for filter in ["inof", "kakao_webhooks=loud", "info,unlink=", "info,unlink", "verbose,info", "kakao_webhooks"] {
            let error = wanted(Some(filter)).unwrap_err().to_string();
            assert!(error.starts_with("RUST_LOG names a level that does not exist. Set it to"), "{error}");
        }
    }
}

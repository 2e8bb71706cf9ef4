//! Logs and metrics. An invocation writes one JSON object on standard output, which Lambda carries to CloudWatch: its
//! events with their fields, and the metrics that are the same events counted, so that neither can say what the other
//! doesn't. Warnings and errors are lines of their own. No field holds a key, a token or anything personal.

mod fields;
mod layer;
mod log;
mod metrics;

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::config::ConfigError;
use layer::Recording;
use log::Log;

/// The namespace of all metrics in CloudWatch, where `METRICS_NAMESPACE` names none. Each stack has its own: what two
/// in one account count would be one sum.
pub const NAMESPACE: &str = "KakaoWebhooks";

static LOG: Mutex<Log> = Mutex::new(Log::new());

/// Starts logging and counting for a function; `RUST_LOG` filters the log, by default `info`, and never
/// the counts. `METRICS_NAMESPACE` names where these go.
///
/// # Errors
/// `RUST_LOG` can't be used: the log is then as if it were not set.
pub(crate) fn init(function: &'static str) -> Result<(), ConfigError> {
    let (wanted, malformed) = match wanted(std::env::var(FILTER).ok().as_deref()) {
        Ok(wanted) => (wanted, Ok(())),
        Err(error) => (Targets::new().with_default(LevelFilter::INFO), Err(error)),
    };
    tracing_subscriber::registry().with(Recording { log: &LOG, wanted }).init();
    let namespace = std::env::var("METRICS_NAMESPACE").unwrap_or_else(|_| NAMESPACE.to_owned());
    LOG.lock().unwrap_or_else(PoisonError::into_inner).set_namespace(namespace);
    tracing::info!(event = "started", function, version = env!("CARGO_PKG_VERSION"));
    // A function that never gets an invocation has started all the same.
    flush();
    malformed
}

/// The variable that filters the log.
const FILTER: &str = "RUST_LOG";

/// A directive of `RUST_LOG`: a target, or everything else, and its level.
type Directive<'d> = (Option<&'d str>, LevelFilter);

/// What `RUST_LOG` asks for: a level, or levels by target. No `EnvFilter`: it can filter by values, too, and brings two
/// engines for regular expressions into every function for it.
fn wanted(filter: Option<&str>) -> Result<Targets, ConfigError> {
    let elements = filter.unwrap_or_default().split(',').map(str::trim).zip(1..);
    let elements = elements.filter(|(element, _)| !element.is_empty());
    let directives = elements.map(|(element, number)| directive(element, number)).collect::<Result<Vec<_>, _>>()?;
    let level_of = |target| directives.iter().rev().find(|(named, _)| *named == target).map(|(_, level)| *level);
    let default = level_of(None).unwrap_or(LevelFilter::INFO);
    let of_ours = level_of(Some(FORMER)).unwrap_or(default);
    // `Targets` compares by prefix: a target that is none, such as `s`, would be that of the crate `skill`.
    let ours = OUR_CRATES.into_iter().map(|name| (name.to_owned(), of_ours));
    let named = directives.iter().filter_map(|(target, level)| Some((target.filter(|name| *name != FORMER)?, *level)));
    let named = named.flat_map(|(target, level)| {
        [Some(target.to_owned()), moved(target)].into_iter().flatten().map(move |target| (target, level))
    });
    Ok(Targets::new().with_default(default).with_targets(ours.chain(named)))
}

/// The target of all our log lines before the code was split into crates.
const FORMER: &str = "kakao_webhooks";

/// Where the module of a former target is now, if it is in another crate.
fn moved(target: &str) -> Option<String> {
    let module = target.strip_prefix(FORMER)?.strip_prefix("::")?;
    Some(format!("runtime::{module}"))
}

fn directive(text: &str, number: usize) -> Result<Directive<'_>, ConfigError> {
    let refused = |problem: &str| ConfigError {
        variable: FILTER,
        problem: format!("can't be used: element {number} {problem}"),
        fix: "Set it to off, error, warn or info, with levels by target if you like (info,runtime=warn), or leave it out",
    };
    // `Targets` itself reads a mistyped level as a target, which would silence everything else.
    let Some((target, level)) = text.rsplit_once('=') else {
        let is_ours = OUR_CRATES.contains(&text.split("::").next().unwrap_or_default());
        let problem = if is_ours { "is a target without a level" } else { "is not a level" };
        return level_of(text).map(|level| (None, level)).ok_or_else(|| refused(problem));
    };
    let target = target.trim();
    if target.contains(char::is_whitespace) {
        return Err(refused("has a target with a blank"));
    }
    level_of(level)
        .map(|level| (Some(target), level))
        .ok_or_else(|| refused("has a target, but not a level after its `=`"))
}

/// `LevelFilter` itself takes nothing for `error`, and numbers, too.
fn level_of(text: &str) -> Option<LevelFilter> {
    Some(text.trim()).filter(|level| level.starts_with(|c: char| c.is_ascii_alphabetic()))?.parse().ok()
}

/// Our own crates.
const OUR_CRATES: [&str; 15] = [
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
    "recorder",
    "deliverer",
    "reconciler",
    "answerer",
    "khook",
];

/// Writes what was logged and counted since the last time, as one line. At the end of every invocation: what isn't
/// written then is frozen with the function.
pub fn flush() {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).leave(Timestamp::now(), io::stdout());
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_or_levels_by_target_are_what_is_logged_and_info_where_nothing_else_is_asked_for() {
        let enables = |filter, target, level| wanted(filter).unwrap().would_enable(target, &level);
        assert!(enables(Some("warn"), "unlink", Level::WARN) && !enables(Some("warn"), "unlink", Level::INFO));
        let by_target = Some("info,runtime=debug");
        assert!(enables(by_target, module_path!(), Level::DEBUG));
        assert!(enables(by_target, "unlink", Level::INFO) && !enables(by_target, "unlink", Level::DEBUG));
        assert!(!enables(Some("warn,runtime=info"), "unlink", Level::INFO));
        assert!(!enables(Some("off"), "unlink", Level::ERROR) && enables(Some("WARN"), "unlink", Level::WARN));
        for nothing in [None, Some(""), Some(" , ")] {
            assert!(enables(nothing, "unlink", Level::INFO) && !enables(nothing, "unlink", Level::DEBUG));
        }
    }

    #[test]
    fn the_target_of_before_the_split_into_crates_is_that_of_all_of_them() {
        let enables = |filter, target, level| wanted(Some(filter)).unwrap().would_enable(target, &level);
        for target in [module_path!(), "unlink", "processor::batch", "kakao_webhooks::wire"] {
            assert!(enables("warn,kakao_webhooks=info", target, Level::INFO), "{target}");
            assert!(!enables("info,kakao_webhooks=warn", target, Level::INFO), "{target}");
        }
        assert!(!enables("warn,kakao_webhooks=info", "hyper", Level::INFO));
        assert!(enables("kakao_webhooks=off,unlink=info", "unlink", Level::INFO));
        assert!(enables("off,kakao_webhooks::telemetry=info", module_path!(), Level::INFO));
        assert!(!enables("off,kakao_webhooks::telemetry=info", "runtime::ingest", Level::INFO));
    }

    #[test]
    fn a_target_that_none_of_our_lines_has_changes_none_of_them() {
        let enables = |filter, target, level| wanted(Some(filter)).unwrap().would_enable(target, &level);
        for filter in
            ["hyper=off", "r=off", "run=error", "unlin=off", "s=off", "unknown=off", "kakao_webhook=off", "=off"]
        {
            for target in OUR_CRATES.into_iter().chain([module_path!()]) {
                assert!(enables(filter, target, Level::INFO), "{filter}: {target}");
            }
        }
    }

    #[test]
    fn an_element_that_cannot_be_used_is_refused_by_its_place_and_silences_nothing() {
        for (filter, problem) in [
            ("inof", "element 1 is not a level"),
            ("verbose,info", "element 1 is not a level"),
            ("3", "element 1 is not a level"),
            ("hyper", "element 1 is not a level"),
            ("info,runtime", "element 2 is a target without a level"),
            ("kakao_webhooks", "element 1 is a target without a level"),
            ("info,,runtime::store", "element 3 is a target without a level"),
            ("kakao_webhooks=loud", "element 1 has a target, but not a level after its `=`"),
            ("info,unlink=", "element 2 has a target, but not a level after its `=`"),
            ("info,unlink=2", "element 2 has a target, but not a level after its `=`"),
            ("info,run time=warn", "element 2 has a target with a blank"),
        ] {
            let error = wanted(Some(filter)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("RUST_LOG can't be used: {problem}. Set it to off, error")), "{error}");
        }
    }
}

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use tracing::{Event, Level, Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
};

use super::{OUR_CRATES, fields::Fields, log::Log};

/// Counts every event of ours, whatever is logged, and logs those that `wanted` selects.
pub(super) struct Recording {
    pub(super) log: &'static Mutex<Log>,
    pub(super) wanted: Targets,
}

impl Recording {
    fn logs(&self, metadata: &Metadata<'_>) -> bool {
        is_harmless(metadata) && self.wanted.would_enable(metadata.target(), metadata.level())
    }
}

impl<S: Subscriber> Layer<S> for Recording {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        is_counted(metadata) || self.logs(metadata)
    }

    /// Without one, every library asks for each of its lines, of every level.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.wanted).map(|wanted| wanted.max(LevelFilter::INFO))
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let (metadata, fields) = (event.metadata(), Fields::of(event));
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted first: what is written at once has its count with it.
        if is_counted(metadata) {
            log.count(&fields);
        }
        if self.logs(metadata) {
            log.add(*metadata.level(), fields, Timestamp::now(), io::stdout());
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    OUR_CRATES.contains(&metadata.target().split("::").next().unwrap_or_default())
}

/// What libraries trace holds whole requests, keys and all: no value of `RUST_LOG` makes them appear.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata) || *metadata.level() <= Level::WARN
}

fn is_counted(metadata: &Metadata<'_>) -> bool {
    is_ours(metadata) && *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tracing_subscriber::Registry;

    use super::*;
    use crate::heard::listen;

    fn recording(level: LevelFilter) -> Recording {
        let log = Box::leak(Box::new(Mutex::new(Log::new())));
        Recording { log, wanted: Targets::new().with_default(level) }
    }

    /// What is written of an event of ours and of a library's at each level up to info.
    fn written(level: LevelFilter) -> Value {
        let recording = recording(level);
        let log = recording.log;
        let listening = listen(recording);
        tracing::info!(event = "gone");
        tracing::info!(target: "hyper", event = "gone", key = "a key");
        tracing::debug!(target: "hyper", event = "gone", key = "a key");
        drop(listening);
        let mut output = Vec::new();
        log.lock().unwrap().leave(Timestamp::now(), &mut output);
        serde_json::from_slice(&output).unwrap()
    }

    #[test]
    fn an_event_of_ours_is_counted_whatever_is_logged_and_one_of_a_library_never() {
        let line = written(LevelFilter::ERROR);
        assert_eq!((&line["gone"], line.get("events")), (&json!(1), None));
        let line = written(LevelFilter::TRACE);
        assert_eq!((&line["gone"], &line["events"]), (&json!(1), &json!([{"event": "gone"}])));
    }

    #[test]
    fn the_most_detailed_level_is_known_before_any_event() {
        for (wanted, most) in [
            (LevelFilter::OFF, LevelFilter::INFO),
            (LevelFilter::ERROR, LevelFilter::INFO),
            (LevelFilter::INFO, LevelFilter::INFO),
            (LevelFilter::DEBUG, LevelFilter::DEBUG),
        ] {
            assert_eq!(Layer::<Registry>::max_level_hint(&recording(wanted)), Some(most), "{wanted}");
        }
    }
}

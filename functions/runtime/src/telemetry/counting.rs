use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Counts every event by its name, with its kind as the one dimension; also by the reason or the
/// destination that it names. Its `ms` are a histogram, and so is what is `measured`: a gauge would be
/// written again and again after it is known no more.
pub(super) struct Counting;

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let labels: Vec<_> = fields.kind.iter().map(|kind| metrics::Label::new("kind", kind.clone())).collect();
        for name in fields.metrics() {
            metrics::counter!(name, labels.clone()).increment(1);
        }
        if let (Some(event), Some(ms)) = (&fields.event, fields.ms) {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds between two events are few")]
            metrics::histogram!(format!("{event}_ms"), labels.clone()).record(ms as f64);
        }
        if let (Some(gauge), Some(value)) = (fields.gauge, fields.value) {
            #[expect(clippy::cast_precision_loss, reason = "what is measured is far below 2^52")]
            metrics::histogram!(gauge, labels).record(value as f64);
        }
    }
}

#[derive(Default)]
struct Fields {
    event: Option<String>,
    kind: Option<String>,
    detail: Option<String>,
    ms: Option<u64>,
    gauge: Option<String>,
    value: Option<u64>,
}

impl Fields {
    /// `refused` and `refused_token_audience`; `kept` and `kept_inbox`; else the name alone.
    fn metrics(&self) -> Vec<String> {
        let Some(event) = &self.event else { return vec![] };
        let in_detail = self.detail.as_ref().map(|detail| format!("{event}_{detail}"));
        std::iter::once(event.clone()).chain(in_detail).collect()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.event = Some(value.to_owned()),
            "kind" => self.kind = Some(value.to_owned()),
            "reason" | "destination" | "access" => self.detail = Some(value.to_owned()),
            "gauge" => self.gauge = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "ms" => self.ms = Some(value),
            "value" => self.value = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

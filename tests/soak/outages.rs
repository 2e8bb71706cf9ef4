//! What fails, and when: by the share of the story that has been sent, so that runs are comparable.

use std::{
    ops::Range,
    sync::atomic::{AtomicU8, AtomicUsize, Ordering},
};

use end_to_end::{Pipeline, faults::Fault};

/// The state of the queue, by thousandths of the story.
const QUEUE: [(Range<usize>, Fault); 5] = [
    (100..160, Fault::Status(500)),
    (240..280, Fault::Throttled),
    (520..523, Fault::Hangs),
    (620..660, Fault::Status(500)),
    (880..900, Fault::Status(503)),
];
/// From here on queue and table both throttle, until neither has stored this many requests.
const BOTH: (Range<usize>, usize) = (250..340, 3);
/// From here on the table throttles until a processor has given up.
const OUTAGE: usize = 360;

#[derive(Default)]
pub(crate) struct Outages {
    both: Phase,
    unkept: AtomicUsize,
    table: Phase,
}

/// Something that begins once and ends once.
#[derive(Default)]
struct Phase(AtomicU8);

const BEFORE: u8 = 0;
const NOW: u8 = 1;
const OVER: u8 = 2;

impl Phase {
    fn begin(&self) {
        let _ = self.0.compare_exchange(BEFORE, NOW, Ordering::SeqCst, Ordering::SeqCst);
    }

    fn end(&self) {
        let _ = self.0.compare_exchange(NOW, OVER, Ordering::SeqCst, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst) == NOW
    }
}

impl Outages {
    /// This many thousandths of the story are sent.
    pub(crate) fn apply(&self, pipeline: &Pipeline, thousandths: usize) {
        match thousandths {
            at if BOTH.0.contains(&at) => self.both.begin(),
            at if at >= BOTH.0.end => self.both.end(),
            _ => {}
        }
        // One after the other: a 503 then means that both fail.
        if thousandths >= OUTAGE && !self.both.is_on() {
            self.table.begin();
        }
        let queue = QUEUE.iter().find(|(when, _)| when.contains(&thousandths)).map(|(_, fault)| *fault);
        let is_busy = |now: bool| now.then_some(Fault::Throttled);
        pipeline.queue.gate().set(is_busy(self.both.is_on()).or(queue).unwrap_or_default());
        pipeline.table.gate().set(is_busy(self.both.is_on() || self.table.is_on()).unwrap_or_default());
    }

    /// Neither queue nor table stored a request.
    pub(crate) fn request_was_lost(&self) {
        if self.both.is_on() && self.unkept.fetch_add(1, Ordering::SeqCst) + 1 >= BOTH.1 {
            self.both.end();
        }
    }

    /// A processor has given up on something.
    pub(crate) fn gave_up(&self) {
        self.table.end();
    }

    /// Whether an outage is on that ends only when requests or processors fail.
    pub(crate) fn is_waiting_for_a_failure(&self) -> bool {
        self.both.is_on() || self.table.is_on()
    }
}

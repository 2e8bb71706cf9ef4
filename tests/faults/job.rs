//! Runs a row of either kind and judges the result.

use std::time::Duration;

use anyhow::Result;

use crate::{
    behind::{Shift, Worker},
    lane::Lane,
    report::Line,
    row::{Group, Row},
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    Acknowledge(Row),
    Work(Shift),
}

/// The measurement, and how it differs from the expectation although no event was lost.
pub(crate) struct Played {
    pub(crate) line: Line,
    pub(crate) complaint: Option<String>,
}

impl Job {
    pub(crate) fn name(&self) -> String {
        let (what_fails, function, process) = match self {
            Self::Acknowledge(row) => (row.what_fails(), row.function.name(), row.process),
            Self::Work(shift) => (shift.what_fails(), shift.name(), shift.process),
        };
        format!("{what_fails}: {function} ({})", process.words())
    }

    pub(crate) async fn play(&self, lane: &mut Lane) -> Result<Played> {
        match self {
            Self::Acknowledge(row) => acknowledge(row, lane).await,
            Self::Work(shift) => work(shift, lane).await,
        }
    }
}

async fn acknowledge(row: &Row, lane: &mut Lane) -> Result<Played> {
    let measured = lane.play(row).await?;
    let is = (measured.status != 503, measured.place);
    let line = Line {
        group: row.group,
        what_fails: row.what_fails(),
        process: row.process,
        function: row.function.name(),
        status: measured.status.to_string(),
        time: measured.time,
        budget: row.function.budget(),
        place: measured.place.words(),
        is_good: is.0,
    };
    let has_given_up = measured.time > row.function.limit();
    let complaint = if has_given_up {
        Some(format!("Kakao has given up: {:?}", measured.time))
    } else {
        complaint(is, row.expected(), measured.time, row.patience())
    };
    Ok(Played { line, complaint })
}

async fn work(shift: &Shift, lane: &mut Lane) -> Result<Played> {
    let measured = lane.play_shift(shift).await?;
    let is = (measured.status, measured.place);
    let is_processor = shift.worker == Worker::Processor;
    let (group, good, bad) = if is_processor {
        (Group::Processor, "applied", "reported as failed")
    } else {
        (Group::Janitor, "sent", "kept for the next minute")
    };
    let line = Line {
        group,
        what_fails: shift.what_fails(),
        process: shift.process,
        function: shift.name(),
        status: if is.0 { good } else { bad }.to_owned(),
        time: measured.time,
        budget: shift.patience(),
        place: if is_processor && is.0 { "table" } else { measured.place.words() },
        is_good: is.0,
    };
    Ok(Played { line, complaint: complaint(is, shift.expected(), measured.time, shift.patience()) })
}

fn complaint<T: Copy + PartialEq + std::fmt::Debug>(
    is: T,
    expected: T,
    time: Duration,
    patience: Duration,
) -> Option<String> {
    if is != expected {
        return Some(format!("{is:?}, expected {expected:?}"));
    }
    (time > patience).then(|| format!("it took {time:?}, more than {patience:?}"))
}

//! A case of either kind, played and judged.

use std::time::Duration;

use anyhow::Result;

use crate::{
    answer_case::{AnswerCase, Heard},
    delivery_case::DeliveryCase,
    reconcile_case::ReconcileCase,
    report::ReportLine,
    request_case::{Group, RequestCase},
    service::Service,
    worker_case::{Worker, WorkerCase},
};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Job {
    Acknowledge(RequestCase),
    Work(WorkerCase),
    Deliver(DeliveryCase),
    Reconcile(ReconcileCase),
    Answer(AnswerCase),
}

/// The measurement, and how it differs from the expectation although no event was lost.
pub(crate) struct Played {
    pub(crate) line: ReportLine,
    pub(crate) complaint: Option<String>,
}

impl Job {
    pub(crate) fn name(&self) -> String {
        let (what_fails, function, process) = match self {
            Self::Acknowledge(case) => (case.what_fails(), case.function.name(), case.process),
            Self::Work(case) => (case.what_fails(), case.name(), case.process),
            Self::Deliver(case) => (case.what_fails(), DeliveryCase::name(), case.process),
            Self::Reconcile(case) => (case.what_fails(), ReconcileCase::name(), case.process),
            Self::Answer(case) => (case.what_fails(), AnswerCase::name(), case.process()),
        };
        format!("{what_fails}: {function} ({})", process.words())
    }

    pub(crate) async fn play(&self, service: &mut Service) -> Result<Played> {
        match self {
            Self::Acknowledge(case) => acknowledge(case, service).await,
            Self::Work(case) => work(case, service).await,
            Self::Deliver(case) => deliver(case).await,
            Self::Reconcile(case) => reconcile(case).await,
            Self::Answer(case) => answer(case).await,
        }
    }

    /// The table that its line is in.
    pub(crate) const fn group(&self) -> Group {
        match self {
            Self::Acknowledge(case) => case.group,
            Self::Work(case) => match case.worker {
                Worker::Processor => Group::Processor,
                Worker::Janitor | Worker::Janitors => Group::Janitor,
            },
            Self::Deliver(_) => Group::Deliverer,
            Self::Reconcile(_) => Group::Reconciler,
            Self::Answer(_) => Group::Answers,
        }
    }
}

async fn acknowledge(case: &RequestCase, service: &mut Service) -> Result<Played> {
    let measured = service.play(case).await?;
    let is = (measured.status != 503, measured.place);
    let line = ReportLine {
        group: case.group,
        what_fails: case.what_fails(),
        process: case.process,
        function: case.function.name(),
        status: measured.status.to_string(),
        time: measured.time,
        budget: case.function.budget(),
        place: measured.place.words(),
        is_good: is.0,
    };
    let has_given_up = measured.time > case.function.limit();
    let complaint = if has_given_up {
        Some(format!("Kakao has given up: {:?}", measured.time))
    } else {
        complaint(is, case.expected(), measured.time, case.patience())
    };
    Ok(Played { line, complaint })
}

async fn work(case: &WorkerCase, service: &mut Service) -> Result<Played> {
    let measured = service.play_worker(case).await?;
    let is = (measured.status, measured.place);
    let is_processor = case.worker == Worker::Processor;
    let (good, bad) =
        if is_processor { ("applied", "reported as failed") } else { ("sent", "kept for the next minute") };
    let line = ReportLine {
        group: Job::Work(*case).group(),
        what_fails: case.what_fails(),
        process: case.process,
        function: case.name(),
        status: if is.0 { good } else { bad }.to_owned(),
        time: measured.time,
        budget: case.patience(),
        place: if is_processor && is.0 { "table" } else { measured.place.words() },
        is_good: is.0,
    };
    Ok(Played { line, complaint: complaint(is, case.expected(), measured.time, case.patience()) })
}

async fn deliver(case: &DeliveryCase) -> Result<Played> {
    let measured = case.play().await?;
    let is = (measured.status, measured.place);
    let line = ReportLine {
        group: Group::Deliverer,
        what_fails: case.what_fails(),
        process: case.process,
        function: DeliveryCase::name(),
        status: case.result(is.0).to_owned(),
        time: measured.time,
        budget: DeliveryCase::patience(),
        place: measured.place.words(),
        is_good: is.0,
    };
    Ok(Played { line, complaint: complaint(is, case.expected(), measured.time, DeliveryCase::patience()) })
}

async fn answer(case: &AnswerCase) -> Result<Played> {
    let measured = case.play().await?;
    let line = ReportLine {
        group: Group::Answers,
        what_fails: case.what_fails(),
        process: case.process(),
        function: AnswerCase::name(),
        status: measured.status.words().to_owned(),
        time: measured.time,
        budget: AnswerCase::patience(),
        place: measured.place,
        is_good: measured.status != Heard::WaitingTextOnly,
    };
    let is = measured.status;
    Ok(Played { line, complaint: complaint(is, case.expected(), measured.time, AnswerCase::patience()) })
}

async fn reconcile(case: &ReconcileCase) -> Result<Played> {
    let measured = case.play().await?;
    let is = (measured.status.as_str(), measured.place);
    let line = ReportLine {
        group: Group::Reconciler,
        what_fails: case.what_fails(),
        process: case.process,
        function: ReconcileCase::name(),
        status: if is.0.is_empty() { "no run is recorded".to_owned() } else { format!("the run is `{}`", is.0) },
        time: measured.time,
        budget: ReconcileCase::patience(),
        place: is.1.words(),
        is_good: is.0 == "done",
    };
    Ok(Played { line, complaint: complaint(is, case.expected(), measured.time, ReconcileCase::patience()) })
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

//! Runs of the reconciler: invocation after invocation, without the minutes between them.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail, ensure};
use end_to_end::{secrets::READER_KEYS_ARN, service::APP_ID};
use khook::ui::progress::ProgressStep;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{
    figures::Reconciled,
    measure::{Plan, variables},
    members::Members,
    neighbours::Neighbours,
};
use crate::{process::Process, processor::table::Table, units::in_millis};

/// An invocation compares more members than these, or the run is at its end.
const LEAST_COMPARED: u64 = 5_000;
/// Planted: the bytes by which the items of the large app's members are larger.
const PADDING: usize = 5_000;

/// Measures a run over a small app and one over a large one, each in a process of its own.
pub(super) async fn measure(
    program: &Path,
    folder: &Path,
    neighbours: &Neighbours,
    plan: Plan,
    step: &mut ProgressStep,
) -> Result<[Reconciled; 2]> {
    let [small, large] = plan.members.map(|count| Members { count, delay: plan.planted, padding: 0 });
    let large = Members { padding: if plan.is_planted() { PADDING } else { 0 }, ..large };
    // The first one does not count: it loads the files that the program reads, which are part of its memory.
    reconcile(program, folder, neighbours, small, step).await?;
    let small = reconcile(program, folder, neighbours, small, step).await?;
    Ok([small, reconcile(program, folder, neighbours, large, step).await?])
}

async fn reconcile(
    program: &Path,
    folder: &Path,
    neighbours: &Neighbours,
    members: Members,
    step: &mut ProgressStep,
) -> Result<Reconciled> {
    let kakao = members.kakao().await?;
    let table = Table::start_with(move |operation, request| members.in_table(operation, request)).await?;
    let mut variables = variables(neighbours);
    variables.extend([
        ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
        ("TABLE_NAME", end_to_end::table::NAME.to_owned()),
        ("EVENT_QUEUE_URL", format!("{}/000000000000/events", neighbours.url())),
        ("KAKAO_API_URL", kakao.url()),
        ("KAKAO_READER_KEYS", READER_KEYS_ARN.to_owned()),
    ]);
    let log = folder.join(format!("reconciler-{}.log", members.count));
    let mut process = Process::start("reconciler", Command::new(program), variables, log).await?;
    let sent = neighbours.sent();
    let time = run(&mut process, &table, members, step).await?;
    let (sent, different) = (neighbours.sent() - sent, members.unknown() + members.missing());
    // An attempt that took too long on a busy machine is made again.
    ensure!(sent as u64 >= different, "the reconciler sent {sent} events for {different} differences");
    let count = members.count as f64;
    Ok(Reconciled {
        members: members.count,
        per_second: count / time.as_secs_f64(),
        cpu: in_millis(process.cpu_time()?) / (count / 1_000.0),
        memory: process.peak_memory()? as f64,
    })
}

/// A whole run. Returns the time from the hand-over of each invocation to its answer.
async fn run(process: &mut Process, table: &Table, members: Members, step: &mut ProgressStep) -> Result<Duration> {
    let mut time = Duration::ZERO;
    for _ in 0..2 + members.count.div_ceil(LEAST_COMPARED) {
        let outcome = process.invoke(&json!({"source": "aws.scheduler"}), |outcome| outcome.answer.is_null()).await?;
        time += outcome.answered - outcome.handed_over;
        let record = table.item(&format!("RECONCILE#{APP_ID}"), "RUN")?;
        step.note(&format!("{} of {} members", count(&record, "listed"), members.count));
        match record.pointer("/state/S").and_then(Value::as_str) {
            Some("listing" | "confirming") => {}
            Some("done") => return ensure_all_was_counted(&record, members).map(|()| time),
            _ => bail!("the reconciler did not work: {record}"),
        }
    }
    bail!("the reconciler does not come to an end with {} members", members.count)
}

fn count(record: &Value, name: &str) -> u64 {
    let count = record.pointer(&format!("/counts/M/{name}/N")).and_then(Value::as_str);
    count.and_then(|count| count.parse().ok()).unwrap_or_default()
}

fn ensure_all_was_counted(record: &Value, members: Members) -> Result<()> {
    let (unknown, missing) = (members.unknown(), members.missing());
    for (name, expected) in [
        ("listed", members.count - missing),
        ("known", members.count - unknown),
        ("linked", unknown),
        ("missing", missing),
        ("unlinked", missing),
    ] {
        let counted = count(record, name);
        ensure!(counted == expected, "the reconciler counted {counted} as {name} instead of {expected}");
    }
    Ok(())
}

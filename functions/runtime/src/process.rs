//! A function as a process: its log, its task and a timer that is always set.

use std::{panic::resume_unwind, process::ExitCode, time::Duration};

use lambda_http::Error;
use tokio::{task::spawn_local, time::sleep};

use crate::{queue, telemetry};

/// Runs a function until Lambda ends it. An error of its start is a log line and a failed exit status.
///
/// # Panics
/// Outside of a [local runtime](tokio::runtime::LocalRuntime).
pub async fn run<F>(function: &'static str, body: impl FnOnce() -> F) -> ExitCode
where
    F: Future<Output = Result<(), Error>> + 'static,
{
    let ended = match telemetry::init(function) {
        Ok(()) => {
            spawn_local(keep_waking());
            as_task(body()).await
        }
        Err(malformed) => Err(malformed.into()),
    };
    let Err(error) = ended else { return ExitCode::SUCCESS };
    let error = error.to_string();
    tracing::error!(event = "not_started", function, error);
    ExitCode::FAILURE
}

/// A task that is woken runs next. A main future that is woken runs again only after tokio has asked the kernel what else
/// has happened: five times a request.
async fn as_task(body: impl Future<Output = Result<(), Error>> + 'static) -> Result<(), Error> {
    let died = match spawn_local(body).await {
        Ok(ended) => return ended,
        Err(died) => died,
    };
    // Its message may quote anything: it stands on standard error, and in no log line.
    died.try_into_panic().map_or_else(|cancelled| Err(cancelled.into()), |panic| resume_unwind(panic))
}

/// Keeps a timer set, so that tokio is going to wake up before the usual timers of a request are due. For each timer that is
/// due before the wake-up it last computed, it writes to a descriptor, and its next wait then returns at once
/// (docs/adr/0008).
async fn keep_waking() {
    loop {
        sleep(WAKE_UP).await;
    }
}

/// Shorter than the shortest of those timers, the attempt of the queue. The table's attempt is shorter, but seldom made.
const WAKE_UP: Duration = Duration::from_millis(500);
const _: () = assert!(WAKE_UP.as_millis() < queue::ATTEMPT.as_millis());

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, LocalOptions};

    use super::*;

    fn ended(body: impl Future<Output = Result<(), Error>> + 'static) -> Result<(), Error> {
        Builder::new_current_thread().build_local(LocalOptions::default()).unwrap().block_on(as_task(body))
    }

    #[test]
    fn a_function_ends_as_its_task_does() {
        ended(async { Ok(()) }).unwrap();
        assert_eq!(ended(async { Err("a variable".into()) }).unwrap_err().to_string(), "a variable");
    }

    #[test]
    #[should_panic(expected = "no error of its start")]
    fn a_panic_stays_one() {
        let _ = ended(async { panic!("no error of its start") });
    }
}

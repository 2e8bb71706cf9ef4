//! AWS Lambda around one function: its real binary under a Runtime API.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, PipeReader},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use lambda_simulator::{InvocationStatus, Simulator, SimulatorError, SimulatorPhase};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{binaries, calls::Calls, hygiene::Log};

/// Longer than any acknowledging function's own budget. Only a broken one is still at work then.
const PATIENCE: Duration = Duration::from_secs(30);
/// So much longer than an invocation may take by its limit.
const GRACE: Duration = Duration::from_secs(10);
/// As many lines as a reader of a failure looks at.
const LAST: usize = 20;

/// The variables of a function.
pub type Environment = BTreeMap<String, String>;

type Lines = Arc<Mutex<Vec<Value>>>;

/// A running function. Its process ends with it, by SIGKILL, and all that it wrote until then is in the log.
pub struct Lambda {
    name: String,
    simulator: Simulator,
    child: Child,
    lines: Lines,
    log: Log,
    patience: Duration,
    readers: Vec<JoinHandle<()>>,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a response.
    Response(Value),
    /// With an error that the function reported.
    Error(Value),
}

impl Lambda {
    /// Starts a function with these variables and the ones of Lambda itself, and no others. An invocation may
    /// take until `limit`. What it writes goes to `log`, too, and what it asks of AWS to `calls`.
    ///
    /// # Errors
    /// If it can't be built or started.
    pub async fn start(
        name: &str,
        environment: &Environment,
        limit: Duration,
        log: &Log,
        calls: &Calls,
    ) -> Result<Self> {
        let simulator =
            Simulator::builder().function_name(name).region("ap-northeast-2").invocation_timeout(limit).build().await?;
        let ((output, its_output), (errors, its_errors)) = (io::pipe()?, io::pipe()?);
        let child = Command::new(binaries::binary(name)?)
            .env_clear()
            .envs(simulator.lambda_env_vars())
            .envs([
                ("AWS_ACCESS_KEY_ID", calls.access_key(name, environment).as_str()),
                ("AWS_SECRET_ACCESS_KEY", "local"),
            ])
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(its_output)
            .stderr(its_errors)
            .kill_on_drop(true)
            .spawn()?;
        let lines = Lines::default();
        let readers =
            [output, errors].map(|pipe| follow(pipe, name.to_owned(), Arc::clone(&lines), log.clone())).into();
        Ok(Self {
            name: name.to_owned(),
            simulator,
            child,
            lines,
            log: log.clone(),
            patience: PATIENCE.max(limit + GRACE),
            readers,
        })
    }

    /// Waits until the function has started: it asks for its first event.
    ///
    /// # Errors
    /// If it doesn't.
    pub async fn started(&self) -> Result<()> {
        let is_ready = || async { self.simulator.phase().await == SimulatorPhase::Ready };
        Ok(self.simulator.wait_for(is_ready, PATIENCE).await?)
    }

    /// Invokes the function and waits for how that ends.
    ///
    /// # Errors
    /// If it doesn't end at all, or the process does.
    pub async fn invoke(&mut self, event: &Value) -> Result<Outcome> {
        let id = self.begin(event).await;
        self.finish(&id).await
    }

    /// Passes an event to the function without waiting.
    pub async fn begin(&self, event: &Value) -> String {
        self.log.forbid_values_of(event);
        self.simulator.enqueue_payload(event.clone()).await
    }

    /// Waits until the function has taken the event.
    ///
    /// # Errors
    /// If it doesn't take it.
    pub async fn taken(&self, id: &str) -> Result<()> {
        let is_taken = || async {
            let state = self.simulator.get_invocation_state(id).await;
            state.is_some_and(|state| state.status != InvocationStatus::Pending)
        };
        Ok(self.simulator.wait_for(is_taken, PATIENCE).await?)
    }

    /// Whether an invocation has ended, however.
    pub async fn has_ended(&self, id: &str) -> bool {
        let state = self.simulator.get_invocation_state(id).await;
        state.is_some_and(|state| state.response.is_some() || state.error.is_some())
    }

    /// Waits for the end of an invocation.
    ///
    /// # Errors
    /// As [`invoke`](Self::invoke).
    pub async fn finish(&mut self, id: &str) -> Result<Outcome> {
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            // The simulator can miss the change that it waits for: asked often, it never waits long.
            match self.simulator.wait_for_invocation_complete(id, Duration::from_millis(20)).await {
                Ok(state) => {
                    let response = state.response.map(|response| Outcome::Response(response.payload));
                    let error = state.error.map(|error| {
                        Outcome::Error(json!({"errorType": error.error_type, "errorMessage": error.error_message}))
                    });
                    return response.or(error).ok_or_else(|| anyhow!("{} ended without a result", self.name));
                }
                Err(SimulatorError::Timeout(_)) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended with {status}: {:?}", self.name, self.last_lines());
            }
        }
        bail!("{} doesn't answer: {:?}", self.name, self.last_lines())
    }

    /// Waits for the process to end by itself. The code, and all that it wrote.
    ///
    /// # Errors
    /// If it goes on.
    pub async fn ended(mut self) -> Result<(Option<i32>, Vec<Value>)> {
        let status = timeout(PATIENCE, self.child.wait()).await.context("it goes on")??;
        self.read_to_the_end();
        Ok((status.code(), self.lines()))
    }

    /// Waits for everything that an ended process wrote: a pipe ends when its writer has closed it.
    fn read_to_the_end(&mut self) {
        for reader in self.readers.drain(..) {
            // One that panicked has nothing more to give.
            let _ = reader.join();
        }
    }

    /// The process's id, as long as it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has written so far, one value for each event and each record of metrics; a text where a line is no JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.lines_since(0)
    }

    /// The same without the first lines that it wrote.
    #[must_use]
    pub fn lines_since(&self, seen: usize) -> Vec<Value> {
        self.raw_lines().into_iter().skip(seen).flat_map(events).collect()
    }

    /// What it has written so far, as it was written: a JSON value a line, or a text where it is none.
    #[must_use]
    pub fn raw_lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_lines(&self) -> Vec<Value> {
        self.lines_since(self.written().saturating_sub(LAST))
    }

    /// How many lines it has written so far.
    #[must_use]
    pub fn written(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits for a log line that says this.
    ///
    /// # Errors
    /// If none comes.
    pub async fn line(&self, field: &str, value: impl Into<Value>) -> Result<Value> {
        let (value, deadline) = (value.into(), Instant::now() + PATIENCE);
        loop {
            let found = self.lines().into_iter().find(|line| line.get(field) == Some(&value));
            match found {
                Some(line) => return Ok(line),
                None if Instant::now() < deadline => sleep(Duration::from_millis(5)).await,
                None => bail!("{} never logged {field} {value}: {:?}", self.name, self.lines()),
            }
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.start_kill();
        self.read_to_the_end();
    }
}

/// A thread of its own, not a task: it reads to the end even while the runtime is shut down.
/// The events of an invocation's line, each with the members that the line has once for all, and its metrics.
pub(crate) fn events(mut line: Value) -> Vec<Value> {
    let Some(Value::Array(events)) = line.as_object_mut().and_then(|members| members.remove("events")) else {
        return vec![line];
    };
    let common: Vec<_> = ["kind", "request_id"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), line.get(name)?.clone())))
        .collect();
    let with_common = |mut event: Value| {
        if let Some(members) = event.as_object_mut() {
            members.extend(common.clone());
            members.entry("level").or_insert("INFO".into());
        }
        event
    };
    let metrics = line.get("_aws").is_some().then_some(line.clone());
    events.into_iter().map(with_common).chain(metrics).collect()
}

fn follow(pipe: PipeReader, function: String, lines: Lines, log: Log) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = vec![];
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            log.add(&function, &text);
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(value);
            line.clear();
        }
    })
}

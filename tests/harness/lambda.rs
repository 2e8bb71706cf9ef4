//! AWS Lambda around one function: its real binary under a Runtime API.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use lambda_simulator::{InvocationStatus, Simulator, SimulatorError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::binaries;

/// Longer than any function's own budget. Only a broken one is still at work then.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variables of a function.
pub type Environment = BTreeMap<String, String>;

type Lines = Arc<Mutex<Vec<Value>>>;

/// A running function. Its process ends with it.
pub struct Lambda {
    name: String,
    simulator: Simulator,
    child: Child,
    lines: Lines,
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
    /// take until `limit`.
    ///
    /// # Errors
    /// If it can't be built or started.
    pub async fn start(name: &str, environment: &Environment, limit: Duration) -> Result<Self> {
        let simulator =
            Simulator::builder().function_name(name).region("ap-northeast-2").invocation_timeout(limit).build().await?;
        let mut child = Command::new(binaries::binary(name)?)
            .env_clear()
            .envs(simulator.lambda_env_vars())
            .envs([("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let lines = Lines::default();
        follow(child.stdout.take().context("no standard output")?, Arc::clone(&lines));
        follow(child.stderr.take().context("no standard error")?, Arc::clone(&lines));
        Ok(Self { name: name.to_owned(), simulator, child, lines })
    }

    /// Invokes the function and waits for how that ends.
    ///
    /// # Errors
    /// If it doesn't end at all, or the process does.
    pub async fn invoke(&mut self, event: &Value) -> Result<Outcome> {
        let id = self.begin(event).await;
        self.finish(&id).await
    }

    /// Hands an event over, without waiting.
    pub async fn begin(&self, event: &Value) -> String {
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
        let deadline = Instant::now() + PATIENCE;
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
                bail!("{} has ended with {status}: {:?}", self.name, self.lines());
            }
        }
        bail!("{} doesn't answer: {:?}", self.name, self.lines())
    }

    /// Waits for the process to end by itself. The code, and all that it wrote.
    ///
    /// # Errors
    /// If it goes on.
    pub async fn ended(mut self) -> Result<(Option<i32>, Vec<Value>)> {
        let status = timeout(PATIENCE, self.child.wait()).await.context("it goes on")??;
        // Both readers are done when they hold the lines no longer.
        let deadline = Instant::now() + PATIENCE;
        while Arc::strong_count(&self.lines) > 1 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
        Ok((status.code(), self.lines()))
    }

    /// What it has written so far: a JSON value a line, or a text where it is none.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

fn follow(output: impl AsyncRead + Send + Unpin + 'static, lines: Lines) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(output).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

//! The process that stands in for AWS.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{ChildStdin, Command},
    time::{Instant, sleep},
};

use super::{
    faults::Faults,
    gate::{Behind, Gate},
    process::{ProcessGroup, tail},
    run_folder::RunFolder,
};
use crate::ui::progress::Progress;

/// Keeps the local cloud from outliving us.
const KEEPER: &str = include_str!("keeper.py");
const LOG: &str = "ministack.log";
/// Another process may take a port between our choosing it and ministack's opening it.
const ATTEMPTS: u32 = 5;
/// It takes a third of a second; a machine under load, with nothing cached, ten times that and more.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running ministack. Dropped, its whole process group is killed.
#[derive(Debug)]
pub(super) struct Ministack {
    group: ProcessGroup,
    _lifeline: Option<ChildStdin>,
    /// The functions call it through this one.
    _gate: Option<Gate>,
    pub(super) endpoint: String,
}

pub(super) async fn start(
    python: &Path,
    folder: &RunFolder,
    faults: Option<&Faults>,
    progress: Progress,
) -> Result<Ministack> {
    let step = progress.step("Starting the local cloud");
    for _ in 0..ATTEMPTS {
        let port = free_port()?;
        let gate = match faults {
            Some(faults) => Some(Gate::before(&endpoint(port), Behind::Aws, faults).await?),
            None => None,
        };
        let mut ministack = spawn(python, folder.path(), port, gate)?;
        if is_ready(&mut ministack).await? {
            step.done(&ministack.endpoint);
            return Ok(ministack);
        }
    }
    let log = fs::read_to_string(folder.path().join(LOG)).unwrap_or_default();
    bail!("the local cloud ends at once, {ATTEMPTS} times:\n{}", tail(&log, 20));
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1 has no free port")?;
    Ok(listener.local_addr()?.port())
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// `infra/local/README.md` says why each variable is there.
fn spawn(python: &Path, folder: &Path, port: u16, gate: Option<Gate>) -> Result<Ministack> {
    let endpoint = endpoint(port);
    let of_functions = gate.as_ref().map_or(endpoint.as_str(), Gate::url).to_owned();
    let log = fs::File::create(folder.join(LOG)).context("the local cloud's log can't be written")?;
    // Its name stands on the command line, and with it the folder's, by which a later start knows us.
    let keeper = folder.join("keeper.py");
    fs::write(&keeper, KEEPER).with_context(|| format!("{} can't be written", keeper.display()))?;
    let mut command = Command::new(python);
    command
        .arg(keeper)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("IOT_MTLS_ENABLED", "0")
        .env("AWS_ENDPOINT_URL", of_functions)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut group = ProcessGroup::spawn(&mut command)?;
    let lifeline = group.child.stdin.take();
    Ok(Ministack { group, _lifeline: lifeline, _gate: gate, endpoint })
}

/// Waits until it answers; `false` if it has ended instead.
async fn is_ready(ministack: &mut Ministack) -> Result<bool> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let url = format!("{}/_ministack/ready", ministack.endpoint);
    let deadline = Instant::now() + READY_WITHIN;
    while Instant::now() < deadline {
        let answer = client.get(&url).send().await;
        if !ministack.group.is_alive() {
            return Ok(false);
        }
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(true);
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the local cloud isn't ready after {} s. Is the machine overloaded?", READY_WITHIN.as_secs())
}

//! The running `khook dev`, for other commands to find: `.local/dev.json`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::{SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    cloud::{Cloud, Project},
    kakao::Kakao,
};

/// Where a running `khook dev` is, and how Kakao is played against it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    /// The API.
    pub base_url: String,
    /// The local cloud.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Its table.
    pub table: String,
    /// Its queue.
    pub queue_url: String,
    /// Its dead-letter queue.
    pub dead_letter_queue_url: String,
    /// Its bus.
    pub bus: String,
    /// The keys of this run.
    pub kakao: Kakao,
}

const FILE: &str = "dev.json";
const PATIENCE: Duration = Duration::from_millis(500);

impl Running {
    /// The one that is running, if any is.
    #[must_use]
    pub fn find() -> Option<Self> {
        let path = Project::find().ok()?.local(FILE);
        let running: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        running.answers().then_some(running)
    }

    /// One that was killed hard could not take its file away.
    fn answers(&self) -> bool {
        let address = self.endpoint.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.is_some_and(|address: SocketAddr| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
    }

    /// The same, or an error with this advice and the other one.
    ///
    /// # Errors
    /// If none is running.
    pub fn found(advice: &str) -> Result<Self> {
        Self::find().with_context(|| format!("{advice}, or start `khook dev` in another terminal"))
    }
}

/// The file, as long as the cloud runs.
#[derive(Debug)]
pub struct Announcement {
    path: PathBuf,
    text: String,
}

impl Announcement {
    /// Says that this cloud runs. A later one takes its place.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn of(cloud: &Cloud, kakao: &Kakao) -> Result<Self> {
        let running = Running {
            base_url: cloud.base_url().to_owned(),
            endpoint: cloud.endpoint().to_owned(),
            region: cloud.region().to_owned(),
            table: cloud.table_name().to_owned(),
            queue_url: cloud.queue_url().to_owned(),
            dead_letter_queue_url: cloud.dead_letter_queue_url().to_owned(),
            bus: cloud.output("BusName").to_owned(),
            kakao: kakao.clone(),
        };
        let (path, text) = (Project::find()?.local(FILE), serde_json::to_string_pretty(&running)?);
        // There are keys in it, if only played ones.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("{} can't be written", path.display()))?;
        Ok(Self { path, text })
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

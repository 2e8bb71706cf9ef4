//! The running `khook dev`, for other commands to find: `.local/dev.json`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    net::{SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{
    console::Console,
    kakao::Kakao,
    local::{Cloud, Project, Reading},
    ui::usage::Usage,
};

/// Where a running `khook dev` is, and the keys to simulate Kakao against it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    /// The API: the console's address, which passes requests on to it and records them.
    pub base_url: String,
    /// The console with its token, to open in a browser; empty where an older version runs.
    #[serde(default)]
    pub console_url: String,
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
    /// Its queue of unpublished changes; empty where an older version runs.
    #[serde(default)]
    pub unpublished_queue_url: String,
    /// Its bus.
    pub bus: String,
    /// Where its changes are delivered, if they are.
    #[serde(default)]
    pub delivery: Option<RunningDelivery>,
    /// Kakao's simulated REST API; empty where an older version runs.
    #[serde(default)]
    pub kakao_api_url: String,
    /// The admin key with which it is read; empty where an older version runs.
    #[serde(default)]
    pub kakao_reader_key: String,
    /// Kakao's simulated callback server; empty where an older version runs.
    #[serde(default)]
    pub kakao_callback_url: String,
    /// The keys of this run.
    pub kakao: Kakao,
}

/// Where a running `khook dev --deliver-to` delivers changes.
#[derive(Clone, Serialize, Deserialize)]
pub struct RunningDelivery {
    /// The receiver.
    pub url: String,
    /// The file with the secret.
    pub secret_file: PathBuf,
    /// Where changes wait for their delivery.
    pub queue_url: String,
    /// Where those end that could not be delivered.
    pub undelivered_queue_url: String,
}

impl RunningDelivery {
    /// That of a cloud which delivers to this URL.
    #[must_use]
    pub fn of(cloud: &Cloud, url: String, secret_file: PathBuf) -> Self {
        Self {
            url,
            secret_file,
            queue_url: cloud.output("DeliveryQueueUrl").to_owned(),
            undelivered_queue_url: cloud.output("UndeliveredQueueUrl").to_owned(),
        }
    }
}

const FILE: &str = "dev.json";
/// Locked by the running `khook dev`, whose process it names.
const LOCK: &str = "dev.lock";
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

    /// Where changes are that could not be published, unless an older version runs.
    pub(crate) fn unpublished_queue_url(&self) -> Option<&String> {
        Some(&self.unpublished_queue_url).filter(|url| !url.is_empty())
    }

    /// Where its changes wait for their delivery.
    pub(crate) fn delivery_queue_url(&self) -> Option<&String> {
        self.delivery.as_ref().map(|delivery| &delivery.queue_url)
    }

    /// Where those end that could not be delivered.
    pub(crate) fn undelivered_queue_url(&self) -> Option<&String> {
        self.delivery.as_ref().map(|delivery| &delivery.undelivered_queue_url)
    }

    /// The same, or an error with this advice and the other one.
    ///
    /// # Errors
    /// If none is running.
    pub fn found(advice: &str) -> Result<Self> {
        Self::find().ok_or_else(|| Usage::error(format!("{advice}, or start `khook dev` in another terminal")))
    }

    /// The same for an option that works with no other service.
    ///
    /// # Errors
    /// If none is running.
    pub fn found_for(option: &str) -> Result<Self> {
        let none = || Usage::error(format!("{option} needs a running `khook dev`: start it in another terminal"));
        Self::find().ok_or_else(none)
    }
}

/// The lock of the one `khook dev` that a project has at a time.
#[derive(Debug)]
pub struct DevLock {
    file: PathBuf,
    /// What we wrote into it.
    text: Option<String>,
    _lock: File,
}

impl DevLock {
    /// Takes it. What a dead process left there is removed.
    ///
    /// # Errors
    /// If another one runs, or the project's folder can't be written.
    pub fn take() -> Result<Self> {
        Self::take_in(&Project::find()?.make_local("")?)
    }

    fn take_in(folder: &Path) -> Result<Self> {
        let (file, path) = (folder.join(FILE), folder.join(LOCK));
        // The other one's name stands in it: it is emptied only when it is ours.
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = opened.with_context(|| format!("{} can't be written", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(already_running(&file, &path)),
            Err(TryLockError::Error(error)) => bail!("{} can't be locked: {error}", path.display()),
        }
        lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).context("the lock can't be written")?;
        let _ = fs::remove_file(&file);
        Ok(Self { file, text: None, _lock: lock })
    }

    /// Says that this cloud runs, until the lock is released.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn announce(
        &mut self,
        cloud: &Cloud,
        console: &Console,
        kakao: &Kakao,
        reading: &Reading,
        kakao_callback_url: &str,
        delivery: Option<RunningDelivery>,
    ) -> Result<()> {
        self.write(&Running {
            base_url: console.base_url().to_owned(),
            console_url: console.url(),
            endpoint: cloud.endpoint().to_owned(),
            region: cloud.region().to_owned(),
            table: cloud.table_name().to_owned(),
            queue_url: cloud.queue_url().to_owned(),
            dead_letter_queue_url: cloud.dead_letter_queue_url().to_owned(),
            unpublished_queue_url: cloud.output("UnpublishedQueueUrl").to_owned(),
            bus: cloud.output("BusName").to_owned(),
            delivery,
            kakao_api_url: reading.url().to_owned(),
            kakao_reader_key: reading.key().to_owned(),
            kakao_callback_url: kakao_callback_url.to_owned(),
            kakao: kakao.clone(),
        })
    }

    fn write(&mut self, running: &Running) -> Result<()> {
        let text = serde_json::to_string_pretty(running)?;
        // There are keys in it, if only simulated ones.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.file);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("{} can't be written", self.file.display()))?;
        self.text = Some(text);
        Ok(())
    }
}

/// Which one runs, and where.
fn already_running(file: &Path, lock: &Path) -> String {
    let process = fs::read_to_string(lock).unwrap_or_default();
    let running = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Running>(&text).ok());
    let place = running.map_or_else(|| "it is still starting".to_owned(), |running| running.base_url);
    format!(
        "`khook dev` runs already (process {process}): {place}. Use that one (`khook send` finds it), or end it with \
         Ctrl-C in its terminal"
    )
}

impl Drop for DevLock {
    fn drop(&mut self) {
        if self.text.is_some() && fs::read_to_string(&self.file).ok() == self.text {
            let _ = fs::remove_file(&self.file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("khook-dev-{}", random::hex::<8>().unwrap()));
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn running(base_url: &str) -> Running {
        Running {
            base_url: base_url.to_owned(),
            console_url: String::new(),
            endpoint: "http://127.0.0.1:1".to_owned(),
            region: "ap-northeast-2".to_owned(),
            table: String::new(),
            queue_url: String::new(),
            dead_letter_queue_url: String::new(),
            unpublished_queue_url: String::new(),
            bus: String::new(),
            delivery: None,
            kakao_api_url: String::new(),
            kakao_reader_key: String::new(),
            kakao_callback_url: String::new(),
            kakao: Kakao::generate().unwrap(),
        }
    }

    #[test]
    fn a_second_one_is_refused_with_the_place_of_the_first_and_leaves_its_file_alone() {
        let folder = folder();
        let mut first = DevLock::take_in(&folder).unwrap();
        let refused = || DevLock::take_in(&folder).unwrap_err().to_string();
        let process = format!("(process {})", std::process::id());
        let early = refused();
        assert!(early.contains("still starting") && early.contains(&process), "{early}");
        first.write(&running("http://first.example")).unwrap();
        let late = refused();
        assert!(late.contains("http://first.example") && late.contains(&process), "{late}");
        assert!(folder.join(FILE).exists());
        drop(first);
        assert!(!folder.join(FILE).exists());
        DevLock::take_in(&folder).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_is_taken_over_and_what_another_wrote_is_not_deleted() {
        let folder = folder();
        fs::write(folder.join(FILE), "left by a process that was killed").unwrap();
        fs::write(folder.join(LOCK), "999999999").unwrap();
        let mut lock = DevLock::take_in(&folder).unwrap();
        assert!(!folder.join(FILE).exists());
        assert_eq!(fs::read_to_string(folder.join(LOCK)).unwrap(), std::process::id().to_string());
        lock.write(&running("http://ours.example")).unwrap();
        fs::write(folder.join(FILE), "another process's").unwrap();
        drop(lock);
        assert_eq!(fs::read_to_string(folder.join(FILE)).unwrap(), "another process's");
        fs::remove_dir_all(folder).unwrap();
    }
}

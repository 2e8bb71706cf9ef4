//! A contender: a program, its input and the expected result.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// The implementation that a contender represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// One of the acknowledging functions.
    Ours,
    /// Lambda's Rust runtime and nothing else.
    Floor,
    /// An unlink webhook in Rust with the SDK's default set-up.
    Minimal,
    /// An unlink webhook in Node.
    Node,
    /// An unlink webhook in Python.
    Python,
    /// A chatbot's skill in Python.
    Chatbot,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "the floor",
            Self::Minimal => "minimal Rust",
            Self::Node => "Node",
            Self::Python => "Python",
            Self::Chatbot => "FastAPI",
        }
    }
}

/// The job of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The fixture whose request it receives.
    pub fixture: &'static str,
    /// The status that it must return.
    pub accepted: u16,
    /// Whether each request must send a message to the queue.
    pub sends: bool,
}

impl Job {
    /// An unlink webhook.
    pub const UNLINK: Self = Self { fixture: "unlink/post-form", accepted: 200, sends: true };
    /// A token whose signature is verified.
    pub(crate) const ACCOUNT_STATUS: Self =
        Self { fixture: "account-status/user-unlinked", accepted: 202, sends: true };
    /// A share.
    pub(crate) const TALK_SHARE: Self = Self { fixture: "talk-share/post-json", accepted: 200, sends: true };
    /// A channel event.
    pub(crate) const TALK_CHANNEL: Self = Self { fixture: "talk-channel/added", accepted: 200, sends: true };
    /// A chatbot's message, queued as an event.
    pub const SKILL: Self = Self { fixture: "skill/message-with-app-user", accepted: 200, sends: true };
    /// A chatbot's message, only answered.
    pub(crate) const REPLY: Self = Self { sends: false, ..Self::SKILL };
    /// An answer and nothing else.
    pub const NOTHING: Self = Self { sends: false, ..Self::UNLINK };
}

/// A program that is measured.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Its name in tables.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its job.
    pub job: Job,
    /// Its program.
    pub program: PathBuf,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The size of its own files, unpacked, in bytes.
    pub size: Option<u64>,
    /// The size of the deployed archive in bytes, if it was built.
    pub zip: Option<u64>,
    /// A delay of its start: a planted regression.
    pub delay: Duration,
}

impl Contender {
    /// A contender that is a program without arguments.
    #[must_use]
    pub fn new(name: &str, role: Role, job: Job, program: PathBuf) -> Self {
        let size = program.metadata().ok().map(|metadata| metadata.len());
        Self { name: name.to_owned(), role, job, program, arguments: vec![], size, zip: None, delay: Duration::ZERO }
    }

    /// The command that starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if !self.delay.is_zero() {
            command = Command::new("/bin/sh");
            command.args(["-c", "/bin/sleep \"$1\"; shift; exec \"$@\"", "sh", &self.delay.as_secs_f64().to_string()]);
            command.arg(&self.program);
        }
        command.args(&self.arguments);
        command
    }
}

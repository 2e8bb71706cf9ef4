//! Who takes part: a program, what it is given, and what must come of that.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// What a contender stands for.
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
    /// In words, as somebody to compare with.
    #[must_use]
    pub const fn name(self) -> &'static str {
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

/// What a contender does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The fixture whose request it is given.
    pub fixture: &'static str,
    /// The status that it must answer.
    pub accepted: u16,
    /// Whether each request must have become a message in the queue.
    pub sends: bool,
}

impl Job {
    /// An unlink webhook.
    pub const UNLINK: Self = Self { fixture: "unlink/post-form", accepted: 200, sends: true };
    /// A token, whose signature is verified.
    pub const ACCOUNT_STATUS: Self = Self { fixture: "account-status/user-unlinked", accepted: 202, sends: true };
    /// A share.
    pub const TALK_SHARE: Self = Self { fixture: "talk-share/post-json", accepted: 200, sends: true };
    /// A channel event.
    pub const TALK_CHANNEL: Self = Self { fixture: "talk-channel/added", accepted: 200, sends: true };
    /// A chatbot's message, taken as an event.
    pub const SKILL: Self = Self { fixture: "skill/message-with-app-user", accepted: 200, sends: true };
    /// The same, only answered.
    pub const REPLY: Self = Self { sends: false, ..Self::SKILL };
    /// Nothing.
    pub const NOTHING: Self = Self { sends: false, ..Self::UNLINK };
}

/// One that takes part.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Its name in tables.
    pub name: String,
    /// What it stands for.
    pub role: Role,
    /// What it does.
    pub job: Job,
    /// What is run.
    pub program: PathBuf,
    /// With what.
    pub arguments: Vec<String>,
    /// The bytes that its own files have, unpacked.
    pub size: Option<u64>,
    /// The bytes of the deployed archive, where it was built.
    pub zip: Option<u64>,
    /// How long its start is held up: a planted regression.
    pub delay: Duration,
}

impl Contender {
    /// One that is a program by itself.
    #[must_use]
    pub fn new(name: &str, role: Role, job: Job, program: PathBuf) -> Self {
        let size = program.metadata().ok().map(|metadata| metadata.len());
        Self { name: name.to_owned(), role, job, program, arguments: vec![], size, zip: None, delay: Duration::ZERO }
    }

    /// What starts it.
    #[must_use]
    pub fn command(&self) -> Command {
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

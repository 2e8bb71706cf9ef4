//! Asks for confirmation before what can't be undone, and for secrets.
//!
//! Standard input is read on a thread of its own: a signal can end the command while it waits for an answer.

use std::{
    io::{self, IsTerminal, Read, stdin},
    thread,
};

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use crate::ui::{output, usage::Usage};

/// Goes on if the answer is yes, or was given beforehand. The question ends with a question mark.
///
/// # Errors
/// If it is no, or there is no terminal to ask.
pub async fn whether(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(Usage::error(format!("{question} There is no terminal to ask: say --yes")));
    }
    output::ask(&format!("{question} [y/N]"))?;
    match input(line).await?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was done"),
    }
}

/// A secret: from a prompt that doesn't show it, or where there is no terminal all of standard input, at most this many
/// bytes of it.
///
/// # Errors
/// If it can't be read, or is not text.
pub async fn secret(question: &str, most: u64) -> Result<String> {
    if !stdin().is_terminal() {
        let all = move || {
            let mut text = String::new();
            stdin().take(most).read_to_string(&mut text).map(|_| text)
        };
        return input(all).await.context("standard input is not text");
    }
    let without_echo = WithoutEcho::begin().context("the terminal's echo can't be switched off")?;
    output::ask(question)?;
    let text = input(line).await.context("the key can't be read from the terminal");
    drop(without_echo);
    output::say("");
    text
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    stdin().read_line(&mut line).map(|_| line)
}

async fn input(read: impl FnOnce() -> io::Result<String> + Send + 'static) -> Result<String> {
    let (sender, receiver) = oneshot::channel();
    // Standard error may be closed already.
    thread::Builder::new().spawn(move || drop(sender.send(read())))?;
    Ok(receiver.await??)
}

/// The terminal shows nothing of what is typed as long as this lives.
struct WithoutEcho {
    before: Termios,
}

impl WithoutEcho {
    fn begin() -> Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for WithoutEcho {
    fn drop(&mut self) {
        // What was typed and not read is thrown away: the shell would show it.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.before);
    }
}

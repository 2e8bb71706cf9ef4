//! Asks before what can't be undone.

use std::io::IsTerminal;

use anyhow::{Result, bail};
use console::Term;

/// Goes on if the answer is yes, or was given beforehand.
///
/// # Errors
/// If it is no, or nobody is there to be asked.
pub fn whether(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("{question} Nobody is here to answer: say --yes");
    }
    let terminal = Term::stderr();
    terminal.write_str(&format!("{question} [y/N] "))?;
    match terminal.read_line()?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was done"),
    }
}

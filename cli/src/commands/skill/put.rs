//! `khook skill rules put|clear`: stores and removes rules.

use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{changes::changes, file};
use crate::{
    aws::target::StackTable,
    ui::{ask, count::counted, output},
};

/// So many changes are shown one by one.
const SHOWN: usize = 40;

pub(super) async fn put(path: &Path, target: &StackTable, yes: bool, is_json: bool) -> Result<ExitCode> {
    let checked = file::Checked::of(file::text_of(path)?);
    for line in checked.report(path, output::columns()) {
        output::say(line);
    }
    if checked.rules.is_err() {
        bail!("nothing was stored");
    }
    let table = target.rules().await?;
    let before = table.stored().await?;
    let stored = before.as_ref().map(|before| document(&before.document)).unwrap_or_default();
    let changes = changes(&stored, &document(&checked.text));
    let is_new = before.as_ref().is_none_or(|before| before.document != checked.text);
    if is_new {
        tell(&changes);
        let service = target.service();
        ask::whether(&format!("Store these rules in {service}?"), yes).await?;
        if !table.put(&checked.text, runtime::clock::now(), before.as_ref()).await? {
            bail!(
                "the stored rules were changed meanwhile, and nothing was stored. Look at them with `khook skill rules show`"
            );
        }
    }
    if is_json {
        output::json(&json!({"stored": is_new, "changes": changes}))?;
    } else if is_new {
        output::line(format!("Stored: {}. The chatbot uses them within 30 seconds", checked.size()))?;
    } else {
        output::line("No change: these rules are stored already")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(changes: &[String]) {
    let count = if changes.is_empty() { "No rule changes".to_owned() } else { counted(changes.len(), "change") };
    output::say(format!("{count}:").replace("changes:", "changes"));
    for change in changes.iter().take(SHOWN) {
        output::say(format!("  {change}"));
    }
    if changes.len() > SHOWN {
        output::say(format!("  … and {} more", changes.len() - SHOWN));
    }
}

/// What another version stored may be no JSON.
fn document(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default()
}

pub(super) async fn clear(target: &StackTable, yes: bool) -> Result<ExitCode> {
    let table = target.rules().await?;
    let Some(before) = table.stored().await? else {
        output::line("No rules are stored")?;
        return Ok(ExitCode::SUCCESS);
    };
    let checked = file::Checked::of(before.document.clone());
    let question = format!("Remove the stored rules ({}) from {}?", checked.size(), target.service());
    ask::whether(&question, yes).await?;
    if !table.clear(&before).await? {
        bail!(
            "the stored rules were changed meanwhile, and nothing was removed. Look at them with `khook skill rules show`"
        );
    }
    output::line("Removed. Within 30 seconds the chatbot answers by SKILL_ANSWERS again, if it is set")?;
    Ok(ExitCode::SUCCESS)
}

//! `khook skill rules put|clear`: stores and removes rules.

use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::json;

use super::{
    changes::{Change, changes},
    file::{self, document},
};
use crate::{
    aws::target::StackTable,
    ui::{ask, count::counted, output},
};

/// What the chatbot answers where no rules are stored, on the second of two lines.
pub(super) const WITHOUT_RULES: &str = "as without rules:\n\
    by SkillAnswers (SKILL_ANSWERS) and SkillAnswerer, as far as they are set";

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
        shown(&changes, output::columns()).into_iter().for_each(output::say);
        let service = target.service();
        ask::whether(&format!("Store these rules in {service}?"), yes).await?;
        if !table.put(&checked.text, runtime::clock::now(), before.as_ref()).await? {
            bail!(
                "the stored rules were changed meanwhile, and nothing was stored. Look at them with `khook skill rules show`"
            );
        }
    }
    if is_json {
        let lines: Vec<_> = changes.iter().map(|change| &change.line).collect();
        output::json(&json!({"stored": is_new, "changes": lines}))?;
    } else if is_new {
        output::line(format!("Stored: {}. The chatbot uses them within 30 seconds", checked.size()))?;
    } else {
        output::line("No change: these rules are stored already")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The changes in lines: what each rule said before, and what it says now.
fn shown(changes: &[Change], columns: usize) -> Vec<String> {
    if changes.is_empty() {
        return vec!["No rule changes".to_owned()];
    }
    let stored = if changes.iter().any(|change| change.line.starts_with('-')) { STORED_PLACES } else { "" };
    let mut lines = output::wrap(&format!("{}{stored}:", counted(changes.len(), "change")), columns);
    for Change { line, said } in changes.iter().take(SHOWN) {
        lines.push(format!("  {line}"));
        let short = |text: &str| output::shortened(&text.replace('\n', " / "), (columns / 2).saturating_sub(6));
        lines.extend(said.iter().map(|(mark, text)| format!("      {mark} {}", short(text))));
    }
    if changes.len() > SHOWN {
        lines.push(format!("  … and {} more", changes.len() - SHOWN));
    }
    lines
}

const STORED_PLACES: &str = " (the place of a rule that is gone is its place in the stored rules)";

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
    output::lines(&format!("Removed. Within 30 seconds the chatbot answers {WITHOUT_RULES}"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn the_changes_fit_80_columns() {
        let rule = |name: &str, reply: &str| json!({"name": name, "when": {"says": name}, "reply": reply});
        let before =
            json!({"version": 1, "rules": [rule("영업시간", "매일 10시부터 20시까지입니다."), rule("위치", "서울")]});
        let long =
            "이번 주는 공사로 쉽니다.\n다음 주부터 매일 10시부터 20시까지 문을 엽니다. 자세한 것은 공지를 보세요.";
        let after = json!({"version": 1, "rules": [rule("영업시간", long), rule("예약", "네")]});
        let lines = shown(&changes(&before, &after), 80);
        assert!(lines.iter().all(|line| console::measure_text_width(line) <= 80), "{lines:?}");
        assert_snapshot!("skill-rules-changes", lines.join("\n"));
        let one = shown(
            &changes(&before, &json!({"version": 1, "rules": [rule("영업시간", long), rule("위치", "서울")]})),
            80,
        );
        assert_eq!(one.first().map(String::as_str), Some("1 change:"));
        assert_eq!(shown(&[], 80), ["No rule changes"]);
    }
}

//! `khook skill rules show`: the stored rules.

use std::process::ExitCode;

use anyhow::Result;
use runtime::store::StoredRules;
use serde_json::{Value, json};

use super::{
    changes::{condition_of, name_of, said},
    file::{Checked, listed},
    put::WITHOUT_RULES,
};
use crate::{aws::target::StackTable, ui::output};

/// The most that is shown of a reply or a condition.
const MOST: usize = 40;

pub(super) async fn show(target: &StackTable, is_json: bool) -> Result<ExitCode> {
    let stored = target.rules().await?.stored().await?;
    if is_json {
        output::json(&document(stored.as_ref()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(stored) = stored else {
        output::lines(&format!("No rules are stored. The chatbot answers {WITHOUT_RULES}"))?;
        return Ok(ExitCode::SUCCESS);
    };
    let checked = Checked::of(stored.document.clone());
    let at = stored.written_at.map_or_else(|| "at an unknown time".to_owned(), |at| format!("at {at}"));
    output::line(format!("Stored {at}: {}", checked.size()))?;
    if let Err(mistakes) = &checked.rules {
        output::warn("the chatbot can't use these rules, and goes on with the last good ones");
        for line in listed(&checked.named(mistakes), output::columns()) {
            output::say(line);
        }
    }
    let document: Value = serde_json::from_str(&stored.document).unwrap_or_default();
    print(&document, "rules", "Reply", said)?;
    print(&document, "validations", "Status", said)?;
    Ok(ExitCode::SUCCESS)
}

fn document(stored: Option<&StoredRules>) -> Value {
    let text = stored.map(|stored| stored.document.as_str());
    // What is no JSON is shown as the text that it is.
    let document = text.map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    json!({"written_at": stored.and_then(|stored| stored.written_at).map(|at| at.to_string()), "document": document})
}

fn print(document: &Value, list: &str, heading: &str, result: impl Fn(&Value) -> String) -> Result<()> {
    let rules = document.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rules.is_empty() {
        return Ok(());
    }
    let mut table = output::table(&["Place", "Name", "When", heading]);
    for (index, rule) in rules.iter().enumerate() {
        let (name, when) = (name_of(rule), condition_of(rule));
        let name = if name == when { String::new() } else { name };
        let shortened = |text: &str| output::shortened(text, MOST);
        table.add_row([format!("{list}[{index}]"), shortened(&name), shortened(&when), shortened(&result(rule))]);
    }
    output::line("")?;
    output::print_table(&table)
}

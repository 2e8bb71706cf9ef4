//! A file of rules.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use kakao_webhooks::skill::Rules;
use serde_json::Value;

use super::changes::{ALWAYS, name_of};
use crate::ui::{count::counted, output};

/// The file's text.
///
/// # Errors
/// If it can't be read, or is in another encoding.
pub fn text_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    String::from_utf8(bytes).ok().with_context(|| format!("{} is not UTF-8: save it as UTF-8", path.display()))
}

/// What stands in a text of rules: rules that are in order, or mistakes; and how to show it.
#[derive(Debug)]
pub struct Checked {
    /// The text.
    pub text: String,
    /// The rules, or what is wrong.
    pub rules: Result<Rules, Vec<String>>,
}

impl Checked {
    /// Checks a text.
    #[must_use]
    pub fn of(text: String) -> Self {
        let rules = Rules::from_json(&text);
        let mistakes =
            |invalid: kakao_webhooks::skill::InvalidRules| invalid.0.iter().map(ToString::to_string).collect();
        Self { rules: rules.map_err(mistakes), text }
    }

    /// What is allowed and hardly meant.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        self.rules.iter().flat_map(Rules::remarks).map(|remark| remark.to_string()).collect()
    }

    /// How much there is.
    #[must_use]
    pub fn size(&self) -> String {
        let rules = self.rules.as_ref().map(|rules| {
            let validations = match rules.validations() {
                0 => String::new(),
                some => format!(", {} for validations", counted(some, "rule")),
            };
            format!("{}{validations}, ", counted(rules.len(), "rule"))
        });
        format!("{}{} bytes", rules.unwrap_or_default(), self.text.len())
    }

    /// The lines that say what is wrong with it, or that nothing is.
    #[must_use]
    pub fn report(&self, path: &Path, columns: usize) -> Vec<String> {
        let path = path.display();
        match &self.rules {
            Ok(_) => {
                let remarks = self.remarks();
                let noted =
                    if remarks.is_empty() { String::new() } else { format!("; {}", counted(remarks.len(), "remark")) };
                let head = format!("{path} is in order: {}{noted}", self.size());
                output::wrap(&head, columns).into_iter().chain(listed(&self.named(&remarks), columns)).collect()
            }
            Err(mistakes) => {
                let named = self.named(mistakes);
                let counts = if named.iter().any(|mistake| mistake.contains("`rules[")) { FROM_ZERO } else { "" };
                let head = format!("{path} has {}{counts}", counted(mistakes.len(), "mistake"));
                output::wrap(&head, columns).into_iter().chain(listed(&named, columns)).collect()
            }
        }
    }

    /// Each of these with the name of the rule that it is about, or else its condition, behind its place.
    pub(super) fn named(&self, entries: &[String]) -> Vec<String> {
        let document = document(&self.text);
        entries.iter().map(|entry| with_name(entry, &document)).collect()
    }
}

const FROM_ZERO: &str = " (`rules[0]` is the first rule)";

/// The document that a text is; null if it is no JSON.
pub(super) fn document(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default()
}

fn with_name(entry: &str, document: &Value) -> String {
    let named = || {
        let (place, rest) = entry.strip_prefix('`')?.split_once('`')?;
        let (list, index) = place.split_once('[')?;
        let index: usize = index.split_once(']')?.0.parse().ok()?;
        let rule = document.get(list)?.get(index)?.as_object()?;
        let name = output::shortened(&name_of(&Value::Object(rule.clone())), MOST_OF_NAME);
        if name == ALWAYS {
            return None;
        }
        Some(format!("`{place}` ({name}){rest}"))
    };
    named().unwrap_or_else(|| entry.to_owned())
}

/// The most that is shown of a rule's name or condition.
const MOST_OF_NAME: usize = 30;

/// Each of these in a line of its own, or more if it is long.
pub(super) fn listed(entries: &[String], columns: usize) -> Vec<String> {
    let lines = |entry: &String| {
        let wrapped = output::wrap(entry, columns.saturating_sub(4));
        let indented = |(index, line): (usize, String)| format!("{}{line}", if index == 0 { "  - " } else { "    " });
        wrapped.into_iter().enumerate().map(indented).collect::<Vec<_>>()
    };
    entries.iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_report_lists_every_mistake_and_every_remark_in_80_columns() {
        let report = |text: &str| Checked::of(text.to_owned()).report(Path::new("answers.json"), 80).join("\n");
        let wrong = r#"{"version": 1, "rules": [{"when": {"say": "a"}, "reply": ""}, {"name": "menu", "reply": 7}],
            "validations": [{}]}"#;
        assert_snapshot!("skill-rules-mistakes", report(wrong));
        let remarkable = r#"{"version": 1, "rules": [{"reply": "a"}, {"when": {"says": "b"}, "reply": "b"}],
            "validations": [{"status": "FAIL"}]}"#;
        assert_snapshot!("skill-rules-remarks", report(remarkable));
        let unknown = r#"{"version": 1, "rules": [{"name": "menu", "reply": {"version": "2.0", "template": {"outputs": [
            {"textCard": {"titel": "a", "description": "b", "buttons": [{"label": "c", "action": "weblink"}]}}]}}}]}"#;
        assert_snapshot!("skill-rules-unknown", report(unknown));
        assert_snapshot!("skill-rules-no-json", report("{\"version\": 1, // 규칙\n}"));
        assert_snapshot!("skill-rules-list", report(r#"[{"utterance": "a", "text": "b"}]"#));
        assert_snapshot!("skill-rules-in-order", report(r#"{"version": 1, "rules": [{"reply": "a"}]}"#));
    }
}

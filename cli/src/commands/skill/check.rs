//! `khook skill rules check`: what is wrong with a file, and which rule fits a message.

use std::process::ExitCode;

use anyhow::Result;
use kakao_webhooks::{
    skill::{FittingRule, Rules},
    wire::skill::SkillPayload,
};
use serde_json::{Value, json};

use super::{Check, file};
use crate::ui::output;

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checked = file::Checked::of(file::text_of(&self.file)?);
        if self.json {
            output::json(&self.document(&checked))?;
        } else {
            for line in checked.report(&self.file, output::columns()) {
                output::line(line)?;
            }
            if let Ok(rules) = &checked.rules {
                self.print_try(rules)?;
            }
        }
        Ok(if checked.rules.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn document(&self, checked: &file::Checked) -> Value {
        let rules = checked.rules.as_ref().ok();
        let fits = |found: FittingRule<'_>| json!({"rule": found.index, "name": found.name, "reply": reply(&found)});
        let tried = rules.zip(self.payload()).map(|(rules, payload)| rules.find(&payload).map(fits));
        json!({
            "valid": rules.is_some(),
            "mistakes": checked.rules.as_ref().err().cloned().unwrap_or_default(),
            "remarks": checked.remarks(),
            "rules": rules.map(Rules::len),
            "validations": rules.map(Rules::validations),
            "bytes": checked.text.len(),
            "tried": tried.flatten(),
        })
    }

    fn print_try(&self, rules: &Rules) -> Result<()> {
        let Some(payload) = self.payload() else { return Ok(()) };
        output::line("")?;
        let Some(found) = rules.find(&payload) else {
            return output::line("No rule fits this message");
        };
        let name = found.name.map_or_else(String::new, |name| format!(" ({name})"));
        output::line(format!("`rules[{}]`{name} fits this message. It replies:", found.index))?;
        output::json(&reply(&found))
    }

    /// The message that is tried.
    fn payload(&self) -> Option<SkillPayload> {
        let words = self.words.as_ref()?;
        let named = |name: &Option<String>| json!({"id": name, "name": name});
        let chat = if self.room { json!({"type": "botGroupKey"}) } else { Value::Null };
        let message = json!({
            "intent": named(&self.intent),
            "userRequest": {"utterance": words, "block": named(&self.block), "chat": chat},
        });
        serde_json::from_value(message).ok()
    }
}

/// The reply as Kakao gets it.
fn reply(found: &FittingRule<'_>) -> Value {
    serde_json::from_str(&found.reply.clone().into_json()).unwrap_or_default()
}

//! `khook skill rules check`: what is wrong with a file, and which rule fits a message.

use std::process::ExitCode;

use anyhow::Result;
use kakao_webhooks::{
    skill::{FittingRule, Rules, Validation},
    wire::skill::SkillPayload,
};
use serde_json::{Map, Value, json};

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
            match &checked.rules {
                Ok(rules) => self.print_try(rules)?,
                Err(_) if self.words.is_some() => {
                    output::line("")?;
                    output::line("--try was not tried: correct the file first")?;
                }
                Err(_) => {}
            }
        }
        Ok(if checked.rules.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn document(&self, checked: &file::Checked) -> Value {
        let rules = checked.rules.as_ref().ok();
        let fits = |found: FittingRule<'_>| json!({"rule": found.index, "name": found.name, "reply": reply(&found)});
        let judged = |(index, status)| json!({"validation": index, "status": status});
        let message = rules.zip(self.payload()).map(|(rules, payload)| rules.find(&payload).map(fits));
        let value = rules.zip(self.value()).map(|(rules, value)| rules.find_validation(&value).map(judged));
        let tried = message.or(value);
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
        let Some((text, reply)) = self.tried_message(rules).or_else(|| Some((self.tried_value(rules)?, None))) else {
            return Ok(());
        };
        output::line("")?;
        output::lines(&output::wrapped(&text, output::columns()))?;
        reply.iter().try_for_each(output::json)
    }

    /// What is said of a message, and the reply of the rule that fits.
    fn tried_message(&self, rules: &Rules) -> Option<(String, Option<Value>)> {
        if let Some(found) = rules.find(&self.payload()?) {
            let name = found.name.map_or_else(String::new, |name| format!(" ({})", output::visible(name)));
            let text = format!("`rules[{}]`{name} fits this message. It replies:", found.index);
            return Some((text, Some(reply(&found))));
        }
        let mut text =
            "No rule fits this message. What is said then: the answer of SkillAnswerer, where there is one; \
                        else SkillText, or the user's own words"
                .to_owned();
        let has_mention = self.words.as_ref().is_some_and(|words| words.trim_start().starts_with('@'));
        if has_mention && self.bot_name.is_none() {
            text.push_str("\nA mention of the bot (`@name `) before the words is ignored only with --bot-name");
        }
        Some((text, None))
    }

    fn tried_value(&self, rules: &Rules) -> Option<String> {
        Some(match rules.find_validation(&self.value()?) {
            Some((index, status)) => format!("`validations[{index}]` fits this value. The answer is {}", status.json()),
            None => {
                "No rule fits this value. What is answered then: the verdict of SkillAnswerer, where there is one; \
                     else SUCCESS"
                    .to_owned()
            }
        })
    }

    /// The value that is tried.
    fn value(&self) -> Option<Validation> {
        let words = self.words.as_ref().filter(|_| self.validation)?;
        let members = json!({"utterance": words, "bot": {"name": self.bot_name}});
        let members: Map<String, Value> = serde_json::from_value(members).ok()?;
        Some(Validation::read(&(&members).into()))
    }

    /// The message that is tried.
    fn payload(&self) -> Option<SkillPayload> {
        let words = self.words.as_ref().filter(|_| !self.validation)?;
        let named = |name: &Option<String>| json!({"id": name, "name": name});
        let chat = if self.room { json!({"type": "botGroupKey"}) } else { Value::Null };
        let message = json!({
            "bot": {"name": self.bot_name},
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn tried(words: &str) -> Check {
        Check {
            file: "answers.json".into(),
            words: Some(words.to_owned()),
            validation: false,
            bot_name: None,
            block: None,
            intent: None,
            room: false,
            json: false,
        }
    }

    #[test]
    fn what_is_tried_says_which_rule_fits_and_what_comes_where_none_does() {
        let rules = Rules::from_json(
            r#"{"version": 1, "rules": [{"name": "delivery", "when": {"starts_with": "배송"}, "reply": "내일"}],
                "validations": [{"when": {"contains": "32"}, "status": "FAIL"}]}"#,
        )
        .unwrap();
        let named = |check: Check| Check { bot_name: Some("봄 가게".to_owned()), room: true, ..check };
        let value = |words| Check { validation: true, ..tried(words) };
        let checks = [
            tried("배송 문의"),
            named(tried("@봄 가게 배송 문의")),
            tried("@봄 가게 배송 문의"),
            value("3월32일"),
            value("3월1일"),
        ];
        let shown = checks.iter().map(|check| {
            let message = check.tried_message(&rules).map(|(text, _)| text);
            output::wrapped(&message.or_else(|| check.tried_value(&rules)).unwrap(), 80)
        });
        assert_snapshot!("skill-rules-tried", shown.collect::<Vec<_>>().join("\n\n"));
        let checked =
            file::Checked::of(r#"{"version": 1, "rules": [], "validations": [{"status": "ERROR"}]}"#.to_owned());
        assert_eq!(value("a").document(&checked)["tried"], json!({"validation": 0, "status": "ERROR"}));
    }
}

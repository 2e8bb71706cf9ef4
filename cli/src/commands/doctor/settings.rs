//! The functions' settings: read as the functions read them, and never shown.

use runtime::config::ConfigError;
use serde_json::Value;

use super::{
    facts::{Facts, Function},
    members::{acknowledging_members, all_members},
};
use crate::{
    commands::check::finding::{Finding, Judgement},
    ui::count::counted,
};

/// Lambda's limit for all variables of a function, and what is near it.
const MOST_BYTES: usize = 4_096;
const NEAR_BYTES: usize = 3_500;
/// Enough of a digest to distinguish it from the others.
const SHOWN_OF_A_DIGEST: usize = 8;
const APPS: &str = "KAKAO_APPS";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = starts(facts);
    findings.extend(apps(facts).map(|judgement| judgement.named(APPS)));
    findings.extend(size(facts).map(|judgement| judgement.named("size")));
    findings.extend(places(facts));
    findings
}

/// Whether each function would start with its settings.
fn starts(facts: &Facts) -> Vec<Finding> {
    let mut faults = vec![];
    let mut readable = 0;
    for member in all_members() {
        let Some(function) = of(facts, member.name) else { continue };
        match member.would_start(&function.settings.variables()) {
            Ok(()) => readable += 1,
            Err(ConfigError { variable, problem, fix }) => {
                faults.push(Judgement::mistake(format!("{variable} {problem}"), fix).named(member.name));
            }
        }
    }
    if faults.is_empty() && readable > 0 {
        faults.push(
            Judgement::right(format!("{} can read what is needed", counted(readable, "function"))).named("variables"),
        );
    }
    faults
}

fn of<'f>(facts: &'f Facts, name: &str) -> Option<&'f Function> {
    facts.functions.get(name)?.as_ref().ok()?.as_ref()
}

/// Whether all five that answer Kakao know the same apps, and which. What isn't readable was found before.
fn apps(facts: &Facts) -> Option<Judgement> {
    let mut named = acknowledging_members().filter_map(|member| {
        let text = of(facts, member.name)?.settings.0.get(APPS)?;
        Some((member.name, serde_json::from_str::<Value>(text).ok()?))
    });
    let (name, first) = named.next()?;
    let others: Vec<_> = named.collect();
    if let Some((other, _)) = others.iter().find(|(_, apps)| *apps != first) {
        return Some(Judgement::mistake(
            format!("{name} and {other} have different apps"),
            "a function was changed outside the stack: deploy the stack again, with another LogLevel if it sees no change",
        ));
    }
    Some(Judgement::right(format!("{}, the same in {}", described(&first), counted(others.len() + 1, "function"))))
}

fn described(apps: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let app = |app: &Value| {
        let digests = app.get("admin_key_sha256").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let short: Vec<_> = digests.iter().map(|digest| shortened(&plain(digest))).collect();
        let keys = if short.is_empty() { "no admin key".to_owned() } else { short.join(" ") };
        format!("app {} ({keys})", app.get("app_id").map(plain).unwrap_or_default())
    };
    apps.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(app).collect::<Vec<_>>().join(", ")
}

fn shortened(digest: &str) -> String {
    digest.chars().take(SHOWN_OF_A_DIGEST).chain(['…']).collect()
}

fn size(facts: &Facts) -> Option<Judgement> {
    let (bytes, name) = facts.known().map(|(name, function)| (function.settings.bytes(), name)).max()?;
    let seen = format!("{bytes} of {MOST_BYTES} bytes, in {name}");
    Some(if bytes >= NEAR_BYTES {
        Judgement::warning(
            seen,
            "the next deployment may not fit: take old digests and REST API keys out of KakaoApps, shorten SkillAnswers",
        )
    } else {
        Judgement::right(seen)
    })
}

/// Whether the functions use the stack's own table and queue.
fn places(facts: &Facts) -> impl Iterator<Item = Finding> + '_ {
    [("TABLE_NAME", "TableName"), ("EVENT_QUEUE_URL", "EventQueueUrl")].into_iter().flat_map(
        move |(variable, output)| {
            let own = facts.stack.outputs.get(output);
            let elsewhere =
                move |function: &Function| function.settings.0.get(variable).is_some_and(|named| Some(named) != own);
            facts.known().filter(move |(_, function)| elsewhere(function)).map(move |(name, _)| {
                let seen = format!("{variable} isn't the stack's {output}");
                Judgement::mistake(seen, "the function was changed outside the stack: deploy the stack again")
                    .named(name)
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::stand_in::{self, worst},
    };

    /// The findings if one function has another value.
    fn with(name: &'static str, variable: &str, value: &str) -> Vec<Finding> {
        let mut facts = stand_in::healthy();
        let Some(Ok(Some(function))) = facts.functions.get_mut(name) else { panic!("no {name}") };
        function.settings.0.insert(variable.to_owned(), value.to_owned());
        findings(&facts)
    }

    #[test]
    fn what_a_function_would_not_start_with_is_named_and_not_shown() {
        for (name, variable) in [
            ("unlink", "KAKAO_APPS"),
            ("skill", "SKILL_AUTH"),
            ("account-status", "KAKAO_JWKS_URL"),
            ("processor", "GONE_RETENTION_DAYS"),
            ("publisher", "PUBLISH_PROFILE_VALUES"),
        ] {
            let found = with(name, variable, "secret");
            let fault = found.iter().find(|finding| finding.check == name).unwrap();
            assert_eq!(fault.verdict, Verdict::Mistake);
            assert!(fault.seen.starts_with(variable) && !fault.fix.is_empty(), "{fault:?}");
            assert!(!format!("{found:?}").contains("secret"), "{found:?}");
        }
    }

    fn member((name, value): (String, Value)) -> String {
        format!("{}: {value}", Value::from(name))
    }

    #[test]
    fn five_functions_with_the_same_apps_in_another_order_of_members_know_the_same() {
        let mut apps: Vec<serde_json::Map<String, Value>> = serde_json::from_str(stand_in::APPS).unwrap();
        let members: Vec<String> = std::mem::take(&mut apps[0]).into_iter().rev().map(member).collect();
        let found = with("talk-share", "KAKAO_APPS", &format!("[ {{{}}} ]", members.join(", ")));
        assert_eq!(worst(&found), Verdict::Right, "{found:?}");
        let found = with("talk-share", "KAKAO_APPS", &stand_in::APPS.replace("123456", "654321"));
        assert_eq!(worst(&found), Verdict::Mistake);
        let named = "unlink and talk-share have different apps";
        assert!(found.iter().any(|finding| finding.seen == named), "{found:?}");
    }

    #[test]
    fn of_a_digest_only_the_beginning_and_of_a_key_nothing_is_shown() {
        let shown = format!("{:?}", findings(&stand_in::healthy()));
        assert!(shown.contains("app 123456 (a1bf4dc2…)"), "{shown}");
        assert!(!shown.contains(stand_in::REST_API_KEY) && !shown.contains("a1bf4dc2c0"), "{shown}");
    }

    #[test]
    fn names_and_values_together_are_near_lambdas_limit_from_3500_bytes_on() {
        let own = stand_in::function("skill").settings.bytes();
        for (bytes, verdict) in [(3_499, Verdict::Right), (3_500, Verdict::Warning)] {
            let found = with("skill", "SKILL_TEXT", &"x".repeat(bytes - own - "SKILL_TEXT".len()));
            assert_eq!(worst(&found), verdict, "{found:?}");
        }
    }

    #[test]
    fn a_function_with_another_stacks_table_or_queue_is_a_mistake() {
        for variable in ["TABLE_NAME", "EVENT_QUEUE_URL"] {
            assert_eq!(worst(&with("janitor", variable, "another")), Verdict::Mistake);
        }
    }
}

//! What differs between two documents of rules.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ui::output;

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What, on one line. A place is that in the new document, but of a rule that is gone that in the stored one.
    pub(super) line: String,
    /// What the rule said before, and what it says now: a mark and a text each.
    pub(super) said: Vec<(&'static str, String)>,
}

impl Change {
    fn of(line: impl Into<String>) -> Self {
        Self { line: line.into(), said: vec![] }
    }
}

/// Which rules are new, gone or different, and whether their order is another.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = vec![];
    for list in ["rules", "validations"] {
        changes.extend(changes_of(list, &entries(before, list), &entries(after, list)));
    }
    let rest = |document: &Value| {
        let mut rest = document.clone();
        if let Some(members) = rest.as_object_mut() {
            members.retain(|name, _| name != "rules" && name != "validations");
        }
        rest
    };
    if changes.is_empty() && rest(before) != rest(after) {
        changes.push(Change::of("~ comments only"));
    }
    changes
}

/// A rule, what it is called, and its place.
struct Entry<'d> {
    called: String,
    index: usize,
    rule: &'d Value,
}

/// What makes two rules the same one: the name or the condition, and how many of the same stand before it.
type Key = (String, usize);

fn entries<'d>(document: &'d Value, list: &str) -> Vec<(Key, Entry<'d>)> {
    let rules = document.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut seen = BTreeMap::<String, usize>::new();
    let entry = |(index, rule): (usize, &'d Value)| {
        let called = name_of(rule);
        let times = seen.entry(called.clone()).or_default();
        let before = *times;
        *times += 1;
        ((called.clone(), before), Entry { called, index, rule })
    };
    rules.iter().enumerate().map(entry).collect()
}

/// The name, or else the condition.
pub(super) fn name_of(rule: &Value) -> String {
    let name = rule.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    name.map_or_else(|| condition_of(rule), str::to_owned)
}

/// What a rule without a condition is called.
pub(super) const ALWAYS: &str = "always";

/// The condition in words.
pub(super) fn condition_of(rule: &Value) -> String {
    let texts = |wanted: &Value| match wanted {
        Value::Array(texts) => texts.iter().map(plain).collect::<Vec<_>>().join(" | "),
        one => plain(one),
    };
    let members = rule.get("when").and_then(Value::as_object).into_iter().flatten();
    let conditions: Vec<_> = members.map(|(name, wanted)| format!("{name} {}", texts(wanted))).collect();
    if conditions.is_empty() { ALWAYS.to_owned() } else { conditions.join(", ") }
}

/// A text as it is, and any other value as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changes_of(list: &str, before: &[(Key, Entry<'_>)], after: &[(Key, Entry<'_>)]) -> Vec<Change> {
    let change = |mark: &str, entry: &Entry<'_>, said| {
        let line = format!("{mark} {list}[{}] {}", entry.index, output::shortened(&entry.called, 50));
        Change { line, said }
    };
    let with = |key: &Key, entries: &'_ [(Key, Entry<'_>)]| entries.iter().position(|(other, _)| other == key);
    let mut changes = vec![];
    for (key, entry) in before {
        if with(key, after).is_none() {
            changes.push(change("-", entry, vec![("-", said(entry.rule))]));
        }
    }
    for (key, entry) in after {
        match with(key, before).and_then(|index| before.get(index)) {
            None => changes.push(change("+", entry, vec![("+", said(entry.rule))])),
            Some((_, old)) if old.rule != entry.rule => {
                changes.push(change("~", entry, differences(old.rule, entry.rule)));
            }
            Some(_) => {}
        }
    }
    let order = |one: &[(Key, Entry<'_>)], other: &[(Key, Entry<'_>)]| -> Vec<Key> {
        one.iter().map(|(key, _)| key.clone()).filter(|key| with(key, other).is_some()).collect()
    };
    if order(before, after) != order(after, before) {
        changes.push(Change::of(format!("~ the order of {list}")));
    }
    changes
}

/// What a rule asks for and says that differs, before and now.
fn differences(before: &Value, after: &Value) -> Vec<(&'static str, String)> {
    let pairs = [(condition_of(before), condition_of(after)), (said(before), said(after))];
    let differing: Vec<_> = pairs.into_iter().filter(|(before, after)| before != after).collect();
    if !differing.is_empty() {
        return differing.into_iter().flat_map(|(before, after)| [("-", before), ("+", after)]).collect();
    }
    let is_reply = before.get("reply") != after.get("reply");
    vec![("~", if is_reply { format!("within {}", said(after)) } else { "its comment or name only".to_owned() })]
}

/// A reply in short: its words, or the names of its components; of a rule for validations its status.
pub(super) fn said(rule: &Value) -> String {
    let Some(reply) = rule.get("reply") else { return rule.get("status").map(plain).unwrap_or_default() };
    let words = reply.as_str().or_else(|| reply.get("text").and_then(Value::as_str));
    let outputs = reply.pointer("/template/outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let components = outputs.iter().filter_map(Value::as_object).filter_map(|output| output.keys().next());
    let said = words.map_or_else(|| components.cloned().collect::<Vec<_>>().join(", "), str::to_owned);
    let quick_replies = reply.get("quick_replies").or_else(|| reply.pointer("/template/quickReplies"));
    let labels: Vec<_> = quick_replies.and_then(Value::as_array).into_iter().flatten().map(label).collect();
    match (said.is_empty(), labels.is_empty()) {
        (true, true) => "(nothing)".to_owned(),
        (_, true) => said,
        (_, false) => format!("{said} [{}]", labels.join("] [")).trim_start().to_owned(),
    }
}

fn label(quick_reply: &Value) -> String {
    plain(quick_reply.get("label").unwrap_or(quick_reply))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(rules: &Value) -> Value {
        json!({"version": 1, "rules": rules})
    }

    fn lines(before: &Value, after: &Value) -> Vec<String> {
        changes(before, after).into_iter().map(|change| change.line).collect()
    }

    #[test]
    fn rules_are_compared_by_their_names_or_else_by_their_conditions() {
        let named = |name: &str, reply: &str| json!({"name": name, "when": {"says": name}, "reply": reply});
        let plain = |says: Value, reply: &str| json!({"when": {"says": says}, "reply": reply});
        let before = document(&json!([named("a", "1"), named("b", "1"), plain(json!("c"), "1"), {"reply": "1"}]));
        let after = document(&json!([named("b", "2"), named("a", "1"), plain(json!(["c", "d"]), "1"), {"reply": "2"}]));
        assert_eq!(
            lines(&before, &after),
            ["- rules[2] says c", "~ rules[0] b", "+ rules[2] says c | d", "~ rules[3] always", "~ the order of rules",]
        );
        assert_eq!(lines(&before, &before), Vec::<String>::new());
        assert_eq!(lines(&Value::Null, &before).len(), 4);
    }

    #[test]
    fn two_rules_of_one_condition_are_two_rules() {
        let rule = |reply: &str| json!({"when": {"says": "a"}, "reply": reply});
        let (before, after) = (document(&json!([rule("1"), rule("2")])), document(&json!([rule("1"), rule("3")])));
        assert_eq!(lines(&before, &after), ["~ rules[1] says a"]);
    }

    #[test]
    fn a_rule_for_rooms_and_one_for_chats_are_two_rules() {
        let rule = |room: bool| json!({"when": {"room": room, "says": ["a", 7]}, "reply": "1"});
        assert_eq!(condition_of(&rule(true)), "room true, says a | 7");
        let (before, after) =
            (document(&json!([rule(true), rule(false)])), document(&json!([rule(false), rule(true)])));
        assert_eq!(lines(&before, &after), ["~ the order of rules"]);
    }

    #[test]
    fn a_change_shows_what_a_rule_said_and_what_it_says() {
        let whole = |title: &str| json!({"version": "2.0", "template": {"outputs": [{"textCard": {"title": title}}]}});
        let rule = |name: &str, when: &str, reply: Value| json!({"name": name, "when": {"says": when}, "reply": reply});
        let quick = json!({"text": "b", "quick_replies": ["x", "y"]});
        let before = document(&json!([
            rule("words", "a", json!("b")), rule("card", "a", whole("1")), rule("gone", "a", json!("b")),
            {"name": "comment", "comment": "1", "reply": "b"}
        ]));
        let after = document(&json!([
            rule("words", "c", quick), rule("card", "a", whole("2")),
            {"name": "comment", "comment": "2", "reply": "b"}, {"when": {"room": true}, "reply": {"version": "2.0", "template": {"outputs": []}}}
        ]));
        let shown: Vec<_> = changes(&before, &after)
            .into_iter()
            .map(|Change { line, said }| {
                said.iter().fold(line, |shown, (mark, said)| format!("{shown}; {mark} {said}"))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "- rules[2] gone; - b",
                "~ rules[0] words; - says a; + says c; - b; + b [x] [y]",
                "~ rules[1] card; ~ within textCard",
                "~ rules[2] comment; ~ its comment or name only",
                "+ rules[3] room true; + (nothing)",
            ]
        );
    }

    #[test]
    fn a_comment_of_the_document_is_a_change() {
        let before = json!({"version": 1, "rules": []});
        assert_eq!(lines(&before, &json!({"version": 1, "rules": [], "comment": "a"})), ["~ comments only"]);
        let validations = json!({"version": 1, "rules": [], "validations": [{"status": "FAIL"}]});
        assert_eq!(lines(&before, &validations), ["+ validations[0] always"]);
    }
}

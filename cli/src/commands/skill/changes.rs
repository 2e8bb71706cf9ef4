//! What differs between two documents of rules.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ui::output;

/// Which rules are new, gone or different, one a line, and whether their order is another.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
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
        changes.push("~ comments only".to_owned());
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

/// The condition in words.
pub(super) fn condition_of(rule: &Value) -> String {
    let texts = |wanted: &Value| match wanted {
        Value::Array(texts) => texts.iter().map(plain).collect::<Vec<_>>().join(" | "),
        one => plain(one),
    };
    let members = rule.get("when").and_then(Value::as_object).into_iter().flatten();
    let conditions: Vec<_> = members.map(|(name, wanted)| format!("{name} {}", texts(wanted))).collect();
    if conditions.is_empty() { "always".to_owned() } else { conditions.join(", ") }
}

/// A text as it is, and any other value as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn changes_of(list: &str, before: &[(Key, Entry<'_>)], after: &[(Key, Entry<'_>)]) -> Vec<String> {
    let line = |mark: &str, entry: &Entry<'_>| {
        format!("{mark} {list}[{}] {}", entry.index, output::shortened(&entry.called, 50))
    };
    let with = |key: &Key, entries: &'_ [(Key, Entry<'_>)]| entries.iter().position(|(other, _)| other == key);
    let mut changes = vec![];
    for (key, entry) in before {
        if with(key, after).is_none() {
            changes.push(line("-", entry));
        }
    }
    for (key, entry) in after {
        match with(key, before).and_then(|index| before.get(index)) {
            None => changes.push(line("+", entry)),
            Some((_, old)) if old.rule != entry.rule => changes.push(line("~", entry)),
            Some(_) => {}
        }
    }
    let order = |one: &[(Key, Entry<'_>)], other: &[(Key, Entry<'_>)]| -> Vec<Key> {
        one.iter().map(|(key, _)| key.clone()).filter(|key| with(key, other).is_some()).collect()
    };
    if order(before, after) != order(after, before) {
        changes.push(format!("~ the order of {list}"));
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(rules: &Value) -> Value {
        json!({"version": 1, "rules": rules})
    }

    #[test]
    fn rules_are_compared_by_their_names_or_else_by_their_conditions() {
        let named = |name: &str, reply: &str| json!({"name": name, "when": {"says": name}, "reply": reply});
        let plain = |says: Value, reply: &str| json!({"when": {"says": says}, "reply": reply});
        let before = document(&json!([named("a", "1"), named("b", "1"), plain(json!("c"), "1"), {"reply": "1"}]));
        let after = document(&json!([named("b", "2"), named("a", "1"), plain(json!(["c", "d"]), "1"), {"reply": "2"}]));
        assert_eq!(
            changes(&before, &after),
            ["- rules[2] says c", "~ rules[0] b", "+ rules[2] says c | d", "~ rules[3] always", "~ the order of rules",]
        );
        assert_eq!(changes(&before, &before), Vec::<String>::new());
        assert_eq!(changes(&Value::Null, &before).len(), 4);
    }

    #[test]
    fn two_rules_of_one_condition_are_two_rules() {
        let rule = |reply: &str| json!({"when": {"says": "a"}, "reply": reply});
        let (before, after) = (document(&json!([rule("1"), rule("2")])), document(&json!([rule("1"), rule("3")])));
        assert_eq!(changes(&before, &after), ["~ rules[1] says a"]);
    }

    #[test]
    fn a_rule_for_rooms_and_one_for_chats_are_two_rules() {
        let rule = |room: bool| json!({"when": {"room": room, "says": ["a", 7]}, "reply": "1"});
        assert_eq!(condition_of(&rule(true)), "room true, says a | 7");
        let (before, after) =
            (document(&json!([rule(true), rule(false)])), document(&json!([rule(false), rule(true)])));
        assert_eq!(changes(&before, &after), ["~ the order of rules"]);
    }

    #[test]
    fn a_comment_of_the_document_is_a_change() {
        let before = json!({"version": 1, "rules": []});
        assert_eq!(changes(&before, &json!({"version": 1, "rules": [], "comment": "a"})), ["~ comments only"]);
        let validations = json!({"version": 1, "rules": [], "validations": [{"status": "FAIL"}]});
        assert_eq!(changes(&before, &validations), ["+ validations[0] always"]);
    }
}

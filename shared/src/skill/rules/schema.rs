//! The published JSON Schema of the document is that of these types, and takes what the reader takes.

use std::{fs, path::Path};

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Rules, ValidationStatus};
use crate::state::schemas::{is_published, schema_of};

/// Rules for a chatbot's answers: what `khook skill rules put` stores. The first rule that fits a message is its
/// answer. Kakao's limits of replies are checked by `khook skill rules check`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SkillRules {
    /// Where this schema is, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "String::is_empty")]
    schema: String,
    /// The form of this document.
    #[schemars(range(min = 1, max = 1))]
    version: u8,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    /// The rules for messages, in the order in which they are tried.
    rules: Vec<MessageRule>,
    /// The rules for parameter validations. Where none fits, the value is a good one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    validations: Vec<ValidationRule>,
}

/// A rule for messages.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MessageRule {
    /// What `khook` calls it. Rules with a name are compared with the stored rule of that name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    /// Without it the rule fits every message.
    #[serde(default, skip_serializing_if = "When::is_empty")]
    when: When,
    reply: ReplyForm,
}

/// When a rule fits: all members must hold, and each holds if one of its texts does. Texts are compared composed (NFC),
/// with single blanks, without invisible characters and without the mention of the bot in front.
#[derive(Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct When {
    /// Whether the message was written in a group chat room. A rule with `true` is for rooms only, and its reply may
    /// hold all that rooms take; a rule with `false` is for chats only; one without is for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    room: Option<bool>,
    /// The block's id or name.
    #[serde(default, skip_serializing_if = "Texts::is_none")]
    block: Texts,
    /// The matched intent's id or name.
    #[serde(default, skip_serializing_if = "Texts::is_none")]
    intent: Texts,
    #[serde(flatten)]
    words: Words,
}

/// What the user said.
#[derive(Default, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Words {
    /// All of what the user said.
    #[serde(default, skip_serializing_if = "Texts::is_none")]
    says: Texts,
    /// How what the user said begins.
    #[serde(default, skip_serializing_if = "Texts::is_none")]
    starts_with: Texts,
    /// What occurs anywhere in what the user said, inside words, too.
    #[serde(default, skip_serializing_if = "Texts::is_none")]
    contains: Texts,
}

impl When {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A text, or several of which one is enough.
#[derive(PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Texts {
    One(#[schemars(length(min = 1))] String),
    Several(#[schemars(length(min = 1), inner(length(min = 1)))] Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Several(vec![])
    }
}

impl Texts {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What is answered.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum ReplyForm {
    /// Words.
    Text(#[schemars(length(min = 1, max = 1000))] String),
    Short(ShortReply),
    Whole(WholeReply),
}

/// Words with quick replies. In group chat rooms, which have none, they are left out.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShortReply {
    #[schemars(length(min = 1, max = 1000))]
    text: String,
    /// Each says what is written on it.
    #[schemars(length(max = 10), inner(length(min = 1)))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quick_replies: Vec<String>,
}

/// A whole SkillResponse, as Kakao documents it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct WholeReply {
    #[schemars(regex(pattern = r"^2\.0$"))]
    version: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// A rule for parameter validations.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValidationRule {
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
    /// Without it the rule fits every value. Kakao names neither block nor intent here.
    #[serde(default, skip_serializing_if = "ValidationWhen::is_empty")]
    when: ValidationWhen,
    status: ValidationStatus,
}

/// When a rule for validations fits, as for messages.
#[derive(Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ValidationWhen {
    #[serde(flatten)]
    words: Words,
}

impl ValidationWhen {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn schema() -> Value {
    schema_of::<SkillRules>("skill-rules")
}

#[test]
fn the_published_schema_of_the_rules_is_that_of_the_types() {
    is_published("skill-rules.json", &schema());
}

#[test]
fn a_mistake_of_the_form_is_one_of_the_schema() {
    let document = |rule: Value| json!({"version": 1, "rules": [rule]});
    for wrong in [
        json!({}),
        json!({"version": 2, "rules": []}),
        json!({"version": 1, "rules": [], "more": 1}),
        json!({"version": 1, "rules": [], "validations": [{"status": "fail"}]}),
        json!({"version": 1, "rules": [], "validations": [{"status": "FAIL", "when": {"block": "b"}}]}),
        document(json!({})),
        document(json!({"reply": "a", "nmae": "b"})),
        document(json!({"reply": ""})),
        document(json!({"reply": {"text": "a", "quick_reply": []}})),
        document(json!({"reply": {"template": {}}})),
        document(json!({"reply": "a", "when": {"say": "b"}})),
        document(json!({"reply": "a", "when": {"says": []}})),
        document(json!({"reply": "a", "when": {"says": [""]}})),
        document(json!({"reply": "a", "when": {"says": 7}})),
        document(json!({"reply": "a", "when": {"room": "true"}})),
    ] {
        assert!(!jsonschema::is_valid(&schema(), &wrong), "{wrong}");
        assert!(Rules::from_json(&wrong.to_string()).is_err(), "{wrong}");
    }
}

/// The example, and every example of the documentation.
fn examples() -> Vec<(String, String)> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let mut examples = vec![("skill-rules.json".to_owned(), read(&project.join("infra/examples/skill-rules.json")))];
    for entry in fs::read_dir(project.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let page = if path.extension().is_some_and(|ending| ending == "md") { read(&path) } else { continue };
        let blocks = page.split("```json\n").skip(1).filter_map(|rest| Some(rest.split_once("\n```")?.0));
        let rules = blocks.filter(|block| block.contains("\"rules\": ["));
        examples.extend(rules.map(|block| (path.display().to_string(), block.to_owned())));
    }
    examples
}

#[test]
fn every_example_is_in_order() {
    let examples = examples();
    assert!(examples.len() > 1, "the pages have an example");
    for (page, text) in examples {
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(jsonschema::is_valid(&schema(), &document), "{page}");
        let rules = Rules::from_json(&text).unwrap();
        assert_eq!(rules.remarks(), [], "{page}");
    }
}

fn texts() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[가-힣a]{1,3}".prop_map(Value::from),
        proptest::collection::vec("[가-힣a]{1,3}", 1..3).prop_map(|texts| json!(texts))
    ]
}

fn when() -> impl Strategy<Value = Value> {
    let names = proptest::sample::select(vec!["says", "starts_with", "contains"]);
    proptest::collection::btree_map(names, texts(), 0..3).prop_map(|when| json!(when))
}

fn reply() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[가-힣a]{1,3}".prop_map(Value::from),
        ("[가-힣a]{1,3}", proptest::collection::vec("[가-힣a]{1,3}", 0..3))
            .prop_map(|(text, labels)| json!({"text": text, "quick_replies": labels})),
        "[가-힣a]{1,3}"
            .prop_map(|text| json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}})),
    ]
}

proptest! {
    #[test]
    fn what_fits_the_schema_is_read(
        rules in proptest::collection::vec((when(), reply()), 0..3), validations in proptest::collection::vec(when(), 0..3)
    ) {
        let rules: Vec<_> = rules.iter().map(|(when, reply)| json!({"name": "a", "when": when, "reply": reply})).collect();
        let validations: Vec<_> = validations.iter().map(|when| json!({"when": when, "status": "FAIL"})).collect();
        let document = json!({"$schema": "x", "version": 1, "rules": rules, "validations": validations});
        prop_assert!(jsonschema::is_valid(&schema(), &document), "{document}");
        prop_assert!(Rules::from_json(&document.to_string()).is_ok(), "{document}");
        prop_assert!(serde_json::from_value::<SkillRules>(document).is_ok());
    }
}

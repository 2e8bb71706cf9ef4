//! Whether a skill's answer is one that Kakao takes, as far as all kinds of answers have it in common: form, counts,
//! lengths. Every limit of every card is the service's own affair (`Reply::build` of the library).

use kakao_webhooks::skill::MAX_REPLY_BYTES;
use serde_json::Value;

use super::{finding::Judgement, probe::Response, status, wrapper};

const COMPONENTS: [&str; 8] =
    ["simpleText", "simpleImage", "textCard", "basicCard", "commerceCard", "listCard", "itemCard", "carousel"];
const MAX_SIMPLE_TEXT: usize = 1_000;

/// The answer to a message.
pub(super) fn judge(answer: &Response) -> Judgement {
    let form = status::is_json(answer);
    if !form.fix.is_empty() {
        return form;
    }
    let Some(reply) = answer.json() else {
        return status::no_json(answer, "answer with a SkillResponse: a JSON object with version and template");
    };
    if let Some(wrapper) = wrapper::around(&reply) {
        return wrapper::judgement(&wrapper);
    }
    match mistake(&reply, answer.body.len()) {
        None if is_without_bubbles(&reply) => Judgement::warning(
            "`template.outputs` is empty: nothing is shown",
            "none, if the bot has nothing to answer (a group chatbot's notification); else one to three bubbles",
        ),
        None => Judgement::right("a valid SkillResponse"),
        Some((seen, fix)) => Judgement::mistake(seen, fix),
    }
}

type Mistake = (String, &'static str);

fn is_without_bubbles(reply: &Value) -> bool {
    reply.pointer("/template/outputs").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// The first thing that is wrong, and the fix.
fn mistake(reply: &Value, bytes: usize) -> Option<Mistake> {
    if bytes > MAX_REPLY_BYTES {
        return Some((format!("{bytes} bytes"), "stay below 30 KB: longer ones may show the block's fallback"));
    }
    version(reply).or_else(|| match (reply.get("template"), reply.get("useCallback")) {
        (None, Some(Value::Bool(true))) => None,
        (Some(_), Some(Value::Bool(true))) => Some((
            "`useCallback` and `template` together".to_owned(),
            "leave `template` out: the real answer goes to the callback URL",
        )),
        (Some(template), _) => of_template(template),
        // Values for the block's own bubbles, or for the contexts, without bubbles.
        (None, _) if ["data", "context"].iter().any(|name| reply.get(name).is_some_and(Value::is_object)) => None,
        (None, _) => Some(("`template` is missing".to_owned(), "put one to three bubbles into `template.outputs`")),
    })
}

/// What every answer of a skill begins with, the registration check's too.
pub(super) fn version(answer: &Value) -> Option<Mistake> {
    match answer.get("version") {
        Some(Value::String(text)) if text == "2.0" => None,
        Some(Value::Number(number)) => {
            Some((format!("`version` is the number {number}"), "write it as text: \"version\": \"2.0\""))
        }
        Some(_) => Some(("`version` is something else than \"2.0\"".to_owned(), "set \"version\": \"2.0\"")),
        None => Some(("`version` is missing".to_owned(), "add \"version\": \"2.0\"")),
    }
}

fn of_template(template: &Value) -> Option<Mistake> {
    let Some(outputs) = template.get("outputs").and_then(Value::as_array) else {
        return Some(("`template.outputs` is not a list".to_owned(), "put one to three bubbles into it"));
    };
    if outputs.len() > 3 {
        let seen = format!("`template.outputs` has {} elements", outputs.len());
        return Some((seen, "an answer has one to three bubbles"));
    }
    let quick_replies = template.get("quickReplies").and_then(Value::as_array).map_or(0, Vec::len);
    if quick_replies > 10 {
        return Some((format!("`template.quickReplies` has {quick_replies} elements"), "at most ten are shown"));
    }
    outputs.iter().enumerate().find_map(|(index, output)| of_output(index, output))
}

fn of_output(index: usize, output: &Value) -> Option<Mistake> {
    let members = output.as_object().into_iter().flatten();
    let [(name, component)] = members.collect::<Vec<_>>()[..] else {
        return Some((
            format!("`template.outputs[{index}]` is not one component"),
            "each element of `outputs` has one member, such as simpleText",
        ));
    };
    if !COMPONENTS.contains(&name.as_str()) {
        let seen = format!("`template.outputs[{index}]` has no component that Kakao knows");
        return Some((seen, "use simpleText or one of the cards; upper and lower case matter"));
    }
    if name != "simpleText" {
        return None;
    }
    let field = format!("`template.outputs[{index}].simpleText.text`");
    match component.get("text").and_then(Value::as_str).map(|text| text.encode_utf16().count()) {
        None | Some(0) => Some((format!("{field} is empty or no text"), "say something: an empty bubble isn't shown")),
        Some(length) if length > MAX_SIMPLE_TEXT => {
            Some((format!("{field} has {length} characters"), "cut it: at most 1,000 are allowed"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::skill::{QuickReply, Reply, TextCard};
    use serde_json::json;

    use super::*;
    use crate::commands::check::finding::Verdict;

    fn found(reply: &Value) -> Option<String> {
        mistake(reply, reply.to_string().len()).map(|(seen, fix)| {
            assert!(!fix.is_empty());
            seen
        })
    }

    #[test]
    fn whatever_the_library_builds_is_valid() {
        let card = TextCard { title: Some("제목".to_owned()), ..TextCard::default() };
        for reply in [
            Reply::text("안녕").quick_reply(QuickReply::message("a", "b")),
            Reply::text(&"한".repeat(2_000)).and(card.clone()).and(card),
            Reply::default().data("a", 1),
        ] {
            let text = reply.build().unwrap().into_json();
            assert_eq!(found(&serde_json::from_str(&text).unwrap()), None, "{text}");
        }
        assert_eq!(found(&json!({"version": "2.0", "useCallback": true, "data": {}})), None);
    }

    #[test]
    fn an_answer_without_bubbles_is_a_remark() {
        let found = judge(&status::tests::json(200, r#"{"version": "2.0", "template": {"outputs": []}}"#));
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(found.seen.contains("empty") && found.fix.contains("group chatbot"), "{found:?}");
    }

    #[test]
    fn an_answer_one_level_too_deep_or_behind_a_mark_is_named_by_its_real_mistake() {
        for (body, seen, fix) in [
            (r#"{"response": {"template": {"outputs": []}, "version": "2.0"}}"#, "`response`", "unwrap it"),
            ("\u{feff}{\"version\": \"2.0\"}", "byte order mark", "without BOM"),
        ] {
            let found = judge(&status::tests::json(200, body));
            assert_eq!(found.verdict, Verdict::Mistake);
            assert!(found.seen.contains(seen) && found.fix.contains(fix), "{found:?}");
        }
    }

    #[test]
    fn each_mistake_is_found_and_named() {
        let bubble = |text: &str| json!({"simpleText": {"text": text}});
        let with = |outputs: Value| json!({"version": "2.0", "template": {"outputs": outputs}});
        let replies = json!({"version": "2.0", "template": {"outputs": [bubble("a")], "quickReplies": vec![0; 11]}});
        for (reply, word) in [
            (json!([]), "`version` is missing"),
            (json!({"version": 2.0}), "number 2.0"),
            (json!({"version": "1.0"}), "something else"),
            (json!({"version": "2.0"}), "`template` is missing"),
            (json!({"version": "2.0", "useCallback": true, "template": {}}), "together"),
            (json!({"version": "2.0", "template": {}}), "not a list"),
            (with(json!([bubble("a"), bubble("b"), bubble("c"), bubble("d")])), "4 elements"),
            (with(json!(["a"])), "outputs[0]` is not one component"),
            (with(json!([bubble("a"), {"simpletext": {}}])), "outputs[1]` has no component"),
            (with(json!([bubble("")])), "empty or no text"),
            (with(json!([bubble(&"🙂".repeat(501))])), "1002 characters"),
            (with(json!([bubble(&"x".repeat(30_000))])), "bytes"),
            (replies, "11 elements"),
        ] {
            assert!(found(&reply).is_some_and(|seen| seen.contains(word)), "{word}: {:?}", found(&reply));
        }
    }
}

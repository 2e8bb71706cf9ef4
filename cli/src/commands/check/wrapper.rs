//! A skill's answer that is one level too deep, as in `{"response": {"version": "2.0", …}}`.

use serde_json::Value;

use super::finding::Judgement;

/// The wrapper of the answer, if it has one.
pub(super) fn around(body: &Value) -> Option<String> {
    if is_answer(body) {
        return None;
    }
    match body {
        Value::Object(members) => members.iter().find_map(|(name, value)| holding(value, &format!("`{name}`"))),
        Value::Array(elements) => elements.iter().find_map(|element| holding(element, "a list")),
        body => holding(body, "another JSON document"),
    }
}

/// The wrapper's name, if its value is an answer, or text that is one.
fn holding(value: &Value, name: &str) -> Option<String> {
    let is_text_of_one = |text: &str| serde_json::from_str(text).is_ok_and(|value| is_answer(&value));
    match value {
        Value::String(text) if is_text_of_one(text) => Some(format!("{name} as text")),
        value => is_answer(value).then(|| name.to_owned()),
    }
}

/// Whether it is meant to be an answer: of a message, or of the registration check.
fn is_answer(value: &Value) -> bool {
    let has = |name| value.get(name).is_some();
    let has_content = || ["template", "data", "context", "useCallback"].into_iter().any(has);
    value.pointer("/template/outputs").is_some() || (has("version") && has_content())
}

pub(super) fn judgement(wrapper: &str) -> Judgement {
    Judgement::mistake(
        format!("the answer is inside {wrapper}"),
        format!("unwrap it: the body is what {wrapper} holds, and nothing around it"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrapper_is_named_and_an_answer_has_none() {
        let answer = json!({"version": "2.0", "template": {"outputs": []}});
        let checked = json!({"version": "2.0", "data": {}});
        for (body, wrapper) in [
            (json!({"response": answer}), Some("`response`")),
            (json!({"statusCode": 200, "body": answer.to_string()}), Some("`body` as text")),
            (json!({"data": checked}), Some("`data`")),
            (json!({"version": "2.0", "result": {"template": {"outputs": []}}}), Some("`result`")),
            (json!([answer]), Some("a list")),
            (json!(answer.to_string()), Some("another JSON document as text")),
            (json!({"version": "2.0", "data": answer}), None),
            (json!({"data": {}}), None),
            (json!({"a": {"b": answer}}), None),
            (answer, None),
            (checked, None),
        ] {
            assert_eq!(around(&body).as_deref(), wrapper, "{body}");
        }
    }
}

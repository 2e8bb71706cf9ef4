//! Whether a skill's answer is one that Kakao takes, by the rules of the library that builds answers.

use kakao_webhooks::skill::{
    InvalidReply, MAX_REPLY_BYTES, Note, Place, Remark, ReplyError, Rule, SkillResponse, ValidationStatus, Violation,
};
use play_kakao::callback::words_of;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use runtime::config::FALLBACK_TEXT;
use serde_json::Value;

use super::{finding::Judgement, probe::Response, status, wrapper};
use crate::ui::output::shortened;

/// The answer to a message that was written in this place.
pub(super) fn judge(answer: &Response, place: Place) -> Judgement {
    let form = status::is_json(answer);
    if form.fix.is_empty() { judge_body(&answer.body, place) } else { form }
}

/// The same of an answer that was recorded with this content type (empty: it had none).
pub(crate) fn judge_recorded(content_type: &str, body: &str, place: Place) -> Judgement {
    let content_type = HeaderValue::from_str(content_type).ok().filter(|value| !value.is_empty());
    let headers = content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect();
    judge(&Response { headers, body: body.to_owned(), ..Response::default() }, place)
}

/// The same of the body alone, such as that of a request to a callback URL, which has no status.
pub(crate) fn judge_body(body: &str, place: Place) -> Judgement {
    let Ok(reply) = serde_json::from_str::<Value>(body) else {
        return status::no_json(body, "answer with a SkillResponse: a JSON object with version and template");
    };
    if let Some(wrapper) = wrapper::around(&reply) {
        return wrapper::judgement(&wrapper);
    }
    if let Some((seen, fix)) = mistake_before_rules(&reply, body.len()) {
        return Judgement::mistake(seen, fix);
    }
    if words_of(&reply) == FALLBACK_TEXT {
        return Judgement::warning(format!("SkillFallbackText: {}", said(&reply)), FALLBACK_CAUSE);
    }
    if reply.get("useCallback") == Some(&Value::Bool(true)) {
        return Judgement::right("a valid SkillResponse: the real answer goes to the callback URL");
    }
    if place == Place::Chat && is_without_bubbles(&reply) {
        return Judgement::warning(
            "`template.outputs` is empty: nothing is shown",
            "none, if the bot has nothing to answer (a group chatbot's notification); else one to three bubbles",
        );
    }
    match SkillResponse::from_json(body, place) {
        Ok(response) => remarked(response.remarks(), &reply),
        Err(ReplyError::Json(error)) => {
            Judgement::mistake(error.to_string(), "answer with one JSON object, each key once")
        }
        Err(ReplyError::Invalid(InvalidReply(violations))) => violated(&violations),
    }
}

/// How to find why a user got the fallback text.
pub(crate) const FALLBACK_CAUSE: &str = "the answerer gave no usable answer in time. `not_answered` in its log \
                                         (CloudWatch, or what `khook dev` prints) names the cause";

/// What a user reads, in short: the words of the text bubbles, and the names of the other components.
fn said(reply: &Value) -> String {
    let outputs = reply.pointer("/template/outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |output: &Value| output.pointer("/simpleText/text").and_then(Value::as_str).map(str::to_owned);
    let name = |output: &Value| output.as_object().and_then(|members| members.keys().next()).cloned();
    let gap = if outputs.iter().any(|output| text(output).is_some()) { " / " } else { ", " };
    let bubbles: Vec<_> = outputs.iter().filter_map(|output| text(output).or_else(|| name(output))).collect();
    match bubbles.join(gap).replace('\n', " / ") {
        words if words.is_empty() => "no words, but data for the block's own bubbles".to_owned(),
        words => shortened(&words, MOST_SAID),
    }
}

/// So many characters of an answer are shown.
const MOST_SAID: usize = 200;

type Mistake = (String, &'static str);

fn is_without_bubbles(reply: &Value) -> bool {
    reply.pointer("/template/outputs").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// What a sender of a whole answer gets wrong most, with a fix of its own.
fn mistake_before_rules(reply: &Value, bytes: usize) -> Option<Mistake> {
    if bytes > MAX_REPLY_BYTES {
        return Some((format!("{bytes} bytes"), "stay below 30 KB: longer ones may show the block's fallback"));
    }
    version(reply).or_else(|| match (reply.get("template"), reply.get("useCallback")) {
        (Some(_), Some(Value::Bool(true))) => Some((
            "`useCallback` and `template` together".to_owned(),
            "leave `template` out: the real answer goes to the callback URL",
        )),
        _ => None,
    })
}

fn remarked(remarks: &[Remark], reply: &Value) -> Judgement {
    // A mistake, if there is one, goes before what is only remarkable.
    let (mistakes, others): (Vec<_>, Vec<_>) = remarks.iter().partition(|remark| MISTAKES.contains(&remark.what));
    let all: Vec<_> = mistakes.into_iter().chain(others).collect();
    let Some(worst) = all.first() else {
        return Judgement::right(format!("a valid SkillResponse: {}", said(reply)));
    };
    let seen = all.iter().map(|remark| remark_of_check(remark)).collect::<Vec<_>>().join("; ");
    match worst.what {
        SkillResponse::UNKNOWN_COMPONENT => {
            Judgement::mistake(seen, "use simpleText or one of the cards; upper and lower case matter")
        }
        Note::Words(SkillResponse::LEFT_OUT_IN_ROOMS) => Judgement::mistake(seen, "leave it out there"),
        _ => Judgement::warning(seen, "compare it with Kakao's guide: it may have no effect"),
    }
}

/// The chatbot's own function leaves out what rooms don't show; what is judged is the answer that Kakao gets.
const MISTAKES: [Note; 2] = [SkillResponse::UNKNOWN_COMPONENT, Note::Words(SkillResponse::LEFT_OUT_IN_ROOMS)];

fn remark_of_check(Remark { field, what }: &Remark) -> String {
    let field = below_template(field);
    match *what {
        SkillResponse::UNKNOWN_COMPONENT => format!("`{field}` is no component that Kakao knows"),
        Note::Words(SkillResponse::LEFT_OUT_IN_ROOMS) => format!("`{field}`: group chat rooms don't show it"),
        what => Remark { field, what }.to_string(),
    }
}

fn violated(violations: &[Violation]) -> Judgement {
    let Some(Violation { field, rule }) = violations.first() else {
        return Judgement::right("a valid SkillResponse");
    };
    let seen = Violation { field: below_template(field), rule: *rule }.to_string();
    Judgement::mistake(and_more(seen, violations.len()), fix(field, *rule))
}

fn and_more(first: String, all: usize) -> String {
    match all {
        0 | 1 => first,
        _ => format!("{first} (and {} more)", all - 1),
    }
}

/// The field as the whole answer has it.
fn below_template(field: &str) -> String {
    let is_below = field.starts_with("outputs") || field.starts_with("quickReplies");
    if is_below { format!("template.{field}") } else { field.to_owned() }
}

fn fix(field: &str, rule: Rule) -> String {
    let fix = match (field, rule) {
        ("template", _) | ("outputs", Rule::Form(_) | Rule::AtLeast { .. }) => {
            "put one to three bubbles into `template.outputs`"
        }
        ("outputs", _) => "an answer has one to three bubbles",
        ("quickReplies", Rule::AtMost { .. }) => "at most ten are shown",
        (_, Rule::AtMost { limit, unit, .. }) => {
            return format!("cut it: at most {} {unit} are allowed", grouped(limit));
        }
        (_, Rule::AtLeast { limit, .. }) => return format!("at least {limit} are needed"),
        (_, Rule::Required | Rule::Empty) if field.ends_with("simpleText.text") => {
            "say something: an empty bubble isn't shown"
        }
        (_, Rule::Required | Rule::Empty) => "add it: it must be there and not empty",
        (_, Rule::Url) => "give an address that begins with https:// or http://, without blanks",
        (_, Rule::Form(form)) => return format!("write {form}"),
        (_, Rule::Conflict(_)) if is_output(field) => "each element of `outputs` has one member, such as simpleText",
        (_, Rule::Conflict(_)) => "follow the rule, or leave the field out",
    };
    fix.to_owned()
}

/// A number below a million, as people write it.
fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

/// Whether a field is a whole element of `outputs`.
fn is_output(field: &str) -> bool {
    field.starts_with("outputs[") && field.ends_with(']') && !field.contains('.')
}

/// The answer to a parameter validation request.
pub(super) fn judge_validation(answer: &Response) -> Judgement {
    const RIGHT: &str = "answer a parameter validation request with {\"status\": \"SUCCESS\"}, FAIL, ERROR or IGNORE";
    let form = status::is_json(answer);
    if !form.fix.is_empty() {
        return form;
    }
    let Some(body) = answer.json() else { return status::no_json(&answer.body, RIGHT) };
    match body.get("status").map(|status| serde_json::from_value::<ValidationStatus>(status.clone())) {
        Some(Ok(status)) => Judgement::right(status.json()),
        Some(Err(_)) => Judgement::mistake("`status` is none of Kakao's four words", RIGHT),
        None if body.get("template").is_some() => Judgement::mistake("it is answered as a message", RIGHT),
        None => Judgement::mistake("`status` is missing", RIGHT),
    }
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

#[cfg(test)]
mod tests {
    use kakao_webhooks::skill::{QuickReply, Reply, TextCard};
    use serde_json::json;

    use super::*;
    use crate::commands::check::finding::Verdict;

    fn judged(reply: &Value, place: Place) -> Judgement {
        judge(&status::tests::json(200, &reply.to_string()), place)
    }

    fn found(reply: &Value) -> Option<String> {
        let found = judged(reply, Place::Chat);
        assert_eq!(found.fix.is_empty(), found.verdict == Verdict::Right, "{found:?}");
        (found.verdict == Verdict::Mistake).then_some(found.seen)
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
    fn a_right_answer_is_shown_in_short_and_the_fallback_text_is_warned_of() {
        let seen = |text: &str| {
            let reply = Reply::text(text).build().unwrap().into_json();
            let found = judge(&status::tests::json(200, &reply), Place::Chat);
            (found.verdict, found.seen, found.fix)
        };
        let right = |seen: &str| (Verdict::Right, format!("a valid SkillResponse: {seen}"), String::new());
        assert_eq!(seen("하나\n둘"), right("하나 / 둘"));
        assert_eq!(seen(&"가".repeat(300)), right(&format!("{}…{}", "가".repeat(100), "가".repeat(99))));
        let (verdict, seen, fix) = seen(FALLBACK_TEXT);
        assert_eq!(verdict, Verdict::Warning);
        assert!(seen.starts_with("SkillFallbackText: 지금은") && fix.contains("`not_answered`"), "{seen} {fix}");
    }

    #[test]
    fn an_answer_is_shown_by_its_words_and_the_names_of_its_other_components() {
        let card = json!({"textCard": {"title": "T", "buttons": []}});
        let item = json!({"title": "one"});
        let list = json!({"listCard": {"header": {"title": "H"}, "items": [item, item]}});
        let text = json!({"simpleText": {"text": "a\nb"}});
        for (outputs, seen) in [
            (json!([card, list]), "textCard, listCard"),
            (json!([{"simpleImage": {"imageUrl": "https://i.example", "altText": "i"}}]), "simpleImage"),
            (json!([text, card]), "a / b / textCard"),
        ] {
            let found = judged(&json!({"version": "2.0", "template": {"outputs": outputs}}), Place::Chat);
            assert_eq!((found.verdict, found.seen), (Verdict::Right, format!("a valid SkillResponse: {seen}")));
        }
    }

    #[test]
    fn a_recorded_answer_is_judged_with_the_content_type_that_it_had() {
        let valid = Reply::text("a").build().unwrap().into_json();
        for (content_type, verdict, seen) in [
            ("application/json; charset=utf-8", Verdict::Right, "a valid SkillResponse: a"),
            ("text/plain", Verdict::Mistake, "text/plain"),
            ("", Verdict::Mistake, "no content type"),
        ] {
            let found = judge_recorded(content_type, &valid, Place::Chat);
            assert_eq!((found.verdict, found.seen.as_str()), (verdict, seen));
        }
        assert_eq!(judge_body(&valid, Place::Chat).verdict, Verdict::Right);
    }

    #[test]
    fn an_answer_without_bubbles_is_a_remark() {
        let found = judge(&status::tests::json(200, r#"{"version": "2.0", "template": {"outputs": []}}"#), Place::Chat);
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(found.seen.contains("empty") && found.fix.contains("group chatbot"), "{found:?}");
    }

    #[test]
    fn an_answer_one_level_too_deep_or_behind_a_mark_is_named_by_its_real_mistake() {
        for (body, seen, fix) in [
            (r#"{"response": {"template": {"outputs": []}, "version": "2.0"}}"#, "`response`", "unwrap it"),
            ("\u{feff}{\"version\": \"2.0\"}", "byte order mark", "without BOM"),
        ] {
            let found = judge(&status::tests::json(200, body), Place::Chat);
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
            (json!({"version": "2.0"}), "`template` is required"),
            (json!({"version": "2.0", "useCallback": true, "template": {}}), "together"),
            (json!({"version": "2.0", "template": {}}), "`template.outputs` has 0 elements"),
            (with(json!("a")), "not a list (and 1 more)"),
            (with(json!([bubble("a"), bubble("b"), bubble("c"), bubble("d")])), "4 elements"),
            (with(json!([{}])), "`template.outputs[0]`: a bubble is one component"),
            (with(json!(["a"])), "outputs[0]` is not an object"),
            (with(json!([bubble("a"), {"simpletext": {}}])), "outputs[1].simpletext` is no component"),
            (with(json!([bubble("")])), "text` is empty"),
            (with(json!([bubble(&"🙂".repeat(501))])), "1002 characters"),
            (with(json!([bubble(&"x".repeat(30_000))])), "bytes"),
            (replies, "11 elements"),
            (
                with(json!([{"textCard": {"title": "a", "buttons": [{"label": "a"}]}}])),
                "buttons[0].action` is required",
            ),
            (
                with(json!([{"listCard": {"header": {"title": "a"}, "items": [{"title": "a"}]}}])),
                "at least 2 are needed",
            ),
        ] {
            assert!(found(&reply).is_some_and(|seen| seen.contains(word)), "{word}: {:?}", found(&reply));
        }
    }

    #[test]
    fn what_may_not_be_meant_is_a_warning() {
        let card = json!({"textCard": {"title": "a", "buttons": [{"label": "a", "action": "guide"}]}});
        let reply = json!({"version": "2.0", "template": {"outputs": [card]}});
        let found = judged(&reply, Place::Chat);
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(found.seen.contains("`template.outputs[0].textCard.buttons[0].action`"), "{found:?}");
        assert_eq!(judged(&reply, Place::Room).verdict, Verdict::Right);
    }

    #[test]
    fn each_remark_is_listed_and_a_mistake_comes_first() {
        let button = json!({"label": "열다섯 글자가 넘는 아주 긴 라벨", "action": "message", "messageText": "a"});
        let card = json!({"textCard": {"title": "a", "titel": "b", "buttons": [button]}});
        let reply = |outputs: Value| json!({"version": "2.0", "template": {"outputs": outputs}});
        let found = judged(&reply(json!([card])), Place::Chat);
        let is_listed =
            |seen: &str| ["textCard.titel`: no member", "buttons[0].label` has 18"].map(|it| seen.contains(it));
        assert_eq!((found.verdict, is_listed(&found.seen)), (Verdict::Warning, [true; 2]), "{found:?}");
        let found = judged(&reply(json!([card, {"simpleTxt": {"text": "a"}}])), Place::Chat);
        assert_eq!((found.verdict, is_listed(&found.seen)), (Verdict::Mistake, [true; 2]), "{found:?}");
        assert!(found.seen.starts_with("`template.outputs[1].simpleTxt` is no component that Kakao knows; "));
    }

    #[test]
    fn a_group_chat_rooms_answer_is_judged_by_the_rules_of_rooms() {
        let nothing = json!({"version": "2.0", "template": {"outputs": []}});
        assert_eq!(judged(&nothing, Place::Room).verdict, Verdict::Right);
        let mut reply = json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "a"}}]}});
        reply["template"]["quickReplies"] = json!([{"label": "a", "action": "message", "messageText": "a"}]);
        assert_eq!(judged(&reply, Place::Chat).verdict, Verdict::Right);
        let found = judged(&reply, Place::Room);
        assert_eq!(
            (found.verdict, found.seen.contains("`template.quickReplies`: group chat rooms")),
            (Verdict::Mistake, true)
        );
    }

    #[test]
    fn a_parameter_validation_is_answered_with_one_of_four_words() {
        for (body, verdict) in [
            (r#"{"status": "SUCCESS"}"#, Verdict::Right),
            (r#"{"status": "IGNORE", "more": 1}"#, Verdict::Right),
            (r#"{"status": "success"}"#, Verdict::Mistake),
            (r#"{"version": "2.0", "template": {"outputs": []}}"#, Verdict::Mistake),
            ("{}", Verdict::Mistake),
            ("SUCCESS", Verdict::Mistake),
        ] {
            let found = judge_validation(&status::tests::json(200, body));
            assert_eq!(found.verdict, verdict, "{body}: {found:?}");
        }
    }
}

//! What the service's answerer returns, read into what Kakao takes.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    InvalidReply, Note, Place, Remark, ReplyError, SkillResponse, ValidationStatus, Violation, cards::MAX_SIMPLE_TEXT,
    reply::cut, short::ShortReply,
};
use crate::wire::{StrictJsonError, parse_strict_json};

/// Why an answerer's answer can't be used. It shows nothing of the answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InvalidAnswer {
    /// A text without words.
    #[error("its text is empty")]
    Empty,
    /// Neither form of an answer.
    #[error("it is neither {{\"text\": \"…\"}} nor a SkillResponse with `version` and `template`")]
    Form,
    /// Not a JSON object.
    #[error("{0}. Answer with {{\"text\": \"…\"}} or a SkillResponse")]
    Json(StrictJsonError),
    /// Quick replies beside a text that are not texts.
    #[error("`quick_replies` is not a list of texts")]
    QuickReplies,
    /// A SkillResponse that Kakao would not take.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// Not the status of a validation.
    #[error("it is not {{\"status\": \"SUCCESS\"}}, FAIL, ERROR or IGNORE")]
    Status,
}

/// So many bubbles a reply may have.
const MOST_BUBBLES: usize = 3;

/// The answer to a message: a SkillResponse, or `{"text": "…", "quick_replies": […]}`, as a file of rules has it, whose
/// text becomes one to three bubbles. Other members beside the text are ignored, and remarked.
///
/// # Errors
/// [`InvalidAnswer`].
pub fn read_answer(text: &str, place: Place) -> Result<SkillResponse, InvalidAnswer> {
    const OF_RESPONSE: [&str; 5] = ["version", "template", "data", "context", "useCallback"];
    let json = parse_strict_json(text.as_bytes()).map_err(InvalidAnswer::Json)?;
    match (json.get("version"), json.get("text")) {
        (None | Some(Value::Null), Some(Value::String(words))) => read_short(words, &json, place),
        _ if OF_RESPONSE.iter().any(|name| json.contains_key(*name)) => Ok(SkillResponse::from_json(text, place)?),
        _ => Err(InvalidAnswer::Form),
    }
}

fn read_short(words: &str, json: &Map<String, Value>, place: Place) -> Result<SkillResponse, InvalidAnswer> {
    let quick_replies = match json.get("quick_replies") {
        None | Some(Value::Null) => vec![],
        Some(labels) => Vec::deserialize(labels).map_err(|_| InvalidAnswer::QuickReplies)?,
    };
    let short = ShortReply { text: words.to_owned(), quick_replies };
    let response = in_bubbles(&short, place).ok_or(InvalidAnswer::Empty)?.map_err(|InvalidReply(violations)| {
        let of_member = |Violation { field, rule }| Violation { field: ShortReply::member_of(&field), rule };
        let mut violations: Vec<_> = violations.into_iter().map(of_member).collect();
        // What a label says is what its tap sends: one mistake, not two.
        violations.dedup_by(|next, violation| next.field == violation.field);
        ReplyError::Invalid(InvalidReply(violations))
    })?;
    let is_unknown =
        |(name, value): &(&String, &Value)| !ShortReply::MEMBERS.contains(&name.as_str()) && !value.is_null();
    let remark = |(name, _): (&String, &Value)| Remark {
        field: name.clone(),
        what: Note::Unknown { what: "member", known: &ShortReply::MEMBERS },
    };
    Ok(response.with_remarks(json.iter().filter(is_unknown).map(remark)))
}

/// The words of an answer without its form, for a Kakao that does not take that; `None` if nothing else comes of it.
#[must_use]
pub fn in_plain_words(answer: &str) -> Option<SkillResponse> {
    const TEXTS: [&str; 3] = ["title", "text", "description"];
    let json: Value = serde_json::from_str(answer).ok()?;
    let components = json.pointer("/template/outputs")?.as_array()?.iter().filter_map(Value::as_object);
    let members = components.flat_map(serde_json::Map::values);
    let texts = members.flat_map(|component| TEXTS.map(|name| component.get(name).and_then(Value::as_str)));
    let words = texts.flatten().filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n");
    let plain = in_bubbles(&ShortReply { text: words, ..ShortReply::default() }, Place::Room)?.ok()?;
    (serde_json::from_str::<Value>(plain.as_json()).ok()? != json).then_some(plain)
}

/// A reply with its text in one to three bubbles, without quick replies where there are none; `None` if it has no words.
fn in_bubbles(short: &ShortReply, place: Place) -> Option<Result<SkillResponse, InvalidReply>> {
    let bubbles = bubbles(&short.text);
    (!bubbles.is_empty()).then(|| short.reply_of(bubbles).fitted(place).build_for(place))
}

/// The answer to a parameter validation: `{"status": "…"}`.
///
/// # Errors
/// [`InvalidAnswer`].
pub fn read_status(text: &str) -> Result<ValidationStatus, InvalidAnswer> {
    let json = parse_strict_json(text.as_bytes()).map_err(|_| InvalidAnswer::Status)?;
    let status = json.get("status").ok_or(InvalidAnswer::Status)?;
    ValidationStatus::deserialize(status).map_err(|_| InvalidAnswer::Status)
}

/// A text in at most three parts of at most 1,000 characters, as Kakao counts them. A part ends at the end of a
/// sentence, else between words, else anywhere; nothing but blanks is lost of a text that fits into three whole parts. A
/// longer one is cut between words, and ends in [`CUT`].
fn bubbles(text: &str) -> Vec<String> {
    let (mut rest, mut bubbles) = (text.trim(), vec![]);
    for left in (1..=MOST_BUBBLES).rev() {
        let (bubble, after) = rest.split_at_checked(end_of_bubble(rest, left)).unwrap_or((rest, ""));
        rest = after.trim_start();
        let mark = if left == 1 && !rest.is_empty() { CUT } else { "" };
        bubbles.push(format!("{}{mark}", bubble.trim_end()));
    }
    bubbles.retain(|bubble| !bubble.is_empty());
    bubbles
}

/// What a text ends in that is longer than what can be said.
const CUT: &str = " …";

/// Where the first of `left` bubbles ends.
fn end_of_bubble(text: &str, left: usize) -> usize {
    let longest = cut(text, MAX_SIMPLE_TEXT);
    if longest.len() == text.len() {
        return longest.len();
    }
    if left == 1 {
        let longest = cut(text, MAX_SIMPLE_TEXT - units(CUT));
        let after_word = longest.rfind(char::is_whitespace).filter(|end| *end >= longest.len() / 2);
        return after_word.unwrap_or(longest.len());
    }
    // A bubble that ends too early would leave more than the others take.
    let units = units(text);
    let others = (left - 1) * MAX_SIMPLE_TEXT;
    let shortest = if units <= others + MAX_SIMPLE_TEXT { units.saturating_sub(others) } else { MAX_SIMPLE_TEXT / 2 };
    let from = cut(text, shortest).len();
    let breaks = || longest.char_indices().map(|(at, character)| (at + character.len_utf8(), character));
    let fits = |end: &usize| *end >= from;
    let after_sentence = breaks().filter(|(end, _)| ends_sentence(text, *end)).map(|(end, _)| end).rfind(fits);
    let after_word = breaks().filter(|(_, character)| character.is_whitespace()).map(|(end, _)| end).rfind(fits);
    after_sentence.or(after_word).unwrap_or(longest.len())
}

/// Whether a sentence ends before this place: with its mark, perhaps in quotes, and a blank behind; or with a line.
fn ends_sentence(text: &str, end: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(end) else { return false };
    let is_blank_next = after.chars().next().is_none_or(char::is_whitespace);
    let marked = before.trim_end_matches(['"', '\'', ')', ']', '”', '’', '」', '』', '》', '~']);
    before.ends_with('\n') || is_blank_next && marked.ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// How Kakao counts characters.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::skill::Rules;

    fn without_blanks(text: &str) -> String {
        text.chars().filter(|character| !character.is_whitespace()).collect()
    }

    #[test]
    fn a_text_is_split_at_the_ends_of_sentences() {
        let sentence = format!("{}요. ", "가".repeat(397));
        assert_eq!(bubbles(&sentence.repeat(6)).iter().map(|it| units(it)).collect::<Vec<_>>(), [799, 799, 799]);
        let quoted = format!("“{}!” {}", "나".repeat(700), "다".repeat(700));
        assert!(bubbles(&quoted)[0].ends_with("!”"));
        let number = format!("{} 3.5{}", "라".repeat(900), "마".repeat(200));
        assert!(bubbles(&number)[0].ends_with('라'));
    }

    #[test]
    fn a_text_that_is_longer_than_three_bubbles_is_cut_between_words_and_says_so() {
        let bubbles = bubbles(&"라이언 춘식이 ".repeat(500));
        let last = bubbles.last().unwrap();
        assert!(bubbles.len() == 3 && last.ends_with("라이언 …") || last.ends_with("춘식이 …"), "{last}");
        let without_blanks = super::bubbles(&"가".repeat(3_001));
        assert_eq!(without_blanks[2], format!("{} …", "가".repeat(998)));
    }

    #[test]
    fn a_text_without_any_break_is_split_anywhere_but_in_a_character() {
        let text = "👋".repeat(1_200);
        assert_eq!(bubbles(&text).iter().map(|it| units(it)).collect::<Vec<_>>(), [1_000, 1_000, 400]);
        assert_eq!(bubbles(" \n "), [""; 0]);
        assert_eq!(bubbles(" 안녕 \n"), ["안녕"]);
    }

    proptest! {
        #[test]
        fn every_bubble_fits_and_nothing_that_fits_is_lost_or_moved(
            text in prop::collection::vec(prop_oneof!["[가-힣]{1,40}", "[a-z👋]{1,9}", "[ \n]{1,2}", "[.!?…”]{1,2}"], 0..400)
        ) {
            let text = text.concat();
            let parts = bubbles(&text);
            prop_assert!(parts.len() <= MOST_BUBBLES);
            prop_assert!(parts.iter().all(|part| (1..=MAX_SIMPLE_TEXT).contains(&units(part))));
            let (shown, whole) = (without_blanks(&parts.concat()), without_blanks(&text));
            if units(text.trim()) <= MOST_BUBBLES * MAX_SIMPLE_TEXT {
                prop_assert_eq!(shown, whole);
            } else {
                let (shown, is_cut) = shown.strip_suffix('…').map_or((&*shown, false), |shown| (shown, true));
                prop_assert!(whole.starts_with(shown) && is_cut && units(&parts.concat()) >= MAX_SIMPLE_TEXT);
            }
        }
    }

    #[test]
    fn a_text_and_a_skill_response_are_answers() {
        let json = |text: &str| -> Value {
            serde_json::from_str(&read_answer(text, Place::Chat).unwrap().into_json()).unwrap()
        };
        let said = json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": "안녕"}}]}});
        assert_eq!(json(r#"{"text":"안녕"}"#), said);
        assert_eq!(json(&said.to_string()), said);
    }

    #[test]
    fn a_text_has_the_quick_replies_that_a_rules_reply_has() {
        let short = json!({"text": "안녕", "quick_replies": ["위치", "예약"]});
        let rule = json!({"version": 1, "rules": [{"reply": short}]}).to_string();
        let rules = Rules::from_json(&rule).unwrap();
        for (place, chat) in [(Place::Chat, json!(null)), (Place::Room, json!({"type": "botGroupKey"}))] {
            let message = json!({"userRequest": {"utterance": "안녕", "chat": chat}});
            let payload = serde_json::from_value(message).unwrap();
            let answer = read_answer(&short.to_string(), place).unwrap();
            assert_eq!(Some(&answer), rules.find(&payload).map(|found| found.reply));
            assert_eq!(answer.as_json().contains(r#""messageText":"예약""#), place == Place::Chat);
        }
        for none in [json!(null), json!([])] {
            let answer = read_answer(&json!({"text": "안녕", "quick_replies": none}).to_string(), Place::Chat).unwrap();
            assert_eq!(answer, read_answer(r#"{"text":"안녕"}"#, Place::Chat).unwrap());
        }
        let refused = |labels: Value| {
            let answer = json!({"text": "안녕", "quick_replies": labels}).to_string();
            read_answer(&answer, Place::Chat).unwrap_err().to_string()
        };
        assert_eq!(refused(json!("위치")), "`quick_replies` is not a list of texts");
        assert_eq!(refused(json!([{"label": "위치"}])), "`quick_replies` is not a list of texts");
        assert_eq!(refused(json!(["위치", " "])), "`quick_replies[1]` is empty");
        assert_eq!(refused(json!(vec!["위치"; 11])), "`quick_replies` has 11 elements, at most 10 are allowed");
    }

    #[test]
    fn what_is_ignored_beside_a_text_is_remarked_by_its_name() {
        let answer = json!({"text": "안녕", "quickReplies": ["위치"], "data": {"a": "secret"}, "template": null});
        let answer = read_answer(&answer.to_string(), Place::Chat).unwrap();
        let remarks: Vec<_> = answer.remarks().iter().map(ToString::to_string).collect();
        let unknown =
            |name| format!("`{name}`: no member that this version knows; known here: `text`, `quick_replies`");
        assert_eq!(remarks, [unknown("data"), unknown("quickReplies")]);
        assert!(!answer.as_json().contains("위치"));
    }

    #[test]
    fn half_a_surrogate_pair_spoils_no_answer() {
        let answer = read_answer(r#"{"text":"안녕 \ud83d"}"#, Place::Chat).unwrap();
        assert!(serde_json::from_str::<Value>(answer.as_json()).is_ok() && answer.as_json().contains("안녕"));
        assert_eq!(read_status(r#"{"status":"FAIL","message":"\ud83d"}"#), Ok(ValidationStatus::Fail));
    }

    #[test]
    fn the_words_of_an_answer_are_what_its_bubbles_say() {
        let words = |outputs: Value| {
            let answer = json!({"version": "2.0", "template": {"outputs": outputs}}).to_string();
            in_plain_words(&answer).map(|plain| plain.into_json())
        };
        let card = json!([{"textCard": {"title": "제목", "description": "설명", "buttons": [{"label": "가기"}]}},
            {"simpleImage": {"imageUrl": "https://example.com/a"}}, {"simpleText": {"text": "끝"}}]);
        assert_eq!(
            words(card),
            read_answer(r#"{"text":"제목\n설명\n끝"}"#, Place::Chat).ok().map(SkillResponse::into_json)
        );
        for nothing in [json!([{"simpleText": {"text": "그대로"}}]), json!([{"simpleImage": {}}]), json!([]), json!(7)]
        {
            assert_eq!(words(nothing.clone()), None, "{nothing}");
        }
        assert_eq!(in_plain_words(r#"{"version":"2.0","data":{}}"#), None);
    }

    #[test]
    fn anything_else_is_no_answer() {
        let read = |text: &str| read_answer(text, Place::Chat).unwrap_err();
        for text in ["", "안녕", "[]", "null", r#""text""#] {
            assert!(matches!(read(text), InvalidAnswer::Json(_)), "{text}");
            assert!(read(text).to_string().ends_with("Answer with {\"text\": \"…\"} or a SkillResponse"));
        }
        for text in ["{}", r#"{"text":1}"#, r#"{"text":null}"#, r#"{"answer":"a"}"#] {
            assert_eq!(read(text), InvalidAnswer::Form, "{text}");
        }
        for text in [r#"{"template":{}}"#, r#"{"version":"2.0"}"#] {
            assert!(matches!(read(text), InvalidAnswer::Reply(_)), "{text}");
        }
        assert_eq!(read(r#"{"text":" "}"#), InvalidAnswer::Empty);
        assert!(matches!(read(r#"{"version":"2.0","template":{"outputs":7}}"#), InvalidAnswer::Reply(_)));
    }

    #[test]
    fn a_validations_answer_is_its_status() {
        assert_eq!(read_status(r#"{"status":"FAIL"}"#), Ok(ValidationStatus::Fail));
        for text in ["", "{}", r#"{"status":"OK"}"#, r#"{"text":"SUCCESS"}"#] {
            assert_eq!(read_status(text), Err(InvalidAnswer::Status), "{text}");
        }
    }
}

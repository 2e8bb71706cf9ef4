//! The chatbot's skill: Kakao's registration check, and a message.

use std::time::Duration;

use kakao_webhooks::skill::Place;
use reqwest::{
    Method, Url,
    header::{HeaderName, HeaderValue},
};
use serde_json::{Value, json};

use super::{
    finding::Judgement,
    oversized,
    probe::{Probe, Response},
    reply,
    route::{Route, below},
    route_check::{Judge, RouteCheck, TimeLimits},
    status, wrapper,
};

pub(super) const TIME_LIMITS: TimeLimits = TimeLimits { near: Duration::from_secs(3), over: Duration::from_secs(5) };

/// By which Kakao proves itself, and whether a message may be sent with it.
pub(super) struct Proof {
    pub(super) header: HeaderName,
    pub(super) value: Option<HeaderValue>,
    pub(super) send: Option<Sent>,
}

/// What is sent with the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sent {
    /// A message in a user's chat with the bot
    Chat,
    /// A message in a group chat room; its answer is judged by the rules of rooms
    Room,
    /// A parameter validation request, which is no event
    Validation,
}

pub(super) async fn check(route_check: &mut RouteCheck<'_>, url: &Url, proof: &Proof) {
    let with_slash = below(url, "/");
    let judges: [Judge<'_>; 3] = [
        ("registration check: status", &registration_status),
        ("registration check: content type", &status::is_json),
        ("registration check: body", &registration_body),
    ];
    if let Some(plain) = route_check.step(Probe::new(Method::GET, url), &judges).await {
        let alike = |answer: &Response| status::is_alike(answer, &plain);
        route_check.step(Probe::new(Method::GET, &with_slash), &[("trailing slash", &alike)]).await;
        route_check.step(Probe::new(Method::HEAD, url), &[("HEAD", &|answer| status::head(answer, 200))]).await;
    }
    let methods = |answer: &Response| status::wrong_method(answer, Route::Skill.methods());
    route_check.step(Probe::new(Method::PUT, url), &[("wrong method", &methods)]).await;
    route_check
        .step(Probe::new(Method::GET, &below(url, "/khook-check")), &[("unknown path below", &status::below)])
        .await;
    without_key(route_check, url, proof.value.is_some()).await;
    if let Some(value) = &proof.value {
        with_key(route_check, url, &proof.header, value, proof.send).await;
    }
}

/// No real bot and no real key: an operator who finds them in a table knows where they are from.
fn message() -> Value {
    json!({
        "bot": {"id": "khook-check", "name": "khook-check"},
        "intent": {"id": "khook-check", "name": "khook-check", "extra": null},
        "action": {"id": "khook-check", "name": "khook-check", "params": {}, "clientExtra": null,
            "detailParams": {"khook": {"origin": "khook", "value": {"check": true}, "groupName": ""}}},
        "userRequest": {
            "timezone": "Asia/Seoul", "lang": "ko", "params": {"surface": "Kakaotalk.plusfriend"},
            "block": {"id": "khook-check", "name": "khook-check"},
            "utterance": "khook check\n",
            "user": {"id": "khook-check", "type": "botUserKey", "properties": {}},
        },
        "contexts": [],
    })
}

/// A message as a group chat room's, which lacks a part of the others' members.
fn room_message() -> Value {
    json!({
        "bot": {"id": "khook-check", "name": "khook-check"},
        "intent": {"id": "khook-check", "name": "khook-check"},
        "action": {"params": {}, "detailParams": {}},
        "userRequest": {
            "utterance": "@khook-check khook check\n",
            "user": {"id": "khook-check", "type": "botUserKey", "properties": {"botUserKey": "khook-check"}},
            "chat": {"id": "khook-check", "type": "botGroupKey", "properties": {"botGroupKey": "khook-check"}},
        },
    })
}

fn validation() -> Value {
    json!({
        "isInSlotFilling": true, "utterance": "khook check", "value": {"origin": "check", "resolved": "check"},
        "user": {"id": "khook-check", "type": "botUserKey"}, "bot": {"id": "khook-check", "name": "khook-check"},
        "params": {"surface": "Kakaotalk.plusfriend"}, "lang": "ko", "timezone": "Asia/Seoul",
    })
}

fn post(url: &Url, payload: &Value) -> Probe {
    Probe::new(Method::POST, url).body("application/json", payload.to_string())
}

async fn without_key(route_check: &mut RouteCheck<'_>, url: &Url, has_key: bool) {
    let judge = |answer: &Response| unproven(answer, has_key);
    let answer = route_check.step(post(url, &message()), &[("message without a key", &judge)]).await;
    if let Some(answer) = answer.filter(|answer| answer.status == 200) {
        route_check.findings.push(reply::judge(&answer, Place::Chat).named("answer to a message"));
    }
}

async fn with_key(
    route_check: &mut RouteCheck<'_>,
    url: &Url,
    header: &HeaderName,
    value: &HeaderValue,
    send: Option<Sent>,
) {
    let Some(sent) = send else {
        let probe = oversized(Probe::new(Method::POST, url)).header(header.clone(), value);
        route_check.step(probe, &[("the key", &known)]).await;
        return;
    };
    let in_chat = |answer: &Response| reply::judge(answer, Place::Chat);
    let in_room = |answer: &Response| reply::judge(answer, Place::Room);
    let (payload, judges): (Value, [Judge<'_>; 2]) = match sent {
        Sent::Chat => (message(), [("message with the key", &proven), ("answer to a message", &in_chat)]),
        Sent::Room => (room_message(), [("message with the key", &proven), ("answer to a room's message", &in_room)]),
        Sent::Validation => (
            validation(),
            [("validation with the key", &proven_validation), ("answer to a validation", &reply::judge_validation)],
        ),
    };
    route_check.step(post(url, &payload).header(header.clone(), value), &judges).await;
}

fn registration_status(answer: &Response) -> Judgement {
    match answer.status {
        200 => Judgement::right("200"),
        201..=299 => Judgement::mistake(
            format!("{} {}", answer.status, if answer.body.is_empty() { "without a body" } else { "instead of 200" }),
            "answer GET with 200 and {\"version\":\"2.0\",\"data\":{}}",
        ),
        400 | 405 => Judgement::mistake(
            format!("{}: no GET here", answer.status),
            "define GET on the same path as POST: Kakao's check of a new URL is a GET",
        ),
        401 => Judgement::mistake("401", "ask for the key on POST only: Kakao's check of a new URL is a bare GET"),
        _ => status::otherwise(answer, "answer GET with 200 and {\"version\":\"2.0\",\"data\":{}}"),
    }
}

fn registration_body(answer: &Response) -> Judgement {
    let right = "answer exactly {\"version\":\"2.0\",\"data\":{}}";
    let Some(body) = answer.json() else {
        return status::no_json(&answer.body, right);
    };
    if let Some(wrapper) = wrapper::around(&body) {
        return wrapper::judgement(&wrapper);
    }
    if let Some((seen, fix)) = reply::version(&body) {
        return Judgement::mistake(seen, fix);
    }
    match body.get("data") {
        None => Judgement::mistake("`data` is missing", "add \"data\": {}"),
        Some(data) if !data.is_object() => {
            Judgement::mistake("`data` is not an object", "set \"data\": {}, with braces even if it is empty")
        }
        Some(_) if body != json!({"version": "2.0", "data": {}}) => {
            Judgement::warning(format!("more than Kakao asks for: {}", answer.excerpt()), right)
        }
        Some(_) => Judgement::right(answer.excerpt()),
    }
}

fn unproven(answer: &Response, has_key: bool) -> Judgement {
    match answer.status {
        401 if has_key => Judgement::right("401"),
        401 => Judgement::right("401. What it answers Kakao is seen with --skill-key-file and --send"),
        200 if has_key => Judgement::mistake(
            "200: it answers every sender and stores nothing",
            "set SkillAuth (SKILL_AUTH) to the header's name and the digest of the key (khook hash-key --any)",
        ),
        200 => Judgement::warning(
            "200: it answers every sender and stores nothing",
            "set SkillAuth (SKILL_AUTH), and the same header at Kakao: then messages become events",
        ),
        _ => refused_message(answer),
    }
}

fn proven(answer: &Response) -> Judgement {
    match answer.status {
        200 => Judgement::right("200, and an event of the bot user khook-check"),
        401 => wrong_key(),
        _ => refused_message(answer),
    }
}

fn proven_validation(answer: &Response) -> Judgement {
    match answer.status {
        200 => Judgement::right("200, and no event"),
        _ => proven(answer),
    }
}

/// A body that is too long is refused after the key was looked at, and before anything becomes of it.
fn known(answer: &Response) -> Judgement {
    match answer.status {
        413 => Judgement::right("413 to a body that is too long: the key is right, and nothing was sent"),
        401 => wrong_key(),
        _ => Judgement::warning(
            format!("{} to a body that is too long: whether the key is right can't be determined", answer.status),
            "say --send, and a message is sent",
        ),
    }
}

fn wrong_key() -> Judgement {
    Judgement::mistake(
        "401: the key isn't the service's",
        "compare khook hash-key --any with the digest in SkillAuth, and --skill-header with its header",
    )
}

fn refused_message(answer: &Response) -> Judgement {
    match answer.status {
        405 | 501 => Judgement::mistake(
            format!("{}: no POST here", answer.status),
            "define POST on the same path: Kakao sends messages by POST",
        ),
        400 | 415 | 422 => Judgement::mistake(
            format!("{} to a payload as Kakao sends it", answer.status),
            "take any JSON object: fields may be absent, null or of another form, and a value an object",
        ),
        201..=299 => Judgement::mistake(answer.status.to_string(), "answer a message with 200 and a SkillResponse"),
        _ => status::otherwise(answer, "answer a message with 200 and a SkillResponse"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::{finding::Verdict, status::tests::json};

    #[test]
    fn each_status_of_the_registration_check_but_200_has_its_own_fix() {
        assert_eq!(registration_status(&json(200, "")).verdict, Verdict::Right);
        let found = [201, 401, 405, 302, 404, 500].map(|status| registration_status(&json(status, "")));
        assert!(found.iter().all(|found| found.verdict == Verdict::Mistake));
        let fixes: std::collections::BTreeSet<_> = found.into_iter().map(|found| found.fix).collect();
        assert_eq!(fixes.len(), 6);
    }

    #[test]
    fn each_mistake_in_the_body_of_the_registration_check_is_named() {
        for (body, verdict, word) in [
            (r#"{"version":"2.0","data":{}}"#, Verdict::Right, "version"),
            (r#"{"data": {}, "version": "2.0"}"#, Verdict::Right, "data"),
            (r#"{"version":"2.0","data":{"a":1}}"#, Verdict::Warning, "more than"),
            ("OK", Verdict::Mistake, "no JSON: OK"),
            ("\u{feff}{\"version\":\"2.0\",\"data\":{}}", Verdict::Mistake, "byte order mark"),
            (r#"{"response":{"version":"2.0","data":{}}}"#, Verdict::Mistake, "inside `response`"),
            ("", Verdict::Mistake, "an empty body"),
            (r#"{"data":{}}"#, Verdict::Mistake, "`version` is missing"),
            (r#"{"version":2.0,"data":{}}"#, Verdict::Mistake, "number"),
            (r#"{"version":"2.0"}"#, Verdict::Mistake, "`data` is missing"),
            (r#"{"version":"2.0","data":null}"#, Verdict::Mistake, "`data` is not an object"),
            (r#"{"version":"2.0","data":[]}"#, Verdict::Mistake, "`data` is not an object"),
        ] {
            let found = registration_body(&json(200, body));
            assert_eq!(found.verdict, verdict, "{body}");
            assert!(found.seen.contains(word), "{body}: {}", found.seen);
        }
    }

    #[test]
    fn a_skill_that_answers_every_sender_is_a_warning_and_with_a_key_a_mistake() {
        assert_eq!(unproven(&json(401, ""), false).verdict, Verdict::Right);
        assert_eq!(unproven(&json(200, ""), false).verdict, Verdict::Warning);
        assert_eq!(unproven(&json(200, ""), true).verdict, Verdict::Mistake);
        assert!(unproven(&json(422, ""), true).fix.contains("any JSON object"));
    }

    #[test]
    fn a_key_is_known_without_a_message() {
        assert_eq!(known(&json(413, "")).verdict, Verdict::Right);
        assert_eq!(known(&json(401, "")).verdict, Verdict::Mistake);
        assert_eq!(known(&json(200, "")).verdict, Verdict::Warning);
        assert!(proven(&json(401, "")).fix.contains("hash-key"));
    }
}

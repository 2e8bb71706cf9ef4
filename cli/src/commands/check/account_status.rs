//! The account status change webhook: nothing that it is sent here is a valid token.

use reqwest::{Method, Url};
use serde_json::Value;

use super::{
    CheckScope,
    finding::Judgement,
    probe::{Probe, Response},
    route::{Route, below},
    route_check::{Judge, RouteCheck},
    status,
};

const TOKEN: &str = "application/secevent+jwt";
/// `{"alg":"none","typ":"secevent+jwt"}`, `{}` and no signature.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoic2VjZXZlbnQrand0In0.e30.";
/// `{"alg":"RS256","typ":"secevent+jwt","kid":"khook-check"}`, `{}` and an invalid signature.
const FORGED: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6InNlY2V2ZW50K2p3dCIsImtpZCI6Imtob29rLWNoZWNrIn0.e30.a2hvb2stY2hlY2s";

pub(super) async fn check(route_check: &mut RouteCheck<'_>, url: &Url, scope: CheckScope) {
    let post = |url: &Url, body: &str| Probe::new(Method::POST, url).body(TOKEN, body);
    let invalid = |answer: &Response| refused(answer, &["invalid_request"]);
    let judges: [Judge<'_>; 2] = [("malformed token", &invalid), ("content type of an error", &status::is_json)];
    if let Some(plain) = route_check.step(post(url, "khook-check"), &judges).await {
        let alike = |answer: &Response| status::is_alike(answer, &plain);
        route_check.step(post(&below(url, "/"), "khook-check"), &[("trailing slash", &alike)]).await;
        let other_type = Probe::new(Method::POST, url).body("application/json", "{}");
        route_check.step(other_type, &[("wrong content type", &invalid)]).await;
        route_check.step(post(url, UNSIGNED), &[("unsigned token", &invalid)]).await;
        // It may have to wait until the key set can be asked for again.
        if scope == CheckScope::Thorough {
            route_check.step_with_one_retry(post(url, FORGED), &[("forged token", &forged)]).await;
        }
    }
    let methods = |answer: &Response| status::wrong_method(answer, Route::AccountStatus.methods());
    route_check.step(Probe::new(Method::PUT, url), &[("wrong method", &methods)]).await;
    route_check.step(Probe::new(Method::HEAD, url), &[("HEAD", &|answer| status::head(answer, 405))]).await;
    route_check.step(post(&below(url, "/khook-check"), "khook-check"), &[("unknown path below", &status::below)]).await;
}

fn refused(answer: &Response, codes: &[&str]) -> Judgement {
    let fix = "check the signature with Kakao's key set, and answer 400 to whatever isn't a valid token";
    match answer.status {
        400 => {
            let fix = format!("say why (RFC 8935): {{\"err\":\"{}\",\"description\":\"…\"}}", codes.join("|"));
            let Some(body) = answer.json() else { return status::no_json(&answer.body, &fix) };
            match body.get("err").and_then(Value::as_str).filter(|code| codes.contains(code)) {
                Some(code) => Judgement::right(format!("400 {code}")),
                None => Judgement::mistake(format!("400 with {}", answer.excerpt()), fix),
            }
        }
        200..=299 => Judgement::mistake(format!("{}: it accepts unauthenticated requests", answer.status), fix),
        401 => Judgement::mistake(
            "401",
            "ask for no key here: the token's signature is the proof, and Kakao sends no other",
        ),
        _ => status::otherwise(answer, fix),
    }
}

/// An unknown key makes the function look at Kakao's key set: only with it in hand may the token be called invalid.
fn forged(answer: &Response) -> Judgement {
    if answer.status == 503 {
        return Judgement::warning(
            "503: it can't verify the token without a fresh key set",
            "it can't reach Kakao's key set, or was asked for another unknown key just now: see its log, and check again",
        );
    }
    refused(answer, &["invalid_key", "invalid_request", "authentication_failed"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::{finding::Verdict, status::tests::json};

    #[test]
    fn only_a_400_with_its_reason_refuses_a_token() {
        let invalid = |answer: &Response| refused(answer, &["invalid_request"]).verdict;
        assert_eq!(invalid(&json(400, r#"{"err":"invalid_request","description":"x"}"#)), Verdict::Right);
        for answer in [
            json(400, r#"{"err":"invalid_key"}"#),
            json(400, "Bad Request"),
            json(202, ""),
            json(401, ""),
            json(500, ""),
        ] {
            assert_eq!(invalid(&answer), Verdict::Mistake, "{answer:?}");
        }
    }

    #[test]
    fn an_unknown_key_may_be_a_matter_of_time() {
        assert_eq!(forged(&json(400, r#"{"err":"invalid_key"}"#)).verdict, Verdict::Right);
        assert_eq!(forged(&json(503, "")).verdict, Verdict::Warning);
        assert_eq!(forged(&json(202, "")).verdict, Verdict::Mistake);
    }
}

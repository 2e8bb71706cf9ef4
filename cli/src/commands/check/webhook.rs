//! The webhooks whose sender proves itself by an admin key.

use std::time::Duration;

use anyhow::Result;
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, HeaderValue},
};

use super::{
    CheckScope,
    finding::Judgement,
    oversized,
    probe::{Probe, Response},
    route::{Route, below},
    route_check::{RouteCheck, TimeLimits},
    status,
};
use crate::random;

pub(super) const TIME_LIMITS: TimeLimits = TimeLimits { near: Duration::from_secs(2), over: Duration::from_secs(3) };

/// A request that names no user, by the method that the webhook has.
fn bare(route: Route, url: &Url) -> Probe {
    if route.methods().contains(&"GET") {
        return Probe::new(Method::GET, url);
    }
    Probe::new(Method::POST, url).body("application/json", "{}")
}

/// # Errors
/// If the system has no randomness.
pub(super) async fn check(
    route_check: &mut RouteCheck<'_>,
    route: Route,
    url: &Url,
    key: Option<&HeaderValue>,
    scope: CheckScope,
) -> Result<()> {
    if let Some(plain) = route_check.step(bare(route, url), &[("no key", &refused)]).await {
        let alike = |answer: &Response| status::is_alike(answer, &plain);
        route_check.step(bare(route, &below(url, "/")), &[("trailing slash", &alike)]).await;
        let unknown = unknown_key(scope)?;
        route_check.step(bare(route, url).header(AUTHORIZATION, &unknown), &[("wrong key", &refused)]).await;
    }
    let methods = |answer: &Response| status::wrong_method(answer, route.methods());
    route_check.step(Probe::new(Method::PUT, url), &[("wrong method", &methods)]).await;
    let expected = if route.methods().contains(&"HEAD") { 401 } else { 405 };
    route_check.step(Probe::new(Method::HEAD, url), &[("HEAD", &|answer| status::head(answer, expected))]).await;
    route_check.step(bare(route, &below(url, "/khook-check")), &[("unknown path below", &status::below)]).await;
    if let Some(key) = key {
        route_check.step(effectless(route, url).header(AUTHORIZATION, key), &[("the admin key", &known)]).await;
    }
    Ok(())
}

/// A key in the form of an app's that no app has; in quiet mode, a text that can't be a key.
fn unknown_key(scope: CheckScope) -> Result<HeaderValue> {
    let key = match scope {
        CheckScope::Thorough => random::hex::<16>()?,
        CheckScope::Quiet => "khook-doctor".to_owned(),
    };
    Ok(HeaderValue::try_from(format!("KakaoAK {key}"))?)
}

/// A request of Kakao's form without effect: HEAD, or where the route has no HEAD a body that is too long.
fn effectless(route: Route, url: &Url) -> Probe {
    if route.methods().contains(&"HEAD") {
        return Probe::new(Method::HEAD, url);
    }
    oversized(Probe::new(Method::POST, url))
}

fn refused(answer: &Response) -> Judgement {
    match answer.status {
        401 => Judgement::right("401"),
        200..=299 => Judgement::mistake(
            format!("{}: it accepts unauthenticated requests", answer.status),
            "compare the Authorization header with the app's admin key before anything is read, and answer 401",
        ),
        400 | 415 | 422 => Judgement::mistake(
            format!("{} instead of 401", answer.status),
            "check the key before the content, so that a sender without a key learns nothing",
        ),
        _ => status::otherwise(answer, "answer 401 to senders without a key of the app"),
    }
}

fn known(answer: &Response) -> Judgement {
    match answer.status {
        200 | 413 => Judgement::right(format!("{}: the key is right, and nothing was sent", answer.status)),
        401 => Judgement::mistake(
            "401: the service doesn't have this key",
            "compare khook hash-key with admin_key_sha256 in KakaoApps: Kakao sends the app's primary admin key",
        ),
        403 => Judgement::warning(
            "403: the key is right, and this machine's address isn't Kakao's",
            "none, if SourceCheck=enforce is intended; khook ips shows whether SourceCidrs is right",
        ),
        _ => status::otherwise(answer, "answer 200 to the right key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::{finding::Verdict, status::tests::json};

    #[test]
    fn only_401_refuses_a_stranger() {
        assert_eq!(refused(&json(401, "")).verdict, Verdict::Right);
        for (status, word) in [
            (200, "unauthenticated"),
            (202, "unauthenticated"),
            (400, "instead of 401"),
            (301, "redirect"),
            (404, "404"),
        ] {
            let found = refused(&json(status, ""));
            assert_eq!(found.verdict, Verdict::Mistake, "{status}");
            assert!(found.seen.contains(word), "{status}: {}", found.seen);
        }
    }

    #[test]
    fn only_a_thorough_check_sends_a_key_that_looks_like_one() {
        let looks_like_one = |scope| {
            let value = unknown_key(scope).unwrap();
            let key = value.to_str().unwrap().strip_prefix("KakaoAK ").unwrap().to_owned();
            key.len() == 32 && key.chars().all(|letter| letter.is_ascii_hexdigit())
        };
        assert!(looks_like_one(CheckScope::Thorough) && !looks_like_one(CheckScope::Quiet));
    }

    #[test]
    fn a_valid_key_a_wrong_key_and_a_source_check_are_distinguished() {
        for (status, verdict) in [
            (200, Verdict::Right),
            (413, Verdict::Right),
            (401, Verdict::Mistake),
            (403, Verdict::Warning),
            (503, Verdict::Mistake),
        ] {
            assert_eq!(known(&json(status, "")).verdict, verdict, "{status}");
        }
    }
}

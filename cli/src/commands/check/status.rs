//! What a status says, on whichever route.

use reqwest::header::{ALLOW, LOCATION};

use super::{
    finding::Judgement,
    probe::{Response, excerpt},
};

/// What an unexpected status means. `None` where the route explains it itself.
pub(super) fn unexpected(answer: &Response) -> Option<Judgement> {
    let status = answer.status;
    let (seen, fix) = match status {
        300..=399 => {
            let to = answer.header(&LOCATION);
            return Some(Judgement::mistake(
                format!("{status}, a redirect to {}", if to.is_empty() { "nowhere" } else { &to }),
                "Kakao follows no redirect: register the address that it leads to, or answer here",
            ));
        }
        404 => (
            "404: not found".to_owned(),
            "compare the path with the stack's outputs: a stage or a prefix may be missing",
        ),
        403 => (
            "403: refused".to_owned(),
            "a firewall, or SourceCheck=enforce without this address: let Kakao's in (khook ips)",
        ),
        429 => (
            "429: too many requests".to_owned(),
            "raise the gateway's limit: Kakao sends most webhooks once, so they are lost",
        ),
        503 => ("503: it cannot store events now".to_owned(), "look at the alarms: queue, table, concurrency"),
        500..=599 => (format!("{status}: it failed"), "look into the function's log: it did not start, or it crashed"),
        _ => return None,
    };
    Some(Judgement::mistake(seen, fix))
}

pub(super) fn otherwise(answer: &Response, fix: &str) -> Judgement {
    unexpected(answer).unwrap_or_else(|| Judgement::mistake(answer.status.to_string(), fix))
}

/// The content type of a JSON answer. A charset is let pass: Express writes one, and Kakao's check passes Express.
pub(super) fn is_json(answer: &Response) -> Judgement {
    let media_type = answer.media_type();
    match media_type.as_str() {
        "application/json" => Judgement::right(media_type),
        "" => Judgement::mistake("no content type", "set Content-Type: application/json"),
        _ => Judgement::mistake(media_type, "set Content-Type: application/json"),
    }
}

/// A body that is not JSON. The mark is invisible in every editor.
pub(super) fn no_json(body: &str, fix: &str) -> Judgement {
    if body.starts_with('\u{feff}') {
        return Judgement::mistake(
            "the body begins with a byte order mark (U+FEFF), which JSON may not",
            "write it without: save the file as UTF-8 without BOM (in Python encoding=\"utf-8\", not \"utf-8-sig\")",
        );
    }
    Judgement::mistake(format!("no JSON: {}", excerpt(body)), fix)
}

/// The same path with a slash at its end.
pub(super) fn is_alike(with: &Response, without: &Response) -> Judgement {
    let same = with.status == without.status
        && with.media_type() == without.media_type()
        && (with.body == without.body || (with.json().is_some() && with.json() == without.json()));
    if same {
        return Judgement::right(format!("{} like without it", with.status));
    }
    Judgement::mistake(
        format!("{} with the slash, {} without", with.status, without.status),
        "answer both alike: which one is called depends on how the address was typed at Kakao",
    )
}

/// Nothing of this project asks by HEAD but uptime monitors do, and take another answer for an outage.
pub(super) fn head(answer: &Response, expected: u16) -> Judgement {
    if answer.status == expected {
        return Judgement::right(format!("{expected}"));
    }
    Judgement::warning(
        format!("{} instead of {expected}", answer.status),
        "answer HEAD as GET, without a body: uptime monitors send it; Kakao is not known to",
    )
}

/// A method that the route doesn't have.
pub(super) fn wrong_method(answer: &Response, methods: &[&str]) -> Judgement {
    let allow = answer.header(&ALLOW);
    let listed: Vec<_> = allow.split(',').map(str::trim).collect();
    if (200..300).contains(&answer.status) {
        return Judgement::mistake(
            format!("{} to a PUT", answer.status),
            format!("take {} only, and answer 405 to others", methods.join(", ")),
        );
    }
    if answer.status != 405 {
        return Judgement::warning(format!("{} to a PUT", answer.status), "answer 405 with Allow");
    }
    // HEAD goes without saying where there is GET.
    if !methods.iter().all(|method| listed.contains(method) || *method == "HEAD") {
        let seen = if allow.is_empty() { "405 without Allow".to_owned() } else { format!("405, Allow: {allow}") };
        return Judgement::warning(seen, format!("name them: Allow: {}", methods.join(", ")));
    }
    Judgement::right(format!("405, Allow: {allow}"))
}

/// A path below the route.
pub(super) fn below(answer: &Response) -> Judgement {
    if answer.status == 404 {
        return Judgement::right("404");
    }
    Judgement::warning(
        answer.status.to_string(),
        "answer 404 to unknown paths: then a typing error in a URL at Kakao is seen at once",
    )
}

#[cfg(test)]
pub(super) mod tests {
    use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::commands::check::finding::Verdict;

    /// An answer, as it would have come.
    pub(in crate::commands::check) fn answer(status: u16, headers: &[(HeaderName, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        Response { status, headers: HeaderMap::from_iter(headers), body: body.to_owned(), ..Response::default() }
    }

    pub(in crate::commands::check) fn json(status: u16, body: &str) -> Response {
        answer(status, &[(CONTENT_TYPE, "application/json")], body)
    }

    #[test]
    fn each_redirect_names_where_it_leads() {
        for status in [301, 302, 307, 308] {
            let found = unexpected(&answer(status, &[(LOCATION, "https://b.example/skill/")], "")).unwrap();
            assert_eq!(found.verdict, Verdict::Mistake);
            assert!(found.seen.contains("https://b.example/skill/") && found.fix.contains("no redirect"));
        }
    }

    #[test]
    fn each_refusal_of_another_server_has_its_own_fix() {
        let fixes: std::collections::BTreeSet<_> =
            [301, 403, 404, 429, 500, 503].map(|status| unexpected(&answer(status, &[], "")).unwrap().fix).into();
        assert_eq!(fixes.len(), 6);
        assert_eq!(unexpected(&answer(401, &[], "")), None);
    }

    #[test]
    fn a_charset_is_no_mistake_and_text_is() {
        for (value, verdict) in [
            ("application/json", Verdict::Right),
            ("Application/JSON; charset=utf-8", Verdict::Right),
            ("text/plain", Verdict::Mistake),
            ("text/html; charset=utf-8", Verdict::Mistake),
        ] {
            assert_eq!(is_json(&answer(200, &[(CONTENT_TYPE, value)], "")).verdict, verdict, "{value}");
        }
        assert_eq!(is_json(&answer(200, &[], "")).verdict, Verdict::Mistake);
    }

    #[test]
    fn bodies_that_mean_the_same_are_alike() {
        let plain = json(200, r#"{"a":1,"b":2}"#);
        assert_eq!(is_alike(&json(200, r#"{ "b": 2, "a": 1 }"#), &plain).verdict, Verdict::Right);
        for other in [json(200, "{}"), json(404, r#"{"a":1,"b":2}"#), answer(200, &[], r#"{"a":1,"b":2}"#)] {
            assert_eq!(is_alike(&other, &plain).verdict, Verdict::Mistake);
        }
    }

    #[test]
    fn a_wrong_method_is_answered_405_with_the_allowed_ones() {
        let found = |status, allow| wrong_method(&answer(status, &[(ALLOW, allow)], ""), &["GET", "POST"]).verdict;
        assert_eq!(found(405, "GET,HEAD, POST"), Verdict::Right);
        assert_eq!(found(405, "POST"), Verdict::Warning);
        assert_eq!(found(404, "GET, POST"), Verdict::Warning);
        assert_eq!(found(200, "GET, POST"), Verdict::Mistake);
    }
}

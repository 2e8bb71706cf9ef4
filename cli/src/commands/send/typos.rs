//! Typing errors in the arguments of `khook send`. Kakao's words are open sets: a word that resembles no known one is
//! sent. An event of the account status webhook is a URI, which only a known name can stand for.

use anyhow::Result;
use kakao_webhooks::wire::{Kind, account_status::EventType};
use reqwest::Url;

use crate::ui::{
    nearest::{did_you_mean, nearest},
    usage::Usage,
};

const ANYWAY: &str = "--anyway sends it as it is";

/// A word of one of Kakao's vocabularies.
pub(super) fn word(option: &str, text: &str, known: &[&str]) -> Result<()> {
    match did_you_mean(text, known.iter().copied()) {
        Some(question) => Err(Usage::error(format!("{option}: `{text}` is not known: {question} {ANYWAY}"))),
        None => Ok(()),
    }
}

/// Events about the stream of events itself (OpenID SSF 1.0 §8.1.4, §8.1.5): they name no user.
const OF_STREAM: [(&str, &str); 2] = [
    ("verification", "https://schemas.openid.net/secevent/ssf/event-type/verification"),
    ("stream-updated", "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"),
];

/// Whether it is the name or URI of an event about the stream of events.
pub(super) fn is_of_stream(event: &str) -> bool {
    OF_STREAM.iter().any(|(name, uri)| [*name, *uri].contains(&event))
}

/// The URI of an event, which is given by its name or as it is.
pub(super) fn event_uri(event: &str) -> Result<String> {
    if event.contains(':') {
        return word("--event", event, &EventType::KNOWN.iter().map(EventType::uri).collect::<Vec<_>>())
            .map(|()| event.to_owned());
    }
    if let Some((_, uri)) = OF_STREAM.iter().find(|(name, _)| *name == event) {
        return Ok((*uri).to_owned());
    }
    let of_stream = OF_STREAM.iter().map(|(name, _)| *name);
    let known = EventType::KNOWN.iter().filter_map(EventType::known_name).chain(of_stream);
    match EventType::of_name(event) {
        Some(known) => Ok(known.uri().to_owned()),
        None => {
            let question = did_you_mean(event, known)
                .unwrap_or_else(|| "`khook send account-status --help` lists them.".to_owned());
            Err(Usage::error(format!("--event: `{event}` is not a known event: {question} {ANYWAY}")))
        }
    }
}

/// An address that ends in a route already, or in what is nearly one: the webhook's own comes behind it.
pub(super) fn base(url: &Url) -> Result<()> {
    let path = url.path().trim_end_matches('/');
    for route in routes() {
        let Some((before, end)) = parted(path, route.matches('/').count()) else { continue };
        if end == route || !nearest(end, [route.as_str()]).is_empty() {
            let mut meant = url.clone();
            meant.set_path(before);
            let meant = meant.as_str().trim_end_matches('/');
            return Err(Usage::error(format!(
                "--url: `{end}` is a route, or nearly one, and --url is the address before it: did you mean `{meant}`? \
                 {ANYWAY}"
            )));
        }
    }
    Ok(())
}

/// The routes, the longest first.
fn routes() -> Vec<String> {
    let webhooks = [Kind::Unlink, Kind::AccountStatus, Kind::TalkShare, Kind::TalkChannel];
    let webhooks = webhooks.map(|kind| format!("/webhooks/{}", kind.name()));
    webhooks.into_iter().chain(["/webhooks", "/skill", "/health"].map(str::to_owned)).collect()
}

/// Splits a path before this many of its last segments.
fn parted(path: &str, segments: usize) -> Option<(&str, &str)> {
    let (at, _) = path.rmatch_indices('/').nth(segments.checked_sub(1)?)?;
    path.split_at_checked(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.unwrap_err();
        assert!(error.is::<Usage>(), "{error}");
        error.to_string()
    }

    #[test]
    fn an_event_is_a_known_name_or_a_uri() {
        assert!(event_uri("user-linked").unwrap().ends_with("/oauth/event-type/user-linked"));
        for uri in [
            "https://example.com/new",
            "https://schemas.openid.net/secevent/oauth/event-type/client-disabled",
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            EventType::UserLinked.uri(),
        ] {
            assert_eq!(event_uri(uri).unwrap(), uri);
        }
        assert!(event_uri("verification").unwrap().ends_with("/ssf/event-type/verification"));
        assert!(is_of_stream("stream-updated") && !is_of_stream("user-linked"));
        for (event, meant) in [
            ("user-unlinkd", "did you mean `user-unlinked`? --anyway"),
            ("user-liked", "did you mean `user-linked`?"),
            ("stream-update", "did you mean `stream-updated`?"),
            ("something", "--help` lists them. --anyway"),
            ("https://schemas.openid.net/secevent/oauth/event-type/user-unlinkd", "event-type/user-unlinked`?"),
        ] {
            let error = error(event_uri(event));
            assert!(error.contains(meant), "{error}");
        }
    }

    #[test]
    fn a_base_address_ends_in_no_route() {
        for address in [
            "https://a.example",
            "https://a.example/",
            "https://a.example/v1",
            "https://a.example/kakao/prod/",
            "http://127.0.0.1:1/hooks",
        ] {
            assert!(base(&address.parse().unwrap()).is_ok(), "{address}");
        }
        for (address, meant) in [
            ("https://a.example/v1/webhooks/unlink", "did you mean `https://a.example/v1`?"),
            ("https://a.example/v1/webhook/unlnk/", "did you mean `https://a.example/v1`?"),
            ("https://a.example/webhooks", "did you mean `https://a.example`?"),
            ("https://a.example/x/wehbooks", "did you mean `https://a.example/x`?"),
            ("https://a.example/skil", "did you mean `https://a.example`?"),
            ("https://a.example/x/health", "did you mean `https://a.example/x`?"),
        ] {
            let error = error(base(&address.parse().unwrap()));
            assert!(error.contains(meant), "{error}");
        }
    }

    #[test]
    fn a_value_like_a_known_one_causes_a_question_and_any_other_is_sent() {
        for text in ["added", "leave", "chat_room", ""] {
            assert!(word("--event", text, &["added", "blocked"]).is_ok(), "{text}");
        }
        assert_eq!(
            error(word("--event", "aded", &["added", "blocked"])),
            "--event: `aded` is not known: did you mean `added`? --anyway sends it as it is"
        );
    }
}

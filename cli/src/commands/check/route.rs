//! Which of the service's routes an address is.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use kakao_webhooks::wire;
use reqwest::Url;

use super::finding::Judgement;

/// A route of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Route {
    /// The chatbot's skill.
    Skill,
    /// The unlink webhook.
    Unlink,
    /// The account status change webhook.
    AccountStatus,
    /// The share webhook.
    TalkShare,
    /// The channel webhook.
    TalkChannel,
    /// The health check.
    Health,
}

impl Route {
    pub(super) const ALL: [Self; 6] =
        [Self::Skill, Self::Unlink, Self::AccountStatus, Self::TalkShare, Self::TalkChannel, Self::Health];

    const fn entry(self) -> wire::Route {
        match self {
            Self::Skill => wire::Route::SKILL,
            Self::Unlink => wire::Route::UNLINK,
            Self::AccountStatus => wire::Route::ACCOUNT_STATUS,
            Self::TalkShare => wire::Route::TALK_SHARE,
            Self::TalkChannel => wire::Route::TALK_CHANNEL,
            Self::Health => wire::Route::HEALTH,
        }
    }

    pub(super) const fn path(self) -> &'static str {
        self.entry().path
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Unlink => "unlink",
            Self::AccountStatus => "account-status",
            Self::TalkShare => "talk-share",
            Self::TalkChannel => "talk-channel",
            Self::Health => "health",
        }
    }

    /// The methods that our functions take, as `Allow` lists them.
    pub(super) const fn methods(self) -> &'static [&'static str] {
        self.entry().methods
    }
}

/// The routes that an address stands for: one, or as a base all of them.
///
/// # Errors
/// If it is not an address.
pub(super) fn routes(address: &str, kind: Option<Route>) -> Result<Vec<(Route, Url)>> {
    let mut url: Url =
        address.parse().with_context(|| format!("`{address}` is not a URL: write https://host/prefix/skill"))?;
    ensure!(
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty()),
        "`{address}` must begin with https:// (http:// is for this machine)"
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "the address has a user name in it, which no webhook of Kakao's can have: leave it out"
    );
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    let known = Route::ALL.into_iter().find(|route| path.ends_with(route.path()));
    if let Some(route) = kind.or(known) {
        return Ok(vec![(route, with_path(&url, &path))]);
    }
    Ok(Route::ALL.into_iter().map(|route| (route, with_path(&url, &format!("{path}{}", route.path())))).collect())
}

pub(super) fn with_path(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url
}

/// The same address with more at its end.
pub(super) fn below(url: &Url, more: &str) -> Url {
    with_path(url, &format!("{}{more}", url.path().trim_end_matches('/')))
}

/// What is said of an address with a query. Its text isn't: a query may hold a password.
pub(super) fn own_query(url: &Url) -> Option<Judgement> {
    url.query().map(|_| {
        Judgement::warning(
            "the address has a query of its own (?…)",
            "register it without: Kakao may put its parameters behind another ?, and then the last of your own \
             swallows the first of them. A prefix of the path says the same",
        )
    })
}

/// Whether what is sent there can be read on the way.
pub(super) fn is_open(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() != "https" && !is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::finding::Verdict;

    fn found(address: &str, kind: Option<Route>) -> Vec<(&'static str, String)> {
        routes(address, kind).unwrap().into_iter().map(|(route, url)| (route.name(), url.to_string())).collect()
    }

    #[test]
    fn an_address_is_known_by_the_end_of_its_path_whatever_stands_before_or_behind() {
        for (address, name, url) in [
            ("https://a.example/skill", "skill", "https://a.example/skill"),
            ("https://a.example/v1/x9/skill/", "skill", "https://a.example/v1/x9/skill"),
            ("https://a.example/webhooks/talk-share?a=1#b", "talk-share", "https://a.example/webhooks/talk-share?a=1"),
            ("http://127.0.0.1:3000/health", "health", "http://127.0.0.1:3000/health"),
        ] {
            assert_eq!(found(address, None), [(name, url.to_owned())]);
        }
        let other = found("https://a.example/kakao/chat", Some(Route::Skill));
        assert_eq!(other, [("skill", "https://a.example/kakao/chat".to_owned())]);
    }

    #[test]
    fn a_base_is_every_route() {
        for base in ["https://a.example/v1", "https://a.example/v1/"] {
            let found = found(base, None);
            assert_eq!(found.len(), 6);
            assert!(found.contains(&("unlink", "https://a.example/v1/webhooks/unlink".to_owned())));
        }
        assert_eq!(found("https://a.example", None)[0].1, "https://a.example/skill");
    }

    #[test]
    fn a_query_of_its_own_is_warned_of_and_not_shown() {
        let found = |address: &str| own_query(&address.parse().unwrap());
        assert_eq!(found("https://a.example/webhooks/unlink"), None);
        let warned = found("https://a.example/webhooks/unlink?p=shop01").unwrap();
        assert_eq!(warned.verdict, Verdict::Warning);
        assert!(!format!("{warned:?}").contains("shop01") && warned.fix.contains("without"), "{warned:?}");
    }

    #[test]
    fn a_text_that_is_not_an_address_gets_a_fix() {
        for text in ["", "a.example/skill", "ftp://a.example/skill", "https://u:p@a.example/skill"] {
            assert!(routes(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn plain_http_is_open_but_on_this_machine() {
        for (address, open) in [
            ("https://a.example", false),
            ("http://localhost:1", false),
            ("http://[::1]:1", false),
            ("http://127.0.0.1", false),
            ("http://a.example", true),
            ("http://127.0.0.1.example", true),
        ] {
            assert_eq!(is_open(&address.parse().unwrap()), open, "{address}");
        }
    }
}

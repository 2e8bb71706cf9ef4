use std::fmt;

use http::Uri;

use crate::{
    auth::Verified,
    wire::{BotId, Fields, skill::bot_of},
};

/// Where callback URLs lead: scheme, host and port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackOrigin(String);

/// Kakao's own.
impl Default for CallbackOrigin {
    fn default() -> Self {
        Self("https://bot-api.kakao.com".to_owned())
    }
}

impl CallbackOrigin {
    /// The origin that a URL is, without the default port; `None` if it has anything behind the port, or a user name.
    #[must_use]
    pub fn of(url: &Uri) -> Option<Self> {
        let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str());
        let is_bare = url.path() == "/" && url.query().is_none() && !authority.contains('@');
        let authority = if scheme == "https" { authority.strip_suffix(":443").unwrap_or(authority) } else { authority };
        is_bare.then(|| Self(format!("{scheme}://{}", authority.to_ascii_lowercase())))
    }

    /// What stands behind the origin in a URL. The default port may be written or not.
    fn path_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        let rest = url.strip_prefix(&self.0)?;
        let path = if self.0.starts_with("https:") { rest.strip_prefix(":443").unwrap_or(rest) } else { rest };
        path.starts_with('/').then_some(path)
    }
}

/// A URL to which the answer to one message may be posted, once. A skill request isn't signed, so only one that leads to
/// Kakao's callback API, for the bot that the message is for, and comes from a proven sender, is one.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackUrl(String);

/// Why a URL that came with a message is not called. It shows nothing of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedUrl {
    /// It is no text.
    Shape,
    /// It leads to another host, port or scheme than Kakao's.
    Origin,
    /// It is not `/v1/bots/<bot>/callback/<token>`.
    Path,
    /// It is another bot's than the message.
    Bot,
}

impl RefusedUrl {
    /// The reason's stable short name, in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Origin => "origin",
            Self::Path => "path",
            Self::Bot => "bot",
        }
    }
}

/// What the bot test of Kakao's console calls itself. It can't take callbacks.
const BOT_TEST: &str = "BuilderBotTest";

impl CallbackUrl {
    /// The callback URL of a message, if it has one. One of the bot test is left out.
    ///
    /// # Errors
    /// [`RefusedUrl`]: it has one that may not be called.
    pub fn of<P>(
        _proven: &Verified<P>,
        payload: &Fields<'_>,
        origin: &CallbackOrigin,
    ) -> Result<Option<Self>, RefusedUrl> {
        let Ok(request) = payload.object("userRequest") else { return Ok(None) };
        let surface = request.object("params").unwrap_or_default().word("surface");
        let url = request.text("callbackUrl").map_err(|_| RefusedUrl::Shape)?;
        let Some(url) = url.filter(|url| !url.is_empty() && surface.as_deref() != Some(BOT_TEST)) else {
            return Ok(None);
        };
        Self::checked(url, origin, &bot_of(payload).ok_or(RefusedUrl::Bot)?).map(Some)
    }

    /// The URL, if it is `<origin>/v1/bots/<this bot, perhaps with !>/callback/<token>`, letter by letter: what needs
    /// no parser can't be read in two ways. Kakao documents no query, so that one is refused.
    pub(super) fn checked(url: &str, origin: &CallbackOrigin, bot: &BotId) -> Result<Self, RefusedUrl> {
        let path = origin.path_of(url).ok_or(RefusedUrl::Origin)?;
        let segments = path.strip_prefix("/v1/bots/").and_then(|path| path.split_once("/callback/"));
        let (named, _) = segments.filter(|(_, token)| is_segment(token)).ok_or(RefusedUrl::Path)?;
        let is_bot = named.strip_suffix('!').unwrap_or(named) == bot.as_str() && is_segment(bot.as_str());
        if is_bot { Ok(Self(url.to_owned())) } else { Err(RefusedUrl::Bot) }
    }

    /// The URL itself, for the request: never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Never the URL: its token lets anyone answer the user.
impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackUrl([hidden])")
    }
}

/// Longer ones are none of Kakao's.
const MOST: usize = 512;

/// Whether a text is one segment of a path, which every server reads in the same way.
fn is_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~=+".contains(&byte);
    (1..=MOST).contains(&text.len()) && text.bytes().all(is_plain) && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOT: &str = "64f0a1b2c3d4e5f6a7b8c9d0";
    const TOKEN: &str = "0d9f1c2b3a4e5f60718293a4b5c6d7e8";

    fn checked(url: &str) -> Result<CallbackUrl, RefusedUrl> {
        CallbackUrl::checked(url, &CallbackOrigin::default(), &BOT.parse().unwrap())
    }

    #[test]
    fn kakaos_urls_for_this_bot_may_be_called() {
        for url in [
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}!/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com:443/v1/bots/{BOT}/callback/{TOKEN}"),
        ] {
            assert_eq!(checked(&url).unwrap().expose(), url);
            assert!(!format!("{:?}", checked(&url)).contains(TOKEN));
        }
    }

    #[test]
    fn no_other_url_may_be_called() {
        let path = format!("/v1/bots/{BOT}/callback/{TOKEN}");
        for url in [
            String::new(),
            path.clone(),
            format!("http://bot-api.kakao.com{path}"),
            format!("HTTPS://BOT-API.KAKAO.COM{path}"),
            format!("https://bot-api.kakao.com.example.com{path}"),
            format!("https://bot-api.kakao.comexample.com{path}"),
            format!("https://example.com{path}"),
            format!("https://bot-api.kakao.com:8443{path}"),
            format!("https://bot-api.kakao.com:443@example.com{path}"),
            format!("https://bot-api.kakao.com@example.com{path}"),
            format!("https://a:b@bot-api.kakao.com{path}"),
            format!("https://bot-api.kakao.com\\@example.com{path}"),
            format!("https://bot-api.kakao.com\u{3002}example.com{path}"),
            format!("https://bot-api\u{ff0e}kakao.com{path}"),
            format!("https://bot-api.kakao.com/{path}"),
            format!("https://bot-api.kakao.com/v1/../v1/bots/{BOT}/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/.."),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/../{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/%2e%2e"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN}/"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN}?a=b"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN}#a"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN} "),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}!!/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/{BOT}%21/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/64f0/callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots//callback/{TOKEN}"),
            format!("https://bot-api.kakao.com/v1/bots/!/callback/{TOKEN}"),
        ] {
            assert!(checked(&url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_refused_url_has_the_name_of_its_reason() {
        for (url, reason) in [
            (format!("https://example.com/v1/bots/{BOT}/callback/{TOKEN}"), "origin"),
            (format!("https://bot-api.kakao.com/v2/bots/{BOT}/callback/{TOKEN}"), "path"),
            (format!("https://bot-api.kakao.com/v1/bots/{BOT}/callback/{TOKEN}?a=b"), "path"),
            (format!("https://bot-api.kakao.com/v1/bots/64f0/callback/{TOKEN}"), "bot"),
        ] {
            assert_eq!(checked(&url).map_err(RefusedUrl::name), Err(reason), "{url}");
        }
    }

    #[test]
    fn an_origin_is_a_bare_url() {
        let of = |url: &str| CallbackOrigin::of(&url.parse().unwrap());
        for url in ["https://bot-api.kakao.com/", "https://bot-api.kakao.com:443"] {
            assert_eq!(of(url), Some(CallbackOrigin::default()), "{url}");
        }
        let local = of("http://127.0.0.1:8080").unwrap();
        let url = format!("http://127.0.0.1:8080/v1/bots/{BOT}/callback/{TOKEN}");
        assert!(CallbackUrl::checked(&url, &local, &BOT.parse().unwrap()).is_ok());
        for url in ["https://a@bot-api.kakao.com", "https://bot-api.kakao.com/v1", "https://bot-api.kakao.com/?a"] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    proptest! {
        /// Whatever stands in it: what may be called leads to Kakao, for this bot, however it is parsed.
        #[test]
        fn what_may_be_called_leads_to_kakao_for_this_bot(
            before in "(https?://)?[a-z@:.\\\\/]{0,8}",
            host in prop_oneof![Just("bot-api.kakao.com"), Just("example.com"), Just("bot-api.kakao.com:443")],
            between in prop_oneof![Just("/v1/bots/".to_owned()), "\\PC{0,6}"],
            bot in prop_oneof![Just(BOT.to_owned()), Just(format!("{BOT}!")), "\\PC{0,6}"],
            behind in prop_oneof![Just("/callback/".to_owned()), "\\PC{0,6}"],
            token in prop_oneof![Just(TOKEN.to_owned()), "[0-9a-f./%@?#!]{0,8}", "\\PC{0,8}"],
            mangled in any::<bool>(),
        ) {
            let before = if mangled { before } else { "https://".to_owned() };
            let url = format!("{before}{host}{between}{bot}{behind}{token}");
            let Ok(callback) = checked(&url) else { return Ok(()) };
            let uri: Uri = callback.expose().parse().unwrap();
            prop_assert_eq!((uri.scheme_str(), uri.host()), (Some("https"), Some("bot-api.kakao.com")));
            prop_assert!(matches!(uri.port_u16(), None | Some(443)) && uri.query().is_none());
            let parts: Vec<_> = uri.path().split('/').collect();
            prop_assert_eq!(parts.len(), 6, "{}", url);
            prop_assert_eq!((parts[1], parts[2], parts[4]), ("v1", "bots", "callback"));
            prop_assert_eq!(parts[3].trim_end_matches('!'), BOT);
            prop_assert!(!url.contains(['@', '%', '\\']) && ![".", "..", ""].contains(&parts[5]));
        }
    }
}

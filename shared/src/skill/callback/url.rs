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
    /// The origin that a URL is; `None` if it has anything behind the port, or a user name.
    #[must_use]
    pub fn of(url: &Uri) -> Option<Self> {
        let (scheme, authority) = (url.scheme_str()?, url.authority()?.as_str());
        let is_bare = url.path() == "/" && url.query().is_none() && !authority.contains('@');
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

/// What the bot test of Kakao's console calls itself. It can't take callbacks.
const BOT_TEST: &str = "BuilderBotTest";

impl CallbackUrl {
    /// The callback URL of a message, if there is one that may be called.
    #[must_use]
    pub fn of<P>(_proven: &Verified<P>, payload: &Fields<'_>, origin: &CallbackOrigin) -> Option<Self> {
        let request = payload.object("userRequest").ok()?;
        let surface = request.object("params").unwrap_or_default().word("surface");
        let url = request.text("callbackUrl").ok()??;
        if surface.as_deref() == Some(BOT_TEST) { None } else { Self::checked(url, origin, &bot_of(payload)?) }
    }

    /// The URL, if it is `<origin>/v1/bots/<this bot, perhaps with !>/callback/<token>`, letter by letter: what needs
    /// no parser can't be read in two ways.
    pub(super) fn checked(url: &str, origin: &CallbackOrigin, bot: &BotId) -> Option<Self> {
        let path = origin.path_of(url)?.strip_prefix("/v1/bots/")?;
        let (named, token) = path.split_once("/callback/")?;
        let is_bot = named.strip_suffix('!').unwrap_or(named) == bot.as_str() && is_segment(bot.as_str());
        (is_bot && is_segment(token)).then(|| Self(url.to_owned()))
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

    fn checked(url: &str) -> Option<CallbackUrl> {
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
            assert_eq!(checked(&url), None, "{url}");
        }
    }

    #[test]
    fn an_origin_is_a_bare_url() {
        let of = |url: &str| CallbackOrigin::of(&url.parse().unwrap());
        assert_eq!(of("https://bot-api.kakao.com/"), Some(CallbackOrigin::default()));
        let local = of("http://127.0.0.1:8080").unwrap();
        let url = format!("http://127.0.0.1:8080/v1/bots/{BOT}/callback/{TOKEN}");
        assert!(CallbackUrl::checked(&url, &local, &BOT.parse().unwrap()).is_some());
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
            let Some(callback) = checked(&url) else { return Ok(()) };
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

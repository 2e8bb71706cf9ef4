/// A path of the service, and the methods that it takes. The one table: the functions, the template, khook and the
/// tests derive from it or are tested against it.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// How the path ends, so that a prefix (a stage, a mapping, an unguessable segment) may stand before.
    pub path: &'static str,
    /// The methods, as the `Allow` header lists them. `HEAD` is `GET` without a body and without effect.
    pub methods: &'static [&'static str],
    /// The name of the function that serves it.
    pub function: &'static str,
}

impl Route {
    /// Kakao Login's unlink webhook: Kakao sends either method, as the app's owner chose.
    pub const UNLINK: Self = Self { path: "/webhooks/unlink", methods: &["GET", "HEAD", "POST"], function: "unlink" };
    /// Kakao Login's account status change webhook.
    pub const ACCOUNT_STATUS: Self =
        Self { path: "/webhooks/account-status", methods: &["POST"], function: "account-status" };
    /// KakaoTalk Share's webhook: Kakao sends either method, as the app's owner chose.
    pub const TALK_SHARE: Self =
        Self { path: "/webhooks/talk-share", methods: &["GET", "HEAD", "POST"], function: "talk-share" };
    /// KakaoTalk Channel's webhook.
    pub const TALK_CHANNEL: Self =
        Self { path: "/webhooks/talk-channel", methods: &["POST"], function: "talk-channel" };
    /// A chatbot's skill. `GET` is Kakao's check when its URL is registered.
    pub const SKILL: Self = Self { path: "/skill", methods: &["GET", "HEAD", "POST"], function: "skill" };
    /// For an uptime probe.
    pub const HEALTH: Self = Self { path: "/health", methods: &["GET", "HEAD"], function: "skill" };

    /// All of them: Kakao's five in the order of its console, then our own.
    pub const ALL: [Self; 6] =
        [Self::UNLINK, Self::ACCOUNT_STATUS, Self::TALK_SHARE, Self::TALK_CHANNEL, Self::SKILL, Self::HEALTH];
}

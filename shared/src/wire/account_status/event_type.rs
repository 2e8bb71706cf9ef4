/// Declares the event types: each with its profile's URI prefix and its name.
macro_rules! event_types {
    ($($variant:ident = $prefix:ident / $name:literal: $doc:literal),+ $(,)?) => {
        /// What a Security Event Token reports. The set is open: an unknown URI is kept.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(#[doc = $doc] $variant,)+
            /// An event that this version doesn't know, by its URI.
            Unknown(String),
        }

        impl EventType {
            /// Every known type, in the order of Kakao's table.
            pub const KNOWN: &[Self] = &[$(Self::$variant),+];

            /// The URI that names the event in a token's `events`.
            #[must_use]
            pub fn uri(&self) -> &str {
                match self {
                    $(Self::$variant => concat!($prefix!(), $name),)+
                    Self::Unknown(uri) => uri,
                }
            }

            /// The URI's last segment if the event is known.
            #[must_use]
            pub const fn known_name(&self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($name),)+
                    Self::Unknown(_) => None,
                }
            }

            /// The type that a URI names.
            #[must_use]
            pub fn of_uri(uri: &str) -> Self {
                match uri {
                    $(concat!($prefix!(), $name) => Self::$variant,)+
                    _ => Self::Unknown(uri.to_owned()),
                }
            }

            /// The known type with this name.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

macro_rules! oauth {
    () => {
        "https://schemas.openid.net/secevent/oauth/event-type/"
    };
}
macro_rules! risc {
    () => {
        "https://schemas.openid.net/secevent/risc/event-type/"
    };
}
macro_rules! caep {
    () => {
        "https://schemas.openid.net/secevent/caep/event-type/"
    };
}
macro_rules! kakao {
    () => {
        "https://schemas.kakao.com/platevent/kakao/event-type/"
    };
}

// Kakao developers, "Account status change webhook", the tables of event types.
event_types! {
    TokenIssued = oauth / "token-issued": "Kakao issued a token.",
    TokenRevoked = oauth / "token-revoked": "One token was revoked.",
    TokensRevoked = oauth / "tokens-revoked": "All of the user's tokens were revoked.",
    UserLinked = oauth / "user-linked": "The user linked with the app. Never a withdrawal.",
    UserUnlinked = oauth / "user-unlinked": "The user's link with the app has ended.",
    UserScopeConsent = oauth / "user-scope-consent": "The user consented to items. Never a withdrawal.",
    UserScopeWithdraw = oauth / "user-scope-withdraw": "The user withdrew consent to items. Not a withdrawal from the service.",
    AccountCredentialChangeRequired = risc / "account-credential-change-required": "The user must change their credential.",
    AccountDisabled = risc / "account-disabled": "The Kakao account is disabled.",
    AccountEnabled = risc / "account-enabled": "The Kakao account is enabled again.",
    AccountPurged = risc / "account-purged": "The Kakao account is deleted for good.",
    CredentialCompromise = risc / "credential-compromise": "A credential was found compromised.",
    IdentifierChanged = risc / "identifier-changed": "An e-mail address or phone number changed.",
    IdentifierRecycled = risc / "identifier-recycled": "An identifier now belongs to another person.",
    SessionsRevoked = risc / "sessions-revoked": "All of the user's sessions were revoked.",
    AssuranceLevelChange = caep / "assurance-level-change": "The strength of the user's authentication changed.",
    CredentialChange = caep / "credential-change": "A credential was created, changed or removed.",
    UserProfileChanged = kakao / "user-profile-changed": "Profile values changed.",
}

/// How a transmitter checks that events arrive (OpenID SSF 1.0 §8.1.4), in each profile's prefix so far. Not
/// `stream-updated`: it reports that events stop, and an operator must know.
const STREAM_PREFIXES: [&str; 3] = ["ssf", "sse", "risc"];
const VERIFICATION: &str = "verification";

impl EventType {
    /// Whether it only verifies the stream of events, and so is about no user.
    #[must_use]
    pub fn is_verification(&self) -> bool {
        let path = self.uri().strip_prefix("https://schemas.openid.net/secevent/");
        path.and_then(|path| path.split_once("/event-type/"))
            .is_some_and(|(profile, name)| STREAM_PREFIXES.contains(&profile) && name == VERIFICATION)
    }
}

impl std::fmt::Debug for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.known_name().unwrap_or("unknown"))
    }
}

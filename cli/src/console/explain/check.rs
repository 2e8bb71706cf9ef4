use serde::{Deserialize, Serialize};

/// A check and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which one.
    pub name: CheckName,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// An earlier one failed, and ended the checks.
    NotReached,
}

impl Verdict {
    /// Its name in class names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
        }
    }
}

/// The checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckName {
    /// The route has the method.
    Method,
    /// The body is not longer than any of Kakao's.
    Size,
    /// The admin key is an app's.
    AdminKey,
    /// The bot's header has the right value.
    SkillKey,
    /// The content type is a Security Event Token's.
    ContentType,
    /// Three parts, of which the first is a JSON object.
    Form,
    /// `alg` is RS256.
    Algorithm,
    /// `typ` is a Security Event Token's.
    Type,
    /// No header member brings a key along or changes how the token is read.
    ForbiddenHeader,
    /// There is a `kid`.
    KeyId,
    /// Claims and signature are base64url.
    Encoding,
    /// The key set has the key.
    KnownKey,
    /// The signature is the key's.
    Signature,
    /// `iss` is Kakao.
    Issuer,
    /// `aud` is an app's REST API key.
    Audience,
    /// The content can be read and placed. If not, it is acknowledged and quarantined.
    Readable,
}

impl CheckName {
    /// Those of an account status webhook, in the order in which the function makes them.
    pub const OF_TOKEN: [Self; 14] = [
        Self::Method,
        Self::Size,
        Self::ContentType,
        Self::Form,
        Self::Algorithm,
        Self::Type,
        Self::ForbiddenHeader,
        Self::KeyId,
        Self::Encoding,
        Self::KnownKey,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Readable,
    ];

    /// Those of a webhook that an admin key proves.
    pub const OF_ADMIN_KEY: [Self; 4] = [Self::Method, Self::AdminKey, Self::Size, Self::Readable];

    /// Those of a chatbot's message.
    pub const OF_SKILL: [Self; 4] = [Self::Method, Self::SkillKey, Self::Size, Self::Readable];

    /// Each.
    pub const ALL: [Self; 16] = [
        Self::Method,
        Self::Size,
        Self::AdminKey,
        Self::SkillKey,
        Self::ContentType,
        Self::Form,
        Self::Algorithm,
        Self::Type,
        Self::ForbiddenHeader,
        Self::KeyId,
        Self::Encoding,
        Self::KnownKey,
        Self::Signature,
        Self::Issuer,
        Self::Audience,
        Self::Readable,
    ];
}

/// The checks in their order, with `failed` as the one that failed: those before it have passed, those after it were not
/// made. `values` has what was found and what would be right.
pub(super) fn checks(
    order: &[CheckName],
    failed: Option<CheckName>,
    values: impl Fn(CheckName) -> (Option<String>, Option<String>),
) -> Vec<Check> {
    let failed_at = failed.and_then(|failed| order.iter().position(|name| *name == failed));
    let verdict = |index| match failed_at {
        Some(at) if index == at => Verdict::Failed,
        Some(at) if index > at => Verdict::NotReached,
        _ => Verdict::Passed,
    };
    let named = order.iter().enumerate();
    named
        .map(|(index, name)| {
            let (found, wanted) = values(*name);
            Check { name: *name, verdict: verdict(index), found, wanted }
        })
        .collect()
}

use http::HeaderName;
use serde::Deserialize;

use super::{Digest, InvalidDigest, KeyFault, Unverified, Verified};
use crate::wire::Content;

/// The header by which the bot's owner lets Kakao prove itself: a name and, by digest, the values
/// that are right (several while one is being replaced).
#[derive(Clone, Debug)]
pub struct SkillAuth {
    header: HeaderName,
    digests: Vec<Digest>,
}

/// Why `SKILL_AUTH` can't be used. Its values are not shown.
#[derive(Debug, thiserror::Error)]
pub enum SkillAuthError {
    /// It is not the JSON that it should be.
    #[error("it is not JSON of the form {{\"header\":\"x-skill-key\",\"sha256\":[\"<64 hex>\"]}}")]
    Json,
    /// The text is not a header name.
    #[error("its `header` is not a header name")]
    Header,
    /// No digest: every message would be refused.
    #[error("its `sha256` is empty")]
    Empty,
    /// A value is not a digest, or is the digest of an empty text.
    #[error("its `sha256`, entry {0}, is {1}")]
    Digest(usize, InvalidDigest),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    header: String,
    /// Read one by one, so that a wrong one can be named.
    sha256: Vec<String>,
}

impl SkillAuth {
    /// Reads the value of `SKILL_AUTH`.
    ///
    /// # Errors
    /// Whatever would refuse every message.
    pub fn from_json(text: &str) -> Result<Self, SkillAuthError> {
        let json: Json = serde_json::from_str(text).map_err(|_| SkillAuthError::Json)?;
        if json.sha256.is_empty() {
            return Err(SkillAuthError::Empty);
        }
        let header = json.header.parse().map_err(|_| SkillAuthError::Header)?;
        let numbered = (1..).zip(&json.sha256);
        let digest = |(entry, text): (usize, &String)| text.parse().map_err(|why| SkillAuthError::Digest(entry, why));
        Ok(Self { header, digests: numbered.map(digest).collect::<Result<_, _>>()? })
    }
}

impl Unverified {
    /// Proves that the sender knows the skill's header value.
    ///
    /// # Errors
    /// [`KeyFault`]: answer 401.
    pub fn prove_by_skill_auth(self, auth: &SkillAuth) -> Result<Verified<()>, KeyFault> {
        let mut values = self.headers().get_all(&auth.header).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(KeyFault::Missing);
        };
        let presented = Digest::of(value.as_bytes());
        // Every digest is compared: the time does not reveal which one matched.
        let matching = auth.digests.iter().filter(|digest| digest.matches(&presented)).count();
        if matching == 0 { Err(KeyFault::Unknown) } else { Ok(self.verified(())) }
    }

    /// Gives up the proof: for a skill that is run without `SKILL_AUTH`, which answers everybody and
    /// trusts none. What comes out is content, never an event.
    #[must_use]
    pub const fn unproven_content(&self) -> &Content {
        self.content()
    }
}

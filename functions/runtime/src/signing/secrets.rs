use std::fmt;

use kakao_webhooks::wire::Time;
use standardwebhooks::Webhook;

/// One secret, or two while it rotates: a request is then signed with both.
pub struct SigningSecrets(Vec<Webhook>);

/// A text that is not one or two secrets. It never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text must be one secret, or two separated by a blank; a secret is whsec_ and a key in Base64")]
pub struct MalformedSecret;

/// How every secret begins (Standard Webhooks, "Signature scheme").
const PREFIX: &str = "whsec_";

/// As many as a rotation needs.
const MOST: usize = 2;

impl SigningSecrets {
    /// Reads the secret's text.
    ///
    /// # Errors
    /// [`MalformedSecret`].
    pub fn from_text(text: &str) -> Result<Self, MalformedSecret> {
        let secrets = text.split_ascii_whitespace().map(secret).collect::<Option<Vec<_>>>().unwrap_or_default();
        if (1..=MOST).contains(&secrets.len()) { Ok(Self(secrets)) } else { Err(MalformedSecret) }
    }

    /// The value of `webhook-signature`: one signature for each secret, separated by a blank. `None` only if the library
    /// refuses to sign a text, which it doesn't.
    #[must_use]
    pub fn signature(&self, id: &str, at: Time, body: &str) -> Option<String> {
        let sign = |secret: &Webhook| secret.sign(id, at.as_seconds(), body.as_bytes()).ok();
        Some(self.0.iter().map(sign).collect::<Option<Vec<_>>>()?.join(" "))
    }
}

/// An empty key signs, too, but anyone can sign with it.
fn secret(text: &str) -> Option<Webhook> {
    let key = text.strip_prefix(PREFIX).filter(|key| !key.is_empty())?;
    Webhook::new(key).ok()
}

/// Never the secrets.
impl fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecrets({} redacted)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    /// Source: the Standard Webhooks libraries' own example.
    #[test]
    fn a_request_is_signed_as_the_standard_has_it() {
        let secrets = SigningSecrets::from_text(NEW).unwrap();
        let (id, body) = ("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", r#"{"email":"test@example.com","username":"test_user"}"#);
        let signature = secrets.signature(id, Time::from_seconds(1_649_367_553).unwrap(), body);
        assert_eq!(signature.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
    }

    #[test]
    fn while_the_secret_rotates_a_request_has_both_signatures() {
        let at = Time::from_seconds(1_649_367_553).unwrap();
        let sign = |text: &str| SigningSecrets::from_text(text).unwrap().signature("id", at, "{}").unwrap();
        assert_eq!(sign(&format!(" {OLD} {NEW}\n")), format!("{} {}", sign(OLD), sign(NEW)));
    }

    #[test]
    fn a_malformed_secret_is_refused_and_never_shown() {
        let three = format!("{OLD} {NEW} {OLD}");
        for text in ["", " ", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_no base64", "whsec_a!b=", &three] {
            let error = SigningSecrets::from_text(text).unwrap_err().to_string();
            assert!(error.contains("whsec_ and a key in Base64"), "{error}");
        }
        let shown = format!("{:?}", SigningSecrets::from_text(OLD).unwrap());
        assert_eq!(shown, "SigningSecrets(1 redacted)");
    }
}

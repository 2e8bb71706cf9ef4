use anyhow::{Context, Result};
use kakao_webhooks::auth::Digest;
use play_kakao::SigningKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::random;

/// A simulated Kakao with one app: all its secrets, made for one run. Never a real app's.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kakao {
    /// The app's number.
    pub app_id: String,
    /// The app's REST API key.
    pub rest_api_key: String,
    /// The app's primary admin key.
    pub admin_key: String,
    /// The chatbot.
    pub bot_id: String,
    /// The header that the bot's owner set.
    pub skill_header: String,
    /// Its value.
    pub skill_key: String,
    /// The id of the key that signs tokens.
    pub key_id: String,
    /// That key, as `SigningKey::to_base64` writes it.
    pub signing_key: String,
}

impl Kakao {
    /// With random keys.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> Result<Self> {
        let key_id = random::hex::<15>()?;
        let signing_key = SigningKey::generate(&key_id).ok().context("no signing key can be made")?;
        Ok(Self {
            app_id: "123456".to_owned(),
            rest_api_key: random::hex::<16>()?,
            admin_key: random::hex::<16>()?,
            bot_id: random::hex::<12>()?,
            skill_header: "X-Skill-Key".to_owned(),
            skill_key: random::hex::<16>()?,
            key_id,
            signing_key: signing_key.to_base64().ok().context("the signing key can't be written")?,
        })
    }

    /// The key that signs tokens.
    ///
    /// # Errors
    /// If it is none.
    pub fn signing_key(&self) -> Result<SigningKey> {
        SigningKey::from_base64(&self.key_id, &self.signing_key).context("it is not a signing key that khook created")
    }

    /// The header that proves a skill request.
    #[must_use]
    pub fn skill_proof(&self) -> (&str, &str) {
        (&self.skill_header, &self.skill_key)
    }

    /// The template's parameters for a service with this app.
    #[must_use]
    pub fn parameters(&self, key_set_url: &str) -> Vec<(String, String)> {
        let digest = |secret: &str| Digest::of(secret.as_bytes()).to_string();
        let apps = json!([{
            "app_id": self.app_id,
            "rest_api_keys": [self.rest_api_key],
            "admin_key_sha256": [digest(&self.admin_key)],
            "bot_ids": [self.bot_id],
        }]);
        let skill = json!({"header": self.skill_header, "sha256": [digest(&self.skill_key)]});
        let parameters = [
            ("KakaoApps", apps.to_string()),
            ("SkillAuth", skill.to_string()),
            ("KakaoJwksUrl", key_set_url.to_owned()),
        ];
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

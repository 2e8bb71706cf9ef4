//! What a local cloud asks where no rule of its chatbot fits.

use std::fmt;

use anyhow::Result;
use aws_config::SdkConfig;

use super::delivery::store_secret;

/// An answerer over HTTP.
#[derive(Clone)]
pub struct Answerer {
    /// The template's `SkillAnswerer`.
    pub url: String,
    /// The secret's text: one `whsec_…`, or two.
    pub secret: String,
}

/// Without the secret, and without the URL, whose query may be one.
impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answerer").finish_non_exhaustive()
    }
}

impl Answerer {
    /// Stores the secret in the local cloud. Returns the template's parameters.
    pub(super) async fn parameters(&self, aws: &SdkConfig) -> Result<Vec<(String, String)>> {
        let arn = store_secret(aws, "answerer", &self.secret).await?;
        Ok(vec![("SkillAnswerer".to_owned(), self.url.clone()), ("SkillAnswererSecret".to_owned(), arn)])
    }
}

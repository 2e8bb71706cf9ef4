//! What an event makes true at Kakao, for the simulated REST API.

use std::time::Duration;

use anyhow::{Context, Result};
use kakao_webhooks::wire::UserId;
use play_kakao::rest_api::MEMBERS_PATH;

use crate::local::running::Running;

/// Whether a member is linked at Kakao from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    user: UserId,
    linked: bool,
}

const PATIENCE: Duration = Duration::from_secs(3);

impl Truth {
    /// None of what is no member number: Kakao knows no such member.
    pub(super) fn of(user: &str, linked: bool) -> Option<Self> {
        user.parse().ok().map(|user| Self { user, linked })
    }

    /// Sets it in the simulated REST API of a running `khook dev`. One of an older version has none.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn set(&self, running: &Running) -> Result<()> {
        if running.kakao_api_url.is_empty() {
            return Ok(());
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("app_id", &running.kakao.app_id)
            .append_pair("user_id", &self.user.digits())
            .append_pair("linked", if self.linked { "true" } else { "false" })
            .finish();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let set = client.post(format!("{}{MEMBERS_PATH}", running.kakao_api_url)).body(form).send().await;
        set.and_then(reqwest::Response::error_for_status)
            .context("the simulated REST API of Kakao does not take it")?;
        Ok(())
    }
}

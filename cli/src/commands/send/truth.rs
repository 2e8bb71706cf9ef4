//! What an event makes true at Kakao, for the simulated REST API.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use kakao_webhooks::wire::{Time, UserId};
use play_kakao::rest_api::MEMBERS_PATH;
use reqwest::StatusCode;

use crate::{kakao::Kakao, ui::usage::Usage};

/// Whether the webhook arrives. Only events that link or unlink a member have it.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct LostWebhook {
    /// Let the webhook get lost: at the simulated Kakao it happens, and nothing is sent. For unlink, user-linked,
    /// user-unlinked and account-purged, with the running `khook dev`
    #[arg(long, help_heading = "Delivery", conflicts_with_all = ["url", "expect", "curl"])]
    pub(super) lost: bool,
}

/// The app that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OfApp {
    /// That of the running `khook dev`.
    Running,
    /// The one with this id.
    Id(String),
    /// The one with this REST API key.
    Key(String),
}

/// Whether a member is linked at Kakao from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Truth {
    user: UserId,
    linked: bool,
    app: OfApp,
    /// When it happened, if not now.
    at: Option<Time>,
}

const PATIENCE: Duration = Duration::from_secs(3);

impl Truth {
    /// # Errors
    /// What is no member number: Kakao knows no such member.
    pub(super) fn of(user: &str, linked: bool, app: OfApp, at: Option<Time>) -> Result<Self> {
        match user.parse() {
            Ok(user) => Ok(Self { user, linked, app, at }),
            Err(_) => {
                Err(Usage::error(format!("--user: `{user}` is not a member number, and nothing can happen to it")))
            }
        }
    }

    /// # Errors
    /// If it is about another app than the simulated one.
    pub(super) fn check_app(&self, kakao: &Kakao) -> Result<()> {
        let (option, value, simulated) = match &self.app {
            OfApp::Running => return Ok(()),
            OfApp::Id(id) => ("--app-id", id, &kakao.app_id),
            OfApp::Key(key) => ("--audience", key, &kakao.rest_api_key),
        };
        if value == simulated {
            return Ok(());
        }
        Err(Usage::error(format!(
            "{option}: `khook dev` simulates app {} only, and nothing can happen at another app. Leave {option} out",
            kakao.app_id
        )))
    }

    /// Sets it in the simulated REST API at this address, of this app. A `khook dev` of an older version has none.
    /// Returns whether anything changed.
    ///
    /// # Errors
    /// If it does not answer.
    pub(super) async fn set(&self, api_url: &str, app_id: &str) -> Result<bool> {
        if api_url.is_empty() {
            return Ok(false);
        }
        let at = self.at.map(|at| ("at", at.as_seconds().to_string()));
        let fields =
            [("app_id", app_id.to_owned()), ("user_id", self.user.digits()), ("linked", self.linked.to_string())];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.into_iter().chain(at)).finish();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let set = client.post(format!("{api_url}{MEMBERS_PATH}")).body(form).send().await;
        let set = set
            .and_then(reqwest::Response::error_for_status)
            .context("the simulated REST API of Kakao does not accept the member's link")?;
        Ok(set.status() != StatusCode::ALREADY_REPORTED)
    }

    /// Why it changes nothing.
    pub(super) const fn old_news(&self) -> &'static str {
        match (self.linked, self.at) {
            (true, _) => "is linked already",
            (false, None) => "is not linked",
            (false, Some(_)) => "is not linked, or was linked after --at",
        }
    }
}

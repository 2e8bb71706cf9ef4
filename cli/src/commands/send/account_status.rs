use std::path::PathBuf;

use anyhow::{Error, Result};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use kakao_webhooks::wire::{Time, account_status::EventType};
use serde_json::Value;

use super::{LostWebhook, OfApp, Pair, QUARANTINED, SendTarget, Truth, check_member_number, given, members, typos};
use crate::{
    kakao::{AccountStatus, Forgery, KeyRing, Request},
    random,
    ui::{usage::Usage, when::event_time},
};

pub(super) const EXAMPLES: &str = "\
Events (or any URI):
  token-issued token-revoked tokens-revoked sessions-revoked
  user-linked user-unlinked user-scope-consent user-scope-withdraw
  user-profile-changed account-disabled account-enabled account-purged
  account-credential-change-required credential-compromise credential-change
  assurance-level-change
  identifier-changed identifier-recycled
  verification stream-updated (of the stream of events: without --user)

Examples:
  khook send account-status --event user-unlinked --user 123 \\
      --member reason=ACCOUNT_DELETE
  khook send account-status --event user-profile-changed --user 123 \\
      --member nickname=라이언
  khook send account-status --event user-linked --user 123 \\
      --forge signature --expect 400
  khook send account-status --event user-linked --user 123 --claim toe=null";

/// Options of `khook send account-status`.
#[derive(Debug, Args)]
pub struct SendAccountStatus {
    /// The event, by its name or URI
    #[arg(long, value_name = "EVENT")]
    event: String,
    /// The member number. Only verification and stream-updated need none
    #[arg(long, value_name = "NUMBER")]
    user: Option<String>,
    /// A member of the event, as in reason=hijacking; the value may be JSON, and null is sent as null. Repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    member: Vec<Pair>,
    /// A claim, as in app_id=1; the value may be JSON, and null leaves the claim out. Repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<Pair>,
    /// When the event happened and the token was issued (RFC 3339); now by default
    #[arg(long, value_name = "TIME", value_parser = event_time)]
    at: Option<Time>,
    /// aud: a REST API key of the app; by default that of the running `khook dev`
    #[arg(long, value_name = "KEY")]
    audience: Option<String>,
    /// jti; random by default. The same jti again makes a duplicate
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// Make one part of the token invalid
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(forgeries()))]
    forge: Option<String>,
    /// A key file of `khook keys`, whose newest key signs; by default the key of the running `khook dev`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign with the key of this id in the key file
    #[arg(long, value_name = "ID", requires = "key")]
    kid: Option<String>,
    #[command(flatten)]
    pub(super) target: SendTarget,
    #[command(flatten)]
    pub(super) lost: LostWebhook,
}

/// Claims without which, or with others, a token is not about the member.
const ABOUT: [&str; 4] = ["iss", "aud", "sub", "events"];

impl SendAccountStatus {
    /// What it says of a member's link.
    ///
    /// # Errors
    /// If it says nothing of it. A forged token comes from someone else.
    pub(super) fn truth(&self) -> Result<Truth> {
        let linked = match EventType::of_uri(&self.uri()?) {
            EventType::UserLinked => true,
            EventType::UserUnlinked | EventType::AccountPurged => false,
            _ => {
                return Err(Usage::error(format!(
                    "--lost is for events that link or unlink a member (user-linked, user-unlinked, account-purged), and \
                     `{}` is not one",
                    self.event
                )));
            }
        };
        if self.forge.is_some() {
            return Err(Usage::error("--lost and --forge: what a forged token says never happened at Kakao"));
        }
        if let Some(Pair(name, _)) = self.claim.iter().find(|claim| ABOUT.contains(&claim.0.as_str())) {
            return Err(Usage::error(format!("--lost and --claim {name}=…: it must be known whom the event is about")));
        }
        let app = self.audience.clone().map_or(OfApp::Running, OfApp::Key);
        Truth::of(self.user.as_deref().ok_or_else(no_user)?, linked, app, self.at)
    }

    pub(super) fn request(&self) -> Result<Request> {
        match &self.user {
            Some(user) => check_member_number(user, QUARANTINED),
            None if typos::is_of_stream(&self.event) => {}
            None => return Err(no_user()),
        }
        let claims = members("--claim", &self.claim, &self.target)?;
        let kakao = self.target.kakao();
        let of_running = kakao.as_ref().map(|kakao| kakao.rest_api_key.clone());
        let status = AccountStatus {
            audience: given(self.audience.clone(), of_running, "--audience")?,
            user_id: self.user.clone(),
            token_id: self.jti.clone().map_or_else(random::hex::<16>, Ok)?,
            at: self.at.unwrap_or_else(runtime::clock::now).as_seconds(),
            event_uri: self.uri()?,
            members: members("--member", &self.member, &self.target)?,
            claims: claims.into_iter().map(|(name, value)| (name, seconds(value))).collect(),
        };
        let key = match (&self.key, kakao) {
            (Some(file), _) => KeyRing::read(file)?.signing_key(self.kid.as_deref())?,
            (None, Some(kakao)) => kakao.signing_key()?,
            (None, None) => {
                return Err(Usage::error(
                    "there is no signing key: name a key file with --key (`khook keys new` makes one), or leave out --url",
                ));
            }
        };
        status.request(&key, self.forge.as_deref().and_then(Forgery::named))
    }

    fn uri(&self) -> Result<String> {
        typos::event_uri(&self.event)
            .or_else(|error| if self.target.anyway { Ok(self.event.clone()) } else { Err(error) })
    }
}

fn no_user() -> Error {
    Usage::error("--user is missing: only an event of the stream concerns no user")
}

/// The values of `--forge`, each with its meaning and the expected answer.
fn forgeries() -> Vec<PossibleValue> {
    let value = |forgery: &Forgery| {
        let answer = forgery.code().map_or_else(|| "202, quarantined".to_owned(), |code| format!("400 {code}"));
        let help = format!("{} {answer}", forgery.what());
        PossibleValue::new(forgery.name()).help(help)
    };
    Forgery::ALL.iter().map(value).collect()
}

/// A claim's time may be written as RFC 3339: tokens have seconds.
fn seconds(value: Value) -> Value {
    let time = value.as_str().and_then(|text| text.parse::<Time>().ok());
    time.map_or(value, |time| Value::from(time.as_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forgery_can_be_asked_for_and_says_what_it_is_answered() {
        let forgeries = forgeries();
        assert_eq!(forgeries.len(), Forgery::ALL.len());
        for (value, forgery) in forgeries.iter().zip(Forgery::ALL) {
            assert_eq!(value.get_name(), forgery.name());
            assert!(
                value.get_help().unwrap().to_string().ends_with(forgery.code().unwrap_or("quarantined")),
                "{forgery:?}"
            );
        }
    }

    #[test]
    fn the_help_lists_every_event() {
        for known in EventType::KNOWN {
            assert!(EXAMPLES.contains(known.known_name().unwrap()), "{known:?}");
        }
    }
}

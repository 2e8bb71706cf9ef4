//! `khook kakao`: asks Kakao's REST API by hand about members of an app.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand, builder::RangedU64ValueParser};
use kakao_webhooks::wire::{
    AppId, UserId,
    rest_api::{LinkedMember, MOST_MEMBERS, MemberPage, MemberScope, RestError},
};
use runtime::{
    config::Variables,
    http::{CaBundle, Pool},
    reconcile::{HttpKakaoApi, KakaoApi as _, ReaderKey, all_reader_keys},
};
use serde_json::{Value, json};

use crate::{
    kakao::fix_of,
    ui::{
        ask,
        output::{self, TextTable},
        usage::Usage,
    },
};

/// What is asked.
#[derive(Debug, Subcommand)]
pub enum Kakao {
    /// Ask whether a member is linked with the app, and since when
    #[command(after_help = "The exit status is 0 if the member is linked, else 1.\n\n\
                            Example:\n  khook kakao me 123456 1234567890 --key-file key.txt")]
    Me {
        /// The app and its key.
        #[command(flatten)]
        target: KakaoTarget,
        /// The member number (회원번호)
        #[arg(value_name = "MEMBER_NUMBER")]
        user_id: UserId,
    },
    /// List members of the app, or ask which of some members are linked
    #[command(after_help = "Examples:\n  khook kakao users 123456 --key-file key.txt --from 1234567890 --limit 10\n  \
                            khook kakao users 123456 1234567890 1234567891")]
    Users {
        /// The app and its key.
        #[command(flatten)]
        target: KakaoTarget,
        /// The members that are asked for, at most 100; without them the list of members
        #[arg(value_name = "MEMBER_NUMBER", num_args = 0..=MOST_MEMBERS)]
        user_ids: Vec<UserId>,
        /// The list begins with this member number, or the next one
        #[arg(long, value_name = "MEMBER_NUMBER", conflicts_with = "user_ids")]
        from: Option<UserId>,
        /// How many members of the list
        #[arg(long, value_name = "NUMBER", default_value_t = MOST_MEMBERS, conflicts_with = "user_ids",
              value_parser = RangedU64ValueParser::<usize>::new().range(1..=MOST_MEMBERS as u64))]
        limit: usize,
    },
    /// Ask what a member agreed to
    #[command(after_help = "Example:\n  khook kakao scopes 123456 1234567890 --key-file key.txt")]
    Scopes {
        /// The app and its key.
        #[command(flatten)]
        target: KakaoTarget,
        /// The member number (회원번호)
        #[arg(value_name = "MEMBER_NUMBER")]
        user_id: UserId,
    },
}

/// An app, and the key that is shown to Kakao.
#[derive(Debug, Args)]
pub struct KakaoTarget {
    /// The Kakao app's number. It must be that of the key: Kakao answers about the key's app
    app_id: AppId,
    /// A file with an admin key, or with the text of the secret of KakaoReaderKeys ({"<app id>":"<admin key>"}); by
    /// default it is asked for
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A key is a line, and the secret a few.
const MAX_KEY: u64 = 64 * 1024;

/// The API, asked with one key.
struct Asking {
    api: HttpKakaoApi,
    key: ReaderKey,
}

impl Kakao {
    /// Runs it.
    ///
    /// # Errors
    /// A key that can't be used, or an error of Kakao's with its fix.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Me { target, user_id } => {
                let Asking { api, key } = target.asking().await?;
                let member = api.member(&key, user_id).await.map_err(|error| refused(&error))?;
                target.print(&members_table(&[user_id], &[member]), &member_json(user_id, Some(&member)))
            }
            Self::Users { target, user_ids, from, limit } if user_ids.is_empty() => {
                let Asking { api, key } = target.asking().await?;
                target.print_page(&api.members(&key, from, limit).await.map_err(|error| refused(&error))?)
            }
            Self::Users { target, user_ids, .. } => {
                let Asking { api, key } = target.asking().await?;
                let linked = api.linked_members(&key, &user_ids).await.map_err(|error| refused(&error))?;
                let one = |asked: &UserId| member_json(*asked, found(&linked, *asked));
                target.print(&members_table(&user_ids, &linked), &user_ids.iter().map(one).collect())
            }
            Self::Scopes { target, user_id } => {
                let Asking { api, key } = target.asking().await?;
                let scopes = api.scopes(&key, user_id).await.map_err(|error| refused(&error))?;
                target.print(&scopes_table(&scopes), &scopes.iter().map(scope_json).collect())
            }
        }
    }
}

impl KakaoTarget {
    async fn asking(&self) -> Result<Asking> {
        let url = Variables::of_process().kakao_api_url().map_err(|error| Usage::error(error.to_string()))?;
        Ok(Asking { api: HttpKakaoApi::new(url, Pool::of_the_web(&CaBundle::default())?), key: self.key().await? })
    }

    async fn key(&self) -> Result<ReaderKey> {
        let text = match &self.key_file {
            Some(file) => fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?,
            None => ask::secret(&format!("Admin key of app {} (it isn't shown):", self.app_id), MAX_KEY).await?,
        };
        self.key_in(&text)
    }

    /// The key in a text that is a key, or the secret.
    fn key_in(&self, text: &str) -> Result<ReaderKey> {
        let app = &self.app_id;
        if !text.trim_start().starts_with('{') {
            return ReaderKey::from_text(text)
                .context("this is not a key: a key is one word of at most 128 characters");
        }
        let keys = all_reader_keys(text).map_err(|error| anyhow!("the text of the secret can't be used: {error}"))?;
        keys.get(app).cloned().with_context(|| format!("the secret has no key of app {app}"))
    }

    fn print(&self, table: &TextTable, document: &Value) -> Result<ExitCode> {
        if self.json {
            output::json(document)?;
        } else {
            output::print_table(table)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print_page(&self, page: &MemberPage) -> Result<ExitCode> {
        let members: Vec<_> = page.members.iter().map(|member| member.digits()).collect();
        if self.json {
            output::json(&json!({"members": members, "has_more": page.has_more}))?;
            return Ok(ExitCode::SUCCESS);
        }
        members.iter().try_for_each(output::line)?;
        if members.is_empty() {
            output::say("Kakao lists no member");
        }
        if let Some(last) = page.members.last().filter(|_| page.has_more) {
            output::say(format!("There are more: --from {}", last.number().saturating_add(1)));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Kakao's words with their code, and what to do.
fn refused(error: &RestError) -> anyhow::Error {
    let text = error.to_string();
    fix_of(&text).map_or_else(|| anyhow!("{text}. Try again"), |fix| anyhow!("{text}: {fix}"))
}

fn found(linked: &[LinkedMember], asked: UserId) -> Option<&LinkedMember> {
    linked.iter().find(|member| member.user_id == asked)
}

fn members_table(asked: &[UserId], linked: &[LinkedMember]) -> TextTable {
    let mut table = output::table(&["Member", "At Kakao", "Since"]);
    for user_id in asked {
        let member = found(linked, *user_id);
        let since = member.and_then(|member| member.connected_at).map_or_else(|| "–".to_owned(), |at| at.to_string());
        table.add_row([&*user_id.digits(), if member.is_some() { "linked" } else { "not linked" }, &*since]);
    }
    table
}

fn member_json(asked: UserId, member: Option<&LinkedMember>) -> Value {
    json!({
        "user_id": asked,
        "linked": member.is_some(),
        "connected_at": member.and_then(|member| member.connected_at),
    })
}

fn scopes_table(scopes: &[MemberScope]) -> TextTable {
    let mut table = output::table(&["Scope", "Agreed", "Used by the app"]);
    let yes = |is: bool| if is { "yes" } else { "no" };
    for scope in scopes {
        table.add_row([scope.id.as_str(), yes(scope.is_agreed), yes(scope.is_used)]);
    }
    table
}

fn scope_json(scope: &MemberScope) -> Value {
    json!({"scope": scope.id, "agreed": scope.is_agreed, "used": scope.is_used})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_line_or_the_apps_in_the_secret_and_never_in_an_error() {
        let target = KakaoTarget { app_id: "123".parse().unwrap(), key_file: None, json: false };
        let key = ReaderKey::from_text("0123456789abcdef").unwrap();
        for text in ["0123456789abcdef\n", r#" {"7":"other","123":"0123456789abcdef"}"#] {
            assert_eq!(target.key_in(text).unwrap(), key, "{text}");
        }
        for (text, why) in [
            ("", "not a key"),
            ("secret words", "not a key"),
            (r#"{"7":"secret"}"#, "no key of app 123"),
            (r#"{"123":"secret key"}"#, "member 1"),
            ("{secret", "not a JSON object"),
        ] {
            let error = target.key_in(text).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret words") && !error.contains("secret key"), "{error}");
        }
    }
}

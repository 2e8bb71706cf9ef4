//! `khook kakao`: asks Kakao's REST API by hand about members of an app.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Error, Result, anyhow, bail};
use clap::{Args, Subcommand, builder::RangedU64ValueParser};
use kakao_webhooks::wire::{
    AppId, UserId,
    rest_api::{LinkedMember, MOST_MEMBERS, MemberPage, MemberScope, RestError},
};
use runtime::{
    config::Variables,
    http::{CaBundle, Pool},
    reconcile::{HttpKakaoApi, KakaoApi as _, KakaoApiUrl, ReaderKey, all_reader_keys},
};
use serde_json::{Value, json};

use crate::{
    kakao::fix_of,
    local::running::Running,
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
    #[command(after_help = "The exit status is 0 if the member is linked, 1 if not, or if Kakao gave no answer.\n\n\
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
    #[command(after_help = "The exit status is 0 if Kakao answered, linked or not, else 1.\n\n\
                            Examples:\n  khook kakao users 123456 --key-file key.txt --from 1234567890 --limit 10\n  \
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
    #[command(after_help = "The exit status is 0 if Kakao answered, else 1: also of a member who is not linked.\n\n\
                            Example:\n  khook kakao scopes 123456 1234567890 --key-file key.txt")]
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
    /// default the key of the running `khook dev`, if that simulates the app, else it is asked for
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
                let member = match api.member(&key, user_id).await {
                    Ok(member) => Some(member),
                    Err(RestError::NotLinked(_)) => None,
                    Err(error) => return Err(refused(&error)),
                };
                let linked: Vec<_> = member.into_iter().collect();
                target.print(&members_table(&[user_id], &linked), &member_json(user_id, linked.first()))?;
                Ok(if linked.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
            }
            Self::Users { target, user_ids, from, limit } if user_ids.is_empty() => {
                let Asking { api, key } = target.asking().await?;
                let page = api.members(&key, from, limit).await.map_err(|error| refused(&error))?;
                target.print_page(&page, from)
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
                if scopes.is_empty() && !target.json {
                    output::say("Kakao lists no scope of this member: there is none to agree to");
                    return Ok(ExitCode::SUCCESS);
                }
                target.print(&scopes_table(&scopes), &scopes.iter().map(scope_json).collect())
            }
        }
    }
}

impl KakaoTarget {
    async fn asking(&self) -> Result<Asking> {
        let api = |url| Ok::<_, Error>(HttpKakaoApi::new(url, Pool::of_the_web(&CaBundle::default())?));
        if let Some(running) = self.simulated() {
            let key = ReaderKey::from_text(&running.kakao_reader_key).context("`khook dev` has no reader key")?;
            output::say(format!("Asking the simulated Kakao of the running `khook dev` ({})", running.kakao_api_url));
            return Ok(Asking { api: api(KakaoApiUrl::from_text(&running.kakao_api_url)?)?, key });
        }
        let url = Variables::of_process().kakao_api_url().map_err(|error| Usage::error(error.to_string()))?;
        Ok(Asking { api: api(url)?, key: self.key().await? })
    }

    /// The running `khook dev`, if it simulates this app and neither a key nor an address is named.
    fn simulated(&self) -> Option<Running> {
        if self.key_file.is_some() || std::env::var_os("KAKAO_API_URL").is_some_and(|url| !url.is_empty()) {
            return None;
        }
        Running::find().filter(|it| it.kakao.app_id == self.app_id.as_str() && !it.kakao_reader_key.is_empty())
    }

    async fn key(&self) -> Result<ReaderKey> {
        let Some(file) = &self.key_file else {
            let question = format!("Admin key of app {} (it isn't shown):", self.app_id);
            return self.key_in(&ask::secret(&question, MAX_KEY).await?, "what was entered");
        };
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("{name} can't be read"))?;
        self.key_in(&text, &name)
    }

    /// The key in a text that is a key, or the secret; `place` is where the text is from.
    fn key_in(&self, text: &str, place: &str) -> Result<ReaderKey> {
        let app = &self.app_id;
        if text.trim().is_empty() {
            bail!("{place} is empty: expected the admin key of app {app}, or {{\"{app}\":\"<admin key>\"}}");
        }
        if !text.trim_start().starts_with('{') {
            return ReaderKey::from_text(text)
                .with_context(|| format!("{place} is not a key: a key is one word of at most 128 characters"));
        }
        let keys = all_reader_keys(text).map_err(|error| anyhow!("{place} can't be used: {error}"))?;
        keys.get(app).cloned().with_context(|| format!("{place} has no key of app {app}"))
    }

    fn print(&self, table: &TextTable, document: &Value) -> Result<ExitCode> {
        if self.json {
            output::json(document)?;
        } else {
            output::print_table(table)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print_page(&self, page: &MemberPage, from: Option<UserId>) -> Result<ExitCode> {
        let members: Vec<_> = page.members.iter().map(|member| member.digits()).collect();
        if self.json {
            output::json(&json!({"members": members, "has_more": page.has_more}))?;
            return Ok(ExitCode::SUCCESS);
        }
        members.iter().try_for_each(output::line)?;
        if members.is_empty() {
            let from = from.map_or_else(String::new, |from| format!(" from {} on", from.digits()));
            output::say(format!("Kakao lists no member{from}"));
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
            assert_eq!(target.key_in(text, "key.txt").unwrap(), key, "{text}");
        }
        for (text, why) in [
            ("", "key.txt is empty"),
            (" \n", "key.txt is empty"),
            ("secret words", "not a key"),
            (r#"{"7":"secret"}"#, "no key of app 123"),
            (r#"{"123":"secret key"}"#, "member 1"),
            ("{secret", "not a JSON object"),
        ] {
            let error = target.key_in(text, "key.txt").unwrap_err().to_string();
            assert!(
                error.starts_with("key.txt ")
                    && error.contains(why)
                    && !error.contains("secret words")
                    && !error.contains("secret key"),
                "{error}"
            );
        }
    }
}

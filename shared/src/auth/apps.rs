use serde::Deserialize;

use super::{Digest, InvalidDigest};
use crate::wire::{AppId, BotId};

/// One of the service's Kakao apps, and by what we know that a request is for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The app's number.
    pub app_id: AppId,
    /// Its REST API keys: the audience of its tokens. Several while they rotate; which of them `aud`
    /// carries is not documented, so any is right.
    #[serde(default)]
    rest_api_keys: Vec<String>,
    /// One REST API key, for an app that has one.
    #[serde(default)]
    rest_api_key: Option<String>,
    /// Digests of its admin keys. Several while they rotate.
    #[serde(skip)]
    admin_keys: Vec<Digest>,
    /// The same, as they stand in the JSON: read one by one, so that a wrong one can be named.
    #[serde(default)]
    admin_key_sha256: Vec<String>,
    /// The chatbots that are tied to it.
    #[serde(default)]
    bot_ids: Vec<BotId>,
}

impl App {
    fn read_digests(&mut self) -> Result<(), AppsError> {
        for (index, text) in std::mem::take(&mut self.admin_key_sha256).into_iter().enumerate() {
            let digest = text.parse().map_err(|error| AppsError::Digest(self.app_id.clone(), index + 1, error))?;
            self.admin_keys.push(digest);
        }
        Ok(())
    }

    fn audiences(&self) -> impl Iterator<Item = &str> {
        self.rest_api_keys.iter().chain(&self.rest_api_key).map(String::as_str)
    }
}

/// All of the service's apps: at least one.
#[derive(Clone, Debug)]
pub struct Apps(Vec<App>);

/// Why `KAKAO_APPS` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AppsError {
    /// It is not the JSON that it should be. The message is serde's without the value.
    #[error("it is not a JSON list of apps: {0}")]
    Json(String),
    /// A value is not a digest. It is not shown, because it may be the key itself.
    #[error("`admin_key_sha256` of the app {0}, entry {1}, is {2}")]
    Digest(AppId, usize, InvalidDigest),
    /// An app id that begins with a zero: Kakao's never do, so no webhook would name it.
    #[error("the app id {0} begins with a zero. Write it as Kakao's console shows it")]
    LeadingZero(AppId),
    /// The list is empty: every webhook would be refused.
    #[error("it names no app")]
    Empty,
    /// Two entries have the same app id.
    #[error("the app {0} occurs in it twice")]
    TwiceTheApp(AppId),
    /// Two apps have the same key, so it cannot identify one of them.
    #[error("one key (or bot) belongs to both {0} and {1}")]
    SharedKey(AppId, AppId),
    /// An app without any key: all its webhooks would be refused.
    #[error("the app {0} has neither a REST API key nor an admin key digest")]
    NoKey(AppId),
}

impl Apps {
    /// Reads the value of `KAKAO_APPS`.
    ///
    /// # Errors
    /// Whatever would refuse or confuse an app's webhooks.
    pub fn from_json(text: &str) -> Result<Self, AppsError> {
        let mut apps: Vec<App> = serde_json::from_str(text).map_err(|error| AppsError::Json(place_of(&error)))?;
        apps.iter_mut().try_for_each(App::read_digests)?;
        if apps.is_empty() {
            return Err(AppsError::Empty);
        }
        for (index, app) in apps.iter().enumerate() {
            if app.app_id.as_str().starts_with('0') {
                return Err(AppsError::LeadingZero(app.app_id.clone()));
            }
            if app.admin_keys.is_empty() && app.audiences().all(str::is_empty) {
                return Err(AppsError::NoKey(app.app_id.clone()));
            }
            for other in apps.iter().skip(index + 1) {
                if app.app_id == other.app_id {
                    return Err(AppsError::TwiceTheApp(app.app_id.clone()));
                }
                if shares_a_key(app, other) {
                    return Err(AppsError::SharedKey(app.app_id.clone(), other.app_id.clone()));
                }
            }
        }
        Ok(Self(apps))
    }

    /// The app that an admin key with this digest belongs to. Every digest is compared, so that the
    /// time does not reveal which one matched.
    #[must_use]
    pub fn by_admin_key(&self, presented: &Digest) -> Option<&App> {
        let mut found = None;
        for app in &self.0 {
            for digest in &app.admin_keys {
                if digest.matches(presented) {
                    found = Some(app);
                }
            }
        }
        found
    }

    /// The apps without the digest of an admin key: every webhook of theirs that one proves is refused.
    pub fn without_admin_key(&self) -> impl Iterator<Item = &AppId> {
        self.0.iter().filter(|app| app.admin_keys.is_empty()).map(|app| &app.app_id)
    }

    /// The app that one of a token's audiences names.
    #[must_use]
    pub fn by_audience(&self, audience: &str) -> Option<&App> {
        self.0.iter().find(|app| !audience.is_empty() && app.audiences().any(|key| key == audience))
    }

    /// The app that a bot is tied to: the one that lists it; else, where there is one app only and it
    /// lists no bot, that one.
    #[must_use]
    pub fn by_bot(&self, bot_id: &BotId) -> Option<&App> {
        let listed = self.0.iter().find(|app| app.bot_ids.contains(bot_id));
        listed.or(match self.0.as_slice() {
            [only] if only.bot_ids.is_empty() => Some(only),
            _ => None,
        })
    }
}

fn shares_a_key(one: &App, other: &App) -> bool {
    one.audiences().any(|key| other.audiences().any(|theirs| theirs == key))
        || one.admin_keys.iter().any(|digest| other.admin_keys.contains(digest))
        || one.bot_ids.iter().any(|bot| other.bot_ids.contains(bot))
}

/// What serde says, without the values it may quote: one may be a key. Names of members are
/// no values.
fn place_of(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let kind = match error.classify() {
        serde_json::error::Category::Data if said.starts_with("missing field") || said.starts_with("unknown field") => {
            said.split(" at line ").next().unwrap_or_default().to_owned()
        }
        serde_json::error::Category::Data => "a member is of a wrong type or form".to_owned(),
        _ => "the text is not JSON".to_owned(),
    };
    format!("{kind}, near line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(key: &str) -> String {
        Digest::of(key.as_bytes()).to_string()
    }

    #[test]
    fn finds_an_app_by_any_of_its_keys() {
        let text = format!(
            r#"[{{"app_id":"1","rest_api_keys":["r1","r2"],"admin_key_sha256":["{}","{}"]}},
                {{"app_id":2,"rest_api_key":"r3","bot_ids":["b"]}}]"#,
            digest("old"),
            digest("new"),
        );
        let apps = Apps::from_json(&text).unwrap();
        let id = |app: Option<&App>| app.map(|app| app.app_id.to_string());
        assert_eq!(id(apps.by_admin_key(&Digest::of(b"old"))), Some("1".into()));
        assert_eq!(id(apps.by_admin_key(&Digest::of(b"new"))), Some("1".into()));
        assert_eq!(id(apps.by_admin_key(&Digest::of(b"else"))), None);
        assert_eq!(id(apps.by_audience("r2")), Some("1".into()));
        assert_eq!(id(apps.by_audience("r3")), Some("2".into()));
        assert_eq!(id(apps.by_audience("")), None);
        assert_eq!(id(apps.by_bot(&"b".parse().unwrap())), Some("2".into()));
        assert_eq!(id(apps.by_bot(&"c".parse().unwrap())), None);
    }

    #[test]
    fn a_bots_development_channel_belongs_to_the_bots_app() {
        for listed in ["b", "b!"] {
            let text = format!(r#"[{{"app_id":"1","rest_api_key":"r","bot_ids":["{listed}"]}}]"#);
            let apps = Apps::from_json(&text).unwrap();
            for bot in ["b", "b!"] {
                assert!(apps.by_bot(&bot.parse().unwrap()).is_some(), "{bot} of {listed}");
            }
        }
    }

    #[test]
    fn with_one_app_every_bot_is_its_bot_unless_it_lists_its_own() {
        let open = Apps::from_json(r#"[{"app_id":"1","rest_api_key":"r"}]"#).unwrap();
        assert!(open.by_bot(&"any".parse().unwrap()).is_some());
        let listed = Apps::from_json(r#"[{"app_id":"1","rest_api_key":"r","bot_ids":["b"]}]"#).unwrap();
        assert!(listed.by_bot(&"any".parse().unwrap()).is_none());
    }

    #[test]
    fn a_key_in_place_of_its_digest_is_reported_with_the_fix() {
        let text = r#"[{"app_id":"7","admin_key_sha256":["0123456789abcdef0123456789abcdef"]}]"#;
        let error = Apps::from_json(text).unwrap_err().to_string();
        assert!(
            error.contains("`admin_key_sha256` of the app 7, entry 1") && error.contains("khook hash-key"),
            "{error}"
        );
        let error = Apps::from_json(r#"[{"app_id":"7","rest_api_key":"r","bot_id":"b"}]"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `bot_id`"), "{error}");
    }

    #[test]
    fn what_would_refuse_or_confuse_is_an_error_that_shows_no_key() {
        for text in [
            "",
            "{}",
            "[]",
            r#"[{"app_id":"x"}]"#,
            r#"[{"app_id":"1"}]"#,
            r#"[{"app_id":"007","rest_api_key":"secret"}]"#,
            r#"[{"app_id":"1","rest_api_key":"secret","typo":1}]"#,
            r#"[{"app_id":"1","admin_key_sha256":["secret-secret"]}]"#,
            r#"[{"app_id":"1","rest_api_key":"secret"},{"app_id":"1","rest_api_key":"b"}]"#,
            r#"[{"app_id":"1","rest_api_key":"secret"},{"app_id":"2","rest_api_key":"secret"}]"#,
        ] {
            let error = Apps::from_json(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

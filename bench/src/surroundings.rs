//! What all contenders run in: the same stand-ins, the same events, the same variables.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use end_to_end::{Fixture, Request, service};
use play_kakao::SigningKey;
use serde_json::Value;

use crate::{
    contender::{Job, Role},
    stand_in::{StandIn, Transport},
    tls::Authority,
};

/// The stand-ins and where contenders find them.
pub struct Surroundings {
    plain: StandIn,
    tls: StandIn,
    key: SigningKey,
    folder: PathBuf,
}

/// Where systems keep the roots that they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];

impl Surroundings {
    /// Starts them. `folder` takes the run's own files.
    ///
    /// # Errors
    /// If a server can't start, or a file can't be written.
    pub async fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let (authority, key) = (Authority::generate()?, SigningKey::generate("8d1f0a4c6e2b9375d0c1e8f7a6b5c4")?);
        let key_set = play_kakao::key_set([&key]).to_string();
        let roots = SYSTEM_ROOTS.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let surroundings = Self {
            plain: StandIn::start(Transport::Plain, &authority, key_set.clone()).await?,
            tls: StandIn::start(Transport::Tls, &authority, key_set).await?,
            key,
            folder: folder.to_owned(),
        };
        for (path, text) in [
            (surroundings.own_root(), authority.pem()),
            (surroundings.all_roots(), format!("{roots}\n{}", authority.pem())),
        ] {
            fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
        }
        Ok(surroundings)
    }

    /// The server that is reached so.
    #[must_use]
    pub const fn stand_in(&self, transport: Transport) -> &StandIn {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }

    /// A file for what a contender writes.
    #[must_use]
    pub fn log(&self, contender: &str) -> PathBuf {
        self.folder.join(format!("{contender}.log"))
    }

    /// The authority of the stand-in's certificate.
    fn own_root(&self) -> PathBuf {
        self.folder.join("own-root.pem")
    }

    /// The same, and all that this system trusts.
    fn all_roots(&self) -> PathBuf {
        self.folder.join("all-roots.pem")
    }

    /// The variables of a contender, without Lambda's own.
    ///
    /// # Errors
    /// If the harness's service has no admin key.
    pub fn environment(&self, role: Role, transport: Transport) -> Result<Vec<(&'static str, String)>> {
        let stand_in = self.stand_in(transport);
        let mut variables = vec![
            ("AWS_REGION", "ap-northeast-2".to_owned()),
            ("AWS_DEFAULT_REGION", "ap-northeast-2".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_SQS", stand_in.endpoint().to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", stand_in.endpoint().to_owned()),
            ("EVENT_QUEUE_URL", stand_in.queue_url()),
            ("TABLE_NAME", "bench".to_owned()),
            ("KAKAO_APPS", service::KAKAO_APPS.to_owned()),
            ("KAKAO_JWKS_URL", stand_in.key_set_url()),
            ("SKILL_AUTH", service::SKILL_AUTH.to_owned()),
            ("ADMIN_KEY_SHA256", admin_key_digest()?),
        ];
        variables.extend(self.trust(role, transport));
        Ok(variables)
    }

    /// How each kind of client is made to trust the stand-in.
    fn trust(&self, role: Role, transport: Transport) -> Vec<(&'static str, String)> {
        let (own, all) = (self.own_root().display().to_string(), self.all_roots().display().to_string());
        match (role, transport) {
            // It reads the system's roots at its start, whether it needs them or not: the same file both times. Left
            // to itself it reads a folder with a file for each, or doesn't, as the system has it.
            (Role::Floor | Role::Minimal, _) => vec![("SSL_CERT_FILE", all)],
            (_, Transport::Plain) => vec![],
            (Role::Ours, Transport::Tls) => vec![("AWS_CA_BUNDLE", own)],
            (Role::Node, Transport::Tls) => vec![("NODE_EXTRA_CA_CERTS", own)],
            (Role::Python | Role::Chatbot, Transport::Tls) => vec![("AWS_CA_BUNDLE", all)],
        }
    }

    /// What a job is given, as the gateway received it long ago.
    ///
    /// # Errors
    /// If there is no such fixture.
    pub fn request(&self, job: Job) -> Result<Request> {
        Fixture::load(job.fixture)?.request(&self.key)
    }
}

/// The digest of the first app's admin key, as the functions are told it.
fn admin_key_digest() -> Result<String> {
    let apps: Value = serde_json::from_str(service::KAKAO_APPS)?;
    let digest = apps.pointer("/0/admin_key_sha256/0").and_then(Value::as_str);
    Ok(digest.context("the harness's service has no admin key")?.to_owned())
}

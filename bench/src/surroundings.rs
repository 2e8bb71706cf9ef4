//! The servers, events and variables that all contenders share.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use end_to_end::{Fixture, Request, authority::Authority, service};
use play_kakao::SigningKey;
use serde_json::Value;

use crate::{
    contender::{Job, Role},
    stand_in::{StandIn, Transport},
};

/// The running servers, and the files that contenders need to reach them.
pub struct Surroundings {
    plain: StandIn,
    tls: StandIn,
    key: SigningKey,
    folder: PathBuf,
}

/// The usual files of a system's trusted roots.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];

impl Surroundings {
    /// Starts the servers. The run's files go to `folder`.
    ///
    /// # Errors
    /// If a server cannot start or a file cannot be written.
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

    /// The server for this transport.
    pub(crate) const fn stand_in(&self, transport: Transport) -> &StandIn {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }

    /// The log file of a contender's process.
    pub(crate) fn log(&self, contender: &str, transport: Transport) -> PathBuf {
        let transport = if matches!(transport, Transport::Plain) { "plain" } else { "tls" };
        self.folder.join(format!("{contender}-{transport}.log"))
    }

    /// The root of the stand-in's certificate.
    fn own_root(&self) -> PathBuf {
        self.folder.join("own-root.pem")
    }

    /// The same, and the roots that this system trusts.
    fn all_roots(&self) -> PathBuf {
        self.folder.join("all-roots.pem")
    }

    /// The variables of a contender, without Lambda's own.
    pub(crate) fn environment(&self, role: Role, transport: Transport) -> Result<Vec<(&'static str, String)>> {
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

    /// The variables that make each kind of client trust the stand-in.
    fn trust(&self, role: Role, transport: Transport) -> Vec<(&'static str, String)> {
        let (own, all) = (self.own_root().display().to_string(), self.all_roots().display().to_string());
        match (role, transport) {
            // It always reads the system's roots at its start, so it gets the same file for both transports. Otherwise it
            // would read a folder with a file for each root, where the system has one.
            (Role::Floor | Role::Minimal, _) => vec![("SSL_CERT_FILE", all)],
            (_, Transport::Plain) => vec![],
            (Role::Ours, Transport::Tls) => vec![("AWS_CA_BUNDLE", own)],
            (Role::Node, Transport::Tls) => vec![("NODE_EXTRA_CA_CERTS", own)],
            (Role::Python | Role::Chatbot, Transport::Tls) => vec![("AWS_CA_BUNDLE", all)],
        }
    }

    /// The request of a job, as the gateway received it when the fixture was made.
    pub(crate) fn request(&self, job: Job) -> Result<Request> {
        Fixture::load(job.fixture)?.request(&self.key)
    }
}

/// The digest of the first app's admin key, as the functions' setting has it.
fn admin_key_digest() -> Result<String> {
    let apps: Value = serde_json::from_str(service::KAKAO_APPS)?;
    let digest = apps.pointer("/0/admin_key_sha256/0").and_then(Value::as_str);
    Ok(digest.context("the harness's service has no admin key")?.to_owned())
}

//! What stands around the reconciler: Kakao's list of members, the secret with the keys that read it, and the minutes
//! that pass between its invocations.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiServer, SimulatedApi},
};
use serde_json::{Map, Value, json};

use crate::{
    Pipeline, gateway,
    hygiene::Log,
    lambda::{Lambda, Outcome},
    secrets::{READER_KEYS_ARN, Secrets},
    service::{APP_ID, OTHER_APP_ID},
    table::Table,
};

/// A key that reads the first app's members and does nothing else.
pub const READER_KEY: &str = "3f4e5d6c7b8a9908172635445362718a";
/// The same of the second app.
pub const OTHER_READER_KEY: &str = "4e5d6c7b8a99081726354453627180f9";

/// The reconciler's time, as template.yaml has it.
pub const LIMIT: Duration = Duration::from_secs(55);

/// How often the schedule invokes it.
const MINUTE: Duration = Duration::from_secs(60);

/// What must be in no log: where Kakao is asked, and how a key is sent.
const OF_REQUESTS: [&str; 4] = ["/v1/user/ids", "/v2/app/users", "/v2/user/me", "KakaoAK"];

/// The servers that the reconciler talks to, besides the pipeline's.
#[derive(Debug)]
pub struct Reconciling {
    /// Kakao's API.
    pub kakao: ApiServer,
    /// Secrets Manager.
    pub secrets: Secrets,
    passed: AtomicI64,
    log: Log,
    known: Mutex<BTreeSet<u64>>,
}

/// The text of a secret with the keys of these apps.
#[must_use]
pub fn reader_keys(keys: &[(&str, &str)]) -> String {
    let keys: Map<String, Value> = keys.iter().map(|(app, key)| ((*app).to_owned(), json!(key))).collect();
    Value::Object(keys).to_string()
}

impl Reconciling {
    /// Two apps without members at Kakao, of which the secret has the first one's key.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(pipeline: &Pipeline) -> Result<Self> {
        let mut api = SimulatedApi::new(KakaoMembers::default());
        api.add_key(READER_KEY, AdminKey::reader(APP_ID));
        api.add_key(OTHER_READER_KEY, AdminKey::reader(OTHER_APP_ID));
        let (kakao, log) = (ApiServer::start(api).await?, pipeline.watch().log());
        let secrets = Secrets::start(READER_KEYS_ARN, &reader_keys(&[(APP_ID, READER_KEY)]), log).await?;
        for secret in [READER_KEY, OTHER_READER_KEY, kakao.url().trim_start_matches("http://")] {
            log.keep_out(secret);
        }
        OF_REQUESTS.iter().for_each(|part| log.keep_out(part));
        let (passed, known) = (AtomicI64::new(0), Mutex::default());
        Ok(Self { kakao, secrets, passed, log: log.clone(), known })
    }

    /// A reconciler between them, with other values of these variables. Its clock knows of the minutes that passed.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_reconciler(
        &self,
        pipeline: &Pipeline,
        limit: Duration,
        variables: &[(&str, &str)],
    ) -> Result<Lambda> {
        let (manager, clock) = (self.secrets.endpoint(), (gateway::clock_ahead() + self.passed()).to_string());
        let mut all = vec![
            ("KAKAO_API_URL", self.kakao.url()),
            ("KAKAO_READER_KEYS", READER_KEYS_ARN),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.as_str()),
            ("TEST_CLOCK_AHEAD_MS", clock.as_str()),
        ];
        all.extend(variables);
        pipeline.start_function_within("reconciler", limit, &all).await
    }

    /// Time passes: for Kakao's quota at once, for a reconciler that is started from now on.
    pub fn pass(&self, time: Duration) {
        self.kakao.advance(time);
        self.passed.fetch_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    fn passed(&self) -> i64 {
        self.passed.load(Ordering::SeqCst)
    }

    /// The schedule's event, a minute after the last one.
    pub fn event(&self) -> Value {
        self.pass(MINUTE);
        json!({"source": "aws.scheduler"})
    }

    /// An invocation, a minute after the last one. What it sent is still in the queue.
    ///
    /// # Errors
    /// If it fails as a whole.
    pub async fn invoke(&self, reconciler: &mut Lambda) -> Result<()> {
        match reconciler.invoke(&self.event()).await? {
            Outcome::Response(_) => Ok(()),
            Outcome::Error(error) => bail!("the reconciler failed: {error}"),
        }
    }

    /// Members link at Kakao, each at its second. From now on no log may name them.
    pub fn link(&self, app: &str, members: impl IntoIterator<Item = (u64, i64)>) {
        let members: Vec<(u64, i64)> = members.into_iter().collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (member, _) in &members {
            if known.insert(*member) {
                self.log.keep_out(&member.to_string());
            }
        }
        self.kakao.api().members.link_all(app, members);
    }

    /// A member unlinks at Kakao.
    pub fn unlink(&self, app: &str, member: u64) {
        self.kakao.api().members.unlink(app, member);
    }

    /// Who is linked at Kakao.
    #[must_use]
    pub fn at_kakao(&self, app: &str) -> BTreeSet<u64> {
        self.kakao.api().members.ids(app, 0..=u64::MAX).collect()
    }
}

/// The record of an app's run.
///
/// # Errors
/// If the table can't be read.
pub fn run(table: &Table, app: &str) -> Result<Option<Map<String, Value>>> {
    table.item(&format!("RECONCILE#{app}"), "RUN")
}

/// The members of an app whose link has this status in the table.
///
/// # Errors
/// If the table can't be read, or has a member whose number can't.
pub fn with_status(pipeline: &Pipeline, app: &str, status: &str) -> Result<BTreeSet<u64>> {
    let prefix = format!("USER#{app}#");
    let has_status = |item: &Map<String, Value>| {
        let of_link = item.get("link").and_then(|link| link.get("status"));
        item.get("sk") == Some(&json!("STATE")) && of_link == Some(&json!(status))
    };
    let states = pipeline.items_of(&prefix)?.into_iter().filter(has_status);
    let number = |item: Map<String, Value>| {
        let member = item.get("pk").and_then(Value::as_str).and_then(|pk| pk.strip_prefix(&prefix));
        Ok(member.context("no member")?.parse()?)
    };
    states.map(number).collect()
}

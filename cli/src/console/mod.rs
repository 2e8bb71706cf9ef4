//! The local console: a page on loopback that shows what came, what it was answered and why, and where each event is.
//! `docs/console.md` describes it and its API.
//!
//! | module | contents |
//! |---|---|
//! | [`masks`] | keys by their names: no page and no file holds one |
//! | [`explain`] | what a request says, and each check of it |
//! | [`history`] | the requests, bounded and kept across restarts |
//! | `proxy` | passes requests on to the service, and records them |
//! | [`follow`] | joins log lines and changes to the requests that caused them |
//! | `form` | fields of forms and queries |
//! | `guard` | who may see it |
//! | [`words`] | its texts, in Korean and English |
//! | [`backlogs`] | what waits for an operator, and its replay |
//! | `chat` | what was said to the bot, and what it answered |
//! | `sending` | sends webhooks as Kakao does, or forged |
//! | `users` | what is known of a user, and its history sent again |
//! | `command` | a request as a command |
//! | `pages` | its pages: a template and a function each |
//! | `api` | the same as JSON |

mod api;
pub mod backlogs;
mod chat;
mod command;
pub mod explain;
pub mod follow;
mod form;
mod guard;
pub mod history;
pub mod masks;
mod options;
mod pages;
mod proxy;
mod sending;
mod users;
pub mod words;

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use axum::{Router, middleware, routing::any};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    aws::{queue::StackQueue, table::Table},
    commands::changes::Tap,
    kakao::{Kakao, KakaoCallback},
    local::{Faults, logs::LogLine},
};
use backlogs::{Backlogs, PolledCounts};
use explain::Judge;
use follow::Follower;
use guard::Guard;
use history::History;
use masks::Masks;
pub use options::{ConsoleOptions, Preparing};
use proxy::Upstream;
use users::Observed;

/// The port, if it is free.
pub const PORT: u16 = 4000;

/// So many ports after the wanted one are tried.
const PORTS: u16 = 100;

/// What a console is made of.
pub struct Setup<'s> {
    /// The port that is wanted; the next free one is taken if it is not free.
    pub port: u16,
    /// The address that the service answers at.
    pub base_url: &'s str,
    /// The simulated Kakao.
    pub kakao: &'s Kakao,
    /// The origin of the simulated Kakao's callback server, if there is one.
    pub callback_url: Option<&'s str>,
    /// What goes wrong around the service.
    pub faults: Faults,
    /// Where its backlogs are, if it has any.
    pub backlogs: Option<Backlogs>,
    /// Where the token is kept.
    pub folder: PathBuf,
    /// What its pages use of the local cloud.
    pub cloud: Edges,
}

/// What the pages use of a local cloud.
#[derive(Clone, Debug)]
pub struct Edges {
    /// The table.
    pub table: Table,
    /// The queue.
    pub queue: StackQueue,
    /// Kakao's simulated REST API.
    pub kakao_api_url: String,
}

/// A running console. It answers until it is dropped.
pub struct Console {
    shared: Arc<Shared>,
    port: u16,
    task: JoinHandle<()>,
    tap: Option<JoinHandle<()>>,
}

/// What all of its pages use.
pub(crate) struct Shared {
    pub(crate) guard: Guard,
    pub(crate) history: Arc<History>,
    pub(crate) judge: Judge,
    pub(crate) masks: Masks,
    pub(crate) kakao: Kakao,
    pub(crate) callbacks: Option<KakaoCallback>,
    pub(crate) faults: Faults,
    pub(crate) backlogs: Option<Backlogs>,
    polled: PolledCounts,
    pub(crate) upstream: Upstream,
    pub(crate) follower: Follower,
    pub(crate) observed: Observed,
    pub(crate) cloud: Edges,
    /// Its address, and so the service's, without a slash at the end.
    pub(crate) base_url: String,
}

impl Console {
    /// Starts one with this history.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port, or the keys are none.
    pub async fn start(setup: Setup<'_>, history: History) -> Result<Self> {
        let listener = listen(setup.port).await?;
        let port = listener.local_addr()?.port();
        let history = Arc::new(history);
        let shared = Arc::new(Shared {
            guard: Guard::of(&setup.folder, port)?,
            follower: Follower::of(Arc::clone(&history)),
            history,
            judge: Judge::of(setup.kakao)?,
            masks: Masks::of(setup.kakao),
            kakao: setup.kakao.clone(),
            callbacks: setup.callback_url.map(|url| KakaoCallback::at(url.to_owned())),
            faults: setup.faults,
            backlogs: setup.backlogs,
            polled: PolledCounts::default(),
            upstream: Upstream::at(setup.base_url),
            observed: Observed::default(),
            cloud: setup.cloud,
            base_url: format!("http://127.0.0.1:{port}"),
        });
        let app = router(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { shared, port, task, tap: None })
    }

    /// The address to open in a browser. It holds the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/?token={}", self.shared.base_url, self.shared.guard.token())
    }

    /// The address that the service's paths follow: `{base_url}/webhooks/unlink`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The requests.
    #[must_use]
    pub fn history(&self) -> &Arc<History> {
        &self.shared.history
    }

    /// Takes in what the functions have logged.
    pub fn follow(&self, lines: &[LogLine]) {
        self.shared.observed.take(lines);
        self.shared.follower.take(lines, runtime::clock::now().as_millis());
    }

    /// Takes in the changes that are published on the bus from now on.
    pub(crate) fn tap(&mut self, tap: Tap) {
        let shared = Arc::clone(&self.shared);
        self.tap = Some(tokio::spawn(async move {
            let take = |change| {
                shared.observed.take_change(&change);
                shared.follower.take_change(change, runtime::clock::now().as_millis());
                Ok(())
            };
            // It ends with the local cloud, which `stay` reports.
            let _ = tap.follow(take).await;
        }));
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.task.abort();
        self.tap.iter().for_each(JoinHandle::abort);
    }
}

/// Opens the port, or the next one that is free; any, if the wanted one is 0.
async fn listen(wanted: u16) -> Result<TcpListener> {
    for port in wanted..=wanted.saturating_add(PORTS) {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("127.0.0.1 has no free port")
}

/// The service's paths, which need no token, and the console's, which do.
fn router(shared: Arc<Shared>) -> Router {
    let service = proxy::PATHS.iter().fold(Router::new(), |router, path| router.route(path, any(proxy::forward)));
    let console = pages::routes()
        .merge(api::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::check));
    service.merge(console).fallback(guard::unknown_path).with_state(shared)
}

#[cfg(test)]
mod tests;

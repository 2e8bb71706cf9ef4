//! The console by HTTP, before a service that answers what the test says.

mod backlogs;
mod chatbot;
mod faults;
mod guard;
mod language;
mod long_history;
mod pages;
mod proxy;
mod send;
mod users;

use std::sync::{Arc, LazyLock, Mutex};

use axum::{Router, body::Body, extract::State, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header::CONTENT_TYPE};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;

use super::{
    Console, Edges, Setup,
    backlogs::Backlogs,
    history::{Bounds, Folder, History},
};
use crate::{
    aws::{queue::StackQueue, table::Table},
    kakao::Kakao,
    local::{Faults, sdk_config},
};

/// What came to the service.
#[derive(Clone, Debug)]
struct Came {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A service that keeps what comes, and answers the same to all.
#[derive(Clone)]
struct Service {
    came: Arc<Mutex<Vec<Came>>>,
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

async fn answer(State(service): State<Service>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.uri.path_and_query().unwrap().to_string();
    let count = {
        let mut came = service.came.lock().unwrap();
        came.push(Came { method: parts.method, target, headers: parts.headers, body });
        came.len()
    };
    let mut response = Response::new(Body::from(service.body.clone()));
    *response.status_mut() = service.status;
    response.headers_mut().insert("apigw-requestid", HeaderValue::try_from(format!("request-{count}")).unwrap());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(service.content_type));
    response
}

/// Its key takes a while to make.
static KAKAO: LazyLock<Kakao> = LazyLock::new(|| Kakao::generate().unwrap());

/// A console in front of a service.
struct Set {
    console: Console,
    kakao: Kakao,
    client: Client,
    service: Service,
    folder: Folder,
    base_url: String,
}

impl Set {
    async fn with(status: StatusCode, body: &'static [u8]) -> Self {
        Self::of(status, body, no_cloud()).await
    }

    /// Beside this local cloud.
    async fn beside(cloud: Edges) -> Self {
        Self::of(StatusCode::OK, b"", cloud).await
    }

    async fn of(status: StatusCode, body: &'static [u8], cloud: Edges) -> Self {
        // A skill's answer is JSON; of any other the type must be odd enough to be seen to pass.
        let content_type = if body.starts_with(b"{") { "application/json" } else { "application/x-odd" };
        Self::answering(status, content_type, body, cloud).await
    }

    async fn answering(status: StatusCode, content_type: &'static str, body: &'static [u8], cloud: Edges) -> Self {
        let service = Service { came: Arc::default(), status, content_type, body: Bytes::from_static(body) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/prefix", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let (kakao, folder) = (KAKAO.clone(), Folder::new());
        let console = start_beside(&base_url, &kakao, &folder, cloud).await;
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { console, kakao, client, service, folder, base_url }
    }

    async fn new() -> Self {
        Self::with(StatusCode::OK, b"").await
    }

    /// With these faults and backlogs.
    async fn with_faults(faults: &Faults, backlogs: Option<Backlogs>) -> Self {
        let mut set = Self::new().await;
        let history = History::open(&set.folder.0, Bounds::default());
        let mut setup = setup(&set.base_url, &set.kakao, &set.folder, None);
        (setup.faults, setup.backlogs) = (faults.clone(), backlogs);
        set.console = Console::start(setup, history).await.unwrap();
        set
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.console.base_url())
    }

    fn token(&self) -> String {
        self.console.url().split_once("token=").unwrap().1.to_owned()
    }

    fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(self.token())
    }

    async fn text(&self, path: &str) -> String {
        self.ask(Method::GET, path).send().await.unwrap().text().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    fn came(&self) -> Vec<Came> {
        self.service.came.lock().unwrap().clone()
    }
}

async fn start(base_url: &str, kakao: &Kakao, folder: &Folder) -> Console {
    start_with(base_url, kakao, folder, None).await
}

fn setup<'s>(base_url: &'s str, kakao: &'s Kakao, folder: &Folder, callback_url: Option<&'s str>) -> Setup<'s> {
    let (folder, faults) = (folder.0.clone(), Faults::default());
    Setup { port: 0, base_url, kakao, callback_url, faults, backlogs: None, folder, cloud: no_cloud() }
}

async fn start_with(base_url: &str, kakao: &Kakao, folder: &Folder, callback_url: Option<&str>) -> Console {
    let history = History::open(&folder.0, Bounds::default());
    Console::start(setup(base_url, kakao, folder, callback_url), history).await.unwrap()
}

async fn start_beside(base_url: &str, kakao: &Kakao, folder: &Folder, cloud: Edges) -> Console {
    let history = History::open(&folder.0, Bounds::default());
    Console::start(Setup { cloud, ..setup(base_url, kakao, folder, None) }, history).await.unwrap()
}

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn no_cloud() -> Edges {
    let aws = sdk_config(NOWHERE, "ap-northeast-2");
    Edges {
        table: Table::new(&aws, "users"),
        queue: StackQueue::new(&aws, format!("{NOWHERE}/queue")),
        kakao_api_url: String::new(),
    }
}

//! API Gateway's side towards the internet: HTTP in, a function's event out.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::Response,
};
use end_to_end::{
    Pipeline,
    faults::{Gate, Server},
};
use kakao_webhooks::wire::Route;
use tokio::sync::Mutex;

/// The service behind HTTP.
pub(super) struct Bridge {
    server: Server,
    pub(super) pipeline: Arc<Mutex<Pipeline>>,
}

impl Bridge {
    pub(super) async fn before(pipeline: Pipeline) -> Self {
        let pipeline = Arc::new(Mutex::new(pipeline));
        let router = Router::new().fallback(pass).with_state(Arc::clone(&pipeline));
        Self { server: Server::start(router, Gate::default()).await.unwrap(), pipeline }
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }
}

async fn pass(State(pipeline): State<Arc<Mutex<Pipeline>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let is_of = |route: &str| path.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let Some(route) = Route::ALL.into_iter().find(|route| is_of(route.path)) else {
        return Response::builder().status(404).body(Body::from(r#"{"message":"Not Found"}"#)).unwrap();
    };
    let body = to_bytes(body, 10_000_000).await.unwrap();
    let mut event = end_to_end::Request::new(parts.method.as_str(), path);
    event.query = parts.uri.query().unwrap_or_default().to_owned();
    event.headers =
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    event.headers.retain(|(name, _)| name != "host" && name != "content-length");
    event.body = (!body.is_empty()).then(|| body.to_vec());
    let answer = pipeline.lock().await.deliver_to(route.function, &event.received_now()).await.unwrap();
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

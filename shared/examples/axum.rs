//! An ordinary Rust server, on no cloud, that takes the unlink and the account status change webhook:
//! `KAKAO_APPS='[{"app_id":"…","rest_api_keys":["…"],"admin_key_sha256":["…"]}]' cargo run --example axum`.
//! It logs what happened; a service would store it before it answers, since an unlink is sent once.

use std::{
    error::Error,
    sync::{Arc, RwLock},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, post},
};
use jiff::Timestamp;
use kakao_webhooks::{
    auth::{Apps, KeySet, TokenRefusal, Typing, Unverified, UnverifiedToken},
    envelope::{TokenEvent, events_of_token},
    wire::{Content, EventId, Personal, Time, Unreadable, unlink::Unlink},
};

/// What the webhooks of all apps need.
pub(crate) struct Service {
    apps: Apps,
    /// Kakao's keys. A real service fetches them again when a token names a key that is not in the set.
    keys: RwLock<KeySet>,
}

impl Service {
    /// A service for these apps, with the key set that Kakao publishes.
    pub(crate) fn new(apps: Apps, keys: KeySet) -> Self {
        Self { apps, keys: RwLock::new(keys) }
    }
}

/// The two routes.
pub(crate) fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/webhooks/unlink", any(unlink))
        .route("/webhooks/account-status", post(account_status))
        .with_state(service)
}

async fn unlink(State(service): State<Arc<Service>>, request: Request) -> Response {
    let Ok(request) = unverified(request).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    // Proven before it is read: the key says which app the request is for.
    let Ok(request) = request.prove_by_admin_key(&service.apps) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    match Unlink::read(&request.content, &request.proof) {
        Ok(unlink) => eprintln!("unlinked: {} of app {}", unlink.user_id.digits(), request.proof),
        // Authentic all the same: keep `request.content` and look at it.
        Err(why) => eprintln!("an unlink that can't be read: {why}"),
    }
    StatusCode::OK.into_response()
}

async fn account_status(State(service): State<Arc<Service>>, request: Request) -> Response {
    let Ok(request) = unverified(request).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    match service.events(&request) {
        Ok(events) => {
            for TokenEvent { id, event } in events {
                match event {
                    Ok(status) => eprintln!("{id}: {}", status.event.event_type().uri()),
                    Err(why) => eprintln!("{id}: an event that can't be read: {why}"),
                }
            }
            StatusCode::ACCEPTED.into_response()
        }
        // The form of RFC 8935.
        Err(refusal) => {
            let body = serde_json::json!({"err": refusal.code(), "description": refusal.description()});
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        }
    }
}

impl Service {
    /// What the token reports; an authentic one that can't be read is an event that can't be read.
    fn events(&self, request: &Unverified) -> Result<Vec<TokenEvent>, TokenRefusal> {
        let token = UnverifiedToken::parse(request, Typing::Required)?;
        let keys = self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = keys.get(token.key_id()).ok_or(TokenRefusal::UnknownKey)?;
        let token = token.verify(key)?.accept(&self.apps)?;
        let now = Timestamp::now().as_millisecond();
        let (received_at, delivery) = (Time::clamped(now), EventId::from_text(&format!("delivery-{now}")));
        Ok(match (token.app_id, token.claims) {
            (Some(app_id), Ok(claims)) => events_of_token(&claims, &app_id, received_at, &delivery),
            (_, claims) => {
                let why = claims.err().unwrap_or(Unreadable::Missing("aud"));
                vec![TokenEvent { id: delivery, event: Err(why) }]
            }
        })
    }
}

/// The longest body that is read. Kakao's are a few hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

async fn unverified(request: Request) -> Result<Unverified, axum::Error> {
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = Content {
        method: parts.method,
        query: Personal::new(parts.uri.query().unwrap_or_default().to_owned()),
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
        body: Personal::new(axum::body::to_bytes(body, MAX_BODY_BYTES).await?),
    };
    Ok(Unverified::new(parts.headers, content))
}

/// Where Kakao publishes its keys.
const KEYS: &str = "https://kauth.kakao.com/.well-known/jwks.json";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let apps = Apps::from_json(&std::env::var("KAKAO_APPS")?)?;
    let keys = KeySet::from_json(&reqwest::get(KEYS).await?.bytes().await?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes(Arc::new(Service::new(apps, keys)))).await?;
    Ok(())
}

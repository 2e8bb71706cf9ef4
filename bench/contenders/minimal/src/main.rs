//! An unlink webhook as one writes it in an afternoon: the same checks as ours, the SDK's default set-up, no inbox
//! behind the queue, no quarantine, no logs, no metrics.

use std::{collections::HashMap, env};

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use lambda_http::{
    Body, Error, Request, RequestExt, Response,
    http::{Method, StatusCode, header::AUTHORIZATION},
    request::RequestContext,
    run, service_fn,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const MAX_BODY: usize = 64 * 1024;

struct Handler {
    client: Client,
    queue_url: String,
    admin_key_sha256: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let handler = &Handler {
        client: Client::new(&config),
        queue_url: env::var("EVENT_QUEUE_URL")?,
        admin_key_sha256: unhex(&env::var("ADMIN_KEY_SHA256")?).ok_or("ADMIN_KEY_SHA256 is not hexadecimal")?,
    };
    run(service_fn(async |request: Request| Ok::<_, Error>(handler.accept(&request).await))).await
}

impl Handler {
    async fn accept(&self, request: &Request) -> Response<Body> {
        if ![Method::GET, Method::POST].contains(request.method()) {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        }
        if !self.is_from_kakao(request) {
            return refuse(StatusCode::UNAUTHORIZED, "unauthorized");
        }
        if request.body().len() > MAX_BODY {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large");
        }
        let Some(envelope) = envelope(request) else {
            return refuse(StatusCode::BAD_REQUEST, "bad_request");
        };
        match self.client.send_message().queue_url(&self.queue_url).message_body(envelope).send().await {
            Ok(_) => Response::new(Body::Empty),
            Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }

    fn is_from_kakao(&self, request: &Request) -> bool {
        let value = request.headers().get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
        let key = value.strip_prefix(b"KakaoAK ").unwrap_or_default();
        Sha256::digest(key).as_slice().ct_eq(&self.admin_key_sha256).into()
    }
}

fn envelope(request: &Request) -> Option<String> {
    let parameters: HashMap<String, String> = match *request.method() {
        Method::GET => form_urlencoded::parse(request.uri().query()?.as_bytes()).into_owned().collect(),
        _ => form_urlencoded::parse(request.body()).into_owned().collect(),
    };
    let context = match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context,
        _ => return None,
    };
    let envelope = json!({
        "v": 1,
        "id": context.request_id,
        "app_id": parameters.get("app_id")?,
        "received_at": context.time_epoch,
        "kind": "unlink",
        "event": {"user_id": parameters.get("user_id")?, "referrer_type": parameters.get("referrer_type")},
    });
    Some(envelope.to_string())
}

fn refuse(status: StatusCode, code: &str) -> Response<Body> {
    let mut response = Response::new(Body::Text(json!({"error": code}).to_string()));
    *response.status_mut() = status;
    response
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

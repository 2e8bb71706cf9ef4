//! From API Gateway's request, as `lambda_http` hands it over, to ours.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use lambda_http::{Body, Request, RequestExt, request::RequestContext};
use tokio::time::Instant;

use super::Arrival;
use crate::{
    auth::Unverified,
    wire::{Content, Personal, Time},
};

/// The path, the request and its arrival.
pub(super) fn receive(request: Request, budget: Duration) -> (String, Unverified, Arrival) {
    let (now, handed_over) = (Time::now(), Instant::now());
    let path = request.raw_http_path().to_owned();
    let (request_id, time_epoch) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => (context.request_id.clone(), context.time_epoch),
        _ => (None, 0),
    };
    let request_id = request_id.or_else(|| request.lambda_context_ref().map(|context| context.request_id.clone()));
    let (parts, body) = request.into_parts();
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = Content {
        method: parts.method,
        query: Personal::new(parts.uri.query().unwrap_or_default().to_owned()),
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
        body: Personal::new(match body {
            Body::Text(text) => Bytes::from(text),
            Body::Binary(bytes) => Bytes::from(bytes),
            _ => Bytes::new(),
        }),
    };
    let arrival = Arrival::new(request_id.unwrap_or_default(), time_epoch, now, handed_over, budget);
    (path, Unverified::new(parts.headers, content), arrival)
}

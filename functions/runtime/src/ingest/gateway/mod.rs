//! From the event of API Gateway's HTTP API (payload format 2.0) to a request of ours, and from our answer to its.
//!
//! The types are `lambda_http`'s, the conversion is not: that one makes a URI of what was sent, drops what follows a
//! `#`, and panics where the query or the host doesn't fit into one (a raw space, a quote) or the body isn't the
//! base64 that it is said to be. An authentic event would be lost for that.

mod event;

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use lambda_http::{
    Body, LambdaEvent, Request, RequestExt, Response,
    aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse},
    request::RequestContext,
};
use tokio::time::Instant;

pub use event::Event;
use event::Object;
use kakao_webhooks::{
    auth::Unverified,
    wire::{Content, Personal, Time},
};

use super::Arrival;

/// An event of something else. What ends an invocation is logged by its `Debug`: its reader wants the sentence.
#[derive(thiserror::Error)]
#[error("the event is not a request of an API Gateway HTTP API: invoke the function by one, with payload format 2.0")]
pub struct NotARequest;

impl fmt::Debug for NotARequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The query as it was sent, which need not fit into a URI.
#[derive(Clone)]
struct SentQuery(Personal<String>);

/// The request in an event. What is odd in it is left out or left as it is: it may be authentic all the same.
///
/// # Errors
/// [`NotARequest`]: the function isn't wired as it must be.
pub fn request(event: LambdaEvent<Event>) -> Result<Request, NotARequest> {
    let LambdaEvent { payload, context } = event;
    let event = payload.object()?;
    let requested = event.object("requestContext")?;
    let http = requested.object("http")?;
    let path: String = event.read("rawPath").or_else(|| http.read("path")).ok_or(NotARequest)?;
    let method: String = http.read("method").ok_or(NotARequest)?;
    let query = match event.text_as_sent("rawQueryString") {
        Some(query) => query,
        None => query_of(event.object("queryStringParameters")?),
    };

    let mut gateway = ApiGatewayV2httpRequestContext::default();
    gateway.request_id = requested.read("requestId");
    gateway.time_epoch = requested.read("timeEpoch").unwrap_or_default();
    gateway.http.source_ip = http.read("sourceIp");

    let mut request = Request::new(body_of(&event));
    *request.method_mut() = method.parse().map_err(|_| NotARequest)?;
    *request.headers_mut() = headers_of(event.object("headers")?);
    request.extensions_mut().insert(SentQuery(Personal::new(query)));
    let request = request.with_raw_http_path(path).with_request_context(RequestContext::ApiGatewayV2(gateway));
    Ok(request.with_lambda_context(context))
}

/// The query of an event that has it decoded only.
fn query_of(parameters: Object<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.texts()).finish()
}

/// An invalid header is treated as absent: it proves nothing.
fn headers_of(headers: Object<'_>) -> HeaderMap {
    let mut map = HeaderMap::try_with_capacity(headers.len()).unwrap_or_default();
    for (name, value) in headers.texts() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            // A gateway never sends more than a map can hold.
            let _ = map.try_append(name, value);
        }
    }
    map
}

fn body_of(event: &Object<'_>) -> Body {
    let Some(text) = event.text_as_sent("body") else { return Body::Empty };
    let is_encoded: bool = event.read("isBase64Encoded").unwrap_or_default();
    match is_encoded.then(|| STANDARD.decode(&text)) {
        Some(Ok(bytes)) => Body::Binary(bytes),
        _ => Body::Text(text),
    }
}

/// An answer in the gateway's form. Ours are texts.
#[must_use]
pub fn response(answer: Response<Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = answer.into_parts();
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(parts.status.as_u16());
    response.headers = parts.headers;
    response.body = (body != Body::Empty).then_some(body);
    response
}

/// The path, the request and its arrival, handed over `now`.
pub(super) fn receive(request: Request, now: Time, budget: Duration) -> (String, Unverified, Arrival) {
    let handed_over = Instant::now();
    let path = request.raw_http_path().to_owned();
    let (request_id, time_epoch, source) = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            (context.request_id.clone(), context.time_epoch, context.http.source_ip.clone())
        }
        _ => (None, 0, None),
    };
    let request_id = request_id.or_else(|| request.lambda_context_ref().map(|context| context.request_id.clone()));
    let (mut parts, body) = request.into_parts();
    let sent_query = parts.extensions.remove().map(|SentQuery(query)| query);
    let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = Content {
        method: parts.method,
        query: sent_query.unwrap_or_else(|| Personal::new(parts.uri.query().unwrap_or_default().to_owned())),
        media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
        body: Personal::new(match body {
            Body::Text(text) => Bytes::from(text),
            Body::Binary(bytes) => Bytes::from(bytes),
            _ => Bytes::new(),
        }),
    };
    let mut arrival = Arrival::new(request_id.unwrap_or_default(), time_epoch, now, handed_over, budget);
    arrival.source = source.and_then(|address| address.parse().ok());
    (path, Unverified::new(parts.headers, content), arrival)
}

#[cfg(test)]
mod tests {
    use lambda_http::Context;
    use serde_json::{Value, json};

    use super::*;

    fn event() -> Value {
        json!({"rawPath": "/x", "rawQueryString": "", "headers": {},
            "requestContext": {"requestId": "r", "timeEpoch": 7, "http": {"method": "POST"}}})
    }

    fn read(event: &Value) -> Result<Request, String> {
        read_text(&event.to_string())
    }

    fn read_text(event: &str) -> Result<Request, String> {
        let event = serde_json::from_str(event).map_err(|error| error.to_string())?;
        request(LambdaEvent::new(event, Context::default())).map_err(|error| format!("{error:?}"))
    }

    fn now() -> Time {
        Time::from_millis(1_000).unwrap()
    }

    fn received(event: &Value) -> (String, Content, Arrival) {
        let (path, request, arrival) = receive(read(event).unwrap(), now(), Duration::from_secs(1));
        (path, request.unproven_content().clone(), arrival)
    }

    #[test]
    fn path_and_query_reach_us_as_they_were_sent() {
        let (odd, long) = ("a b\"<>#%zz\0한", "x".repeat(100_000));
        for text in [odd, &long] {
            let mut event = event();
            event["rawPath"] = json!(text);
            event["rawQueryString"] = json!(text);
            let (path, content, arrival) = received(&event);
            assert_eq!((path.as_str(), content.query.expose().as_str()), (text, text));
            assert_eq!((arrival.request_id.as_str(), arrival.received_at.as_millis()), ("r", 7));
        }
    }

    #[test]
    fn an_event_that_has_path_and_query_elsewhere_only_is_read_all_the_same() {
        let mut event = event();
        event["rawPath"] = json!(null);
        event["rawQueryString"] = json!(null);
        event["requestContext"]["http"]["path"] = json!("/y");
        event["queryStringParameters"] = json!({"a": "1 & 2", "b": 3});
        let (path, content, _) = received(&event);
        assert_eq!((path.as_str(), content.query.expose().as_str()), ("/y", "a=1+%26+2"));
    }

    #[test]
    fn what_is_no_header_is_left_out_and_what_stands_twice_is_seen_twice() {
        let mut event = event();
        event["headers"] = json!({"a": "1\r\nb: 2", "c d": "3", "": "4", "e": 5, "f": "6", "F": "7", "g": "열쇠"});
        let request = read(&event).unwrap();
        let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("f", &b"7"[..]), ("f", b"6"), ("g", "열쇠".as_bytes())]);
    }

    #[test]
    fn a_header_that_stands_twice_in_the_event_is_seen_twice() {
        let twice = r#"{"rawPath":"/x","headers":{"authorization":"1","authorization":"2"},
            "requestContext":{"http":{"method":"POST"}}}"#;
        let request = read_text(twice).unwrap();
        let values: Vec<_> = request.headers().get_all("authorization").iter().collect();
        assert_eq!(values, ["1", "2"]);
    }

    #[test]
    fn more_headers_than_a_map_holds_are_no_panic() {
        let mut event = event();
        event["headers"] = (0..40_000).map(|number| (format!("h{number}"), json!("x"))).collect();
        assert!(read(&event).unwrap().headers().len() > 10_000);
    }

    #[test]
    fn a_body_is_decoded_only_if_it_is_what_it_is_said_to_be() {
        for (body, is_encoded, bytes) in [
            (json!("e30="), json!(true), &b"{}"[..]),
            (json!("e30="), json!(false), b"e30="),
            (json!("e30="), json!("true"), b"e30="),
            (json!("{}"), json!(true), b"{}"),
            (json!({}), json!(true), b""),
            (json!(null), json!(null), b""),
        ] {
            let mut event = event();
            event["body"] = body;
            event["isBase64Encoded"] = is_encoded;
            assert_eq!(received(&event).1.body.expose(), bytes);
        }
    }

    #[test]
    fn an_odd_member_costs_no_other_and_half_a_character_costs_no_content() {
        let odd = r#"{"rawPath":"/y","rawPath":"/x","rawQueryString":"\ud800","body":"\ud801","isBase64Encoded":[],
            "headers":{"a":"1","b":{},"c":"\ud800"},
            "requestContext":{"requestId":{},"timeEpoch":"7","http":{"method":"POST","sourceIp":4,"path":null}}}"#;
        let request = read_text(odd).unwrap();
        assert_eq!(request.headers().len(), 1);
        let (path, request, arrival) = receive(request, now(), Duration::from_secs(1));
        let content = request.unproven_content();
        assert_eq!((path.as_str(), content.query.expose().as_str()), ("/x", "\u{fffd}"));
        assert_eq!((&content.body.expose()[..], arrival.source), ("\u{fffd}".as_bytes(), None));
    }

    #[test]
    fn a_header_whose_name_is_not_text_does_not_count_as_missing_proof() {
        let odd = r#"{"rawPath":"/x","headers":{"\ud800":"1","authorization":"2"},"requestContext":{"http":{"method":"POST"}}}"#;
        assert!(read_text(odd).is_err());
        assert!(read_text(r#"["/x","",{},{},"",false,["r",7,["POST"]]]"#).is_err());
    }

    #[test]
    fn an_event_from_another_source_is_refused_with_the_fix() {
        let (mut without_http, mut odd_method) = (event(), event());
        without_http["requestContext"] = json!({});
        odd_method["requestContext"]["http"]["method"] = json!("G T");
        let rest_api = json!({"version": "1.0", "path": "/x", "httpMethod": "POST", "requestContext": {}});
        for other in [json!({}), json!(null), json!([]), json!("secret"), rest_api, without_http, odd_method] {
            let error = read(&other).unwrap_err();
            assert!(error.contains("payload format 2.0") && !error.contains("secret"), "{error}");
        }
    }
}

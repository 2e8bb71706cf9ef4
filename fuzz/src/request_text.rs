//! Requests as a text that a fuzzer can mutate: like HTTP's, without its lengths.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::token;

/// The gateway's event (HTTP API, payload 2.0) of a text `POST /path?query`, headers, an empty line, a body.
/// A token's body is its header and its claims, each on a line; it is signed here. The second value says
/// whether it was.
#[must_use]
pub fn event(text: &[u8]) -> Option<(Value, bool)> {
    let end = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
    let head = std::str::from_utf8(&text[..end]).ok()?;
    let body = text.get(end + 2..).unwrap_or_default();
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let headers = joined(lines);
    let is_token = headers.get("content-type").and_then(Value::as_str).is_some_and(|it| it.contains("secevent"));
    let signed = is_token.then(|| token::sign(body)).flatten();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.ap-northeast-2.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": ""},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Mar/2025:03:30:00 +0000",
            "timeEpoch": 1_740_799_800_000_i64,
        },
        "isBase64Encoded": false,
    });
    if !body.is_empty() {
        let text = signed.clone().or_else(|| String::from_utf8(body.to_vec()).ok());
        event["isBase64Encoded"] = text.is_none().into();
        event["body"] = text.unwrap_or_else(|| STANDARD.encode(body)).into();
    }
    Some((event, signed.is_some()))
}

/// The headers as the gateway passes them on: in lower case, the values of one name joined.
fn joined<'h>(lines: impl Iterator<Item = &'h str>) -> Map<String, Value> {
    let mut headers = Map::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        let joined = match headers.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.to_owned(),
        };
        headers.insert(name, joined.into());
    }
    headers
}

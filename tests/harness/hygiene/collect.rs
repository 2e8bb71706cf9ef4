//! The values of an event that must be in no log: all except the few that a log line has so that a request can be
//! found. So new fields are searched for, too.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;

use super::Secrets;

/// Times of events, and Kakao's vocabulary and ours. Everything else stays out of a log.
const PUBLIC: &[&str] = &[
    "jti",
    "iat",
    "toe",
    "updated_at",
    "timestamp",
    "at",
    "v",
    "kind",
    "reason",
    "detail",
    "uri",
    "type",
    "event",
    "id_type",
    "subject_type",
    "format",
    "referrer_type",
    "CHAT_TYPE",
    "TEMPLATE_ID",
    "credential_type",
    "change_type",
    "change_direction",
    "typ",
    "alg",
    "version",
];
/// At the top of an envelope: ids by which a log line names it, except ids of service events, which may be made of
/// member numbers.
const IDS: [&str; 2] = ["id", "request_id"];
/// Our own vocabulary in an event of the bus: where it is, and its members.
const OF_THE_BUS: [(&str, &[&str]); 3] = [
    ("", &["detail-type", "source", "region"]),
    ("/detail", &["changed", "access_before"]),
    ("/detail/state", &["access"]),
];
/// Headers that are an event's id, in lower case.
const ID_HEADERS: [&str; 2] = ["x-kakao-resource-id", "x-request-id"];
/// The headers that prove something, in lower case.
const PROOFS: [&str; 2] = ["authorization", "x-skill-key"];

impl Secrets {
    /// The values of an event that a function receives from the gateway or the queue.
    pub fn add_event(&mut self, event: &Value) {
        for record in event.get("Records").and_then(Value::as_array).into_iter().flatten() {
            record.get("body").and_then(Value::as_str).into_iter().for_each(|body| self.add_message(body));
        }
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        text("/requestContext/requestId").into_iter().for_each(|id| self.allow(id));
        for (name, value) in event.get("headers").and_then(Value::as_object).into_iter().flatten() {
            self.add_header(name, value.as_str().unwrap_or_default());
        }
        self.add_form(text("/rawQueryString").unwrap_or_default().as_bytes());
        let is_encoded = event.get("isBase64Encoded") == Some(&Value::Bool(true));
        match text("/body") {
            Some(body) if is_encoded => self.add_body(&STANDARD.decode(body).unwrap_or_default()),
            Some(body) => self.add_body(body.as_bytes()),
            None => {}
        }
    }

    fn add_header(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase() {
            name if ID_HEADERS.contains(&name.as_str()) => self.allow(value),
            name if PROOFS.contains(&name.as_str()) => {
                self.add(value.split_once(' ').map_or(value, |(_, proof)| proof));
            }
            _ => {}
        }
    }

    fn add_body(&mut self, body: &[u8]) {
        let body = body.trim_ascii();
        match (serde_json::from_slice(body), std::str::from_utf8(body)) {
            (Ok(json), _) => self.add_json(&json),
            (_, Ok(text)) if text.split('.').count() == 3 => self.add_token(text),
            (_, Ok(text)) => {
                self.add(text);
                self.add_form(body);
            }
            (_, Err(_)) => self.add(&String::from_utf8_lossy(body)),
        }
    }

    /// The values of a message in the queue.
    fn add_message(&mut self, body: &str) {
        let Ok(mut json) = serde_json::from_str::<Value>(body) else { return self.add(body) };
        let is_of_the_service = json.get("kind").and_then(Value::as_str) == Some("service");
        if let Some(envelope) = json.as_object_mut().filter(|_| !is_of_the_service) {
            let ids = IDS.iter().filter_map(|name| envelope.remove(*name));
            ids.for_each(|id| self.allow(id.as_str().unwrap_or_default()));
        }
        if let Some(envelope) = json.as_object_mut() {
            envelope.retain(|name, _| !["received_at", "replayed_at"].contains(&name.as_str()));
        }
        remove_vocabulary_of_the_bus(&mut json);
        self.add_json(&json);
    }

    /// A token: each of its parts, and what it claims.
    pub fn add_token(&mut self, token: &str) {
        for part in token.split('.') {
            self.add(part);
            let decoded = URL_SAFE_NO_PAD.decode(part).ok();
            if let Some(Ok(claims)) = decoded.map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
                self.add_json(&claims);
            }
        }
    }

    fn add_form(&mut self, form: &[u8]) {
        for (name, value) in form_urlencoded::parse(form) {
            if !PUBLIC.contains(&name.as_ref()) {
                self.add(&value);
            }
        }
    }

    fn add_json(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(elements) => elements.iter().for_each(|element| self.add_json(element)),
            Value::Object(members) => {
                members.get("jti").and_then(Value::as_str).into_iter().for_each(|id| self.allow(id));
                let is_public = |name: &str, value: &Value| {
                    PUBLIC.contains(&name) && !matches!(value, Value::Array(_) | Value::Object(_))
                };
                let personal = members.iter().filter(|(name, value)| !is_public(name, value));
                personal.for_each(|(_, value)| self.add_json(value));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn remove_vocabulary_of_the_bus(message: &mut Value) {
    if message.get("detail-type").is_none() {
        return;
    }
    for (place, names) in OF_THE_BUS {
        if let Some(members) = message.pointer_mut(place).and_then(Value::as_object_mut) {
            members.retain(|name, _| !names.contains(&name.as_str()));
        }
    }
    for part in ["link", "account", "credential"] {
        message.pointer_mut(&format!("/detail/state/{part}")).into_iter().for_each(remove_status);
    }
    let channels = message.pointer_mut("/detail/state/channels").and_then(Value::as_object_mut);
    channels.into_iter().flat_map(|channels| channels.values_mut()).for_each(remove_status);
}

fn remove_status(part: &mut Value) {
    part.as_object_mut().into_iter().for_each(|part| drop(part.remove("status")));
}

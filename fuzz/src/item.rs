//! DynamoDB's items in DynamoDB's own JSON (`{"name": {"S": "text"}}`).

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

/// An item.
pub type Item = HashMap<String, AttributeValue>;

/// The item that a text is.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Item> {
    attributes(serde_json::from_slice::<Value>(text).ok()?.as_object()?)
}

fn attributes(members: &Map<String, Value>) -> Option<Item> {
    members.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

fn attribute(value: &Value) -> Option<AttributeValue> {
    let (kind, value) = value.as_object()?.iter().next()?;
    Some(match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(text)) => AttributeValue::N(number(text)?),
        ("BOOL", Value::Bool(flag)) => AttributeValue::Bool(*flag),
        ("NULL", Value::Bool(true)) => AttributeValue::Null(true),
        ("M", Value::Object(members)) => AttributeValue::M(attributes(members)?),
        ("L", Value::Array(list)) => AttributeValue::L(list.iter().map(attribute).collect::<Option<_>>()?),
        ("SS", Value::Array(list)) => AttributeValue::Ss(list.iter().map(text).collect::<Option<_>>()?),
        ("NS", Value::Array(list)) => {
            AttributeValue::Ns(list.iter().map(|value| number(value.as_str()?)).collect::<Option<_>>()?)
        }
        ("B", Value::String(text)) => AttributeValue::B(Blob::new(STANDARD.decode(text).ok()?)),
        _ => return None,
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A number as DynamoDB gives it back: at most 38 digits, without a sign or a zero too many.
fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = is_number(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|fraction| is_number(fraction) && !fraction.ends_with('0'))
        && digits.len() <= 38
        && text != "-0";
    is_plain.then(|| text.to_owned())
}

//! What the fuzz targets share. Each target is a property of one parser of bytes from outside; see
//! `docs/fuzzing.md`.

pub mod events;
pub mod function;
pub mod item;
pub mod promises;
pub mod request_text;
pub mod token;

/// The service whose webhooks the fixtures send.
#[path = "../../tests/harness/service.rs"]
pub mod service;

use std::sync::LazyLock;

use bytes::Bytes;
use http::Method;
use kakao_webhooks::{
    auth::Apps,
    wire::{AppId, Content, Personal},
};

/// The service's apps.
pub static APPS: LazyLock<Apps> = LazyLock::new(|| Apps::from_json(service::KAKAO_APPS).unwrap());

/// The first app's number.
pub static APP_ID: LazyLock<AppId> = LazyLock::new(|| service::APP_ID.parse().unwrap());

/// The first line and what follows it.
#[must_use]
pub fn line_and_rest(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&data[..end]).ok()?, &data[end + 1..]))
}

/// A content from `GET` or `POST <media type>` and what follows that line: the query or the body.
#[must_use]
pub fn content(data: &[u8]) -> Option<Content> {
    let (line, rest) = line_and_rest(data)?;
    let (method, media_type) = line.split_once(' ').unwrap_or((line, ""));
    let is_get = method == "GET";
    let query = if is_get { String::from_utf8(rest.to_vec()).ok()? } else { String::new() };
    Some(Content {
        method: if is_get { Method::GET } else { Method::POST },
        query: Personal::new(query),
        media_type: media_type.to_owned(),
        body: Personal::new(if is_get { Bytes::new() } else { Bytes::copy_from_slice(rest) }),
    })
}

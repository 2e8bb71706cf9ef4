use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::wire::{Content, Personal};

/// A request whose sender is not known yet. It gives away its method, its headers and how
/// long its body is; the rest only once the sender is proven.
#[derive(Debug)]
pub struct Unverified {
    headers: HeaderMap,
    content: Content,
}

impl Unverified {
    /// A request as received.
    #[must_use]
    pub const fn new(headers: HeaderMap, content: Content) -> Self {
        Self { headers, content }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.content.method
    }

    /// How many bytes the body has.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.content.body.expose().len()
    }

    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// For tokens, whose proof is in the body.
    pub(super) const fn content(&self) -> &Content {
        &self.content
    }

    /// The same with another body: what must not be kept is taken out of it.
    pub(super) fn with_body(mut self, body: Personal<Bytes>) -> Self {
        self.content.body = body;
        self
    }

    pub(super) fn verified<P>(self, proof: P) -> Verified<P> {
        Verified {
            proof,
            resource_id: text_of(&self.headers, "x-kakao-resource-id"),
            request_id: text_of(&self.headers, "x-request-id"),
            content: self.content,
        }
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A request whose sender is proven by `P`. Only this module makes one.
#[derive(Debug)]
pub struct Verified<P> {
    /// What proved it, and so which app it is for.
    pub proof: P,
    /// `X-Kakao-Resource-ID`: unique per share or channel webhook.
    pub resource_id: Option<String>,
    /// `X-Request-Id` of a skill request.
    pub request_id: Option<String>,
    /// What it says.
    pub content: Content,
}

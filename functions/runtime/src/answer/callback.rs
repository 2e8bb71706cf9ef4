use std::future::Future;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use http::{
    Request,
    header::{CONTENT_TYPE, USER_AGENT},
};
use kakao_webhooks::skill::CallbackUrl;

use crate::{
    edges::EdgeError,
    http::{AGENT, Body, Pool, in_full, read_at_most},
};

/// What Kakao answered to a posted answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body; empty if it could not be read.
    pub body: Bytes,
}

/// Kakao's callback API.
pub trait CallbackEdge: Send + Sync {
    /// Posts an answer.
    ///
    /// # Errors
    /// No response. The answer may be shown all the same.
    fn post(&self, url: &CallbackUrl, json: &str) -> impl Future<Output = Result<CallbackReply, EdgeError>> + Send;
}

/// Kakao's callback API over HTTPS. A redirect is a response like any other, and never followed.
#[derive(Clone, Debug)]
pub struct HttpCallback(pub Pool);

/// Kakao's are a hundred bytes.
const MOST_READ: usize = 16 * 1024;

impl CallbackEdge for HttpCallback {
    async fn post(&self, url: &CallbackUrl, json: &str) -> Result<CallbackReply, EdgeError> {
        // An error of building it would show the URL.
        let malformed = || EdgeError("the request can't be made".to_owned());
        let request = Request::post(url.expose())
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(USER_AGENT, AGENT)
            .body(Body::from(json))
            .map_err(|_| malformed())?;
        let request = HttpRequest::try_from(request).map_err(|_| malformed())?;
        let response = self.0.send(request).await.map_err(|error| EdgeError(in_full(&error)))?;
        let status = response.status().as_u16();
        let body = read_at_most(MOST_READ, response.into_body()).await.unwrap_or_default();
        Ok(CallbackReply { status, body })
    }
}

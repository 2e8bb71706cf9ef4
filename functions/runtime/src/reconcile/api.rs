use std::{future::Future, time::Duration};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use http::{
    Request, Uri,
    header::{AUTHORIZATION, USER_AGENT},
};
use kakao_webhooks::wire::{
    UserId,
    rest_api::{
        LinkedMember, MemberPage, MemberScope, RestError, read_linked_members, read_member, read_members, read_scopes,
    },
};
use tokio::time::timeout;

use super::ReaderKey;
use crate::http::{AGENT, Body, Pool, UrlError, in_full, read_at_most, secure};

/// What is asked of Kakao's REST API. One call each, without another attempt.
pub trait KakaoApi: Send + Sync {
    /// Members of the key's app from this number on, ascending.
    fn members(
        &self,
        key: &ReaderKey,
        from: Option<UserId>,
        most: usize,
    ) -> impl Future<Output = Result<MemberPage, RestError>> + Send;

    /// Those of at most a hundred members who are linked, with the times of that.
    fn linked_members(
        &self,
        key: &ReaderKey,
        asked: &[UserId],
    ) -> impl Future<Output = Result<Vec<LinkedMember>, RestError>> + Send;

    /// One member. [`RestError::NotLinked`] is an answer, too.
    fn member(&self, key: &ReaderKey, asked: UserId) -> impl Future<Output = Result<LinkedMember, RestError>> + Send;
}

/// Where Kakao's REST API is: HTTPS, or HTTP on the loopback interface.
#[derive(Clone, Debug)]
pub struct KakaoApiUrl(String);

impl KakaoApiUrl {
    /// Reads it.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn from_text(text: &str) -> Result<Self, UrlError> {
        let text = text.trim().trim_end_matches('/');
        secure(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Kakao's REST API over HTTPS.
#[derive(Clone, Debug)]
pub struct HttpKakaoApi {
    url: KakaoApiUrl,
    pool: Pool,
}

/// A call that takes longer failed.
const LONGEST_CALL: Duration = Duration::from_secs(4);

/// Data of a hundred members have some ten kilobytes.
const MOST_BYTES: usize = 1024 * 1024;

impl HttpKakaoApi {
    /// The API at this URL.
    #[must_use]
    pub const fn new(url: KakaoApiUrl, pool: Pool) -> Self {
        Self { url, pool }
    }

    /// What a member agreed to.
    ///
    /// # Errors
    /// [`RestError`]; [`RestError::NotLinked`] is an answer, too.
    pub async fn scopes(&self, key: &ReaderKey, asked: UserId) -> Result<Vec<MemberScope>, RestError> {
        let query = [("target_id_type", "user_id"), ("target_id", &*asked.digits())];
        let (status, body) = self.get(key, "/v2/user/scopes", &query).await?;
        read_scopes(status, &body, asked)
    }

    async fn get(&self, key: &ReaderKey, path: &str, query: &[(&str, &str)]) -> Result<(u16, Bytes), RestError> {
        let asked = async {
            let request = self.request(key, path, query).map_err(|error| RestError::Again(error.to_string()))?;
            let response = self.pool.send(request).await.map_err(|error| RestError::Again(in_full(&error)))?;
            let status = response.status().as_u16();
            let body = read_at_most(MOST_BYTES, response.into_body()).await.map_err(RestError::Again)?;
            Ok((status, body))
        };
        let asked = timeout(LONGEST_CALL, asked).await;
        asked.unwrap_or_else(|_| Err(RestError::Again("no answer in time".to_owned())))
    }

    fn request(
        &self,
        key: &ReaderKey,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let uri: Uri = format!("{}{path}?{query}", self.url.0).parse()?;
        let request = Request::get(uri)
            .header(AUTHORIZATION, format!("KakaoAK {}", key.expose()))
            .header(USER_AGENT, AGENT)
            .body(Body::empty())?;
        Ok(HttpRequest::try_from(request)?)
    }
}

impl KakaoApi for HttpKakaoApi {
    async fn members(&self, key: &ReaderKey, from: Option<UserId>, most: usize) -> Result<MemberPage, RestError> {
        let (most, first) = (most.to_string(), from.map(UserId::digits));
        let mut query = vec![("limit", most.as_str()), ("order", "asc")];
        query.extend(first.as_deref().map(|first| ("from_id", first)));
        let (status, body) = self.get(key, "/v1/user/ids", &query).await?;
        read_members(status, &body, from)
    }

    async fn linked_members(&self, key: &ReaderKey, asked: &[UserId]) -> Result<Vec<LinkedMember>, RestError> {
        let ids: Vec<_> = asked.iter().map(|user| user.digits()).collect();
        let query = [("target_id_type", "user_id"), ("target_ids", &format!("[{}]", ids.join(",")))];
        let (status, body) = self.get(key, "/v2/app/users", &query).await?;
        read_linked_members(status, &body, asked)
    }

    async fn member(&self, key: &ReaderKey, asked: UserId) -> Result<LinkedMember, RestError> {
        let query = [("target_id_type", "user_id"), ("target_id", &asked.digits())];
        let (status, body) = self.get(key, "/v2/user/me", &query).await?;
        read_member(status, &body, asked)
    }
}

use aws_sdk_sqs::config::ConfigBag;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        orchestrator::{HttpRequest, HttpResponse},
        result::SdkError,
        runtime_components::RuntimeComponents,
    },
};
use http::uri::{PathAndQuery, Uri};

/// What AWS's endpoints answer to whoever asks, without a signature and for nothing.
const PING: &str = "/ping";

/// Turns a client's request into one that does nothing and needs no permission. It goes the way of a real one all
/// the same (credentials, endpoint, signature, name, TCP, TLS), and leaves its connection behind in the pool.
#[derive(Debug)]
pub(crate) struct Knock;

impl Knock {
    /// Whether somebody answers, and doesn't say that the service is out of order. What was asked for isn't what the client expects an
    /// answer to: that it finds an error says nothing.
    pub(crate) fn is_answered<T, E>(outcome: &Result<T, SdkError<E, HttpResponse>>) -> bool {
        outcome.as_ref().map_or_else(
            |error| error.raw_response().is_some_and(|response| !response.status().is_server_error()),
            |_| true,
        )
    }
}

impl Intercept for Knock {
    fn name(&self) -> &'static str {
        "Knock"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut uri = Uri::try_from(context.request().uri())?.into_parts();
        uri.path_and_query = Some(PathAndQuery::from_static(PING));
        // Anew, so that neither signature nor token goes along.
        let mut knock = HttpRequest::empty();
        knock.set_uri(Uri::from_parts(uri)?)?;
        *context.request_mut() = knock;
        Ok(())
    }
}

use aws_sdk_sqs::config::ConfigBag;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
};
use http::uri::{PathAndQuery, Uri};

/// What AWS's endpoints answer to whoever asks, without a signature and for nothing.
pub(super) const PING: &str = "/ping";

/// Turns a client's request into one that does nothing and needs no permission. It goes the way of a real one all
/// the same (credentials, endpoint, signature, name, TCP, TLS), and leaves its connection behind in the pool.
#[derive(Debug)]
pub(crate) struct Knock;

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

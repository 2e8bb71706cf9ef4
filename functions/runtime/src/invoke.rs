//! Other Lambda functions, invoked for what they return.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_lambda::{
    Client,
    config::Builder,
    error::{DisplayErrorContext, SdkError},
    operation::invoke::InvokeError,
    primitives::Blob,
};

use crate::{
    edges::{CallError, Function},
    http::is_unsent,
};

/// A Lambda function. Its client is made when the function is first invoked: most starts are for something else.
#[derive(Clone)]
pub struct LambdaFunction {
    client: Arc<LazyLock<Client, MakeClient>>,
    name: String,
}

type MakeClient = Box<dyn FnOnce() -> Client + Send>;

impl LambdaFunction {
    /// The function with this name or ARN. One attempt each time: its caller says how long it waits, and a second one
    /// would have the function work twice.
    #[must_use]
    pub fn new(aws: SdkConfig, name: String) -> Self {
        let make = move || {
            let config = Builder::from(&aws).retry_config(RetryConfig::disabled()).build();
            Client::from_conf(config)
        };
        Self { client: Arc::new(LazyLock::new(Box::new(make))), name }
    }
}

impl Function for LambdaFunction {
    async fn invoke(&self, event: String) -> Result<String, CallError> {
        let invoked = self.client.invoke().function_name(&self.name).payload(Blob::new(event)).send().await;
        let invoked = invoked.map_err(|error| call_error(&error))?;
        if let Some(kind) = invoked.function_error() {
            // Not the payload: what a function says of its failure may hold what it was asked.
            return Err(CallError::Failed(format!("the function failed ({kind})")));
        }
        let payload = invoked.payload.map(Blob::into_inner).unwrap_or_default();
        String::from_utf8(payload).map_err(|_| CallError::Failed("the function returned no text".to_owned()))
    }
}

/// A call that Lambda throttled, or that never reached it, ran no function.
fn call_error(error: &SdkError<InvokeError>) -> CallError {
    let text = DisplayErrorContext(error).to_string();
    let is_throttled = error.as_service_error().is_some_and(InvokeError::is_too_many_requests_exception);
    if is_throttled || is_unsent(error) { CallError::NotBegun(text) } else { CallError::Failed(text) }
}

impl fmt::Debug for LambdaFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LambdaFunction").field("name", &self.name).finish_non_exhaustive()
    }
}

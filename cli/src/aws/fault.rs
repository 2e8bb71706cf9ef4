//! Why a call to AWS failed, for an operator: one sentence that says what to do, without the SDK's own types.

use std::{error::Error, fmt::Debug};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use runtime::store::StoreError;

pub(crate) const NO_REGION: &str = "no AWS region: set AWS_REGION, or an AWS_PROFILE that has one";
const NO_CREDENTIALS: &str = "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign \
                              in with `aws sso login`";
const EXPIRED: &str = "the AWS credentials have expired: sign in again with `aws sso login`, or set new ones";
const UNKNOWN_CREDENTIALS: &str = "AWS does not accept the credentials: is AWS_PROFILE right, or are AWS_ACCESS_KEY_ID, \
                                   AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN?";

/// Why this action (`dynamodb:GetItem`) failed. The caller isn't shown: AWS's own text of a denial names them.
pub(crate) fn sentence<E, R>(action: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    if let SdkError::ServiceError(_) = error {
        return answered(action, error.code().unwrap_or_default(), error.message().unwrap_or_default());
    }
    if let Some(fault) = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        return without_credentials(fault);
    }
    if chain(error).any(|cause| cause.to_string().to_ascii_lowercase().contains("missing region")) {
        return NO_REGION.to_owned();
    }
    match error {
        SdkError::TimeoutError(_) => no_answer(action),
        SdkError::DispatchFailure(_) => no_connection(action),
        SdkError::ResponseError(_) => not_aws(action),
        _ => format!("{action} could not be called: {}", innermost(error)),
    }
}

/// Why the functions' own store could not do this action. Of the SDK's error it has the text only.
pub(crate) fn stored(action: &str, error: &StoreError) -> String {
    let (StoreError::TryAgain(text) | StoreError::Never(text)) = error;
    if is_denial(text) {
        return answered(action, "AccessDenied", text);
    }
    format!("{action} failed: {}", text.split_whitespace().take(20).collect::<Vec<_>>().join(" "))
}

fn no_answer(action: &str) -> String {
    format!("{action} had no answer in time: is the network right? Try again")
}

fn no_connection(action: &str) -> String {
    format!("no connection to AWS for {action}: are the region (AWS_REGION), AWS_ENDPOINT_URL and the network right?")
}

fn not_aws(action: &str) -> String {
    format!("the answer to {action} is not AWS's: is AWS_ENDPOINT_URL wrong, or a proxy in between?")
}

fn answered(action: &str, code: &str, message: &str) -> String {
    // SQS and DynamoDB write a prefix before it.
    let code = code.rsplit(['#', '.']).next().unwrap_or_default();
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => EXPIRED.to_owned(),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure" => UNKNOWN_CREDENTIALS.to_owned(),
        "ResourceNotFoundException" | "QueueDoesNotExist" | "NonExistentQueue" => {
            "there is none of that name: are it and the region (AWS_REGION) right?".to_owned()
        }
        _ if is_denial(code) => {
            format!("the AWS credentials may not do this: allow them {}", denied_action(message).unwrap_or(action))
        }
        "" => not_aws(action),
        _ => format!("{action} failed: {code}: {}", message.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// Whether AWS refuses an action by this code.
pub(crate) fn is_denial(code: &str) -> bool {
    code.contains("AccessDenied") || code.contains("Unauthorized")
}

/// The action that AWS says it denied. It may be another one than was asked for, such as a key's.
fn denied_action(message: &str) -> Option<&str> {
    let action = message.split_once("perform: ")?.1.split_whitespace().next()?;
    let is_action =
        |action: &&str| action.contains(':') && action.chars().all(|c| c.is_ascii_alphanumeric() || ":-".contains(c));
    Some(action).filter(is_action)
}

fn without_credentials(fault: &CredentialsError) -> String {
    match fault {
        CredentialsError::CredentialsNotLoaded(_) => NO_CREDENTIALS.to_owned(),
        fault => format!(
            "the AWS credentials can't be loaded ({}): sign in with `aws sso login`, or set another AWS_PROFILE",
            innermost(fault)
        ),
    }
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

/// The first cause in its own words, on one line.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let cause = chain(error).last().map(ToString::to_string).unwrap_or_default();
    cause.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
    use axum::{Router, http::StatusCode};
    use runtime::edges::Queue;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{
        aws::{queue::StackQueue, runs::Runs, table::Table},
        commands::backlog::{Fate, Wanted, messages::MessageQueue},
        local,
    };

    /// A server that answers everything with this status and text, or accepts and never answers.
    async fn server(answer: Option<(u16, String)>) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let app = Router::new().fallback(async move || match answer {
                Some((status, text)) => (StatusCode::from_u16(status).unwrap(), text),
                None => std::future::pending().await,
            });
            axum::serve(listener, app).await.unwrap();
        });
        address
    }

    /// One short attempt at this address.
    fn config(endpoint: &str) -> SdkConfig {
        local::sdk_config(endpoint, "ap-northeast-2")
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_millis(500)).build())
            .build()
    }

    /// What khook says of the table, of the dead-letter queue, of the event queue and of the reconciler's runs.
    async fn said(config: &SdkConfig) -> [String; 4] {
        let url = "http://sqs.example/1/queue";
        let sweep = MessageQueue::new(config, url, "dead-letter queue")
            .sweep_wanted(&Wanted::All, 1, async |_| -> anyhow::Result<Fate> { unreachable!() })
            .await;
        [
            Table::new(config, "t").get("a", "b").await.unwrap_err().to_string(),
            sweep.unwrap_err().to_string(),
            StackQueue::new(config, url.to_owned()).send("x").await.unwrap_err().to_string(),
            Runs::new(config, "t".to_owned()).apps().await.unwrap_err().to_string(),
        ]
    }

    async fn each_says(config: &SdkConfig, expected: &str) {
        for text in said(config).await {
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains('\n') && !text.contains("Error") && !text.contains('{'), "{text}");
            assert!(!text.contains("arn:aws"), "{text}");
        }
    }

    fn fault(code: &str, message: &str) -> Option<(u16, String)> {
        Some((400, json!({"__type": format!("com.amazonaws#{code}"), "message": message}).to_string()))
    }

    #[tokio::test]
    async fn an_answer_of_aws_is_a_sentence_with_what_to_do() {
        let denied = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k";
        for (code, message, expected) in [
            ("AccessDeniedException", denied, "allow them kms:Decrypt"),
            ("AccessDenied", "no", "allow them "),
            ("ExpiredTokenException", "The security token included in the request is expired", EXPIRED),
            ("UnrecognizedClientException", "The security token is invalid", UNKNOWN_CREDENTIALS),
            ("InvalidSignatureException", "signature", UNKNOWN_CREDENTIALS),
            ("ResourceNotFoundException", "Requested resource not found", "there is none of that name"),
            ("QueueDoesNotExist", "The specified queue does not exist", "there is none of that name"),
            ("ValidationException", "two\n lines", "failed: ValidationException: two lines"),
        ] {
            let endpoint = server(fault(code, message)).await;
            each_says(&config(&endpoint), expected).await;
        }
    }

    #[tokio::test]
    async fn a_denial_names_the_action() {
        let endpoint = server(fault("AccessDeniedException", "")).await;
        let said = said(&config(&endpoint)).await;
        for (text, action) in
            said.iter().zip(["dynamodb:GetItem", "sqs:ReceiveMessage", "sqs:SendMessage", "dynamodb:Query"])
        {
            assert!(text.ends_with(&format!("allow them {action}")), "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_not_aws_does_not_listen_or_does_not_answer_is_said_so() {
        let endpoint = server(Some((200, "<html>".to_owned()))).await;
        each_says(&config(&endpoint), "is not AWS").await;
        each_says(&config("http://127.0.0.1:1"), "no connection to AWS for ").await;
        let endpoint = server(None).await;
        each_says(&config(&endpoint), "had no answer in time").await;
    }

    /// A chain of providers that ends like this.
    #[derive(Debug)]
    struct Chain(fn() -> CredentialsError);

    impl ProvideCredentials for Chain {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err((self.0)()))
        }
    }

    #[tokio::test]
    async fn without_credentials_or_a_region_it_is_said_how_to_set_them() {
        let config = config(&server(fault("x", "")).await);
        let with = |chain| {
            config.clone().into_builder().credentials_provider(SharedCredentialsProvider::new(Chain(chain))).build()
        };
        each_says(&with(CredentialsError::not_loaded_no_source), NO_CREDENTIALS).await;
        let refused = || CredentialsError::provider_error("the SSO session is over");
        each_says(&with(refused), "can't be loaded (the SSO session is over): sign in with `aws sso login`").await;
        let mut without = config.into_builder().region(None);
        without.set_endpoint_url(None);
        each_says(&without.build(), NO_REGION).await;
    }
}

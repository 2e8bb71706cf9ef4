//! A deployed stack, as CloudFormation describes it.

use std::{collections::BTreeMap, fmt::Debug};

use anyhow::{Result, anyhow};
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudformation::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::Stack,
};
use clap::Args;

use super::{PATIENCE, attempts_of, fault::sentence};
use crate::ui::typed::Typed;

/// The stack that a command works on.
#[derive(Debug, Args)]
pub struct StackTarget {
    #[command(flatten)]
    typed: Typed,
    /// The CloudFormation stack whose table, queues and bus are used. An option or variable that names one of them, too,
    /// is refused: it could be another service's
    #[arg(long, env = "KHOOK_STACK", hide_env_values = true, value_name = "NAME")]
    stack: Option<String>,
}

impl StackTarget {
    /// Its name, if one is named. An empty variable names none.
    pub(crate) fn name(&self) -> Option<&str> {
        self.stack.as_deref().filter(|name| !name.is_empty())
    }

    /// Its name, if it was typed and is not only a variable of the shell.
    pub(crate) fn typed_name(&self) -> Option<&str> {
        self.name().filter(|_| self.typed.has("stack"))
    }
}

async fn describe(aws: &SdkConfig, stack: &str) -> Result<Option<Stack>> {
    let client = Client::from_conf(Builder::from(aws).timeout_config(attempts_of(aws, PATIENCE)).build());
    let described = client.describe_stacks().stack_name(stack).send().await;
    Ok(described.map_err(|error| fault(aws, stack, &error))?.stacks.unwrap_or_default().into_iter().next())
}

/// A stack's parameters by their names.
pub(crate) async fn parameters(aws: &SdkConfig, stack: &str) -> Result<BTreeMap<String, String>> {
    let parameters = describe(aws, stack).await?.and_then(|stack| stack.parameters).unwrap_or_default().into_iter();
    Ok(parameters.filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?))).collect())
}

/// An output of a stack, if it has that one.
pub(crate) async fn output(aws: &SdkConfig, stack: &str, output: &str) -> Result<Option<String>> {
    Ok(describe(aws, stack).await?.and_then(|stack| outputs_of(stack).remove(output)))
}

/// A stack's outputs by their names.
pub(crate) fn outputs_of(stack: Stack) -> BTreeMap<String, String> {
    let outputs = stack.outputs.unwrap_or_default().into_iter();
    outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect()
}

/// The sentence that says so, if this error means that there is no such stack.
pub(crate) fn no_stack<E, R>(region: Option<&Region>, stack: &str, error: &SdkError<E, R>) -> Option<String>
where
    E: ProvideErrorMetadata,
{
    error.message().filter(|message| message.ends_with("does not exist"))?;
    let region = region.map_or("this region", AsRef::as_ref);
    Some(format!("there is no stack `{stack}` in {region}: are its name and the region (AWS_REGION) right?"))
}

fn fault<E, R>(aws: &SdkConfig, stack: &str, error: &SdkError<E, R>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Debug + 'static,
{
    if let Some(no_stack) = no_stack(aws.region(), stack, error) {
        return anyhow!(no_stack);
    }
    anyhow!("the stack `{stack}` can't be looked up: {}", sentence("cloudformation:DescribeStacks", error))
}

#[cfg(test)]
pub(crate) mod tests {
    use axum::{Router, http::StatusCode};
    use tokio::net::TcpListener;

    use super::*;
    use crate::local;

    /// CloudFormation, of which every question has this answer.
    pub(crate) async fn answering(status: u16, answer: &str) -> SdkConfig {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answer = (StatusCode::from_u16(status).unwrap(), answer.to_owned());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(async move || answer)).await.unwrap() });
        local::sdk_config(&address, "ap-northeast-2")
    }

    const DESCRIBED: &str = "<DescribeStacksResponse xmlns='http://cloudformation.amazonaws.com/doc/2010-05-15/'>\
        <DescribeStacksResult><Stacks><member><StackName>s</StackName><StackStatus>CREATE_COMPLETE</StackStatus>\
        <CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs><member><OutputKey>TableName</OutputKey>\
        <OutputValue>t</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>";

    pub(crate) fn refused(code: &str, message: &str) -> String {
        format!(
            "<ErrorResponse xmlns='http://cloudformation.amazonaws.com/doc/2010-05-15/'><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    }

    #[tokio::test]
    async fn a_stacks_output_is_found_and_a_missing_one_is_none() {
        let aws = answering(200, DESCRIBED).await;
        assert_eq!(output(&aws, "s", "TableName").await.unwrap().as_deref(), Some("t"));
        assert_eq!(output(&aws, "s", "BusName").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_stack_that_is_not_there_or_may_not_be_seen_says_so() {
        for (code, message, expected) in [
            ("ValidationError", "Stack with id s does not exist", "there is no stack `s` in ap-northeast-2: are"),
            (
                "AccessDenied",
                "User: arn:aws:iam::1:user/x is not authorized",
                "allow them cloudformation:DescribeStacks",
            ),
            ("ExpiredToken", "expired", "the AWS credentials have expired"),
        ] {
            let aws = answering(400, &refused(code, message)).await;
            let error = output(&aws, "s", "TableName").await.unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("arn:"), "{error}");
        }
    }
}

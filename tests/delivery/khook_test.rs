//! `khook delivery test`, the real binary, against a receiver that verifies signatures, and one that doesn't.

use std::{fs, path::PathBuf};

use axum::Router;
use end_to_end::{
    endpoint::Endpoint,
    faults::{Fault, Gate, Server},
    khook_binary::{self, Done},
    secrets,
};

use crate::service::{NEW, OLD, Service};

/// A file with this text, gone at the end.
struct SecretFile(PathBuf);

impl SecretFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("khook-delivery-test-{name}-{}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn test(url: &str, secret: &SecretFile) -> Done {
    let file = secret.0.to_str().unwrap();
    khook_binary::run(&[], &["delivery", "test", "--url", url, "--secret-file", file]).await.unwrap()
}

#[tokio::test]
async fn a_receiver_that_verifies_gets_a_signed_ping_and_refuses_the_forged_one() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.wants(OLD);
    let secret = SecretFile::new("verifies", &format!("{OLD} {NEW}\n"));
    let printed = test(&endpoint.url(), &secret).await.printed();
    assert!(printed.contains("204") && printed.contains("401") && !printed.contains("whsec_"), "{printed}");
    let posted = endpoint.posted();
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0].json()["type"], "ping");
    assert!(posted[0].is_signed(OLD) && posted[0].is_signed(NEW));
    assert!(!posted[1].is_signed(OLD) && !posted[1].is_signed(NEW));
    assert!(posted[0].header("webhook-id") != posted[1].header("webhook-id"));
}

#[tokio::test]
async fn a_receiver_that_accepts_a_wrong_signature_is_a_finding() {
    let endpoint = Endpoint::start().await.unwrap();
    let done = test(&endpoint.url(), &SecretFile::new("accepts", OLD)).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.out.contains("does not verify"), "{}", done.out);
}

#[tokio::test]
async fn a_receiver_that_refuses_the_signed_ping_is_a_finding_and_gets_no_other() {
    let endpoint = Endpoint::start().await.unwrap();
    endpoint.wants(NEW);
    let done = test(&endpoint.url(), &SecretFile::new("refuses", OLD)).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.out.contains("401") && done.out.contains("have this secret"), "{}", done.out);
    assert_eq!(endpoint.posted().len(), 1);
}

/// CloudFormation, which knows one stack that delivers to this URL, or one that delivers nothing.
async fn cloud_formation(url: &str) -> Server {
    let parameter = |name: &str, value: &str| {
        format!("<member><ParameterKey>{name}</ParameterKey><ParameterValue>{value}</ParameterValue></member>")
    };
    let secret = if url.is_empty() { "" } else { secrets::DELIVERY_ARN };
    let parameters = parameter("DeliveryUrl", url) + &parameter("DeliverySecret", secret);
    let described = format!(
        "<DescribeStacksResponse xmlns='http://cloudformation.amazonaws.com/doc/2010-05-15/'><DescribeStacksResult>\
         <Stacks><member><StackName>s</StackName><StackStatus>CREATE_COMPLETE</StackStatus>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime><Parameters>{parameters}</Parameters></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    );
    Server::start(Router::new().fallback(async move || described), Gate::default()).await.unwrap()
}

async fn test_stack(cloud: &Server, service: &Service) -> Done {
    let variables = [
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", cloud.url()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", service.secrets.endpoint()),
        ("AWS_MAX_ATTEMPTS", "1".to_owned()),
    ];
    khook_binary::run(&variables, &["delivery", "test", "--stack", "s", "--json"]).await.unwrap()
}

#[tokio::test]
async fn a_stacks_receiver_is_tested_with_the_stacks_secret() {
    let service = Service::start().await;
    service.endpoint.wants(OLD);
    let tested = test_stack(&cloud_formation(&service.endpoint.url()).await, &service).await.json();
    assert_eq!(
        (&tested["ok"], &tested["signed"]["status"], &tested["wrong_signature"]["status"]),
        (&true.into(), &204.into(), &401.into())
    );
}

#[tokio::test]
async fn a_stack_that_only_a_variable_names_is_not_asked_for_a_receiver_that_is_named() {
    let service = Service::start().await;
    service.endpoint.wants(OLD);
    let (cloud, url) = (cloud_formation(&service.endpoint.url()).await, service.endpoint.url());
    let test = async |cloud: String, more: &[&str]| {
        let variables = [
            ("KHOOK_STACK", "s".to_owned()),
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", cloud),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", service.secrets.endpoint()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ];
        let arguments = [&["delivery", "test", "--url", &url], more].concat();
        khook_binary::run(&variables, &arguments).await.unwrap()
    };
    let error = test(cloud.url(), &[]).await.refused();
    assert!(error.contains("the secret can't be used"), "{error}");
    assert_eq!(service.endpoint.posted().len(), 0);
    assert!(test(cloud.url(), &["--stack", "s"]).await.printed().contains("204"));

    service.secrets.gate().set(Fault::Status(403));
    let secret = SecretFile::new("variable", OLD);
    let unreachable = "http://127.0.0.1:1".to_owned();
    assert!(test(unreachable, &["--secret-file", secret.0.to_str().unwrap()]).await.printed().contains("204"));
}

#[tokio::test]
async fn a_stack_without_a_receiver_or_whose_secret_cannot_be_read_is_said_so_and_gets_no_ping() {
    let service = Service::start().await;
    let error = test_stack(&cloud_formation("").await, &service).await.refused();
    assert!(error.contains("delivers nothing: its DeliveryUrl is not set"), "{error}");
    service.secrets.gate().set(Fault::Status(403));
    let error = test_stack(&cloud_formation(&service.endpoint.url()).await, &service).await.refused();
    assert!(error.contains("the secret can't be read") && !error.contains("arn:"), "{error}");
    assert_eq!(service.endpoint.posted().len(), 0);
}

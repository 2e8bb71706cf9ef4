//! `khook delivery test`, the real binary, against a receiver that verifies signatures, and one that doesn't.

use std::{fs, path::PathBuf};

use end_to_end::khook_binary::{self, Done};

use crate::{
    endpoint::Endpoint,
    service::{NEW, OLD},
};

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
    let endpoint = Endpoint::start().await;
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
    let endpoint = Endpoint::start().await;
    let done = test(&endpoint.url(), &SecretFile::new("accepts", OLD)).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.out.contains("does not verify"), "{}", done.out);
}

#[tokio::test]
async fn a_receiver_that_refuses_the_signed_ping_is_a_finding_and_gets_no_other() {
    let endpoint = Endpoint::start().await;
    endpoint.wants(NEW);
    let done = test(&endpoint.url(), &SecretFile::new("refuses", OLD)).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    assert!(done.out.contains("401") && done.out.contains("have this secret"), "{}", done.out);
    assert_eq!(endpoint.posted().len(), 1);
}

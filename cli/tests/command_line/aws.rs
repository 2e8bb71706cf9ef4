//! What khook says of an AWS that can't be used: one sentence, with what to do.

use crate::binary::{Folder, NOWHERE, khook};

const COMMANDS: [&[&str]; 5] = [
    &["user", "show", "1", "2", "--table", "t"],
    &["inbox", "list", "--table", "t"],
    &["dlq", "list", "--dead-letter-queue", "http://sqs.example/1/q"],
    &["user", "link", "1", "2", "--yes", "--queue", "http://sqs.example/1/q"],
    &["user", "show", "1", "2", "--stack", "s"],
];

/// That each of the commands says this, on one line, with variables that lack some of [`NOWHERE`]'s.
fn each_says(folder: &str, without: &[&str], expected: &str) {
    let folder = Folder::new(folder);
    let variables: Vec<_> = NOWHERE.into_iter().filter(|(name, _)| !without.contains(name)).collect();
    for command in COMMANDS {
        let done = khook(&folder, &variables, command, "");
        assert_eq!((done.status, done.out.as_str()), (Some(1), ""), "{command:?} {}", done.error);
        let (_, error) = done.error.split_once("error: ").unwrap();
        assert!(error.contains(expected), "{command:?} {error}");
        assert!(!error.contains('{') && !error.contains("Error"), "{command:?} {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{command:?} {error}");
    }
}

#[test]
fn without_credentials_khook_says_how_to_set_them() {
    each_says(
        "no-credentials",
        &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        "no AWS credentials: set AWS_PROFILE, or",
    );
}

#[test]
fn without_a_region_khook_says_how_to_set_it() {
    each_says("no-region", &["AWS_REGION"], "no AWS region: set AWS_REGION, or");
}

#[test]
fn an_endpoint_where_no_one_listens_is_said_so() {
    each_says("no-endpoint", &[], "no connection to AWS for ");
}

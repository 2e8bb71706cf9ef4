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

#[test]
fn doctor_without_credentials_says_how_to_set_them_and_nothing_of_the_stacks_name() {
    let folder = Folder::new("doctor-no-credentials");
    let done = khook(&folder, &[NOWHERE[0], NOWHERE[3], NOWHERE[4]], &["doctor", "kakao-webhooks"], "");
    assert_eq!(done.status, Some(2), "{}", done.error);
    assert!(done.out.contains("no AWS credentials") && done.out.contains("set AWS_PROFILE, or"), "{}", done.out);
    assert!(!done.out.contains("are the stack's name"), "{}", done.out);
}

#[test]
fn what_is_neither_a_stack_nor_an_address_is_a_wrong_command_line() {
    let folder = Folder::new("doctor-target");
    for target in ["", "127.0.0.1:34573", "hooks.example.com/v1", "my stack"] {
        let done = khook(&folder, &NOWHERE, &["doctor", target], "");
        assert_eq!((done.status, done.out.as_str()), (Some(2), ""), "{target} {}", done.error);
        let expected = format!("`{target}` is not the name of a stack. A base URL begins with https:// or http://");
        assert!(done.error.contains(&expected), "{}", done.error);
    }
    let done = khook(&folder, &[&NOWHERE[..], &[("KHOOK_STACK", "")]].concat(), &["doctor"], "");
    assert!(done.error.contains("name a stack or a base URL"), "{}", done.error);
}

#[test]
fn a_command_that_names_half_a_service_says_so_before_anything_else() {
    let folder = Folder::new("half-a-service");
    let publish = ["publish", "--since", "2026-01-01T00:00:00Z"];
    let done = khook(&folder, &[("TABLE_NAME", "t")], &publish, "");
    assert_eq!(done.status, Some(2), "{}", done.error);
    assert!(done.error.contains("TABLE_NAME is named and EVENT_BUS_NAME isn't"), "{}", done.error);
}

//! The exit status of every command: 0 for success, 1 for what it found or what failed, 2 for a wrong
//! command line. `check`, `doctor`, `ips`, `reconcile diff` and `skill rules check`, whose 1 says what they found, end with
//! 2 also if they could not find out.

use clap::CommandFactory;
use khook::cli::Cli;
use runtime::signing::SigningSecrets;

use crate::binary::{Folder, NOWHERE, khook};

/// Command lines with their exit statuses, in this order.
const TABLE: &[(&str, i32)] = &[
    // Both would start the whole service.
    ("demo --json --keep", 2),
    ("demo --open", 2),
    ("demo --port 4001", 2),
    ("demo --json --open", 2),
    ("dev now", 2),
    ("dev --deliver-to not-a-url", 2),
    ("dev --deliver-to http://a.example/", 2),
    ("dev --answerer not-a-url", 2),
    ("dev --answerer http://a.example/", 2),
    ("dev -- --help", 0),
    ("demo -- --help", 0),
    ("dev -- now", 2),
    ("dev -- -- --help", 2),
    ("demo -- --json --keep", 2),
    ("send -- --help", 2),
    ("send unlink", 2),
    ("send unlink --user 1 --app-id 1 --admin-key-file key", 2),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1", 2),
    ("send unlink --user 1 --url http://127.0.0.1:1 --admin-key-file key", 2),
    ("send unlink --user 1 --app-id 1 --url not-a-url --admin-key-file key", 2),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1/webhooks/unlink --admin-key-file key", 2),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1 --admin-key-file key --referrer-type ACOUNT_DELETE", 2),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1 --admin-key-file no-such-file", 1),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1 --admin-key-file key", 1),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1 --admin-key-file key --curl", 0),
    ("send unlink --user 1 --app-id 1 --url http://127.0.0.1:1/skill --admin-key-file key --curl --anyway", 0),
    ("completions", 2),
    ("completions bash", 0),
    ("man", 2),
    ("man pages", 0),
    ("keys new --key-file keys.json", 0),
    ("keys new --key-file keys.json", 1),
    ("keys serve --rotate-every x", 2),
    ("keys serve --key-file no/folder/keys.json", 1),
    ("send account-status --event user-linkd --user 1 --audience a --key keys.json --url http://127.0.0.1:1", 2),
    ("send account-status --event user-linked --user 1 --audience a --url http://127.0.0.1:1", 2),
    ("send account-status --event user-linked --user 1 --audience a --key keys.json --url http://127.0.0.1:1", 1),
    (
        "send account-status --event user-linkd --user 1 --audience a --key keys.json --url http://127.0.0.1:1 --curl --anyway",
        0,
    ),
    ("send talk-share --chat-type DirectCht --url http://127.0.0.1:1 --admin-key-file key", 2),
    ("send talk-share --url http://127.0.0.1:1 --admin-key-file key", 1),
    ("send talk-share --url http://127.0.0.1:1 --admin-key-file key --curl", 0),
    ("send talk-channel --event aded --user 1 --url http://127.0.0.1:1 --admin-key-file key", 2),
    ("send talk-channel --event added --user 1 --url http://127.0.0.1:1 --admin-key-file key", 1),
    ("send talk-channel --event leave --user 1 --url http://127.0.0.1:1 --admin-key-file key --curl", 0),
    ("send skill --no-key --url http://127.0.0.1:1", 2),
    ("send skill --check --url http://127.0.0.1:1", 1),
    ("send skill --callback", 2),
    ("send skill --callback --no-key --bot b --url http://127.0.0.1:1", 1),
    ("send skill --callback --validation --no-key --bot b --url http://127.0.0.1:1", 2),
    ("send skill --callback --fault 600 --no-key --bot b --url http://127.0.0.1:1", 2),
    ("send skill --callback-port 0 --no-key --bot b --url http://127.0.0.1:1", 2),
    ("send skill --fault 501 --no-key --bot b --url http://127.0.0.1:1", 2),
    ("send skill --validation --no-key --url http://127.0.0.1:1 --curl", 0),
    ("send skill --check --url http://127.0.0.1:1 --curl", 0),
    ("check", 2),
    ("check not-a-url", 2),
    ("check http://127.0.0.1:1/skill", 2),
    ("doctor", 2),
    ("doctor stack", 2),
    ("doctor http://127.0.0.1:1", 2),
    ("ips", 2),
    ("user show 1 2", 2),
    ("user show x 2 --table t", 2),
    ("user show 1 0 --table t", 2),
    ("user show 1 2 --table t --stack s", 2),
    ("user show 1 2 --table t", 1),
    ("user show 1 2 --stack s", 1),
    ("user history 1 2", 2),
    ("user history 1 2 --table t", 1),
    ("user rebuild 1 2", 2),
    ("user rebuild 1 2 --table t", 1),
    ("user link 1 2 --queue http://127.0.0.1:1/q", 2),
    ("user link 1 2 --queue http://127.0.0.1:1/q --yes", 1),
    ("user unlink 1 x --queue http://127.0.0.1:1/q", 2),
    ("user unlink 1 2 --queue http://127.0.0.1:1/q --yes", 1),
    ("user restore 1 2 --yes", 2),
    ("user restore 1 2 --queue http://127.0.0.1:1/q --yes", 1),
    ("user erase 1 2 --yes --at tomorrow", 2),
    ("user erase 1 2 --queue http://127.0.0.1:1/q --yes", 1),
    ("quarantine list", 2),
    ("quarantine list --table t", 1),
    ("quarantine show 2026-01-01 --table t", 1),
    ("quarantine show 2026-01-01", 2),
    ("quarantine replay --all --table t", 2),
    ("quarantine replay --all --table t --queue http://127.0.0.1:1/q", 1),
    ("quarantine drop --table t", 2),
    ("quarantine drop --all --yes --table t", 1),
    ("dlq list", 2),
    ("dlq list --dead-letter-queue http://127.0.0.1:1/d", 1),
    ("dlq show a", 2),
    ("dlq show a --dead-letter-queue http://127.0.0.1:1/d", 1),
    ("dlq replay --all --dead-letter-queue http://127.0.0.1:1/d", 2),
    ("dlq replay --all --dead-letter-queue http://127.0.0.1:1/q --queue http://127.0.0.1:1/q", 2),
    ("dlq replay --all --dead-letter-queue http://127.0.0.1:1/d --queue http://127.0.0.1:1/q", 1),
    ("dlq drop a --all", 2),
    ("dlq drop --all --yes --dead-letter-queue http://127.0.0.1:1/d", 1),
    ("inbox list", 2),
    ("inbox list --table t", 1),
    ("inbox show a", 2),
    ("inbox show a --table t", 1),
    ("inbox replay --all --table t", 2),
    ("inbox replay --all --table t --queue http://127.0.0.1:1/q", 1),
    ("inbox drop", 2),
    ("inbox drop --all --yes --table t", 1),
    ("undelivered list", 2),
    ("undelivered list --undelivered-queue http://127.0.0.1:1/d", 1),
    ("undelivered show a", 2),
    ("undelivered show a --undelivered-queue http://127.0.0.1:1/d", 1),
    ("undelivered replay --all --undelivered-queue http://127.0.0.1:1/d", 2),
    ("undelivered replay --all --undelivered-queue http://127.0.0.1:1/q --delivery-queue http://127.0.0.1:1/q", 2),
    ("undelivered replay --all --undelivered-queue http://127.0.0.1:1/d --delivery-queue http://127.0.0.1:1/q", 1),
    ("undelivered drop a --all", 2),
    ("undelivered drop --all --yes --undelivered-queue http://127.0.0.1:1/d", 1),
    ("delivery secret new more", 2),
    ("delivery test", 2),
    ("delivery test --url not-a-url", 2),
    ("delivery test --url http://a.example/", 2),
    ("delivery test --stack s", 1),
    ("delivery test --url http://127.0.0.1:1/ --secret-file no-such-file", 1),
    ("delivery test --url http://127.0.0.1:1/ --secret-file key", 1),
    ("delivery test --url http://127.0.0.1:1/ --secret-file delivery-secret", 1),
    ("changes tail", 2),
    ("publish", 2),
    ("publish --user x 2 --table t --bus b", 2),
    ("publish --user 1 2 --table t", 2),
    ("publish --user 1 2 --table t --bus b", 1),
    ("publish --user 1 2 --table t --dry-run", 1),
    ("reconcile status", 2),
    ("reconcile status x --table t", 2),
    ("reconcile status --table t", 1),
    ("reconcile run --table t --stack s", 2),
    ("reconcile run --table t --wait --yes", 1),
    ("reconcile diff --table t", 2),
    ("reconcile approve", 2),
    ("reconcile approve --table t --yes", 1),
    ("erasures --since yesterday", 2),
    ("erasures --csv --json --table t", 2),
    ("erasures --table t", 1),
    ("erasures rebuild --table t --yes", 1),
    ("reconcile cancel 1", 2),
    ("reconcile cancel 1 --table t --yes", 1),
    ("dev --skill-rules no-such-file.json", 1),
    ("dev --skill-rules wrong.json", 1),
    ("skill rules check", 2),
    ("skill rules check no-such-file.json", 2),
    ("skill rules check wrong.json", 1),
    ("skill rules check answers.json --room", 2),
    ("skill rules check answers.json", 0),
    ("skill rules check answers.json --try a --block b --room --json", 0),
    ("skill rules put", 2),
    ("skill rules put answers.json --table t", 1),
    ("skill rules put wrong.json --table t --yes", 1),
    ("skill rules show", 2),
    ("skill rules show --table t", 1),
    ("skill rules clear --table t --stack s", 2),
    ("skill rules clear --table t --yes", 1),
    ("kakao me 1", 2),
    ("kakao me 1 x --key-file key", 2),
    ("kakao me 1 2 --key-file no-such-file", 1),
    ("kakao me 1 2 --key-file key", 1),
    ("kakao users 1 --limit 0 --key-file key", 2),
    ("kakao users 1 --key-file key", 1),
    ("kakao users 1 2 3 --key-file key", 1),
    ("kakao scopes 1", 2),
    ("kakao scopes 1 2 --key-file key", 1),
    ("hash-key an-argument", 2),
    ("hash-key", 1),
];

/// What a URL of a receiver lacks, or has too much of.
const RECEIVERS: [(&str, &str); 4] = [
    ("localhost:8080/kakao", "http://localhost:8080/kakao"),
    ("hooks.example.com/kakao", "https://hooks.example.com/kakao"),
    ("http://localhost:65536/kakao", "its port must be at most 65535"),
    ("http://hooks.example.com/kakao", "it must begin with https://"),
];

#[test]
fn a_url_of_a_receiver_that_is_wrong_says_what_would_be_right() {
    let folder = Folder::new("exit-status-receiver");
    for option in [&["dev", "--deliver-to"][..], &["dev", "--", "--deliver-to"], &["delivery", "test", "--url"]] {
        for (url, advice) in RECEIVERS {
            let done = khook(&folder, &[], &[option, &[url]].concat(), "");
            assert_eq!(done.status, Some(2), "{option:?} {url} {}", done.error);
            assert!(done.error.contains(advice), "{url} {}", done.error);
        }
    }
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn arguments(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Every command that can be run, as it is typed.
fn commands() -> Vec<String> {
    fn below(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name()).trim_start().to_owned();
            if inner.has_subcommands() {
                below(inner, &path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    below(&Cli::command(), "", &mut found);
    found
}

#[test]
fn a_wrong_usage_is_2_and_what_failed_is_1() {
    let folder = Folder::new("exit-status");
    folder.write("key", KEY);
    folder.write("answers.json", r#"{"version": 1, "rules": [{"when": {"says": "a"}, "reply": "b"}]}"#);
    folder.write("wrong.json", r#"{"version": 1, "rules": [{"reply": ""}]}"#);
    folder.write("delivery-secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    for (line, status) in TABLE {
        let done = khook(&folder, &NOWHERE, &arguments(line), "");
        assert_eq!(done.status, Some(*status), "khook {line}\n{}", done.error);
        assert!(*status != 0 || done.error.is_empty(), "khook {line}\n{}", done.error);
        assert!(!done.error.contains("panicked"), "khook {line}\n{}", done.error);
    }
}

#[test]
fn an_option_of_the_demos_console_names_the_option_that_it_needs() {
    let folder = Folder::new("exit-status-demo");
    for option in ["--open", "--port 4001"] {
        let done = khook(&folder, &NOWHERE, &arguments(&format!("demo {option}")), "");
        assert!(done.status == Some(2) && done.error.contains("--keep"), "{option} {}", done.error);
    }
}

#[test]
fn the_table_has_every_command() {
    for command in commands() {
        let is_there = |(line, _): &&(&str, i32)| *line == command || line.starts_with(&format!("{command} "));
        assert!(TABLE.iter().any(|row| is_there(&row)), "{command}");
    }
}

#[test]
fn help_is_0_and_an_unknown_option_is_2_for_every_command() {
    let folder = Folder::new("exit-status-help");
    for command in commands() {
        for (option, status) in [("--help", 0), ("--no-such-option", 2)] {
            let done = khook(&folder, &[], &arguments(&format!("{command} {option}")), "");
            assert_eq!(done.status, Some(status), "khook {command} {option}\n{}", done.error);
        }
    }
}

#[test]
fn a_command_that_is_no_command_is_2() {
    let folder = Folder::new("exit-status-none");
    for line in ["no-such-command", "user", "user no-such-command", "--no-such-option"] {
        assert_eq!(khook(&folder, &[], &arguments(line), "").status, Some(2), "{line}");
    }
}

#[test]
fn a_new_delivery_secret_is_0_another_each_time_and_says_where_to_store_it() {
    let folder = Folder::new("exit-status-secret");
    let made = [(); 2].map(|()| khook(&folder, &[], &["delivery", "secret", "new"], ""));
    for done in &made {
        assert_eq!(done.status, Some(0), "{}", done.error);
        assert!(SigningSecrets::from_text(&done.out).is_ok() && done.out.starts_with("whsec_"), "{}", done.out);
        assert!(done.error.contains("Secrets Manager") && done.error.contains("rotate"), "{}", done.error);
        assert!(!done.error.contains(done.out.trim()));
    }
    assert_ne!(made[0].out, made[1].out);
}

#[test]
fn khook_check_takes_a_key_from_standard_input_and_says_if_none_came() {
    let folder = Folder::new("exit-status-check");
    for option in ["--admin-key-file", "--skill-key-file"] {
        let asked = |input| khook(&folder, &NOWHERE, &["check", "http://127.0.0.1:1/skill", option, "-"], input);
        for (input, is_missing) in [(KEY, false), ("", true), ("\n", true)] {
            let done = asked(input);
            assert_eq!(done.status, Some(2), "{}", done.error);
            assert_eq!(done.error.contains("there is no key in it"), is_missing, "{option}: {}", done.error);
            assert!(!done.error.contains(KEY) && !done.out.contains(KEY));
        }
    }
}

#[test]
fn a_key_that_is_none_is_1_and_one_that_is_one_0() {
    let folder = Folder::new("exit-status-key");
    for (input, status) in [(KEY, 0), ("not a key", 1), ("", 1)] {
        assert_eq!(khook(&folder, &[], &["hash-key"], input).status, Some(status), "{input}");
    }
}

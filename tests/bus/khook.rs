//! `khook publish`, the real binary, before the same bus.

use std::{collections::BTreeSet, process::Stdio};

use end_to_end::{Fixture, binaries::binary, bus, service::APP_ID, table};
use tokio::process::Command;

use crate::service::{Service, word};

/// How it ended, and what it wrote.
async fn khook(service: &Service, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary("khook").unwrap());
    command.arg("publish").args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    // Nothing of the shell's that could name another service.
    command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs([
        ("AWS_REGION", "ap-northeast-2"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]);
    command.envs([("TABLE_NAME", table::NAME), ("EVENT_BUS_NAME", bus::NAME)]);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", service.pipeline.table.endpoint());
    command.env("AWS_ENDPOINT_URL_EVENTBRIDGE", service.bus.endpoint());
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

async fn start() -> Service {
    let mut service = Service::start().await;
    service.send_crowd().await;
    service.publish().await;
    service
}

/// Of the fixture.
const OPEN_ID: &str = "Zk3Qb7xT1mWc";

#[tokio::test]
async fn a_user_is_published_again_as_the_same_change_with_the_whole_state() {
    let service = start().await;
    let published = service.bus.taken();
    let (is_done, output) = khook(&service, &["--user", APP_ID, "3142857910"]).await;
    assert!(is_done && output.contains("1 user published"), "{output}");
    let again = service.bus.taken().split_off(published.len());
    let first = published.iter().find(|event| event.text("user_id") == "3142857910").unwrap();
    assert_eq!(again.len(), 1);
    for name in ["id", "version", "state", "changed"] {
        assert_eq!(first.detail.get(name), again[0].detail.get(name), "{name}");
    }
}

#[tokio::test]
async fn a_user_known_by_open_id_only_is_published_again() {
    let mut service = start().await;
    service.send_fixture(&Fixture::load("talk-channel/open-id").unwrap()).await;
    let published = service.bus.taken().len();
    let (is_done, output) = khook(&service, &["--open-id", APP_ID, OPEN_ID]).await;
    assert!(is_done && output.contains("1 user published"), "{output}");
    let again = service.bus.taken().split_off(published);
    assert_eq!((again[0].text("open_id"), &*again[0].changed()), (OPEN_ID, "channels"));
    let (is_done, output) = khook(&service, &["--open-id", APP_ID, "another"]).await;
    assert!(!is_done && output.contains("nothing is known of open id another of app 123456"), "{output}");
}

#[tokio::test]
async fn all_users_since_a_time_are_published_again_with_the_version_that_is_stored() {
    let mut service = start().await;
    service.send_message(&word("service-erased", "3142857910")).await;
    let published = service.bus.taken().len();
    let (is_done, output) = khook(&service, &["--since", "2025-03-01T03:00:00Z"]).await;
    assert!(is_done && output.contains("12 users published"), "{output}");
    let again = service.bus.taken().split_off(published);
    let users: BTreeSet<_> = again.iter().map(|event| event.text("user_id").to_owned()).collect();
    assert_eq!((again.len(), users.len()), (12, 12));
    let forgotten = again.iter().find(|event| event.text("user_id") == "3142857910").unwrap();
    assert_eq!(forgotten.changed(), "access,link,erased");
    let stored = service.pipeline.state(APP_ID, "3142857910").unwrap().unwrap();
    assert_eq!(forgotten.detail["state"], stored);

    let (is_done, output) = khook(&service, &["--since", "2025-03-01T03:00:00.001Z"]).await;
    assert!(is_done && output.contains("0 users published"), "{output}");
}

#[tokio::test]
async fn counting_publishes_nothing_and_many_users_are_not_published_unasked() {
    let mut service = start().await;
    let words: Vec<_> = (100..200).map(|n| word("service-linked", &format!("3142858{n}")).to_string()).collect();
    assert_eq!(service.pipeline.process_texts(&words).await.unwrap(), Vec::<usize>::new());
    let published = service.bus.taken().len();
    let since = ["--since", "2025-01-01T00:00:00Z"];
    let (is_done, output) = khook(&service, &[&since[..], &["--dry-run"]].concat()).await;
    assert!(is_done && output.contains("112 users; nothing was published"), "{output}");
    let (is_done, output) = khook(&service, &since).await;
    assert!(!is_done && output.contains("112 users again? There is no terminal to ask: say --yes"), "{output}");
    assert_eq!(service.bus.taken().len(), published);
    let (is_done, output) = khook(&service, &[&since[..], &["--yes"]].concat()).await;
    assert!(is_done, "{output}");
    assert_eq!(service.bus.taken().len(), published + 112);
}

#[tokio::test]
async fn an_unknown_user_a_bus_that_refuses_and_an_unreadable_item_are_reported() {
    let mut service = start().await;
    let (is_done, output) = khook(&service, &["--user", APP_ID, "1"]).await;
    assert!(!is_done && output.contains("nothing is known of user 1 of app 123456"), "{output}");
    let (is_done, output) = khook(&service, &["--user", APP_ID, "3142857910", "--bus", "another"]).await;
    assert!(!is_done && output.contains("EVENT_BUS_NAME"), "{output}");
    service.send_message(&word("service-linked", "3142857950")).await;
    service.pipeline.table.set("USER#123456#3142857950", "STATE", "link", "x").unwrap();
    let (is_done, output) = khook(&service, &["--since", "2025-01-01T00:00:00Z"]).await;
    assert!(!is_done && output.contains("1 item of an unknown form left out"), "{output}");
    assert!(output.contains("12 users published"), "{output}");
}

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
const OF_ONE_WHO_LEFT: [&str; 5] = ["erased", "link-changed", "access-changed", "sessions-voided", "tokens-voided"];

#[tokio::test]
async fn a_user_is_told_again_under_the_same_ids() {
    let service = start().await;
    let told = service.bus.taken();
    let (is_done, said) = khook(&service, &["--user", APP_ID, "3142857910"]).await;
    assert!(is_done && said.contains("1 user, 5 events published"), "{said}");
    let again = service.bus.taken().split_off(told.len());
    assert_eq!(again.iter().map(|event| event.detail_type.as_str()).collect::<Vec<_>>(), OF_ONE_WHO_LEFT);
    for event in again {
        let first = told.iter().find(|known| known.id() == event.id()).unwrap();
        let same = ["version", "change", "at", "user_id", "to", "valid_from"];
        assert!(same.iter().all(|name| first.detail.get(*name) == event.detail.get(*name)), "{first:?} {event:?}");
    }
}

#[tokio::test]
async fn somebody_known_by_open_id_only_is_told_again() {
    let mut service = start().await;
    service.send_fixture(&Fixture::load("talk-channel/open-id").unwrap()).await;
    let told = service.bus.taken().len();
    let (is_done, said) = khook(&service, &["--open-id", APP_ID, OPEN_ID]).await;
    assert!(is_done && said.contains("1 user, 1 event published"), "{said}");
    let again = service.bus.taken().split_off(told);
    assert_eq!((again[0].text("open_id"), again[0].detail_type.as_str()), (OPEN_ID, "channel-changed"));
    let (is_done, said) = khook(&service, &["--open-id", APP_ID, "another"]).await;
    assert!(!is_done && said.contains("nothing is known of open id another of app 123456"), "{said}");
}

#[tokio::test]
async fn everybody_since_a_time_is_told_again_with_the_version_that_is_stored() {
    let mut service = start().await;
    service.send_message(&word("service-erased", "3142857910")).await;
    let told = service.bus.taken().len();
    let (is_done, said) = khook(&service, &["--since", "2025-03-01T03:00:00Z"]).await;
    assert!(is_done && said.contains("12 users"), "{said}");
    let again = service.bus.taken().split_off(told);
    let users: BTreeSet<_> = again.iter().map(|event| event.text("user_id").to_owned()).collect();
    assert_eq!(users.len(), 12);
    let of_the_forgotten = again.iter().filter(|event| event.text("user_id") == "3142857910");
    let of_the_forgotten: Vec<_> =
        of_the_forgotten.map(|event| (event.detail_type.as_str(), event.detail["version"].as_u64().unwrap())).collect();
    assert_eq!(of_the_forgotten, [("erased", 2), ("link-changed", 2), ("access-changed", 2)]);

    let (is_done, said) = khook(&service, &["--since", "2025-03-01T03:00:00.001Z"]).await;
    assert!(is_done && said.contains("0 users, 0 events published"), "{said}");
}

#[tokio::test]
async fn counting_publishes_nothing_and_many_are_not_told_again_unasked() {
    let mut service = start().await;
    let words: Vec<_> = (100..200).map(|n| word("service-linked", &format!("3142858{n}")).to_string()).collect();
    assert_eq!(service.pipeline.process_texts(&words).await.unwrap(), Vec::<usize>::new());
    let told = service.bus.taken().len();
    let since = ["--since", "2025-01-01T00:00:00Z"];
    let (is_done, said) = khook(&service, &[&since[..], &["--dry-run"]].concat()).await;
    assert!(is_done && said.contains("112 users, 260 events; nothing was published"), "{said}");
    let (is_done, said) = khook(&service, &since).await;
    assert!(!is_done && said.contains("112 users again? There is no terminal to ask: say --yes"), "{said}");
    assert_eq!(service.bus.taken().len(), told);
    let (is_done, said) = khook(&service, &[&since[..], &["--yes"]].concat()).await;
    assert!(is_done, "{said}");
    assert_eq!(service.bus.taken().len(), told + 260);
}

#[tokio::test]
async fn what_the_bus_refuses_or_nobody_knows_or_nobody_can_read_is_said() {
    let mut service = start().await;
    let (is_done, said) = khook(&service, &["--user", APP_ID, "1"]).await;
    assert!(!is_done && said.contains("nothing is known of user 1 of app 123456"), "{said}");
    let (is_done, said) = khook(&service, &["--user", APP_ID, "3142857910", "--bus", "another"]).await;
    assert!(!is_done && said.contains("EVENT_BUS_NAME"), "{said}");
    service.send_message(&word("service-linked", "3142857950")).await;
    service.pipeline.table.set("USER#123456#3142857950", "STATE", "link", "x").unwrap();
    let (is_done, said) = khook(&service, &["--since", "2025-01-01T00:00:00Z"]).await;
    assert!(!is_done && said.contains("1 item of an unknown form left out"), "{said}");
    assert!(said.contains("12 users, 60 events published"), "{said}");
}

//! The secret with the keys by which members are read: two apps, and what is wrong with a key or with the secret.

use end_to_end::{
    reconciling::{OTHER_READER_KEY, READER_KEY, reader_keys, with_status},
    service::{APP_ID, OTHER_APP_ID},
};
use play_kakao::rest_api::AdminKey;
use serde_json::json;

use crate::service::{FIRST, Service};

/// A key that replaces one.
const NEXT_KEY: &str = "5d6c7b8a990817263544536271808f9e";

#[tokio::test]
async fn an_app_whose_key_kakao_does_not_accept_hinders_no_other() {
    let keys = [(APP_ID, READER_KEY), (OTHER_APP_ID, OTHER_READER_KEY)];
    for ((refused, key), (other, _)) in [(keys[0], keys[1]), (keys[1], keys[0])] {
        let mut service = Service::start().await;
        service.secrets.set(&reader_keys(&keys));
        for app in [refused, other] {
            service.link(app, (0..5).map(|number| (FIRST + number, 1_700_000_000)));
        }
        service.kakao.api().revoke_key(key);
        service.minute().await;
        let (failed, done) = (service.run_of(refused), service.run_of(other));
        assert_eq!((&failed["state"], &done["state"]), (&json!("failed"), &json!("done")));
        assert!(failed["last_error"].as_str().unwrap().contains("-401"), "{failed:?}");
        assert!(!json!(failed).to_string().contains(key), "{failed:?}");
        assert_eq!(with_status(&service.pipeline, other, "linked").unwrap().len(), 5);
        assert_eq!(with_status(&service.pipeline, refused, "linked").unwrap().len(), 0);
        let [line] = &service.logged("reconcile_failed").await[..] else { panic!("{:?}", service.reconciler.lines()) };
        assert_eq!((&line["level"], &line["app_id"]), (&json!("ERROR"), &json!(refused)));
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_in_the_secret_is_used_in_the_next_minute() {
    let mut service = Service::start().await;
    service.link(APP_ID, (0..5).map(|number| (FIRST + number, 1_700_000_000)));
    service.minutes().await;
    service.pipeline.watch().log().keep_out(NEXT_KEY);
    service.link_at_kakao(FIRST + 7, 0);
    service.next_day().await;
    // It reads the secret while that still has the old key, and cannot read the list yet.
    service.kakao.api().settings.lists_per_minute = Some(0);
    service.minute().await;
    service.kakao.api().settings.lists_per_minute = None;
    service.kakao.api().revoke_key(READER_KEY);
    service.kakao.api().add_key(NEXT_KEY, AdminKey::reader(APP_ID));
    service.secrets.set(&reader_keys(&[(APP_ID, NEXT_KEY)]));
    service.minutes().await;
    assert_eq!(service.state(), "done");
    assert_eq!(service.linked_here(), service.at_kakao(APP_ID));
}

#[tokio::test]
async fn a_malformed_secret_is_reported_without_being_shown_until_it_is_repaired() {
    let mut service = Service::start().await;
    service.link_at_kakao(FIRST, 0);
    let malformed =
        ["", "6c7b8a990817263544536271808f9ead", "[]", "{}", r#"{"first":"7b8a990817263544536271808f9eadbc"}"#];
    for (minute, text) in malformed.into_iter().enumerate() {
        service.secrets.set(text);
        service.minute().await;
        assert!(service.run().is_empty());
        let lines = service.logged_times("reader_keys_unusable", minute + 1).await;
        assert!(lines.iter().all(|line| line["level"] == "ERROR"), "{lines:?}");
        assert!(!json!(lines).to_string().contains("9908172635"), "{lines:?}");
    }
    assert_eq!(service.kakao.usage().busiest_minute(APP_ID), 0);
    service.secrets.set(&reader_keys(&[(APP_ID, READER_KEY)]));
    assert_eq!((service.minutes().await, service.state().as_str()), (1, "done"));
}

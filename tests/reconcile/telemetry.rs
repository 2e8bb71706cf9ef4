//! What the reconciler logs and counts.

use end_to_end::{
    reconciling::{OTHER_READER_KEY, READER_KEY, reader_keys},
    service::{APP_ID, OTHER_APP_ID},
};
use play_kakao::rest_api::{ApiCall, ApiError, ApiFault, ScriptedFault};
use serde_json::{Value, json};

use crate::service::{FIRST, Service, snapshot};

/// The lines of our own events, without what differs from run to run.
fn lines(service: &Service) -> Vec<Value> {
    let ours = service.reconciler.lines().into_iter().filter(|line| line["event"].is_string());
    let with_placeholders = ours.map(|mut line| {
        for (name, value) in line.as_object_mut().unwrap() {
            if ["timestamp", "ms", "version", "request_id"].contains(&name.as_str()) {
                *value = json!(format!("[{name}]"));
            }
        }
        line
    });
    with_placeholders.collect()
}

#[tokio::test]
async fn every_event_of_the_reconciler_is_logged_as_documented_and_names_no_member() {
    let mut service = Service::start().await;
    service.secrets.set("a-secret-that-is-no-object");
    service.minute().await;
    service.secrets.set(&reader_keys(&[(APP_ID, READER_KEY), (OTHER_APP_ID, OTHER_READER_KEY)]));
    service.members(5).await;
    service.unlink_at_kakao(FIRST + 1);
    service.link_at_kakao(FIRST + 9, 600);
    service.kakao.api().revoke_key(OTHER_READER_KEY);
    // The apps are worked for at the same time: either may call first.
    let fault = ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Error(ApiError::Maintenance)).of_app(APP_ID);
    service.kakao.api().script(fault);
    service.minute().await;
    assert_eq!(service.state(), "listing");
    service.minutes().await;
    service.logged("reconciled").await;
    let mut all = lines(&service);
    // Two of the first app's runs differ by more than a few members: webhooks are being lost.
    service.link(APP_ID, (20..40).map(|number| (FIRST + number, 1_700_000_000)));
    service.next_day().await;
    service.minutes().await;
    service.logged("reconciled").await;
    all.extend(lines(&service));
    snapshot("log-lines-of-reconciler", &all);
}

//! What the deliverer logs and counts.

use std::collections::BTreeSet;

use end_to_end::{faults::Fault, patience::becomes};
use serde_json::{Value, json};

use crate::service::Service;

const USER: &str = "3142857901";

/// The lines of our own events, without what differs from run to run.
fn lines(service: &Service) -> Vec<Value> {
    let ours = service.deliverer.lines().into_iter().filter(|line| line["event"].is_string());
    let with_placeholders = ours.map(|mut line| {
        for (name, value) in line.as_object_mut().unwrap() {
            if ["timestamp", "ms", "next_in_s", "version"].contains(&name.as_str()) {
                *value = json!(format!("[{name}]"));
            }
        }
        line
    });
    with_placeholders.collect()
}

/// Those of these metrics that were written. Their lines take a moment from the process to here.
fn counted(service: &Service, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut metrics = service.deliverer.lines();
    metrics.retain(|line| line.get("_aws").is_some());
    let written = |name: &&String| metrics.iter().any(|line| line.get(name.as_str()).is_some());
    names.iter().filter(written).cloned().collect()
}

#[tokio::test]
async fn every_event_of_the_deliverer_is_logged_as_documented_and_counted() {
    let mut service = Service::start().await;
    service.send(USER);
    service.deliver().await;
    for status in [503, 410] {
        service.send(USER);
        service.endpoint.answers(status);
        service.deliver().await;
    }
    service.queue.put("no event");
    service.deliver().await;
    service.send(USER);
    service.endpoint.gate().set(Fault::Hangs);
    service.deliver().await;
    service.endpoint.gate().set(Fault::None);
    service.queue.gate().set(Fault::Status(400));
    service.send(USER);
    service.deliver().await;
    service.queue.gate().set(Fault::None);
    // What an alarm looks at: template.yaml.
    let expected = ["not_delivered_ms", "gone"];
    let expected: BTreeSet<_> = expected.map(str::to_owned).into();
    becomes("metrics", &expected, async || counted(&service, &expected)).await;
    service.logged("pause_not_set", 1).await;
    let mut lines = lines(&service);
    // The SDK's own words differ from version to version.
    for line in lines.iter_mut().filter(|line| line["event"] == "pause_not_set") {
        line["error"] = json!("[error]");
    }
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_json_snapshot!("log-lines-of-delivery", lines);
    });
}

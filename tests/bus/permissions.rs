//! Everything that the functions ever ask of AWS. `infra/lint/test_iam.py` compares it with what their roles allow.

use end_to_end::{
    Fixture, Pipeline, Request,
    faults::Fault,
    lambda::Outcome,
    service::{ADMIN_KEY, APP_ID},
    stream::{event, with_new_member},
};
use serde_json::json;

use crate::service::{Service, word};

#[tokio::test]
async fn the_functions_ask_of_aws_exactly_what_is_listed() {
    // As template.yaml has it.
    let mut service = Service::around(Pipeline::start().await.unwrap().with("WATCH_SILENCE", "true"), &[]).await;
    everything_goes_through_the_inbox(&mut service).await;
    service.send_every_fixture().await;
    an_event_is_quarantined(&mut service).await;
    tokens_are_verified_by_the_stored_key_set(&mut service).await;
    service.publish().await;
    a_record_is_set_aside(&mut service).await;
    departures_are_recorded(&service).await;
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_json_snapshot!("aws-calls", service.pipeline.calls().lines());
    });
}

async fn everything_goes_through_the_inbox(service: &mut Service) {
    let pipeline = &mut service.pipeline;
    pipeline.queue.gate().set(Fault::Status(500));
    for name in Fixture::names().unwrap() {
        let fixture = Fixture::load(&name).unwrap();
        if fixture.request.is_some() {
            let request = fixture.request(pipeline.keys.key()).unwrap();
            let answer = pipeline.deliver(&request.id(&name)).await.unwrap();
            assert_eq!(Some(answer.status), fixture.expected.status, "{name}");
        }
    }
    pipeline.queue.gate().set(Fault::None);
    pipeline.settle().await.unwrap();
}

async fn an_event_is_quarantined(service: &mut Service) {
    let of_nobody = Request::new("GET", &format!("/webhooks/unlink?app_id={APP_ID}"))
        .header("Authorization", &format!("KakaoAK {ADMIN_KEY}"));
    service.send(&of_nobody).await;
    assert_eq!(service.pipeline.items_of("QUARANTINE#").unwrap().len(), 1);
}

/// The janitor stored it when it emptied the inbox.
async fn tokens_are_verified_by_the_stored_key_set(service: &mut Service) {
    service.pipeline.keys.gate().set(Fault::Status(500));
    let request = Fixture::load("account-status/user-linked").unwrap().request(service.pipeline.keys.key()).unwrap();
    let mut cold = service.pipeline.start_function("account-status").await.unwrap();
    let Outcome::Response(answer) = cold.invoke(&request.event()).await.unwrap() else { panic!("no answer") };
    assert_eq!(answer["statusCode"], 202);
    service.pipeline.keys.gate().set(Fault::None);
}

async fn departures_are_recorded(service: &Service) {
    let mut recorder = service.pipeline.start_function("recorder").await.unwrap();
    service.stream.of_departures().drain(&service.pipeline.table, &mut recorder).await.unwrap();
    assert_ne!(service.pipeline.items_of("ERASURES#").unwrap().len(), 0);
}

async fn a_record_is_set_aside(service: &mut Service) {
    service.send_message(&word("service-linked", "3142857901")).await;
    let record = service.stream.next(&service.pipeline.table).unwrap().remove(0);
    let poison = with_new_member(record, "link", &json!({"N": "7"}));
    service.publisher.invoke(&event(&[poison])).await.unwrap();
    assert_eq!(service.unpublished.len(), 1);
}

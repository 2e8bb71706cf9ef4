//! Everything that the deliverer ever asks of AWS. `infra/lint/test_iam.py` compares it with what its role allows.

use end_to_end::delivery::departure;

use crate::service::Service;

#[tokio::test]
async fn the_deliverer_asks_of_aws_exactly_what_is_listed() {
    let mut service = Service::start().await;
    service.endpoint.answers(500);
    service.send("3142857901");
    service.deliver().await;
    service.endpoint.answers(204);
    service.queue.put(&departure("3142857902").to_string());
    service.deliver().await;
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_json_snapshot!("aws-calls-of-delivery", service.pipeline.calls().lines());
    });
}

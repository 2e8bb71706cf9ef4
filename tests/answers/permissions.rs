//! Everything that skill and answerer ask of AWS to answer a message, but the invocations of functions, which Lambda's
//! own API takes. `infra/lint/test_iam.py` compares it with what their roles allow.

use end_to_end::answering::Answering;
use play_kakao::callback::CallbackKind;

#[tokio::test]
async fn the_answerer_asks_of_aws_exactly_what_is_listed() {
    let mut answering = Answering::start().await.unwrap();
    answering.say(CallbackKind::Chat, "무엇?", 0).await.unwrap();
    assert_eq!(answering.work().await.unwrap(), []);
    let mut lines = answering.pipeline.calls().lines();
    // The event of the message, and the rules: every stack has those.
    for of_every_stack in ["skill sqs:SendMessage EVENT_QUEUE_URL", "skill dynamodb:GetItem TABLE_NAME ANSWERS"] {
        lines.remove(of_every_stack);
    }
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_json_snapshot!("aws-calls-of-answerer", lines);
    });
}

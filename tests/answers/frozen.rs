//! Functions that were frozen for so long that their connections died.

use std::time::Duration;

use end_to_end::{
    answering::{ANSWER, Answering, body, request},
    proxy::Proxy,
};
use play_kakao::callback::CallbackKind;
use tokio::time::sleep;

/// Longer than a connection is kept for a request that is sent once.
const FROZEN: Duration = Duration::from_millis(4_500);

#[tokio::test]
async fn after_a_freeze_no_question_is_sent_on_a_dead_connection() {
    let mut answering = Answering::start().await.unwrap();
    let model = Proxy::before(&answering.model.url()).await.unwrap();
    let lambda = Proxy::before(&answering.lambda_api()).await.unwrap();
    let url = format!("{}/answer", model.url());
    answering.restart_answerer(&[("SKILL_ANSWERER", &url)]).await.unwrap();
    answering.restart_skill(&lambda.url()).await.unwrap();
    for _ in 0..2 {
        let said = answering.say(CallbackKind::Chat, "무엇?", 0).await.unwrap();
        assert_eq!(answering.work().await.unwrap(), []);
        assert_eq!(answering.heard(&said).unwrap(), [ANSWER]);
        let answer = answering.deliver(&request(&body("무엇?"), "a").received_now()).await.unwrap();
        assert!(answer.body.contains(ANSWER), "{}", answer.body);
        model.lose_connections();
        lambda.lose_connections();
        sleep(FROZEN).await;
    }
}

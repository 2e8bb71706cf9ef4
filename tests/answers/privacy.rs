//! What was said, the callback URL and the keys of users stand in the queue, for its lifetime, and nowhere else. Every
//! log line is searched by the pipeline when a test ends.

use end_to_end::{
    answering::{ANSWER, Answering, FALLBACK},
    faults::Fault,
};
use play_kakao::callback::{CallbackFail, CallbackFault, CallbackKind};
use serde_json::json;

const WORDS: &str = "제 비밀번호는 a-word-that-no-one-may-read 입니다";

#[tokio::test]
async fn what_was_said_is_in_no_log_line_item_or_metric() {
    let mut answering = Answering::start().await.unwrap();
    let log = answering.pipeline.watch().log().clone();
    for value in [WORDS, "a-word-that-no-one-may-read", ANSWER, "a-user-key-of-the-bot", "a-room-key"] {
        log.keep_out(value);
    }
    let mut tokens = vec![];
    for (model, fault) in [
        (json!({"text": ANSWER}).to_string(), None),
        (WORDS.to_owned(), None),
        (json!({"text": ANSWER}).to_string(), Some(CallbackFault::Other("FAIL", "Something new"))),
        (json!({"text": ANSWER}).to_string(), Some(CallbackFault::Fail(CallbackFail::Json))),
    ] {
        answering.model.says(&model);
        answering.callbacks.callbacks().clear_faults();
        if let Some(fault) = fault {
            answering.callbacks.callbacks().script(1, fault);
        }
        for kind in [CallbackKind::Chat, CallbackKind::Room, CallbackKind::BotTest] {
            tokens.push(answering.say(kind, WORDS, 0).await.unwrap().callback.token);
            assert_eq!(answering.work().await.unwrap(), []);
        }
    }
    answering.pipeline.queue.gate().set_for("/answers", Fault::Status(503));
    tokens.push(answering.say(CallbackKind::Chat, WORDS, 0).await.unwrap().callback.token);
    assert!(answering.queue.is_empty());

    let items = serde_json::to_string(&answering.pipeline.table.items().unwrap()).unwrap();
    let envelopes = answering.pipeline.queue.bodies().concat();
    assert!(items.contains("CALLBACK#"), "{items}");
    let secrets = [WORDS, "a-word-that-no-one-may-read", ANSWER, FALLBACK, "callback/"];
    for secret in secrets.into_iter().chain(tokens.iter().map(String::as_str)) {
        assert!(!items.contains(secret) && !envelopes.contains(secret), "{secret}");
    }
    assert!(!items.contains("a-user-key-of-the-bot"), "{items}");
}

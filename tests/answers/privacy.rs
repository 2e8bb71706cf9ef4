//! What was said, the callback URL and the keys of users stand in the queue, for its lifetime, and nowhere else. Every
//! log line is searched by the pipeline when a test ends.

use end_to_end::{
    answering::{ANSWER, Answering, FALLBACK, request},
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

/// The envelopes in the queue and all items of the table.
fn stored(answering: &Answering) -> String {
    let items = serde_json::to_string(&answering.pipeline.table.items().unwrap()).unwrap();
    answering.pipeline.queue.bodies().concat() + &items
}

#[tokio::test]
async fn the_callback_token_of_the_new_bot_platform_is_stored_nowhere() {
    const TOKEN: &str = "a-callback-token-of-the-new-platform";
    let mut answering = Answering::start().await.unwrap();
    for value in [TOKEN, WORDS] {
        answering.pipeline.watch().log().keep_out(value);
    }
    let url = format!("https://bot-api.kakao.com/v1/bots/b/callback/{TOKEN}");
    let message = json!({"op": 0, "d": {"type": "MESSAGE_CREATE", "callbackToken": TOKEN, "callbackUrl": url,
        "text": WORDS}, "t": 1, "session": TOKEN});
    for (fault, id) in [(Fault::None, "queue"), (Fault::Status(503), "inbox")] {
        answering.pipeline.queue.gate().set(fault);
        let answer = answering.deliver(&request(&message, id).received_now()).await.unwrap();
        assert!(answer.status == 200 && !answer.body.contains(TOKEN), "{answer:?}");
    }
    answering.pipeline.queue.gate().set(Fault::None);
    let on_the_way = stored(&answering);
    answering.pipeline.settle().await.unwrap();
    let in_the_end = stored(&answering);
    assert!(on_the_way.contains("INBOX#") && on_the_way.contains("gateway-queue"), "{on_the_way}");
    assert!(in_the_end.contains("gateway-inbox") && in_the_end.contains("gateway-queue"), "{in_the_end}");
    for all in [on_the_way, in_the_end] {
        assert!(all.contains("new_platform") && !all.contains(TOKEN) && !all.contains(WORDS), "{all}");
    }
    assert!(answering.queue.is_empty() && answering.model.posts() == 0);
}

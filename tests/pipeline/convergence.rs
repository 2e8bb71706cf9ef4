//! Any order and any number of deliveries end in the same items.

use end_to_end::{Pipeline, Request, gateway::RECEIVED_AT, service::APP_ID};
use serde_json::{Map, Value, json};

use crate::kakao::{KAKAO, OAUTH, RISC, channel, channel_body, share, signed, skill, skill_body, token, unlink};

const USER: &str = "3142858001";

/// Delivers each and takes it through the queue.
async fn take_in(pipeline: &mut Pipeline, requests: &[Request]) {
    for request in requests {
        let answer = pipeline.deliver(request).await.unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    }
}

fn again(request: &Request) -> Request {
    request.clone().received_at(RECEIVED_AT + 3_600_000).id("another-request")
}

#[tokio::test]
async fn a_token_delivered_twice_changes_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let unlinked = signed(&pipeline, &token(USER, &format!("{OAUTH}user-unlinked"), 1, &json!({})));
    take_in(&mut pipeline, std::slice::from_ref(&unlinked)).await;
    let before = pipeline.table.items().unwrap();
    assert_eq!(before.len(), 2);
    take_in(&mut pipeline, &[again(&unlinked), again(&unlinked)]).await;
    assert_eq!(pipeline.table.items().unwrap(), before);
}

#[tokio::test]
async fn a_channel_event_delivered_twice_changes_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let added = channel(&channel_body("added", USER, "2025-03-01T01:00:00Z"), "r1");
    take_in(&mut pipeline, std::slice::from_ref(&added)).await;
    let before = pipeline.table.items().unwrap();
    assert_eq!(before.len(), 2);
    take_in(&mut pipeline, &[again(&added)]).await;
    assert_eq!(pipeline.table.items().unwrap(), before);
}

#[tokio::test]
async fn a_share_delivered_twice_is_counted_once_and_another_share_is_counted() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let first = share(USER, "r1");
    take_in(&mut pipeline, &[first.clone(), again(&first), first]).await;
    let shares = |pipeline: &Pipeline| pipeline.state(APP_ID, USER).unwrap().unwrap()["shares"].clone();
    assert_eq!(
        shares(&pipeline),
        json!({"count": 1, "by_chat_type": {"DirectChat": 1}, "last_at": "2025-03-01T04:30:00.000Z"})
    );
    assert_eq!(pipeline.history(&format!("USER#{APP_ID}#{USER}")).unwrap().len(), 1);
    take_in(&mut pipeline, &[share(USER, "r2")]).await;
    assert_eq!(
        shares(&pipeline),
        json!({"count": 2, "by_chat_type": {"DirectChat": 2}, "last_at": "2025-03-01T04:30:00.000Z"})
    );
}

#[tokio::test]
async fn a_chatbot_message_delivered_twice_is_one_line_of_history_and_another_one_a_second() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let message = |id: &str| skill(&skill_body("u1", "안녕"), id);
    take_in(&mut pipeline, &[message("r1"), again(&message("r1")), message("r1")]).await;
    let sort_keys = |pipeline: &Pipeline| -> Vec<String> {
        let items = pipeline.items_of("BOT#").unwrap();
        items.iter().map(|item| item["sk"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sort_keys(&pipeline), ["EVENT#skill#r1", "STATE"]);
    take_in(&mut pipeline, &[message("r2")]).await;
    assert_eq!(sort_keys(&pipeline), ["EVENT#skill#r1", "EVENT#skill#r2", "STATE"]);
}

/// Something of everything that can happen to one user, in the order in which it happened.
fn life(pipeline: &Pipeline) -> Vec<Request> {
    let event = |minutes, uri: String, members| signed(pipeline, &token(USER, &uri, minutes, &members));
    let mut chat = skill_body("u1", "안녕");
    chat["userRequest"]["user"]["properties"] = json!({"appUserId": USER, "plusfriendUserKey": "pf"});
    let mut requests = vec![
        event(1, format!("{OAUTH}user-linked"), json!({})),
        event(2, format!("{OAUTH}user-scope-consent"), json!({"scope": "account_email gender"})),
        event(3, format!("{KAKAO}user-profile-changed"), json!({"nickname": "봄", "email": "old@example.com"})),
        event(4, format!("{RISC}account-disabled"), json!({"reason": "hijacking"})),
        event(5, format!("{RISC}account-enabled"), json!({})),
        channel(&channel_body("added", USER, "2025-03-01T00:06:00Z"), "r6"),
        channel(&channel_body("blocked", USER, "2025-03-01T00:07:00Z"), "r7"),
        unlink(USER),
        event(9, format!("{OAUTH}user-linked"), json!({})),
        event(10, format!("{KAKAO}user-profile-changed"), json!({"nickname": "봄봄"})),
        event(11, format!("{OAUTH}user-scope-withdraw"), json!({"scopes": ["gender"]})),
        event(12, format!("{RISC}credential-compromise"), json!({"credential_type": "password"})),
        event(13, format!("{OAUTH}token-issued"), json!({})),
        share(USER, "r14"),
        skill(&chat, "r15"),
    ];
    for (minute, request) in (1..).zip(&mut requests) {
        // Received within the minute in which it happened: that is also when the unlinking is dated.
        request.received_at = (crate::kakao::MIDNIGHT + minute * 60) * 1_000;
        request.id = format!("request-{minute}");
    }
    requests
}

/// All items of a table into which these texts were taken, in batches of this size; without write counters.
async fn items_after(texts: &[String], batch: usize) -> Vec<Map<String, Value>> {
    let mut pipeline = Pipeline::start().await.unwrap();
    for batch in texts.chunks(batch) {
        assert_eq!(pipeline.process_texts(batch).await.unwrap(), Vec::<usize>::new());
    }
    let mut items = pipeline.table.items().unwrap();
    items.iter_mut().for_each(|item| drop(item.remove("version")));
    items
}

#[tokio::test]
async fn the_same_events_in_another_order_end_in_the_same_items() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for request in life(&pipeline) {
        let answer = pipeline.deliver(&request).await.unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
    let texts = pipeline.queue.bodies();
    assert_eq!(texts.len(), 15);

    let in_order = items_after(&texts, 1).await;
    let state =
        in_order.iter().find(|item| item["pk"] == format!("USER#{APP_ID}#{USER}") && item["sk"] == "STATE").unwrap();
    assert!(state.contains_key("_merge"), "{state:?}");

    let reversed: Vec<_> = texts.iter().rev().cloned().collect();
    // Seven and fifteen have no common divisor, so each is there once.
    let scattered: Vec<_> = (0..texts.len()).map(|place| texts[place * 7 % texts.len()].clone()).collect();
    let doubled: Vec<_> = reversed.iter().chain(&scattered).cloned().collect();
    for (order, batch) in [(&texts, 10), (&reversed, 1), (&reversed, 10), (&scattered, 3), (&doubled, 10)] {
        assert_eq!(items_after(order, batch).await, in_order);
    }
    crate::kakao::snapshot("a-life-in-events", &in_order);
}

async fn state_after(events: &[(i64, &str, Value)]) -> Value {
    let mut pipeline = Pipeline::start().await.unwrap();
    let requests: Vec<_> =
        events.iter().map(|(minutes, uri, members)| signed(&pipeline, &token(USER, uri, *minutes, members))).collect();
    take_in(&mut pipeline, &requests).await;
    let expires = pipeline.table.item(&format!("USER#{APP_ID}#{USER}"), "STATE").unwrap().unwrap();
    let mut state = pipeline.state(APP_ID, USER).unwrap().unwrap();
    state["expires"] = json!(expires.contains_key("expires_at"));
    state
}

#[tokio::test]
async fn user_linked_never_erases() {
    let state = state_after(&[
        (1, &format!("{KAKAO}user-profile-changed"), json!({"nickname": "봄"})),
        (2, &format!("{OAUTH}user-scope-consent"), json!({"scope": "gender"})),
        (3, &format!("{OAUTH}user-linked"), json!({})),
    ])
    .await;
    assert_eq!(state["profile"]["nickname"]["value"], "봄");
    assert_eq!(state["scopes"]["gender"]["granted"], true);
    assert_eq!(state["link"]["status"], "linked");
    assert_eq!(state["access"], "allowed");
    assert_eq!(state.get("erased_until"), None);
}

#[tokio::test]
async fn a_late_user_unlinked_does_not_undo_a_newer_user_linked() {
    let (linked, unlinked) = (format!("{OAUTH}user-linked"), format!("{OAUTH}user-unlinked"));
    let profile = format!("{KAKAO}user-profile-changed");
    let state =
        state_after(&[(9, &linked, json!({})), (10, &profile, json!({"nickname": "봄"})), (3, &unlinked, json!({}))])
            .await;
    assert_eq!(state["link"], json!({"status": "linked", "at": "2025-03-01T00:09:00.000Z"}));
    assert_eq!(state["access"], "allowed");
    assert_eq!(state["profile"]["nickname"]["value"], "봄");
    assert_eq!(state["erased_until"], "2025-03-01T00:03:00.000Z");
    assert_eq!(state["expires"], false);
}

#[tokio::test]
async fn withdrawing_consent_to_an_item_is_no_withdrawal_from_the_service() {
    let withdraw = format!("{OAUTH}user-scope-withdraw");
    let state = state_after(&[(1, &withdraw, json!({"scope": "gender"}))]).await;
    assert_eq!(state["access"], "allowed");
    assert_eq!(state.get("link"), None);
}

#[tokio::test]
async fn a_user_who_is_gone_expires_and_a_new_link_removes_the_expiry() {
    let (linked, unlinked) = (format!("{OAUTH}user-linked"), format!("{OAUTH}user-unlinked"));
    let gone = state_after(&[(1, &linked, json!({})), (2, &unlinked, json!({}))]).await;
    assert_eq!((&gone["access"], &gone["expires"]), (&json!("gone"), &json!(true)));
    let back = state_after(&[(1, &linked, json!({})), (2, &unlinked, json!({})), (3, &linked, json!({}))]).await;
    assert_eq!((&back["access"], &back["expires"]), (&json!("allowed"), &json!(false)));
}

#[tokio::test]
async fn a_member_who_linked_again_is_not_blocked_by_an_older_event() {
    let (linked, disabled) = (format!("{OAUTH}user-linked"), format!("{RISC}account-disabled"));
    let state = state_after(&[(9, &linked, json!({})), (3, &disabled, json!({}))]).await;
    assert_eq!(state["access"], "allowed");
    assert_eq!(state["account"]["status"], "disabled");
}

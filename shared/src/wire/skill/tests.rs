use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(payload: &Value) -> Result<SkillMessage, Unreadable> {
    SkillMessage::read(&payload.as_object().unwrap().into())
}

/// A message of a user with these properties.
fn message(properties: &Value) -> Value {
    json!({"bot": {"id": "b"}, "userRequest": {"user": {"id": "u", "type": "botUserKey", "properties": properties}}})
}

/// A member that is absent, or of a shape that can't be read.
fn unreadable() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!(1.5)),
        Just(json!(-1)),
        Just(json!("a#b")),
        Just(json!([1])),
        Just(json!({"id": "1"})),
    ]
}

/// The members that have two names, each with a good value.
fn twins() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    prop_oneof![
        Just(("plusfriendUserKey", "plusfriend_user_key", json!("p"))),
        Just(("appUserId", "app_user_id", json!("7"))),
        Just(("appUserId", "app_user_id", json!(7))),
        Just(("isFriend", "is_friend", json!(true))),
        Just(("isFriend", "is_friend", json!("true"))),
        Just(("botUserKey", "bot_user_key", json!("u"))),
    ]
}

proptest! {
    #[test]
    fn a_good_twin_always_wins_over_an_unreadable_one((camel, snake, good) in twins(), odd in unreadable()) {
        let expected = read(&message(&json!({camel: good}))).unwrap();
        for properties in [json!({camel: odd, snake: good}), json!({camel: good, snake: odd}), json!({snake: good})] {
            let mut payload = message(&properties);
            if camel == "botUserKey" {
                payload["userRequest"]["user"]["id"] = odd.clone();
            }
            prop_assert_eq!(read(&payload), Ok(expected.clone()), "{}", payload);
        }
    }

    #[test]
    fn no_optional_member_costs_the_message((camel, snake, _) in twins(), odd in unreadable(), also in unreadable()) {
        let plain = read(&message(&json!({}))).unwrap();
        prop_assert_eq!(read(&message(&json!({camel: odd.clone(), snake: also}))), Ok(plain.clone()));
        prop_assert_eq!(read(&message(&odd)), Ok(plain));
    }
}

#[test]
fn a_payload_of_the_first_version_names_its_user() {
    let payload = json!({"bot": {"id": "64f0", "name": "봇"}, "intent": {"id": "i", "name": "스킬테스트"},
        "userRequest": {"utterance": "스킬", "lang": "kr", "user": {"id": "620001", "type": "talk_user_id",
            "properties": {"appUserId": "4011223344", "appUserStatus": "REGISTERED", "plusfriend_user_key": "AbCd"}}},
        "action": {"name": "스킬원", "clientExtra": "null"}});
    let message = read(&payload).unwrap();
    assert_eq!(message.user_key.as_str(), "620001");
    assert_eq!(message.plusfriend_user_key.unwrap().as_str(), "AbCd");
    assert_eq!(message.app_user_id, UserId::new(4_011_223_344));
}

#[test]
fn the_key_of_a_chat_room_is_not_a_user_key() {
    let mut payload = message(&json!({"botUserKey": "u", "appUserId": "7"}));
    payload["userRequest"]["chat"] = json!({"id": "r", "type": "botGroupKey", "properties": {"botGroupKey": "r"}});
    assert_eq!(read(&payload).unwrap().user_key.as_str(), "u");
    payload["userRequest"]["user"] = json!(null);
    assert_eq!(read(&payload), Err(Unreadable::Missing("userRequest.user.id")));
}

#[test]
fn requests_of_other_kinds_are_named() {
    let room =
        |kind: &str| json!({"botId": "b", "type": kind, "timestamp": 1, "group": {"botGroupKey": "r"}, "payload": {}});
    for (payload, why) in [
        (room("entrance"), Unreadable::RoomWebhook),
        (room("leave"), Unreadable::RoomWebhook),
        (room("inviteMember"), Unreadable::RoomWebhook),
        (
            json!({"isInSlotFilling": true, "utterance": "x", "value": {"origin": "x", "resolved": "x"},
                "user": {"id": "u"}, "bot": {"id": "b"}}),
            Unreadable::ParameterValidation,
        ),
        (json!({"op": 0, "d": {"type": "MESSAGE_CREATE", "token": "secret"}, "t": 1}), Unreadable::NewPlatform),
    ] {
        assert_eq!(read(&payload), Err(why), "{payload}");
    }
}

#[test]
fn a_message_with_the_members_of_another_request_is_a_message() {
    let mut payload = message(&json!({}));
    payload["isInSlotFilling"] = json!(false);
    payload["value"] = json!({"origin": "x"});
    payload["op"] = json!(1);
    payload["d"] = json!({});
    assert!(read(&payload).is_ok());
    payload["userRequest"]["user"]["id"] = json!(null);
    assert_eq!(read(&payload), Err(Unreadable::Missing("userRequest.user.id")));
}

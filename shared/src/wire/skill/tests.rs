use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(payload: &Value) -> Result<SkillMessage, Unreadable> {
    match SkillRequest::read(&payload.as_object().unwrap().into())? {
        SkillRequest::Message(message) => Ok(message),
        SkillRequest::Room(_) => panic!("not a message"),
    }
}

fn read_room(payload: &Value) -> Result<RoomEvent, Unreadable> {
    match SkillRequest::read(&payload.as_object().unwrap().into())? {
        SkillRequest::Room(room) => Ok(room),
        SkillRequest::Message(_) => panic!("not a room's webhook"),
    }
}

fn room_webhook(kind: &str) -> Value {
    json!({"botId": "b!", "type": kind, "timestamp": 1_790_660_097_000_i64, "group": {"botGroupKey": "r"},
        "payload": {"inviter": {"botUserKey": "비밀"}, "params": {"referer": "비밀"}}})
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
    for (payload, why) in [
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

#[test]
fn a_rooms_webhook_is_its_event_and_nothing_of_who_did_it() {
    for (name, event) in [
        ("entrance", RoomEventType::Entrance),
        ("leave", RoomEventType::Leave),
        ("inviteMember", RoomEventType::InviteMember),
        ("renamed", RoomEventType::Other("renamed".to_owned())),
    ] {
        let room = read_room(&room_webhook(name)).unwrap();
        assert_eq!(room.event, event);
        assert_eq!((room.bot_id.as_str(), room.room_key.as_str()), ("b", "r"));
        let kept = serde_json::to_string(&room).unwrap();
        assert!(!kept.contains("비밀"), "{kept}");
        assert_eq!(serde_json::from_str::<RoomEvent>(&kept).unwrap(), room);
    }
}

#[test]
fn a_rooms_webhook_needs_its_bot_its_room_and_its_type_only() {
    let with = |name: &str, value: Value| {
        let mut payload = room_webhook("leave");
        payload[name] = value;
        read_room(&payload)
    };
    assert_eq!(with("botId", json!([1])), Err(Unreadable::Shape("botId")));
    assert_eq!(with("group", json!({})), Err(Unreadable::Missing("group.botGroupKey")));
    assert_eq!(with("group", json!("r")), Err(Unreadable::Shape("group")));
    assert_eq!(with("type", json!(null)), Err(Unreadable::Missing("type")));
    for payload in [json!(null), json!("x"), json!([])] {
        assert!(with("payload", payload).is_ok());
    }
    let at = |timestamp: Value| with("timestamp", timestamp).unwrap().at.map(|at| at.to_string());
    assert_eq!(at(json!(1_790_660_097_000_i64)).as_deref(), Some("2026-09-29T05:34:57.000Z"));
    assert_eq!(at(json!("1790660097000")), at(json!(1_790_660_097_000_i64)));
    for odd in [json!(null), json!("soon"), json!(-1), json!(1.5), json!(u64::MAX), json!({})] {
        assert_eq!(at(odd), None);
    }
}

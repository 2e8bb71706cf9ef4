//! Times, ids and open vocabularies: an accepted value is written as it was read, and no id can split a key.
#![no_main]

use std::str::FromStr;

use kakao_webhooks::wire::{
    AppId, BotId, BotUserKey, ChannelId, ChatId, EventId, OpenId, ScopeId, Time, UserId, talk_channel::ChannelEvent,
    talk_share::ChatType, unlink::UnlinkReason,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    if let Ok(time) = text.parse::<Time>() {
        let written = time.to_string();
        assert_eq!((written.len(), written.parse::<Time>().unwrap()), (24, time));
        assert_eq!(Time::from_millis(time.as_millis()), Some(time));
        assert!(time.plus_days(u32::MAX) >= time && time.day().len() == 10);
        let epoch = Time::from_seconds(1_740_799_800).unwrap();
        assert_eq!(written.cmp(&epoch.to_string()), time.cmp(&epoch), "the text's order is not the time's");
    }
    if let Ok(user) = text.parse::<UserId>() {
        assert_eq!(user.digits(), text.trim_start_matches('0'));
        assert_eq!(UserId::try_from(&Value::from(text)), Ok(user));
    }
    assert!(text.parse::<AppId>().is_err() || text.bytes().all(|byte| byte.is_ascii_digit()));
    if let Ok(bot) = text.parse::<BotId>() {
        assert_eq!(bot.as_str(), text.trim_end_matches('!'), "the development channel is another bot");
        no_id_parts_a_key::<BotId>(bot.as_str());
    }
    no_id_parts_a_key::<BotUserKey>(text);
    no_id_parts_a_key::<ChannelId>(text);
    no_id_parts_a_key::<ChatId>(text);
    no_id_parts_a_key::<OpenId>(text);
    no_id_parts_a_key::<ScopeId>(text);
    let id = EventId::from_text(text);
    assert!((1..=256).contains(&id.as_str().len()) && !id.as_str().contains('#'));
    assert_eq!(EventId::from_text(id.as_str()), id);
    assert_eq!(UnlinkReason::from(text).as_str(), text);
    assert_eq!(ChannelEvent::from(text).as_str(), text);
    assert_eq!(ChatType::from(text).as_str(), text);
});

fn no_id_parts_a_key<I: FromStr + Into<String>>(text: &str) {
    if let Ok(id) = text.parse::<I>() {
        assert_eq!(id.into(), text);
        assert!((1..=256).contains(&text.len()) && !text.contains('#') && !text.chars().any(char::is_control));
    }
}

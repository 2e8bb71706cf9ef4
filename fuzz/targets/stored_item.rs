//! Any item of the table, read and written back: the state is the same, and what another version stored stays.
#![no_main]

use kakao_webhooks::state::{BotUser, State, Subject, UserState};
use kakao_webhooks_fuzz::{APP_ID, item, promises};
use libfuzzer_sys::fuzz_target;
use runtime::rewritten_item;

/// The members that this version knows, of a user and of a bot's user.
const OF_A_USER: &[&str] = &[
    "pk",
    "sk",
    "expires_at",
    "version",
    "app_id",
    "user_id",
    "access",
    "link",
    "account",
    "credential",
    "assurance",
    "sessions_valid_from",
    "tokens_valid_from",
    "scopes",
    "profile",
    "profile_stale_since",
    "channels",
    "bots",
    "erased_until",
    "updated_at",
    "_merge",
];
const OF_A_BOT_USER: &[&str] = &[
    "pk",
    "sk",
    "expires_at",
    "version",
    "bot_id",
    "user_key",
    "plusfriend_user_key",
    "app_user_id",
    "is_friend",
    "last_seen_at",
    "_merge",
];

fuzz_target!(|text: &[u8]| {
    let Some(item) = item::parse(text) else { return };
    let user = Subject::User(APP_ID.clone(), "7".parse().unwrap());
    if let Some(state) = check::<UserState>(&user, &item, OF_A_USER) {
        promises::state_holds(&user, &state);
    }
    check::<BotUser>(&Subject::BotUser("b".parse().unwrap(), "u".parse().unwrap()), &item, OF_A_BOT_USER);
});

fn check<S: State + std::fmt::Debug>(subject: &Subject, item: &item::Item, known: &[&str]) -> Option<S> {
    let (state, written) = rewritten_item::<S>(subject, item.clone()).ok()?;
    for (name, value) in item.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        assert_eq!(written.get(name), Some(value), "{name} of another version was not kept");
    }
    let (again, twice) = rewritten_item::<S>(subject, written.clone()).unwrap();
    assert_eq!(again, state, "another state comes out of the table");
    let but_version = |mut item: item::Item| {
        item.remove("version");
        item
    };
    assert_eq!(but_version(twice), but_version(written), "what is written depends on how often");
    Some(state)
}

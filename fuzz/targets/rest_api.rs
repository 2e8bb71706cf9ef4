//! What Kakao's REST API answers: a page ascends from where it was asked for, no answer speaks of a member who was not
//! asked for, and no error shows a key.
#![no_main]

use kakao_webhooks::wire::{
    UserId,
    rest_api::{MOST_MEMBERS, RestError, read_linked_members, read_member, read_members},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, u64, &[u8])| {
    let (status, asked, body) = input;
    let status = status % 600;
    let Some(asked) = UserId::new(asked) else { return };
    let is_success = (200..300).contains(&status);
    match read_members(status, body, Some(asked)) {
        Ok(page) => {
            assert!(is_success && page.members.len() <= MOST_MEMBERS);
            assert!(page.members.is_sorted_by(|one, next| one < next), "it does not ascend");
            assert!(page.members.first().is_none_or(|first| *first >= asked), "it begins before");
        }
        Err(error) => check_error(&error, is_success),
    }
    match read_linked_members(status, body, &[asked]) {
        Ok(members) => assert!(is_success && members.iter().all(|member| member.user_id == asked)),
        Err(error) => check_error(&error, is_success),
    }
    match read_member(status, body, asked) {
        Ok(member) => assert!(is_success && member.user_id == asked),
        Err(error) => check_error(&error, is_success),
    }
});

/// A success says of no member that they are not linked, and a message is short, on one line, and without a key.
fn check_error(error: &RestError, is_success: bool) {
    assert!(!is_success || matches!(error, RestError::Again(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.chars().count() < 400 && !text.chars().any(char::is_control), "{text:?}");
    let longest = text.split(|character: char| !character.is_ascii_alphanumeric()).map(str::len).max();
    assert!(longest.unwrap_or_default() < 32, "{text:?}");
}

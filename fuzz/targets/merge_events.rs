//! The laws of merging, over histories of events: any order, any number of deliveries, any partition among
//! workers, one item.
#![no_main]

use arbitrary::Unstructured;
use kakao_webhooks::state::{Access, Account, Link, Merge, Subject, UserState};
use kakao_webhooks_fuzz::{APP_ID, events, promises};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Unstructured::new(data);
    let Ok(history) = events::history(&mut bytes) else { return };
    let state = fold(history.iter());
    assert_eq!(fold(history.iter().rev()), state, "the order shows");
    assert_eq!(fold(history.iter().chain(&history)), state, "a second delivery shows");
    for parts in 2..4 {
        let workers = (0..parts).map(|worker| fold(history.iter().skip(worker).step_by(parts))).collect::<Vec<_>>();
        assert_eq!(fold(workers.iter()), state, "who did it shows");
    }
    for erased in state.scopes.values().map(|scope| scope.at).chain(state.profile.values().map(|value| value.at)) {
        assert!(Some(erased) > state.erased_until.0, "something erased came back");
    }
    assert!(
        state.scopes.len() <= 50 && state.profile.len() <= 50 && state.channels.len() <= 50 && state.bots.len() <= 50
    );
    access_holds(&state);
    promises::state_holds(&Subject::User(APP_ID.clone(), "7".parse().unwrap()), &state);
});

fn fold<'s>(states: impl Iterator<Item = &'s UserState>) -> UserState {
    states.fold(UserState::default(), |mut all, state| {
        all.merge(state.clone());
        all
    })
}

/// `access` as the contract has it: gone while unlinked, or purged and not older than a link; blocked while
/// disabled and not older than a link; else allowed.
fn access_holds(state: &UserState) {
    let linked = state.link.as_ref().filter(|link| link.value == Link::Linked).map(|link| link.at);
    let is_unlinked = state.link.is_some() && linked.is_none();
    let account = state.account.as_ref().filter(|account| linked.is_none_or(|linked| account.at >= linked));
    let expected = match account.map(|account| &account.value) {
        _ if is_unlinked => Access::Gone,
        Some(Account::Purged) => Access::Gone,
        Some(Account::Disabled { .. }) => Access::Blocked,
        _ => Access::Allowed,
    };
    assert_eq!(state.access(), expected);
}

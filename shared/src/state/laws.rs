//! The laws of merging, over generated histories: any order and any number of deliveries, one result.

use proptest::{collection::vec, prelude::*};

use super::{
    Access, Account, Assurance, Bot, BotUser, Channel, Credential, Effect, Link, Merge, Newest, ProfileValue, Register,
    Rest, State, Subject, UserState, bot::Seen,
};
use crate::wire::{EventId, Time};

/// An event with its effects. Few times and ids, so that ties and duplicates are the rule.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    effects: Vec<Effect>,
    at: Time,
    by: EventId,
}

impl Incident {
    pub(crate) fn state(&self) -> UserState {
        UserState::of_event(self.effects.clone(), self.at, &self.by)
    }
}

fn reason() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), Just(Some("A".to_owned())), Just(Some("B".to_owned()))]
}

fn effect() -> impl Strategy<Value = Effect> {
    let key = || prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
    prop_oneof![
        Just(Effect::Link(Link::Linked)),
        reason().prop_map(|reason| Effect::Link(Link::Unlinked { reason })),
        Just(Effect::Account(Account::Active)),
        reason().prop_map(|reason| Effect::Account(Account::Disabled { reason })),
        Just(Effect::Account(Account::Purged)),
        reason().prop_map(|detail| Effect::Credential(Credential::Ok { detail })),
        reason().prop_map(|detail| Effect::Credential(Credential::Compromised { detail })),
        reason().prop_map(|current| Effect::Assurance(Assurance { current, ..Assurance::default() })),
        Just(Effect::VoidSessions),
        Just(Effect::VoidTokens),
        Just(Effect::Erase),
        Just(Effect::Wipe),
        Just(Effect::ProfileStale),
        (key(), any::<bool>()).prop_map(|(scope, granted)| Effect::Scope(scope.parse().unwrap(), granted)),
        (key(), r#"[0-9]|"한"|null|\{"a":\[1\]\}"#)
            .prop_map(|(name, value)| Effect::Profile(name, ProfileValue { value })),
        (key(), any::<bool>()).prop_map(|(id, blocked)| {
            let status = if blocked { "blocked" } else { "added" }.to_owned();
            Effect::Channel(id, Channel { status, uuid: None })
        }),
        (key(), key()).prop_map(|(id, user_key)| Effect::Bot(id, Bot { user_key })),
    ]
}

fn incident() -> impl Strategy<Value = Incident> {
    (vec(effect(), 1..4), 0..6_i64, "[a-c]").prop_map(|(effects, at, by)| Incident {
        effects,
        at: Time::from_seconds(at).unwrap(),
        by: EventId::from_text(&by),
    })
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Incident>> {
    vec(incident(), 0..10)
}

pub(super) fn fold(history: &[Incident]) -> UserState {
    history.iter().fold(UserState::default(), |state, incident| merged(state, incident.state()))
}

fn merged(mut one: UserState, other: UserState) -> UserState {
    one.merge(other);
    one
}

pub(crate) fn user() -> Subject {
    Subject::User("1".parse().unwrap(), "2".parse().unwrap())
}

/// Hundreds of cases; `PROPTEST_CASES` asks for more.
pub(crate) fn cases() -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { default.cases } else { 500 }, ..default }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn merging_is_commutative(one in history(), other in history()) {
        let (one, other) = (fold(&one), fold(&other));
        prop_assert_eq!(merged(one.clone(), other.clone()), merged(other, one));
    }

    #[test]
    fn merging_is_associative(one in history(), two in history(), three in history()) {
        let (one, two, three) = (fold(&one), fold(&two), fold(&three));
        let left = merged(merged(one.clone(), two.clone()), three.clone());
        prop_assert_eq!(left, merged(one, merged(two, three)));
    }

    #[test]
    fn merging_is_idempotent(history in history()) {
        let state = fold(&history);
        prop_assert_eq!(merged(state.clone(), state.clone()), state);
    }

    #[test]
    fn any_order_and_any_number_of_deliveries_end_in_the_same_item(
        (history, deliveries) in history().prop_flat_map(|history| {
            let again = vec(any::<prop::sample::Index>(), 0..10);
            (Just(history), again)
        }).prop_flat_map(|(history, again)| {
            let mut deliveries = history.clone();
            deliveries.extend(again.iter().filter(|_| !history.is_empty()).map(|index| index.get(&history).clone()));
            (Just(history), Just(deliveries).prop_shuffle())
        })
    ) {
        let (once, often) = (fold(&history), fold(&deliveries));
        prop_assert_eq!(once.to_members(&user(), &Rest::default()).unwrap(), often.to_members(&user(), &Rest::default()).unwrap());
    }

    #[test]
    fn what_is_stored_is_what_is_read(history in history()) {
        let state = fold(&history);
        let (read, rest) = UserState::from_members(state.to_members(&user(), &Rest::default()).unwrap()).unwrap();
        prop_assert_eq!(read, state);
        prop_assert_eq!(rest, Rest::default());
    }

    #[test]
    fn nothing_erased_comes_back(history in history(), late in history(), at in 0..6_i64) {
        let erasure = Incident {
            effects: vec![Effect::Erase],
            at: Time::from_seconds(at).unwrap(),
            by: EventId::from_text("erasure"),
        };
        let mut deliveries = history;
        deliveries.push(erasure.clone());
        deliveries.extend(late);
        let state = fold(&deliveries);
        prop_assert!(state.profile.values().all(|value| value.at > erasure.at));
        prop_assert!(state.scopes.values().all(|scope| scope.at > erasure.at));
    }

    #[test]
    fn being_forgotten_never_changes_access(history in history(), late in history(), at in 0..6_i64) {
        let forgotten = Incident {
            effects: vec![Effect::Erase, Effect::Wipe],
            at: Time::from_seconds(at).unwrap(),
            by: EventId::from_text("forgotten"),
        };
        let deliveries = [history, late].concat();
        let (without, with) = (fold(&deliveries), fold(&[&deliveries[..], &[forgotten]].concat()));
        prop_assert_eq!(with.access(), without.access());
        prop_assert_eq!(with.link.map(|link| link.at), without.link.map(|link| link.at));
    }

    #[test]
    fn a_bot_users_item_is_order_free(seen in vec((0..4_i64, "[a-c]", any::<Option<bool>>()), 1..6)) {
        let states: Vec<BotUser> = seen.into_iter().map(|(at, by, is_friend)| BotUser(Some(Register {
            value: Seen { is_friend, ..Seen::default() },
            at: Time::from_seconds(at).unwrap(),
            by: EventId::from_text(&by),
        }))).collect();
        let join = |mut one: BotUser, other: &BotUser| { one.merge(other.clone()); one };
        let forwards = states.iter().fold(BotUser::default(), join);
        let backwards = states.iter().rev().fold(BotUser::default(), join);
        prop_assert_eq!(&forwards, &backwards);
        let subject = Subject::BotUser("b".parse().unwrap(), "u".parse().unwrap());
        let (read, rest) = BotUser::from_members(forwards.to_members(&subject, &Rest::default()).unwrap()).unwrap();
        prop_assert_eq!(read, forwards);
        prop_assert_eq!(rest, Rest::default());
    }
}

fn at(seconds: i64, effects: Vec<Effect>) -> Incident {
    Incident { effects, at: Time::from_seconds(seconds).unwrap(), by: EventId::from_text(&format!("e{seconds}")) }
}

fn linked(seconds: i64) -> Incident {
    at(seconds, vec![Effect::Link(Link::Linked)])
}

fn unlinked(seconds: i64) -> Incident {
    at(seconds, super::effects::unlinked(None))
}

#[test]
fn what_another_version_stored_survives_a_round_trip() {
    let state = fold(&[linked(1), unlinked(2)]);
    let mut members = state.to_members(&user(), &Rest::default()).unwrap();
    members.insert("new".into(), serde_json::json!({"한": [1, null]}));
    members["_merge"]["by"]["new"] = "e9".into();
    members["_merge"]["more"] = true.into();
    let (read, rest) = UserState::from_members(members.clone()).unwrap();
    assert_eq!(merged(read, state).to_members(&user(), &rest).unwrap(), members);
}

#[test]
fn an_item_without_bookkeeping_is_written_back_as_it_was() {
    let members = serde_json::json!({"access": "allowed", "link": {"status": "linked", "at": "2025-03-01T03:00:00.000Z"},
        "_merge": {"by": {}}});
    let mut read = UserState::from_members(members.as_object().unwrap().clone()).unwrap();
    for _ in 0..2 {
        let written = read.0.to_members(&user(), &read.1).unwrap();
        assert_eq!(&written, members.as_object().unwrap());
        read = UserState::from_members(written).unwrap();
    }
}

#[test]
fn a_late_unlink_does_not_undo_a_newer_link() {
    let state = fold(&[linked(10), unlinked(5)]);
    assert_eq!(state.access(), Access::Allowed);
    assert_eq!(state.link.unwrap().value, Link::Linked);
}

#[test]
fn a_link_erases_nothing() {
    let scope = at(1, vec![Effect::Scope("a".parse().unwrap(), true)]);
    assert_eq!(fold(&[scope, linked(2)]).scopes.len(), 1);
}

#[test]
fn a_user_who_has_linked_again_is_not_blocked_by_an_older_event() {
    let disabled = at(5, vec![Effect::Account(Account::Disabled { reason: None })]);
    assert_eq!(fold(std::slice::from_ref(&disabled)).access(), Access::Blocked);
    assert_eq!(fold(&[linked(5), disabled.clone()]).access(), Access::Blocked);
    assert_eq!(fold(&[linked(6), disabled]).access(), Access::Allowed);
}

#[test]
fn who_was_purged_is_gone_until_a_new_link() {
    let purged = at(5, [vec![Effect::Account(Account::Purged)], super::effects::unlinked(None)].concat());
    assert_eq!(fold(std::slice::from_ref(&purged)).access(), Access::Gone);
    assert_eq!(fold(&[purged.clone(), linked(5)]).access(), Access::Gone);
    assert_eq!(fold(&[purged, linked(6)]).access(), Access::Allowed);
}

#[test]
fn a_tie_goes_to_the_safer_value_and_then_to_the_greater_id() {
    let tie = |one: Effect, other: Effect| {
        let incident = |effect, by: &str| Incident { by: EventId::from_text(by), ..at(1, vec![effect]) };
        fold(&[incident(one, "b"), incident(other, "a")])
    };
    assert_eq!(tie(Effect::Link(Link::Linked), Effect::Link(Link::Unlinked { reason: None })).access(), Access::Gone);
    let scope = |granted| Effect::Scope("a".parse().unwrap(), granted);
    assert!(!tie(scope(true), scope(false)).scopes["a"].value.granted);
    let profile = |value: &str| Effect::Profile("a".into(), ProfileValue { value: value.into() });
    assert_eq!(tie(profile("1"), profile("2")).profile["a"].value.value, "1");
}

#[test]
fn a_map_keeps_the_newest_of_too_many_in_any_order() {
    let mut history: Vec<Incident> = (0..200)
        .map(|index| at(index % 150, vec![Effect::Profile(format!("f{index:03}"), ProfileValue { value: "1".into() })]))
        .collect();
    let forwards = fold(&history);
    history.reverse();
    assert_eq!(forwards, fold(&history));
    assert_eq!(forwards.profile.len(), 50);
    assert!(forwards.profile.contains_key("f149"));
}

#[test]
fn who_is_forgotten_stays_gone_or_blocked_without_the_reason() {
    let forgotten = at(9, vec![Effect::Erase, Effect::Wipe]);
    let reason = || Some("hijacking".to_owned());
    let left = fold(&[at(1, super::effects::unlinked(reason())), forgotten.clone()]);
    let link = left.link.clone().unwrap();
    assert_eq!((left.access(), link.value, link.at.as_seconds()), (Access::Gone, Link::Unlinked { reason: None }, 1));
    let disabled = at(2, vec![Effect::Account(Account::Disabled { reason: reason() })]);
    let blocked = fold(&[forgotten, disabled]);
    assert_eq!(
        (blocked.access(), blocked.account.unwrap().value),
        (Access::Blocked, Account::Disabled { reason: None })
    );
}

#[test]
fn the_service_may_have_everything_older_forgotten() {
    let before = [
        linked(1),
        unlinked(2),
        at(3, vec![Effect::VoidSessions, Effect::Channel("c".into(), Channel { status: "added".into(), uuid: None })]),
    ];
    let erased = at(4, vec![Effect::Erase, Effect::Wipe]);
    let state = fold(&[&before[..], std::slice::from_ref(&erased)].concat());
    assert_eq!(state, fold(&[std::slice::from_ref(&erased), &before[..]].concat()));
    assert_eq!((state.channels.len(), state.sessions_valid_from), (0, Newest(None)));
    assert_eq!(state.erased_until.0, Time::from_seconds(4));
}

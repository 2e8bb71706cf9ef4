use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::*;
use crate::{
    envelope::{ReconcilerWord, ServiceWord},
    state::{Effect, Members, UserState, effects_of_reconciler_word, effects_of_service_word},
    wire::{EventId, Time, UserId, account_status::EventType},
};

const BASE: i64 = 1_764_381_060_000;

fn at(seconds: i64) -> Time {
    Time::from_millis(BASE + seconds * 1_000).unwrap()
}

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn report(event: &str, received: i64) -> Report {
    Report { received_at: at(received), event: event.to_owned(), reason: None }
}

fn fact(seconds: i64, kind: FactKind) -> Fact {
    Fact { user: user(7), at: at(seconds), kind }
}

fn left(seconds: i64, event: &str) -> Fact {
    fact(seconds, FactKind::Left { report: Some(report(event, seconds + 1)), effective_at: None })
}

fn took_effect(seconds: i64, when: i64) -> Fact {
    fact(seconds, FactKind::Left { report: None, effective_at: Some(at(when)) })
}

fn confirmed(until: i64, received: i64) -> Fact {
    fact(until, FactKind::Confirmed { received_at: at(received) })
}

fn acknowledged(seconds: i64, when: i64) -> Fact {
    fact(seconds, FactKind::Acknowledged { acknowledged_at: at(when) })
}

fn members(value: Value) -> Members {
    let Value::Object(members) = value else { panic!("no object") };
    members
}

fn kinds() -> impl Strategy<Value = FactKind> {
    let time = || (0..40_i64).prop_map(at);
    let report = prop::option::of((time(), 0..3_usize, prop::option::of("[A-Z_]{1,20}")).prop_map(
        |(received_at, event, reason)| Report { received_at, event: DEPARTING_EVENTS[event].to_owned(), reason },
    ));
    prop_oneof![
        (report, prop::option::of(time())).prop_map(|(report, effective_at)| FactKind::Left { report, effective_at }),
        Just(FactKind::Linked),
        time().prop_map(|received_at| FactKind::Confirmed { received_at }),
        time().prop_map(|acknowledged_at| FactKind::Acknowledged { acknowledged_at }),
    ]
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    vec(
        (1..4_u64, 0..20_i64, kinds()).prop_map(|(number, time, kind)| Fact { user: user(number), at: at(time), kind }),
        0..24,
    )
}

type Stay = (Time, usize, Option<Time>, Option<Time>);

/// A member who is linked and leaves again and again, what is expected of each departure, and the facts in any order.
fn stays() -> impl Strategy<Value = (Vec<Stay>, Vec<Fact>)> {
    // How long linked, how long until each other report of the departure, when erased, how long gone.
    let stay = (1..400_i64, vec(1..24_i64, 0..3), prop::option::of(0..50_i64), 1..2_000_i64);
    vec(stay, 1..6).prop_flat_map(|drawn| {
        let (mut stays, mut facts, mut hour): (Vec<Stay>, Vec<Fact>, i64) = (vec![], vec![], 0);
        for (linked, reports, erased, gone) in drawn {
            facts.push(fact(hour * 3_600, FactKind::Linked));
            if let Some((_, _, returned_at, _)) = stays.last_mut() {
                *returned_at = Some(at(hour * 3_600));
            }
            let left_hour = hour + linked;
            let mut report_hour = left_hour;
            facts.push(left(left_hour * 3_600, "unlink"));
            for after in &reports {
                report_hour += after;
                facts.push(left(report_hour * 3_600, "user-unlinked"));
            }
            hour = report_hour + gone;
            let erased = erased.map(|after| left_hour + after).filter(|erased| *erased < hour);
            facts.extend(erased.map(|erased| confirmed(erased * 3_600, erased * 3_600 + 1)));
            stays.push((at(left_hour * 3_600), 1 + reports.len(), None, erased.map(|erased| at(erased * 3_600 + 1))));
        }
        (Just(stays), Just(facts).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn facts_in_any_order_and_any_number_of_times_are_the_same_departures(
        (shuffled, original) in facts().prop_flat_map(|facts| (Just(facts.clone()).prop_shuffle(), Just(facts))),
        repeated in any::<usize>(),
    ) {
        let again: Vec<Fact> = original.iter().cycle().skip(repeated % 7).take(original.len() / 2).cloned().collect();
        let all = shuffled.into_iter().chain(again);
        prop_assert_eq!(departures(all), departures(original));
    }

    #[test]
    fn joined_facts_are_the_same_departures_wherever_a_batch_ends(facts in facts(), cut in any::<prop::sample::Index>()) {
        let (first, second) = facts.split_at(cut.index(facts.len() + 1));
        let joined = [compact(first.to_vec()), compact(second.to_vec())].concat();
        prop_assert_eq!(departures(joined), departures(facts));
    }

    #[test]
    fn what_is_recorded_is_read_back(facts in facts()) {
        let recorded: Vec<Fact> =
            facts.into_iter().filter(|fact| !matches!(fact.kind, FactKind::Acknowledged { .. })).collect();
        prop_assert_eq!(from_text(&to_text(&recorded)).unwrap(), recorded);
    }

    #[test]
    fn no_text_is_read_as_something_that_is_not_written_again_as_it_was(text in ".{0,80}") {
        if let Ok(facts) = from_text(&text) {
            prop_assert_eq!(from_text(&to_text(&facts)).unwrap(), facts);
        }
    }

    #[test]
    fn each_stay_that_ends_is_one_departure_with_its_own_confirmation((stays, facts) in stays()) {
        let found: Vec<_> = departures(facts)
            .into_iter()
            .map(|one| (one.left_at, one.reports.len(), one.returned_at, one.confirmed_at))
            .collect();
        prop_assert_eq!(found, stays);
    }

    #[test]
    fn the_departures_since_a_time_are_those_of_the_whole_record_that_began_then(
        // Each fact with its time and the delay of its record in hours: by other clocks it may be minutes before.
        facts in vec((1..3_u64, 0..400_i64, prop_oneof![Just(0), 0..300_i64], -9..600_i64, kinds()), 0..30),
        since in 0..450_i64,
    ) {
        let recorded: Vec<(Time, Fact)> = facts
            .into_iter()
            .map(|(number, hour, late, seconds, kind)| {
                let time = hour * 3_600;
                (at(time + late * 3_600 + seconds * 60), Fact { user: user(number), at: at(time), kind })
            })
            .collect();
        let since = at(since * 3_600);
        let whole = departures(recorded.iter().map(|(_, fact)| fact.clone()));
        let expected: Vec<_> = whole.into_iter().filter(|departure| departure.left_at >= since).collect();
        let read = recorded.into_iter().filter(|(recorded_at, _)| recorded_at.day() >= first_day(since).day());
        prop_assert_eq!(departures_since(read.map(|(_, fact)| fact), since), expected);
    }

    #[test]
    fn each_report_is_of_exactly_one_departure_and_none_ends_before_it_began(facts in facts()) {
        let all = departures(facts.clone());
        for departure in &all {
            prop_assert!(departure.reports.iter().all(|(at, _)| *at >= departure.left_at));
            prop_assert!(departure.returned_at.is_none_or(|returned| returned > departure.left_at));
        }
        let joined = compact(facts);
        let reports = joined.iter().filter(|fact| matches!(fact.kind, FactKind::Left { report: Some(_), .. })).count();
        prop_assert_eq!(all.iter().map(|departure| departure.reports.len()).sum::<usize>(), reports);
    }
}

#[test]
fn a_departure_is_one_row_with_the_first_of_each_time() {
    let all = departures([
        acknowledged(10, 30),
        took_effect(10, 12),
        left(10, "user-unlinked"),
        // The unlink webhook of the same departure, whose time is its receipt.
        left(11, "unlink"),
        took_effect(11, 13),
        acknowledged(11, 20),
        confirmed(15, 60),
        confirmed(16, 61),
    ]);
    let [departure] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(departure.left_at, at(10));
    assert_eq!(departure.first_report(), Some(&report("user-unlinked", 11)));
    assert_eq!(departure.reports.len(), 2);
    assert_eq!(departure.effective_at, Some(at(12)));
    assert_eq!(departure.acknowledged_at, Some(at(20)));
    assert_eq!(departure.confirmed_at, Some(at(60)));
    assert_eq!(departure.returned_at, None);
}

#[test]
fn a_member_who_comes_back_and_leaves_again_has_two_departures() {
    let all = departures([left(10, "unlink"), fact(20, FactKind::Linked), left(30, "unlink"), confirmed(31, 40)]);
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.returned_at, first.confirmed_at), (Some(at(20)), None));
    assert_eq!((second.returned_at, second.confirmed_at), (None, Some(at(40))));
}

const DAY: i64 = 86_400;

#[test]
fn a_member_who_leaves_again_much_later_has_two_departures_even_if_no_link_was_heard_of() {
    let again = i64::from(REPORTED_WITHIN_DAYS) * DAY + 10;
    // The daily comparison found a departure before its own event could be read.
    let all = departures([left(10, "user-unlinked"), left(again, "reconciled-unlinked"), confirmed(20, 30)]);
    let [departure] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(departure.reports.len(), 2);
    let all = departures([
        left(10, "unlink"),
        confirmed(20, 30),
        left(again + 1, "unlink"),
        fact(again + 2, FactKind::Linked),
    ]);
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.confirmed_at, first.returned_at), (Some(at(30)), None));
    assert_eq!((second.confirmed_at, second.returned_at), (None, Some(at(again + 2))));
}

#[test]
fn a_late_event_of_before_a_link_is_a_departure_of_its_own() {
    // The state was linked all the time: no write is about the first.
    let all =
        departures([fact(20, FactKind::Linked), left(10, "user-unlinked"), left(30, "unlink"), took_effect(30, 31)]);
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.left_at, first.effective_at, first.returned_at), (at(10), None, Some(at(20))));
    assert_eq!((second.left_at, second.effective_at, second.returned_at), (at(30), Some(at(31)), None));
}

#[test]
fn a_member_who_comes_back_and_leaves_again_before_the_state_is_written_has_two_departures() {
    let events = [left(10, "unlink"), fact(20, FactKind::Linked), left(30, "unlink")];
    // The state was unlinked before and after the one write of the last two.
    let all = departures([events.to_vec(), vec![took_effect(10, 11), took_effect(30, 31), confirmed(12, 13)]].concat());
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.confirmed_at, first.returned_at), (Some(at(13)), Some(at(20))));
    assert_eq!((second.effective_at, second.confirmed_at), (Some(at(31)), None));
}

#[test]
fn an_erasure_of_before_the_departure_does_not_confirm_it() {
    let all = departures([confirmed(9, 9), left(10, "unlink")]);
    assert_eq!(all[0].confirmed_at, None);
}

#[test]
fn what_is_known_of_a_member_who_never_left_is_no_departure() {
    assert_eq!(departures([confirmed(9, 9), fact(3, FactKind::Linked), acknowledged(1, 2)]), []);
}

#[test]
fn a_recorded_departure_is_short() {
    let report = Report { received_at: at(0), event: "unlink".to_owned(), reason: Some("UNLINK_FROM_APPS".to_owned()) };
    let kind = FactKind::Left { report: Some(report), effective_at: Some(Time::from_millis(BASE + 812).unwrap()) };
    let text = to_text(&[Fact { user: user(9_007_199_254_740_993), at: at(0), kind }]);
    assert_eq!(text, r#"[["left","9007199254740993",1764381060000,812,0,"unlink","UNLINK_FROM_APPS"]]"#);
    assert!(text.len() < 80);
}

#[test]
fn a_text_of_another_form_is_refused() {
    for text in [
        "",
        "{}",
        r#"[["left"]]"#,
        r#"[["gone","7",1]]"#,
        r#"[["left","0",1,null]]"#,
        r#"[["left","7",-1,null]]"#,
        r#"[["left","7",1,"x"]]"#,
        r#"[["left","7",1,null,0]]"#,
        r#"[["left","7",9223372036854775807,1]]"#,
        r#"[["linked","7",1,2]]"#,
        r#"[["confirmed","7",1]]"#,
    ] {
        assert_eq!(from_text(text), Err(FactError), "{text}");
    }
}

#[test]
fn a_return_as_it_was_recorded_before_is_a_link() {
    let [fact] = from_text(r#"[["returned","7",1764381061000]]"#).unwrap().try_into().unwrap();
    assert_eq!(fact.kind, FactKind::Linked);
    assert_eq!(to_text([&fact]), r#"[["linked","7",1764381061000]]"#);
}

#[test]
fn the_departing_events_are_those_that_unlink_and_the_linking_those_that_link() {
    let unlinks = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::Link(crate::state::Link::Unlinked { .. })))
    };
    let services = [
        ServiceWord::ServiceLinked,
        ServiceWord::ServiceUnlinked,
        ServiceWord::ServiceRestored,
        ServiceWord::ServiceErased,
    ];
    let services = services.map(|word| (word.name(), effects_of_service_word(word)));
    let words = [ReconcilerWord::ReconciledLinked, ReconcilerWord::ReconciledUnlinked];
    let words = words.map(|word| (word.name(), effects_of_reconciler_word(word)));
    let mut departing: Vec<&str> =
        services.iter().chain(&words).filter(|(_, effects)| unlinks(effects)).map(|(name, _)| *name).collect();
    // Of a token's events these two, and the unlink webhook.
    departing.extend([EventType::UserUnlinked, EventType::AccountPurged].map(|event| event.known_name().unwrap()));
    departing.push("unlink");
    departing.sort_unstable();
    assert_eq!(departing, DEPARTING_EVENTS);
    let links = |effects: &[Effect]| effects.contains(&Effect::Link(crate::state::Link::Linked));
    let mut linking: Vec<&str> =
        services.iter().chain(&words).filter(|(_, effects)| links(effects)).map(|(name, _)| *name).collect();
    linking.push(EventType::UserLinked.known_name().unwrap());
    linking.sort_unstable();
    assert_eq!(linking, LINKING_EVENTS);
    assert_eq!(ServiceWord::ServiceErased.name(), SERVICE_ERASED);
}

fn line(event: &str, effects: &[Effect]) -> Members {
    members(json!({
        "pk": "USER#123456#7", "sk": "EVENT#x", "event": event, "effects": effects,
        "occurred_at": at(0), "received_at": at(2),
    }))
}

#[test]
fn a_line_of_history_has_who_left_by_which_event_and_for_what_reason() {
    let unlinked = |reason: &str| Effect::Link(crate::state::Link::Unlinked { reason: Some(reason.to_owned()) });
    let kind = |line: &Members| of_history(line).unwrap().map(|(_, fact)| fact.kind);
    let reason = |text: &str| match kind(&line("unlink", &[unlinked(text)])) {
        Some(FactKind::Left { report: Some(report), effective_at: None }) => {
            assert_eq!((report.received_at, report.event.as_str()), (at(2), "unlink"));
            report.reason.unwrap()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("UNLINK_FROM_APPS"), "UNLINK_FROM_APPS");
    // Nothing that a spreadsheet would calculate, and no text that might be personal.
    for odd in ["", "=1+1", "-1", "+A1", "@x", "a b", "이유", "x\n", &"A".repeat(65)] {
        assert_eq!(reason(odd), "OTHER", "{odd}");
    }
    assert_eq!(
        kind(&line("service-erased", &[Effect::Erase, Effect::Wipe])),
        Some(FactKind::Confirmed { received_at: at(2) })
    );
    assert_eq!(kind(&line("user-linked", &[Effect::Link(crate::state::Link::Linked)])), Some(FactKind::Linked));
    assert_eq!(kind(&line("sessions-revoked", &[Effect::VoidSessions])), None);
    let mut without = line("share", &[]);
    without.remove("effects");
    assert_eq!(kind(&without), None);
    let mut of_a_bot = line("unlink", &[unlinked("A")]);
    of_a_bot.insert("pk".to_owned(), json!("BOT#b#7"));
    assert_eq!(kind(&of_a_bot), None);
    let mut broken = line("unlink", &[unlinked("A")]);
    broken.insert("occurred_at".to_owned(), json!("soon"));
    assert!(of_history(&broken).is_err());
}

/// The item of a member after one event with this effect.
fn item(effect: Effect, seconds: i64, version: i64) -> Members {
    let subject = crate::state::Subject::User("123456".parse().unwrap(), user(7));
    let state = UserState::of_event(vec![effect], at(seconds), &EventId::from_text("e"));
    let mut item = crate::state::State::to_members(&state, &subject, &crate::state::Rest::default()).unwrap();
    item.insert("pk".to_owned(), json!("USER#123456#7"));
    item.insert("version".to_owned(), json!(version));
    item
}

#[test]
fn a_write_has_since_when_a_departure_holds_here_to_the_millisecond() {
    use crate::state::Link;
    let unlinked = || Effect::Link(Link::Unlinked { reason: None });
    let linked = || Effect::Link(Link::Linked);
    let of = |old: Option<&Members>, new: &Members, written| {
        of_state(old, new, written).unwrap().map(|(_, fact)| (fact.at, fact.kind))
    };
    let effective = |when: Time| Some((at(10), FactKind::Left { report: None, effective_at: Some(when) }));
    let exact = Time::from_millis(BASE + 12_345).unwrap();
    let gone = item(unlinked(), 10, exact.as_millis());
    for old in [None, Some(item(linked(), 5, 1)), Some(item(Effect::VoidSessions, 5, 1)), Some(item(unlinked(), 9, 1))]
    {
        assert_eq!(of(old.as_ref(), &gone, Some(at(12))), effective(exact));
    }
    // A version that is no time, and a stream that has none.
    assert_eq!(of(None, &item(unlinked(), 10, 4), Some(at(12))), effective(at(12)));
    assert_eq!(of(None, &gone, None), effective(exact));
    // Not 1970: a version that is no time, and no other source of it.
    let unknown = Some((at(10), FactKind::Left { report: None, effective_at: None }));
    assert_eq!(of(None, &item(unlinked(), 10, 4), None), unknown);
    // Another write of a member who is gone.
    assert_eq!(of(Some(&gone), &item(unlinked(), 10, exact.as_millis() + 5), Some(at(60))), None);
    // A link is in the history: here a merge may hide it.
    for old in [None, Some(gone), Some(item(linked(), 5, 1))] {
        assert_eq!(of(old.as_ref(), &item(linked(), 20, 9), Some(at(21))), None);
    }
}

#[test]
fn only_a_change_that_reports_a_departure_is_one() {
    let change = json!({
        "app_id": "123456", "user_id": "7", "version": 1, "written_at": at(12), "changed": ["access", "link", "erased"],
        "state": {"access": "gone", "link": {"status": "unlinked", "at": at(10)}},
    });
    let gone = of_change(&change).unwrap();
    assert_eq!((gone.user, gone.at, gone.written_at), (user(7), at(10), at(12)));
    for (pointer, value) in [
        ("/changed", json!(["erased"])),
        ("/changed", json!([])),
        ("/state/link/status", json!("linked")),
        ("/state/link/at", json!("soon")),
        ("/user_id", json!("0")),
        ("/app_id", json!(7)),
        ("/state", json!(null)),
    ] {
        let mut other = change.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        assert_eq!(of_change(&other), None, "{pointer}");
    }
}

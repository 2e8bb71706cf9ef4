//! What must be true of every event and every envelope, whatever its source.

use kakao_webhooks::{
    envelope::{Envelope, EnvelopeError, Event, Letter, MAX_BYTES, ServiceWord},
    state::{Account, Effect, HistoryEntry, Link, Merge, Plan, Rest, State, Subject, UserState, plan},
    wire::{AppId, EventId, Time, account_status::EventType},
};

/// An envelope around an event, as the acknowledging functions make it.
#[must_use]
pub fn enveloped(app_id: &AppId, letter: Letter) -> Envelope {
    Envelope {
        id: EventId::from_text("id"),
        app_id: Some(app_id.clone()),
        received_at: Time::from_seconds(1_740_799_800).unwrap(),
        request_id: Some("request".to_owned()),
        replayed_at: None,
        letter,
    }
}

/// Whatever an envelope holds: it travels as the queue takes it and is the same behind it, and what is
/// planned for it keeps the promises.
pub fn hold(envelope: &Envelope) {
    match envelope.encode() {
        Ok(text) => {
            assert!(text.len() <= MAX_BYTES, "longer than the queue takes");
            assert!(text.bytes().all(|byte| (0x20..=0x7f).contains(&byte)), "not what SQS takes");
            assert_eq!(Envelope::decode(&text).as_ref(), Ok(envelope), "another envelope comes out of the queue");
        }
        Err(error) => assert_eq!(error, EnvelopeError::TooLong),
    }
    if let Plan::Apply(step) = plan(envelope) {
        history_holds(&step.history);
        let effects = &step.history.effects;
        assert!(!effects.iter().any(takes_away) || may_take_away(envelope), "a stranger's mistake");
        if let Some((subject, state)) = &step.user {
            state_holds(subject, state);
        }
    }
}

/// DynamoDB's limits of keys, and no profile value in history.
fn history_holds(entry: &HistoryEntry) {
    let (partition, sort) = (entry.subject.partition_key(), entry.sort_key());
    assert!(partition.len() <= 2048 && sort.len() <= 1024, "a key that DynamoDB doesn't take");
    assert!(!partition.chars().chain(sort.chars()).any(char::is_control));
    assert!(!entry.effects.iter().any(|effect| matches!(effect, Effect::Profile(..))), "a profile value in history");
}

/// A state is the same after it was stored, and merging it in again changes nothing.
pub fn state_holds(subject: &Subject, state: &UserState) {
    let members = state.to_members(subject, &Rest::default()).unwrap();
    let (read, rest) = UserState::from_members(members).unwrap();
    assert_eq!(&read, state, "another state comes out of the table");
    assert_eq!(rest, Rest::default(), "our own members taken for another version's");
    let mut twice = state.clone();
    twice.merge(read);
    assert_eq!(&twice, state, "merging is not idempotent");
}

fn takes_away(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Erase
            | Effect::Wipe
            | Effect::Link(Link::Unlinked { .. })
            | Effect::Account(Account::Disabled { .. } | Account::Purged)
    )
}

/// The only events that may end, block or erase.
fn may_take_away(envelope: &Envelope) -> bool {
    match &envelope.letter {
        Letter::Event(Event::Unlink(_)) => true,
        Letter::Event(Event::AccountStatus(status)) => matches!(
            status.event.event_type(),
            EventType::UserUnlinked | EventType::AccountPurged | EventType::AccountDisabled
        ),
        Letter::Event(Event::Service(service)) => {
            matches!(service.word, ServiceWord::ServiceUnlinked | ServiceWord::ServiceErased)
        }
        _ => false,
    }
}

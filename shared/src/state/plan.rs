//! From an envelope to what must be done about it: which history, which states, which count. Pure.

use super::{
    Effect, Subject,
    bot::{BotUser, Seen},
    effects::{effects_of_reconciler_word, effects_of_security_event, effects_of_service_word, register, unlinked},
    user::{Bot, Channel, UserState},
};
use crate::{
    envelope::{Envelope, Event, Letter, Quarantine},
    wire::{
        AppId, EventId, Kind, Time, UserId,
        skill::{RoomEvent, SkillMessage},
        talk_channel::{ChannelEvent, ChannelUser, TalkChannel},
        talk_share::TalkShare,
    },
};

/// An event's own time may be this much later than its receipt. A later one would freeze a register.
pub const FUTURE_TOLERANCE_MILLIS: i64 = 600_000;

/// What to do about an envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Apply the event.
    Apply(Box<Step>),
    /// Keep it where an operator finds it.
    Quarantine {
        /// A stable short name of the reason.
        reason: String,
        /// The reason in words.
        detail: String,
    },
}

/// How an event is applied: its history first, then what it counts, then the states it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What history says of it.
    pub history: HistoryEntry,
    /// What it counts, once per event.
    pub counted: Option<CountedShare>,
    /// Until when the user's counters are erased, if they are.
    pub wiped: Option<Time>,
    /// What it does to a user's state (a member's, or an open id's).
    pub user: Option<(Subject, UserState)>,
    /// What it does to a chatbot user's state.
    pub bot_user: Option<(Subject, BotUser)>,
}

/// One line of history. It never holds a profile value, a custom value or what a user wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// Whom it concerns.
    pub subject: Subject,
    /// The event's id.
    pub id: EventId,
    /// The kind of webhook.
    pub kind: Kind,
    /// The event's name.
    pub event: String,
    /// When it happened: its own time, where it has one.
    pub occurred_at: Time,
    /// When it was received.
    pub received_at: Time,
    /// What it did, as far as history may tell it: the state can be rebuilt from these.
    pub effects: Vec<Effect>,
    /// Whether `occurred_at` belongs into the key: not for an event that has an id but no time of its
    /// own, which would get another key with each delivery.
    pub is_dated: bool,
}

impl HistoryEntry {
    /// The sort key: the same for each delivery of the event.
    #[must_use]
    pub fn sort_key(&self) -> String {
        if self.is_dated {
            format!("EVENT#{}#{}", self.occurred_at, self.id)
        } else {
            format!("EVENT#{}#{}", self.kind.name(), self.id)
        }
    }
}

/// A share that names a user: the user's counter of shares counts it once, by kind of chat room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedShare {
    /// The claimed user.
    pub subject: Subject,
    /// `CHAT_TYPE`.
    pub chat_type: String,
}

/// What to do about an envelope.
#[must_use]
pub fn plan(envelope: &Envelope) -> Plan {
    match &envelope.letter {
        Letter::Quarantined { quarantine: Quarantine { reason, detail, .. }, .. } => {
            Plan::Quarantine { reason: reason.clone(), detail: detail.clone() }
        }
        Letter::Event(event) => plan_event(envelope, event),
    }
}

fn plan_event(envelope: &Envelope, event: &Event) -> Plan {
    let own_time = own_time(event, envelope.received_at);
    let occurred_at = own_time.unwrap_or(envelope.received_at);
    if occurred_at.millis_since(envelope.newest_delivery()) > FUTURE_TOLERANCE_MILLIS {
        return Plan::Quarantine {
            reason: "future_time".to_owned(),
            detail: "the event's own time is too far after its receipt".to_owned(),
        };
    }
    let is_dated = own_time.is_some() || matches!(event, Event::Unlink(_));
    let occurrence = Occurrence { envelope, event, occurred_at, is_dated };
    let step = match (event, &envelope.app_id) {
        (Event::Skill(message), app_id) => Some(occurrence.message(message, app_id.as_ref())),
        (Event::BotRoom(room), _) => Some(occurrence.room(room)),
        (_, None) => None,
        (Event::Unlink(unlink), Some(app)) => {
            let reason = unlink.reason.as_ref().map(|reason| reason.as_str().to_owned());
            Some(occurrence.of_user(app, unlink.user_id, unlinked(reason)))
        }
        (Event::AccountStatus(status), Some(app)) => {
            Some(occurrence.of_user(app, status.user_id, effects_of_security_event(&status.event)))
        }
        (Event::Service(service), Some(app)) => {
            Some(occurrence.of_user(app, service.user_id, effects_of_service_word(service.word)))
        }
        (Event::Reconciler(found), Some(app)) => {
            Some(occurrence.of_user(app, found.user_id, effects_of_reconciler_word(found.word)))
        }
        (Event::TalkChannel(channel), Some(app)) => Some(occurrence.channel(app, channel)),
        (Event::TalkShare(share), Some(app)) => Some(occurrence.share(app, share)),
    };
    step.map_or_else(
        || Plan::Quarantine { reason: "missing_field".to_owned(), detail: "the envelope names no app".to_owned() },
        |step| Plan::Apply(Box::new(step)),
    )
}

/// The event's own time, if it has one.
fn own_time(event: &Event, received_at: Time) -> Option<Time> {
    match event {
        Event::AccountStatus(status) => Some(status.at),
        Event::TalkChannel(channel) => Some(channel.at),
        Event::Service(service) => Some(service.at),
        Event::Reconciler(found) => Some(found.at),
        Event::BotRoom(room) => room.at.filter(|at| is_plausible(*at, received_at)),
        Event::Unlink(_) | Event::TalkShare(_) | Event::Skill(_) => None,
    }
}

/// No webhook of a room is older when it comes: its `timestamp` is in another unit, or from a wrong clock.
const ROOM_AGE_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Whether a time that nothing but history depends on can be the event's. One that can't isn't worth a quarantine.
fn is_plausible(at: Time, received_at: Time) -> bool {
    (-ROOM_AGE_MILLIS..=FUTURE_TOLERANCE_MILLIS).contains(&at.millis_since(received_at))
}

/// An event with its circumstances.
struct Occurrence<'e> {
    envelope: &'e Envelope,
    event: &'e Event,
    occurred_at: Time,
    is_dated: bool,
}

impl Occurrence<'_> {
    fn history(&self, subject: Subject, effects: &[Effect]) -> HistoryEntry {
        HistoryEntry {
            effects: effects.iter().map(Effect::for_history).collect(),
            subject,
            id: self.envelope.id.clone(),
            kind: self.event.kind(),
            event: self.event.name(),
            occurred_at: self.occurred_at,
            received_at: self.envelope.received_at,
            is_dated: self.is_dated,
        }
    }

    /// Effects on one user's state; an event without any is history only.
    fn of_subject(&self, subject: Subject, effects: Vec<Effect>) -> Step {
        let history = self.history(subject.clone(), &effects);
        let wiped = effects.contains(&Effect::Wipe).then_some(self.occurred_at);
        let state = (!effects.is_empty()).then(|| UserState::of_event(effects, self.occurred_at, &self.envelope.id));
        Step { history, counted: None, wiped, user: state.map(|state| (subject, state)), bot_user: None }
    }

    fn of_user(&self, app: &AppId, user: UserId, effects: Vec<Effect>) -> Step {
        self.of_subject(Subject::User(app.clone(), user), effects)
    }

    fn channel(&self, app: &AppId, channel: &TalkChannel) -> Step {
        let subject = match &channel.user {
            ChannelUser::AppUserId(user) => Subject::User(app.clone(), *user),
            ChannelUser::OpenId(id) => Subject::OpenId(app.clone(), id.clone()),
        };
        let effects = match &channel.event {
            ChannelEvent::Other(_) => vec![],
            known => vec![Effect::Channel(
                channel.channel_id.as_str().to_owned(),
                Channel { status: known.as_str().to_owned(), uuid: channel.channel_uuid.clone() },
            )],
        };
        self.of_subject(subject, effects)
    }

    /// A share changes no user's state: who it was is a claim.
    fn share(&self, app: &AppId, share: &TalkShare) -> Step {
        let claimed = share.claimed_user.map(|user| Subject::User(app.clone(), user));
        let subject = claimed.clone().unwrap_or_else(|| Subject::ChatRoom(app.clone(), share.chat_id.clone()));
        Step {
            history: self.history(subject, &[]),
            wiped: None,
            counted: claimed.map(|subject| CountedShare { subject, chat_type: share.chat_type.as_str().to_owned() }),
            user: None,
            bot_user: None,
        }
    }

    fn room(&self, room: &RoomEvent) -> Step {
        self.of_subject(Subject::BotRoom(room.bot_id.clone(), room.room_key.clone()), vec![])
    }

    fn message(&self, message: &SkillMessage, app: Option<&AppId>) -> Step {
        let subject = Subject::BotUser(message.bot_id.clone(), message.user_key.clone());
        let seen = Seen {
            plusfriend_user_key: message.plusfriend_user_key.clone().map(String::from),
            app_user_id: message.app_user_id.map(UserId::digits),
            is_friend: message.is_friend,
        };
        let bot_user = BotUser(Some(register(seen, self.occurred_at, &self.envelope.id)));
        let known = app.zip(message.app_user_id).map(|(app, user)| {
            let bot = Bot { user_key: message.user_key.as_str().to_owned() };
            let effect = Effect::Bot(message.bot_id.as_str().to_owned(), bot);
            let state = UserState::of_event(vec![effect], self.occurred_at, &self.envelope.id);
            (Subject::User(app.clone(), user), state)
        });
        Step {
            history: self.history(subject.clone(), &[]),
            wiped: None,
            counted: None,
            user: known,
            bot_user: Some((subject, bot_user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The history line of a room's webhook with this time.
    fn line(at: Option<&str>) -> HistoryEntry {
        let event = json!({"bot_id": "b", "room_key": "r", "event": "entrance", "at": at});
        let message =
            json!({"v": 1, "id": "e", "received_at": "2026-11-28T12:00:00Z", "kind": "bot-room", "event": event});
        match plan(&Envelope::decode(&message.to_string()).unwrap()) {
            Plan::Apply(step) => {
                assert_eq!((&step.user, &step.bot_user, &step.counted), (&None, &None, &None));
                step.history
            }
            Plan::Quarantine { detail, .. } => panic!("{detail}"),
        }
    }

    #[test]
    fn a_rooms_event_is_history_only_and_has_its_own_time() {
        let history = line(Some("2026-11-28T11:59:58.250Z"));
        assert_eq!(history.subject.partition_key(), "BOT#b#ROOM#r");
        assert_eq!(history.sort_key(), "EVENT#2026-11-28T11:59:58.250Z#e");
        assert_eq!((history.event.as_str(), history.effects), ("entrance", vec![]));
    }

    #[test]
    fn a_rooms_event_with_an_impossible_time_has_that_of_its_receipt() {
        for at in
            [None, Some("1970-01-21T17:24:20Z"), Some("2026-11-27T11:59:59.999Z"), Some("2026-11-28T12:10:00.001Z")]
        {
            let history = line(at);
            assert_eq!(history.occurred_at, history.received_at);
            // Another delivery of the same event has another receipt.
            assert_eq!(history.sort_key(), "EVENT#bot-room#e");
        }
        for at in ["2026-11-27T12:00:00Z", "2026-11-28T12:10:00Z"] {
            assert!(line(Some(at)).is_dated);
        }
    }
}

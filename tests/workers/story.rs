//! The users' events: every kind, at few times, so that many events have the same time.

use end_to_end::{seeded_random::SeededRandom, service::APP_ID};
use kakao_webhooks::{
    envelope::{Envelope, Event, Letter, ServiceEvent, ServiceWord},
    wire::{
        EventId, Time, UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        talk_channel::{ChannelUser, TalkChannel},
        talk_share::{ChatType, TalkShare},
        unlink::{Unlink, UnlinkReason},
    },
};
use serde_json::{Value, json};

/// 2025-03-01T03:00:00Z, in milliseconds.
const BEGIN: i64 = 1_740_798_000_000;
/// How many seconds the story takes: fewer than a user has events, and all before the time of the queue's messages.
const SECONDS: u64 = 6;

pub(crate) struct Story(pub(crate) Vec<Envelope>);

/// `events` events of `users` users.
pub(crate) fn story(random: &mut SeededRandom, users: u64, events: u64) -> Story {
    Story(
        (0..events)
            .map(|number| envelope(random, UserId::new(3_142_000_000 + number % users).unwrap(), number))
            .collect(),
    )
}

fn envelope(random: &mut SeededRandom, user_id: UserId, number: u64) -> Envelope {
    let second = i64::try_from(random.below(SECONDS)).unwrap();
    let at = Time::from_millis(BEGIN + second * 1_000).unwrap();
    let event = event(random, user_id, at, number);
    Envelope {
        // Not in the order of the numbers, so that an id decides a tie either way.
        id: EventId::from_text(&format!("{:04x}-{number}", random.below(1 << 16))),
        app_id: Some(APP_ID.parse().unwrap()),
        received_at: at,
        request_id: None,
        replayed_at: None,
        letter: Letter::Event(event),
    }
}

fn event(random: &mut SeededRandom, user_id: UserId, at: Time, number: u64) -> Event {
    let status = |event_type: &EventType, members: Value| {
        let event = SecurityEvent::read(event_type.uri(), members.as_object().unwrap().clone()).unwrap();
        Event::AccountStatus(AccountStatus { user_id, at, event })
    };
    let scope = random.one_of(&["account_email", "gender", "account_email gender birthday"]);
    match random.below(40) {
        0..=2 => Event::Unlink(Unlink { user_id, reason: Some(UnlinkReason::UnlinkFromApps) }),
        3..=7 => status(&EventType::UserLinked, json!({})),
        8..=9 => status(&EventType::UserUnlinked, json!({"reason": "ACCOUNT_DELETE"})),
        10..=13 => status(&EventType::UserScopeConsent, json!({"scope": scope})),
        14..=16 => status(&EventType::UserScopeWithdraw, json!({"scope": scope})),
        17..=21 => {
            let field = random.one_of(&["nickname", "email", "gender"]);
            status(&EventType::UserProfileChanged, json!({field: format!("봄 {number}")}))
        }
        22..=25 => Event::TalkChannel(TalkChannel {
            event: random.one_of(&["added", "blocked"]).to_owned().into(),
            user: ChannelUser::AppUserId(user_id),
            channel_id: random.one_of(&["_ISxgbxb", "_other"]).parse().unwrap(),
            channel_uuid: Some("@가게".to_owned()),
            at,
        }),
        26..=27 => status(&EventType::AccountDisabled, json!({"reason": "hijacking"})),
        28..=29 => status(&EventType::AccountEnabled, json!({})),
        30 => status(&EventType::AccountPurged, json!({})),
        31 => Event::Service(ServiceEvent { word: random.one_of(&WORDS), user_id, at }),
        32 => status(&EventType::TokenIssued, json!({})),
        _ => Event::TalkShare(TalkShare {
            chat_type: if random.below(2) == 0 { ChatType::Direct } else { ChatType::Multi },
            chat_id: "room".parse().unwrap(),
            template_id: None,
            is_single_chatroom: None,
            chat_member_count_range: None,
            claimed_user: Some(user_id),
        }),
    }
}

const WORDS: [ServiceWord; 3] =
    [ServiceWord::ServiceErased, ServiceWord::ServiceRestored, ServiceWord::ServiceUnlinked];

impl Story {
    /// Each event one to four times, in any order.
    pub(crate) fn deliveries(&self, random: &mut SeededRandom) -> Vec<String> {
        let mut texts = vec![];
        for envelope in &self.0 {
            for again in 0..=random.below(4) {
                texts.push(delivered(envelope, again).encode().unwrap());
            }
        }
        random.shuffle(&mut texts);
        texts
    }
}

/// A later delivery is received later; that is nothing new of an event that has a time of its own.
fn delivered(envelope: &Envelope, again: u64) -> Envelope {
    let mut envelope = envelope.clone();
    if let Letter::Event(Event::AccountStatus(_) | Event::TalkChannel(_)) = envelope.letter {
        let later = envelope.received_at.as_millis() + i64::try_from(again).unwrap() * 3_600_000;
        envelope.received_at = Time::from_millis(later).unwrap();
    }
    envelope
}

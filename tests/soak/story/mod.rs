//! Everything that is sent (by Kakao, the service and attackers) and the expected results, determined by a seed.

mod events;
mod forged;
mod unusable;

use std::collections::{BTreeMap, VecDeque};

use end_to_end::{Request, seeded_random::SeededRandom, service};
use kakao_webhooks::{
    envelope::{Envelope, Event, Letter, ServiceEvent, ServiceWord},
    wire::{AppId, EventId, Time, UserId},
};
use play_kakao::{Forgery, SigningKey, Token};
use serde_json::json;

/// 2025-03-01T00:00:00Z, in milliseconds: long before the time of the queue's messages.
const BEGIN: i64 = 1_740_787_200_000;
/// How many seconds the story takes: few enough for ties.
const SECONDS: u64 = 900;
/// How many events a member has.
const EVENTS_OF_A_MEMBER: u64 = 30;
/// The first member number, and how far apart they are: long, so that no time or id holds one by chance.
const MEMBERS: (u64, u64) = (7_318_264_950_271_828_182, 90_437_161);
/// The first number of users that only forged requests name, and the digits that no other number begins with.
const STRANGERS: u64 = 8_841_971_693_993_751_058;
pub(crate) const STRANGER: &str = "884197169399";
/// The first member, to be searched for.
pub(crate) const MEMBER: &str = "7318264950271828182";

/// One of the service's Kakao apps.
#[derive(Clone, Copy)]
pub(crate) struct App {
    pub(crate) id: &'static str,
    rest_api_key: &'static str,
    admin_key: &'static str,
}

const APPS: [App; 2] = [
    App { id: service::APP_ID, rest_api_key: service::REST_API_KEY, admin_key: service::ADMIN_KEY },
    App { id: service::OTHER_APP_ID, rest_api_key: service::OTHER_REST_API_KEY, admin_key: service::OTHER_ADMIN_KEY },
];

/// Something that is sent to a function.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) function: &'static str,
    request: Request,
    token: Option<(Token, Option<Forgery>)>,
    pub(crate) expected: ExpectedAnswer,
}

/// The expected answer.
#[derive(Clone)]
pub(crate) enum ExpectedAnswer {
    /// That these events are safe.
    Kept(u16, Vec<EventId>),
    /// The sender is not authenticated.
    Refused(&'static [u16]),
}

impl Post {
    /// What is wrong with its token, if anything is.
    pub(crate) fn forgery(&self) -> Option<&'static str> {
        self.token.as_ref()?.1.map(Forgery::name)
    }

    pub(crate) fn gateway_id(&self) -> &str {
        &self.request.id
    }

    /// The request as it is sent, a token in it signed.
    pub(crate) fn request(&self, key: &SigningKey) -> Request {
        let token = self.token.as_ref().map(|(token, forgery)| match forgery {
            Some(forgery) => token.forge(key, *forgery).unwrap(),
            None => token.sign(key).unwrap(),
        });
        match token {
            Some(token) => self.request.clone().body("application/secevent+jwt", token),
            None => self.request.clone(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Story {
    /// What is sent to the functions, in this order; authentic events several times, maybe.
    pub(crate) posts: Vec<Post>,
    /// What is put into the queue as it is.
    pub(crate) messages: VecDeque<String>,
    /// Every usable event, once.
    pub(crate) events: Vec<Envelope>,
    /// How many of them are service events, and how many messages these are in all.
    pub(crate) service: (usize, usize),
    /// The keys of what is to be in quarantine, and why.
    pub(crate) quarantined: BTreeMap<(String, String), String>,
    /// Messages that are not envelopes.
    pub(crate) poison: Vec<String>,
    /// How many posts are forged.
    pub(crate) forged: usize,
}

/// Tells `events` events, and beside them what strangers send.
pub(crate) fn story(random: &mut SeededRandom, events: u64) -> Story {
    let mut builder =
        StoryBuilder { random: random.split(), story: Story::default(), members: events / EVENTS_OF_A_MEMBER + 10 };
    for number in 0..events {
        match builder.random.below(100) {
            0..=4 => builder.forge(number),
            5 => builder.poison(number),
            6..=7 => builder.unusable(number),
            8..=10 => builder.service_says(number),
            _ => builder.event(number),
        }
    }
    let mut story = builder.story;
    random.shuffle(&mut story.posts);
    random.shuffle(story.messages.make_contiguous());
    story
}

struct StoryBuilder {
    random: SeededRandom,
    story: Story,
    members: u64,
}

/// Each of all in order, independent of the dice, so that a short story has each.
fn in_turn<T: Copy>(all: &[T], turn: usize) -> T {
    all[turn % all.len()]
}

fn time(millis: i64) -> Time {
    Time::from_millis(millis).unwrap()
}

impl StoryBuilder {
    /// A member, and the app that they are a member of.
    fn member(&mut self) -> (UserId, App) {
        let member = self.random.below(self.members);
        (UserId::new(MEMBERS.0 + member * MEMBERS.1).unwrap(), in_turn(&APPS, usize::from(member.is_multiple_of(3))))
    }

    fn member_of(&mut self, app: App) -> UserId {
        loop {
            match self.member() {
                (member, of) if of.id == app.id => return member,
                _ => {}
            }
        }
    }

    /// A time within the story.
    fn moment(&mut self) -> i64 {
        BEGIN + i64::try_from(self.random.below(SECONDS)).unwrap() * 1_000
    }

    /// When something of that moment is received.
    fn later(&mut self, moment: i64) -> i64 {
        moment + i64::try_from(self.random.below(3_600_000)).unwrap()
    }

    /// An id that isn't in the order of the numbers, so that it decides a tie either way.
    fn id(&mut self, number: u64) -> String {
        format!("{:04x}-{number}", self.random.below(1 << 16))
    }

    /// One delivery, or two, or three.
    fn deliveries(&mut self) -> u64 {
        self.random.one_of(&[1, 1, 1, 1, 1, 1, 1, 2, 2, 3])
    }

    /// A usable event, and its deliveries.
    fn tell(&mut self, post: &Post, events: Vec<Envelope>, redelivered: impl Fn(&mut Request, u64)) {
        self.story.events.extend(events);
        for again in 0..self.deliveries() {
            let mut post = post.clone();
            if again > 0 {
                redelivered(&mut post.request, again);
            }
            self.story.posts.push(post);
        }
    }

    /// Service events are sent straight to the queue. Their ids may contain a member number.
    fn service_says(&mut self, number: u64) {
        const WORDS: [ServiceWord; 4] = [
            ServiceWord::ServiceLinked,
            ServiceWord::ServiceUnlinked,
            ServiceWord::ServiceRestored,
            ServiceWord::ServiceErased,
        ];
        let ((user_id, app), at) = (self.member(), time(self.moment()));
        let event = ServiceEvent { word: in_turn(&WORDS, self.story.service.0), user_id, at };
        let id = format!("service-{}-{}", user_id.digits(), self.id(number));
        let envelope = envelope(&id, Some(app), at, Event::Service(event));
        let deliveries = self.deliveries();
        for _ in 0..deliveries {
            self.story.messages.push_back(envelope.encode().unwrap());
        }
        self.story.service.0 += 1;
        self.story.service.1 += usize::try_from(deliveries).unwrap();
        self.story.events.push(envelope);
    }

    /// A message that is not an envelope.
    fn poison(&mut self, number: u64) {
        let (member, _) = self.member();
        let (id, user_id) = (format!("poison-{number}"), member.digits());
        let envelope = |v: u64, kind: &str, user_id: &str| {
            json!({"v": v, "id": id, "app_id": service::APP_ID, "received_at": time(BEGIN), "kind": kind,
                "event": {"user_id": user_id}})
        };
        let text = match self.story.poison.len() % 5 {
            0 => format!("poison-{number} of {user_id}"),
            1 => envelope(2, "unlink", &user_id).to_string(),
            2 => envelope(1, "unheard-of", &user_id).to_string(),
            3 => envelope(1, "unlink", &format!("no number {user_id}")).to_string(),
            _ => json!({"id": id, "user_id": user_id}).to_string(),
        };
        self.story.poison.push(text.clone());
        self.story.messages.push_back(text);
    }
}

fn envelope(id: &str, app: Option<App>, received_at: Time, event: Event) -> Envelope {
    Envelope {
        id: EventId::from_text(id),
        app_id: app.map(|app| app.id.parse::<AppId>().unwrap()),
        received_at,
        request_id: None,
        replayed_at: None,
        letter: Letter::Event(event),
    }
}

/// A request of Kakao's for an app.
fn from_kakao(method: &str, path: &str, app: App) -> Request {
    Request::new(method, path).header("Authorization", &format!("KakaoAK {}", app.admin_key))
}

/// The same content as a query, a form or JSON.
fn shaped(shape: usize, path: &str, app: App, fields: &serde_json::Value) -> Request {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = fields.as_object().unwrap().iter().map(|(name, value)| (name, text(value)));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    match shape % 3 {
        0 => from_kakao("GET", &format!("{path}?{form}"), app),
        1 => from_kakao("POST", path, app).body("application/x-www-form-urlencoded", form),
        _ => from_kakao("POST", path, app).body("application/json;charset=UTF-8", fields.to_string()),
    }
}

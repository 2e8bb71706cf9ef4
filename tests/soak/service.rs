//! The running service, and what it has stored at the end.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use end_to_end::{
    Pipeline,
    binaries::binary,
    bus::Bus,
    delivery::Delivery,
    hygiene::{Find, Searched},
    lambda::Lambda,
    queue::Message,
    seeded_random::SeededRandom,
    stream::Stream,
};
use kakao_webhooks::state::Members;
use tokio::time::timeout;

use crate::{
    account::Account,
    actors,
    memory::Memory,
    outages::Outages,
    replica::Replica,
    story::{Post, STRANGER, Story},
};

/// How long a processor has for a batch. On a table that throttles it uses all of it.
const PROCESSOR_LIMIT: Duration = Duration::from_secs(5);
/// A time limit that even a slow machine does not need: a fixed part and a part for each request.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_millis(60));

pub(crate) struct Service {
    pub(crate) stream: Stream,
    pub(crate) bus: Bus,
    pub(crate) delivery: Delivery,
    /// Dropped after those whose values its log may not hold.
    pub(crate) pipeline: Pipeline,
    pub(crate) memory: Memory,
    pub(crate) random: Mutex<SeededRandom>,
    /// What is left to send, by function.
    posts: BTreeMap<&'static str, Mutex<VecDeque<Post>>>,
    messages: Mutex<VecDeque<String>>,
    poison: Vec<String>,
    total: usize,
    /// Messages that processors have.
    at_work: Mutex<usize>,
    account: Mutex<Account>,
    outages: Outages,
    is_done: AtomicBool,
    is_published: AtomicBool,
}

impl Service {
    pub(crate) async fn start(story: &Story, random: &mut SeededRandom) -> Arc<Self> {
        // Building is none of the work.
        binary("processor").unwrap();
        let mut posts = BTreeMap::<_, VecDeque<Post>>::new();
        for post in &story.posts {
            posts.entry(post.function).or_default().push_back(post.clone());
        }
        let pipeline = Pipeline::start().await.unwrap().processor_limit(PROCESSOR_LIMIT);
        Arc::new(Self {
            stream: Stream::begin(&pipeline.table).unwrap(),
            bus: Bus::start(&pipeline.table).await.unwrap(),
            delivery: Delivery::start(&pipeline).await.unwrap(),
            pipeline,
            memory: Memory::default(),
            random: Mutex::new(random.split()),
            posts: posts.into_iter().map(|(function, posts)| (function, Mutex::new(posts))).collect(),
            messages: Mutex::new(story.messages.clone()),
            poison: story.poison.clone(),
            total: story.posts.len(),
            at_work: Mutex::default(),
            account: Mutex::default(),
            outages: Outages::default(),
            is_done: AtomicBool::default(),
            is_published: AtomicBool::default(),
        })
    }

    /// Until all is sent and nothing is left to do. How long that took.
    pub(crate) async fn go_through(self: &Arc<Self>) -> Duration {
        let start = Instant::now();
        let patience = PATIENCE.0 + PATIENCE.1 * u32::try_from(self.total).unwrap();
        timeout(patience, actors::run_all(self)).await.expect("it takes longer than on any machine");
        start.elapsed()
    }

    /// An instance of a function. One that is steady is looked at for its memory.
    pub(crate) async fn function(&self, name: &'static str, is_steady: bool) -> Lambda {
        let function = self.pipeline.start_function(name).await.unwrap();
        if is_steady {
            self.memory.watch(name, function.pid().unwrap());
        }
        function
    }

    pub(crate) fn count<T>(&self, count: impl FnOnce(&mut Account) -> T) -> T {
        count(&mut self.account.lock().unwrap())
    }

    /// The next request for a function.
    pub(crate) fn next(&self, function: &str) -> Option<Post> {
        self.posts[function].lock().unwrap().pop_front()
    }

    /// A request that was answered 503 is sent again, after the others.
    pub(crate) fn put_off(&self, post: Post) {
        // A token is also answered 503 while there is no key set.
        if post.function != "account-status" {
            self.outages.request_was_lost();
        }
        self.posts[post.function].lock().unwrap().push_back(post);
    }

    pub(crate) fn has_messages(&self) -> bool {
        !self.messages.lock().unwrap().is_empty()
    }

    /// The next text for the queue, if it is its turn: they are spread over the requests.
    pub(crate) fn next_message(&self) -> Option<String> {
        let mut messages = self.messages.lock().unwrap();
        let (put, sent) = self.count(|account| (account.messages, account.sent));
        let is_its_turn = put * self.total <= sent * (put + messages.len());
        if is_its_turn { messages.pop_front() } else { None }
    }

    /// How much is sent, in thousandths.
    pub(crate) fn progress(&self) -> usize {
        (self.count(|account| account.sent) * 1_000 / self.total).min(1_000)
    }

    /// One more request was sent: what fails may change.
    pub(crate) fn turn(&self) {
        self.outages.apply(&self.pipeline, self.progress());
    }

    /// Whether nothing will fail any more.
    pub(crate) fn is_calm(&self) -> bool {
        !self.outages.is_waiting_for_a_failure()
    }

    pub(crate) fn receive(&self, most: usize) -> Option<Vec<Message>> {
        let mut at_work = self.at_work.lock().unwrap();
        let batch = self.pipeline.queue.receive(most);
        *at_work += batch.len();
        (!batch.is_empty()).then_some(batch)
    }

    /// A batch of this size has ended; these messages of it are delivered again.
    pub(crate) fn give_back(&self, all: usize, again: Vec<Message>) {
        let mut at_work = self.at_work.lock().unwrap();
        self.pipeline.queue.give_back(again);
        *at_work -= all;
    }

    /// A processor could not apply these.
    pub(crate) fn gave_up(&self, batch: &[Message], failed: &[String]) {
        let usable = |message: &&Message| failed.contains(&message.id) && !self.poison.contains(&message.body);
        let usable = batch.iter().filter(usable).count();
        if usable > 0 {
            self.count(|account| account.failed += usable);
            self.outages.gave_up();
            self.turn();
        }
    }

    /// Whether only the janitor has work left.
    pub(crate) fn is_idle(&self) -> bool {
        let at_work = self.at_work.lock().unwrap();
        *at_work == 0 && self.pipeline.queue.is_empty()
    }

    pub(crate) fn end(&self) {
        self.is_done.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }

    /// Every change is in the delivery queue.
    pub(crate) fn all_is_published(&self) {
        self.is_published.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_published(&self) -> bool {
        self.is_published.load(Ordering::SeqCst)
    }

    /// Asserts that the endpoint accepted every change that was published, and that a service that keeps each user's
    /// greatest version has the table's states.
    pub(crate) fn check_deliveries(&self, items: &[Members]) {
        let replica = Replica::of(&self.delivery.endpoint.posted());
        assert_eq!(replica.ids, self.bus.ids(), "published and delivered differ");
        assert_eq!(self.delivery.queue.dead_letters().bodies(), Vec::<String>::new());
        replica.check(items);
    }

    /// What was counted, with what is stored now.
    pub(crate) fn account(&self, items: &[Members]) -> Account {
        let mut account = self.count(|account| account.clone());
        let text = |item: &Members, name: &str| item[name].as_str().unwrap().to_owned();
        for item in items {
            let (pk, sk) = (text(item, "pk"), text(item, "sk"));
            match pk.split('#').next() {
                Some("QUARANTINE") => drop(account.quarantined.insert((pk, sk), text(item, "reason"))),
                Some("INBOX") => account.in_inbox += 1,
                _ => account.history += usize::from(sk.starts_with("EVENT#")),
            }
        }
        account.dead = self.pipeline.queue.dead_letters().bodies();
        account.published = self.bus.ids().len();
        account.accepted = self.delivery.endpoint.posted().iter().filter(|posted| posted.status.is_success()).count();
        account.in_queue = self.pipeline.queue.len();
        account.into_inbox = self.pipeline.watch().log().count(r#""destination":"inbox""#);
        account
    }

    /// Everything that is stored. None of it comes from a forged request.
    pub(crate) fn items(&self) -> Vec<Members> {
        let items = self.pipeline.table.items().unwrap();
        for item in &items {
            let text = serde_json::to_string(item).unwrap();
            for strange in ["forged", "poison", STRANGER] {
                assert!(!text.contains(strange), "{strange}: {text}");
            }
        }
        items
    }

    /// The search of all that was ever written. All functions have ended with those who had them.
    pub(crate) fn search(&self) -> (Searched, Vec<Find>) {
        self.pipeline.watch().search()
    }

    /// The same of one more line.
    pub(crate) fn search_of(&self, text: &str) -> Vec<Find> {
        self.pipeline.watch().log().add("no function", text);
        self.pipeline.watch().search().1
    }
}

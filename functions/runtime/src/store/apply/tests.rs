//! Applying, against a table in memory that behaves: other workers get in between at every step, it can be
//! made to refuse or to panic, and its workers can be killed anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures_util::future::join_all;
use kakao_webhooks::{
    envelope::{Event, Letter},
    state::{CountedShare, HistoryEntry, Members, Rest},
    wire::{
        EventId, UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        talk_share::{ChatType, TalkShare},
        unlink::Unlink,
    },
};
use proptest::{collection::vec, prelude::*};
use tokio::task::yield_now;

use super::*;
use crate::store::Loaded;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Tables>>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Tables {
    history: BTreeSet<String>,
    counts: BTreeMap<String, u64>,
    states: BTreeMap<String, (Members, u64)>,
    quarantine: BTreeSet<String>,
    seen: BTreeMap<Kind, Time>,
    /// Subjects of which the table answers nothing, or refuses everything.
    hanging: BTreeSet<String>,
    failing: BTreeSet<String>,
    /// Events whose history it never answers.
    hanging_events: BTreeSet<String>,
    /// Subjects whose state it never answers, though it takes their history.
    hanging_states: BTreeSet<String>,
    /// The same, but only the first time.
    once_hanging_states: BTreeSet<String>,
    /// So long a line of history takes.
    history_takes: Duration,
    /// Event ids that the table can't take, or panics at.
    refused: BTreeSet<String>,
    panicking: BTreeSet<String>,
    saves: u64,
    conflicts: u64,
}

impl Tables {
    /// What must be the same however it came about: all but the write counters.
    fn outcome(&self) -> (BTreeSet<String>, BTreeMap<String, u64>, BTreeMap<String, Members>) {
        let states = self.states.iter().map(|(key, (members, _))| (key.clone(), members.clone()));
        (self.history.clone(), self.counts.clone(), states.collect())
    }
}

impl Memory {
    fn tables(&self) -> Tables {
        self.0.lock().unwrap().clone()
    }

    /// What the table does with everything of this subject.
    async fn reach(&self, subject: &Subject) -> Result<(), StoreError> {
        let (tables, key) = (self.tables(), subject.partition_key());
        if tables.hanging.contains(&key) {
            pending::<()>().await;
        }
        if tables.failing.contains(&key) { Err(StoreError::TryAgain("refused".to_owned())) } else { Ok(()) }
    }

    async fn step<T>(&self, act: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        yield_now().await;
        let done = act(&mut self.0.lock().unwrap());
        yield_now().await;
        done
    }
}

impl Store for Memory {
    async fn put_history(&self, entry: &HistoryEntry) -> Result<Written, StoreError> {
        self.reach(&entry.subject).await?;
        let key = entry.subject.partition_key() + &entry.sort_key();
        if self.tables().panicking.contains(entry.id.as_str()) {
            panic!("the table panics");
        }
        if self.tables().hanging_events.contains(entry.id.as_str()) {
            pending::<()>().await;
        }
        sleep(self.tables().history_takes).await;
        self.step(|tables| Ok(if tables.history.insert(key) { Written::First } else { Written::Again })).await
    }

    async fn put_history_and_count(&self, entry: &HistoryEntry, counted: &CountedShare) -> Result<Written, StoreError> {
        self.reach(&entry.subject).await?;
        let key = entry.subject.partition_key() + &entry.sort_key();
        let counter = counted.subject.partition_key() + "SHARES";
        self.step(|tables| {
            if !tables.history.insert(key) {
                return Ok(Written::Again);
            }
            *tables.counts.entry(counter).or_default() += 1;
            Ok(Written::First)
        })
        .await
    }

    async fn forget_counts(&self, _subject: &Subject, _until: Time) -> Result<(), StoreError> {
        Ok(())
    }

    async fn load<S: State>(&self, subject: &Subject) -> Result<Loaded<S>, StoreError> {
        self.reach(subject).await?;
        let key = subject.partition_key();
        let hangs_once = self.0.lock().unwrap().once_hanging_states.remove(&key);
        if hangs_once || self.tables().hanging_states.contains(&key) {
            pending::<()>().await;
        }
        let item = self.step(|tables| Ok(tables.states.get(&subject.partition_key()).cloned())).await?;
        let Some((members, version)) = item else { return Ok(Loaded::default()) };
        let (state, rest) = S::from_members(members).unwrap();
        Ok(Loaded { state, version, rest, ..Loaded::default() })
    }

    async fn save<S: State>(
        &self,
        subject: &Subject,
        before: &Loaded<S>,
        after: &Revision<S>,
    ) -> Result<Saved, StoreError> {
        let members = after.state.to_members(subject, &Rest::default()).unwrap();
        self.step(|tables| {
            if tables.refused.iter().any(|id| serde_json::to_string(&members).unwrap().contains(id)) {
                return Err(StoreError::Never("the table can't take it".to_owned()));
            }
            let version = tables.states.get(&subject.partition_key()).map_or(0, |(_, version)| *version);
            if version != before.version {
                tables.conflicts += 1;
                return Ok(Saved::Conflict);
            }
            tables.saves += 1;
            tables.states.insert(subject.partition_key(), (members, after.version));
            Ok(Saved::Done)
        })
        .await
    }

    async fn note_seen(&self, kind: Kind, at: Time) -> Result<(), StoreError> {
        self.step(|tables| {
            let noted = tables.seen.entry(kind).or_insert(at);
            *noted = at.max(*noted);
            Ok(())
        })
        .await
    }

    async fn put_quarantine(&self, entry: &QuarantineEntry) -> Result<(), StoreError> {
        self.step(|tables| {
            tables.quarantine.insert(entry.id.to_string());
            Ok(())
        })
        .await
    }
}

/// An event: of few users, at few times, of kinds that contradict each other.
#[derive(Clone, Debug)]
struct TestEvent {
    user: u64,
    at: i64,
    what: u8,
    id: u32,
}

impl TestEvent {
    fn record(&self) -> Record {
        let user_id = UserId::new(self.user).unwrap();
        let at = Time::from_seconds(self.at).unwrap();
        let status = |event_type: &EventType, members: serde_json::Value| {
            let event = SecurityEvent::read(event_type.uri(), members.as_object().unwrap().clone()).unwrap();
            Event::AccountStatus(AccountStatus { user_id, at, event })
        };
        let event = match self.what {
            0 => Event::Unlink(Unlink { user_id, reason: None }),
            1 => status(&EventType::UserLinked, serde_json::json!({})),
            2 => status(&EventType::UserProfileChanged, serde_json::json!({"nickname": self.id})),
            3 => status(&EventType::UserScopeConsent, serde_json::json!({"scope": "account_email"})),
            4 => status(&EventType::TokenIssued, serde_json::json!({})),
            _ => Event::TalkShare(TalkShare {
                chat_type: ChatType::Memo,
                chat_id: "room".parse().unwrap(),
                template_id: None,
                is_single_chatroom: None,
                chat_member_count_range: None,
                claimed_user: Some(user_id),
            }),
        };
        let envelope = Envelope {
            id: EventId::from_text(&format!("event-{:06}", self.id)),
            app_id: Some("1".parse().unwrap()),
            received_at: at,
            request_id: None,
            replayed_at: None,
            letter: Letter::Event(event),
        };
        Record { id: format!("m{}", self.id), body: envelope.encode().unwrap(), sent_at: None }
    }
}

fn event_sequences() -> impl Strategy<Value = Vec<TestEvent>> {
    vec((1..4_u64, 0..5_i64, 0..6_u8), 1..30).prop_map(|events| {
        let each = |(id, (user, at, what))| TestEvent { user, at, what, id };
        (0..).zip(events).map(each).collect()
    })
}

fn applier(memory: &Memory) -> Applier<Memory> {
    let retention = Retention { history_days: 90, quarantine_days: 30, gone_days: 90 };
    Applier::new(memory.clone(), retention, "user_id".to_owned())
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// Polls once, after all that is ready to go on has been woken.
async fn polled<T>(work: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    yield_now().await;
    work.poll(&mut Context::from_waker(Waker::noop()))
}

/// What one worker makes of the events, one after the other.
fn sequential(events: &[TestEvent]) -> Tables {
    let memory = Memory::default();
    run(async {
        for event in events {
            assert!(applier(&memory).apply(&[event.record()], far()).await.is_empty());
        }
    });
    memory.tables()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn concurrent_workers_and_repeated_batches_end_as_one_worker_does(
        (events, deliveries) in event_sequences().prop_flat_map(|events| {
            let twice: Vec<TestEvent> = events.iter().chain(&events).cloned().collect();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        let memory = Memory::default();
        let batches: Vec<Vec<Record>> = deliveries.chunks(7).map(|batch| batch.iter().map(TestEvent::record).collect()).collect();
        run(async {
            let workers = batches.iter().map(|batch| {
                let applier = applier(&memory);
                async move { applier.apply(batch, far()).await }
            });
            assert!(join_all(workers).await.iter().all(Vec::is_empty));
        });
        prop_assert_eq!(memory.tables().outcome(), sequential(&events).outcome());
    }

    #[test]
    fn killed_anywhere_and_delivered_again_the_same_items_come_out(events in event_sequences(), polls in 0..80_usize) {
        let memory = Memory::default();
        let batch: Vec<Record> = events.iter().map(TestEvent::record).collect();
        run(async {
            let applier = applier(&memory);
            {
                let mut work = pin!(applier.apply(&batch, far()));
                for _ in 0..polls {
                    if polled(work.as_mut()).await.is_ready() {
                        break;
                    }
                }
            }
            assert!(applier.apply(&batch, far()).await.is_empty());
        });
        prop_assert_eq!(memory.tables().outcome(), sequential(&events).outcome());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn of_any_batch_exactly_the_records_of_users_that_hang_or_fail_are_reported_and_all_others_are_applied(
        events in event_sequences(),
        hanging in proptest::collection::btree_set(1..4_u64, 0..3),
        failing in proptest::collection::btree_set(1..4_u64, 0..3),
    ) {
        let memory = Memory::default();
        let key = |user: &u64| format!("USER#1#{user}");
        {
            let mut tables = memory.0.lock().unwrap();
            tables.hanging = hanging.iter().map(key).collect();
            tables.failing = failing.iter().map(key).collect();
        }
        let batch: Vec<Record> = events.iter().map(TestEvent::record).collect();
        let (deadline, limit) = (Duration::from_secs(20), Duration::from_secs(20));
        let (failed, took) = run(async {
            let start = Instant::now();
            (applier(&memory).apply(&batch, start + deadline).await, start.elapsed())
        });
        let is_stuck = |event: &TestEvent| hanging.contains(&event.user) || failing.contains(&event.user);
        let expected: Vec<String> = events.iter().filter(|event| is_stuck(event)).map(|event| event.record().id).collect();
        prop_assert_eq!(failed, expected);
        prop_assert!(took <= limit, "{:?}", took);
        let others: Vec<TestEvent> = events.iter().filter(|event| !is_stuck(event)).cloned().collect();
        prop_assert_eq!(memory.tables().outcome(), sequential(&others).outcome());
    }
}

#[test]
fn a_hanging_write_for_one_user_does_not_delay_other_users() {
    let memory = Memory::default();
    memory.0.lock().unwrap().hanging.insert("USER#1#1".to_owned());
    let batch: Vec<Record> =
        (1..=20).map(|user| TestEvent { user, at: 1, what: 1, id: user as u32 }.record()).collect();
    run(async {
        let applier = applier(&memory);
        let mut work = pin!(applier.apply(&batch, far()));
        // More steps than twenty users take who begin in turn, and no time at all.
        for _ in 0..100 {
            assert!(polled(work.as_mut()).await.is_pending());
        }
    });
    assert_eq!(memory.tables().states.len(), 19);
}

#[test]
fn of_one_user_a_history_that_hangs_leaves_the_others_time_to_be_merged() {
    let memory = Memory::default();
    let batch: Vec<Record> = (0..3).map(|id| TestEvent { user: 1, at: i64::from(id), what: 2, id }.record()).collect();
    memory.0.lock().unwrap().hanging_events.insert("event-000001".to_owned());
    let failed = run(async {
        let deadline = Instant::now() + Duration::from_secs(20);
        applier(&memory).apply(&batch, deadline).await
    });
    assert_eq!(failed, ["m1"]);
    let (state, _) = UserState::from_members(memory.tables().states["USER#1#1"].0.clone()).unwrap();
    assert_eq!(state.profile["nickname"].value.value, "2");
}

#[test]
fn a_user_whose_items_hang_keeps_the_processor_for_ten_seconds_at_most() {
    let batch: Vec<Record> = (0..3).map(|id| TestEvent { user: 1, at: i64::from(id), what: 2, id }.record()).collect();
    let others: Vec<Record> = (3..6).map(|id| TestEvent { user: 2, at: i64::from(id), what: 2, id }.record()).collect();
    let whole: Vec<Record> = [batch, others].concat();
    let (history_hangs, state_hangs) = (Memory::default(), Memory::default());
    history_hangs.0.lock().unwrap().hanging.insert("USER#1#1".to_owned());
    state_hangs.0.lock().unwrap().hanging_states.insert("USER#1#1".to_owned());
    for memory in [history_hangs, state_hangs] {
        let (failed, took) = run(async {
            let start = Instant::now();
            (applier(&memory).apply(&whole, far()).await, start.elapsed())
        });
        assert_eq!(failed, ["m0", "m1", "m2"]);
        assert!(took < LONGEST_STEP + Duration::from_millis(10), "{took:?}");
        assert_eq!(memory.tables().saves, 1);
    }
}

#[test]
fn a_read_that_hangs_beside_a_slow_history_leaves_the_merge_its_time() {
    let memory = Memory::default();
    memory.0.lock().unwrap().once_hanging_states.insert("USER#1#1".to_owned());
    memory.0.lock().unwrap().history_takes = Duration::from_secs(9);
    let event = TestEvent { user: 1, at: 1, what: 2, id: 1 };
    assert!(run(async { applier(&memory).apply(&[event.record()], far()).await }).is_empty());
    assert_eq!(memory.tables().saves, 1);
}

#[test]
fn workers_on_one_user_do_conflict_and_none_is_lost() {
    let memory = Memory::default();
    let events: Vec<TestEvent> = (0..40).map(|id| TestEvent { user: 1, at: i64::from(id), what: 2, id }).collect();
    run(async {
        let workers = events.iter().map(|event| {
            let (applier, record) = (applier(&memory), event.record());
            async move { applier.apply(&[record], far()).await }
        });
        assert!(join_all(workers).await.iter().all(Vec::is_empty));
    });
    assert!(memory.tables().conflicts > 0);
    assert_eq!(memory.tables().outcome(), sequential(&events).outcome());
}

#[test]
fn events_of_one_user_in_one_batch_are_written_once_and_a_duplicate_not_at_all() {
    let memory = Memory::default();
    let batch: Vec<Record> = (0..10).map(|id| TestEvent { user: 1, at: 1, what: 2, id }.record()).collect();
    run(async {
        applier(&memory).apply(&batch, far()).await;
        assert_eq!(memory.tables().saves, 1);
        applier(&memory).apply(&batch, far()).await;
    });
    assert_eq!(memory.tables().saves, 1);
}

#[test]
fn each_record_stands_alone() {
    let memory = Memory::default();
    memory.0.lock().unwrap().refused.insert("event-000004".to_owned());
    memory.0.lock().unwrap().panicking.insert("event-000003".to_owned());
    let mut batch: Vec<Record> =
        (0..5).map(|id| TestEvent { user: 1, at: i64::from(id), what: 2, id }.record()).collect();
    let record = |id: &str, body: &str| Record { id: id.to_owned(), body: body.to_owned(), sent_at: None };
    batch.extend([record("no-json", "{"), record("version", r#"{"v":2}"#), record("members", r#"{"v":1,"id":"x"}"#)]);
    let mut failed = run(applier(&memory).apply(&batch, far()));
    failed.sort();
    assert_eq!(failed, ["m3", "m4", "members", "no-json", "version"]);
    let (state, _) = UserState::from_members(memory.tables().states["USER#1#1"].0.clone()).unwrap();
    assert_eq!(state.profile["nickname"].value.value, "2");
}

#[test]
fn what_is_not_done_at_the_deadline_is_left_to_the_queue() {
    let memory = Memory::default();
    let batch = [TestEvent { user: 1, at: 1, what: 2, id: 1 }.record()];
    assert_eq!(run(async { applier(&memory).apply(&batch, Instant::now()).await }), ["m1"]);
}

#[test]
fn an_event_from_the_future_is_quarantined_until_it_is_no_longer() {
    let memory = Memory::default();
    let mut envelope = Envelope::decode(&TestEvent { user: 1, at: 10_000, what: 1, id: 1 }.record().body).unwrap();
    envelope.received_at = Time::from_seconds(9_000).unwrap();
    let record = |envelope: &Envelope| Record { id: "m".to_owned(), body: envelope.encode().unwrap(), sent_at: None };
    run(applier(&memory).apply(&[record(&envelope)], far()));
    assert_eq!((memory.tables().quarantine.len(), memory.tables().states.len()), (1, 0));
    envelope.replayed_at = Time::from_seconds(10_000);
    run(applier(&memory).apply(&[record(&envelope)], far()));
    assert_eq!(memory.tables().states.len(), 1);
}

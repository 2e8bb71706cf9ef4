use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    pin::pin,
    sync::{Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use futures_util::future::poll_fn;
use kakao_webhooks::{
    envelope::{Envelope, RECONCILED_ID},
    state::{Access, Link, Merge, Plan, UserState, plan},
    wire::{
        AppId, Time, UserId,
        rest_api::{LinkedMember, MemberPage, RestError, read_linked_members, read_member, read_members},
    },
};
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiAnswer, ApiCall, ApiRequest, Reaction, SimulatedApi},
};
use tokio::{
    task::yield_now,
    time::{Instant, advance, sleep},
};

use super::super::{
    Difference, HeldReaderKeys, KakaoApi, Note, Phase, Purpose, ReaderKey, Reconciler, RosterLink, RosterMember,
    RosterPage, Run, Settings, StoredLink, Table,
};
use crate::{
    edges::{EdgeError, Queue},
    signing::SecretSource,
    store::{ROSTER_SHARDS, Saved, StoreError},
};

pub(super) const APP: &str = "1";
pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(super) fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// Kakao, the table and the queue, with one clock.
pub(super) struct World {
    begun: Instant,
    pub(super) kakao: Mutex<SimulatedApi>,
    pub(super) table: Mutex<TableInMemory>,
    /// What is called with each call to Kakao: things go on happening while a run is on.
    pub(super) meanwhile: Mutex<Meanwhile>,
    pub(super) secret: Mutex<String>,
}

type Meanwhile = Box<dyn FnMut(&World) + Send>;

#[derive(Default)]
pub(super) struct TableInMemory {
    pub(super) run: Option<Run>,
    pub(super) states: BTreeMap<UserId, UserState>,
    pub(super) notes: BTreeMap<(String, u64, Option<UserId>), Note>,
    pub(super) differences: Vec<Difference>,
    /// Members whose items an earlier release wrote: without the roster's attributes.
    pub(super) outdated: BTreeSet<UserId>,
    /// Members whom the index still has though they are unlinked.
    pub(super) stale: BTreeSet<UserId>,
    /// So many calls of the queue fail from now on.
    pub(super) queue_failures: usize,
    /// Events in the queue that no processor has applied yet.
    pub(super) queued: Vec<Envelope>,
    /// All events that were ever sent.
    pub(super) sent: Vec<Envelope>,
    /// The largest number of members that any call took or gave.
    pub(super) largest: usize,
}

const PAGE: usize = 250;

impl World {
    pub(super) fn new() -> Self {
        let mut kakao = SimulatedApi::new(KakaoMembers::default());
        kakao.add_key(KEY, AdminKey::reader(APP));
        Self {
            begun: Instant::now(),
            kakao: Mutex::new(kakao),
            table: Mutex::default(),
            meanwhile: Mutex::new(Box::new(|_| {})),
            secret: Mutex::new(format!(r#"{{"{APP}":"{KEY}"}}"#)),
        }
    }

    pub(super) fn now(&self) -> Time {
        let start: Time = "2026-01-01T00:00:00Z".parse().unwrap();
        Time::clamped(start.as_millis() + i64::try_from(self.begun.elapsed().as_millis()).unwrap())
    }

    pub(super) fn kakao(&self) -> MutexGuard<'_, SimulatedApi> {
        self.kakao.lock().unwrap()
    }

    pub(super) fn table(&self) -> MutexGuard<'_, TableInMemory> {
        self.table.lock().unwrap()
    }

    /// A member links at Kakao.
    pub(super) fn link(&self, number: u64) {
        self.kakao().members.link(APP, number, self.now().as_seconds());
    }

    /// A member unlinks at Kakao.
    pub(super) fn unlink(&self, number: u64) {
        self.kakao().members.unlink(APP, number);
    }

    /// The state of a member who is linked here since a time.
    pub(super) fn linked_here(&self, number: u64, at: Time) {
        let state = linked(Link::Linked, at);
        self.table().states.entry(user(number)).or_default().merge(state);
    }

    /// Applies what the queue holds, as the processor does.
    pub(super) fn process(&self) {
        let queued = std::mem::take(&mut self.table().queued);
        queued.iter().for_each(|envelope| self.apply(envelope));
    }

    pub(super) fn apply(&self, envelope: &Envelope) {
        let Plan::Apply(step) = plan(envelope) else { panic!("not applied: {envelope:?}") };
        if let Some((kakao_webhooks::state::Subject::User(_, member), state)) = step.user {
            let mut table = self.table();
            table.states.entry(member).or_default().merge(state);
            // The processor writes it again.
            table.outdated.remove(&member);
        }
    }

    /// One invocation, which is killed after so many polls. False: it was.
    pub(super) async fn invoke(&self, polls: Option<usize>) -> bool {
        let keys = HeldReaderKeys::new(Secret(self));
        let reconciler = Reconciler::new(self, self, self, &keys, || self.now(), Settings::default());
        let mut work = pin!(reconciler.reconcile(Instant::now() + Duration::from_secs(50), || 7));
        let mut left = polls;
        poll_fn(|context| {
            if let Some(left) = &mut left {
                if *left == 0 {
                    return Poll::Ready(false);
                }
                *left -= 1;
            }
            work.as_mut().poll(context).map(|()| true)
        })
        .await
    }

    /// Invocations each minute until the run no longer works, with the processor between them. Returns how many.
    pub(super) async fn minutes(&self) -> usize {
        for minute in 1..5_000 {
            self.invoke(None).await;
            self.process();
            advance(Duration::from_secs(61)).await;
            if !self.run().state.is_working() {
                return minute;
            }
        }
        panic!("no end: {:?}", self.run());
    }

    pub(super) fn run(&self) -> Run {
        self.table().run.clone().unwrap()
    }

    /// A run that an operator asks for.
    pub(super) fn ask_for(&self, purpose: Purpose) {
        let run = Run::new("by-hand".to_owned(), purpose, self.table().run.as_ref(), self.now());
        let mut table = self.table();
        table.run = Some(Run { revision: run.revision + 1, ..run });
    }

    pub(super) fn access(&self, number: u64) -> Option<Access> {
        self.table().states.get(&user(number)).map(UserState::access)
    }

    /// Who is linked here.
    pub(super) fn linked_members(&self) -> Vec<u64> {
        let table = self.table();
        let linked = table.states.iter().filter(|(_, state)| {
            state.access() == Access::Allowed && state.link.as_ref().is_some_and(|link| link.value == Link::Linked)
        });
        linked.map(|(member, _)| member.number()).collect()
    }

    pub(super) fn members_at_kakao(&self) -> Vec<u64> {
        self.kakao().members.ids(APP, 0..=u64::MAX).collect()
    }

    pub(super) fn phase(&self) -> Phase {
        self.run().state
    }

    async fn ask(&self, call: ApiCall, key: &ReaderKey, parameters: &[(&str, &str)]) -> Result<ApiAnswer, RestError> {
        sleep(Duration::from_millis(100)).await;
        let mut meanwhile = std::mem::replace(&mut *self.meanwhile.lock().unwrap(), Box::new(|_| {}));
        meanwhile(self);
        *self.meanwhile.lock().unwrap() = meanwhile;
        let request = ApiRequest::new(call, key.expose(), parameters);
        let reaction = self.kakao().react(&request, self.begun.elapsed());
        match reaction {
            Reaction::Answer(answer) => Ok(answer),
            Reaction::AnswerAfter(pause, answer) => {
                sleep(pause).await;
                Ok(answer)
            }
            Reaction::Hang => {
                sleep(Duration::from_secs(4)).await;
                Err(RestError::Again("no answer in time".to_owned()))
            }
            Reaction::Reset => Err(RestError::Again("reset".to_owned())),
        }
    }
}

fn roster_link(state: &UserState) -> RosterLink {
    match &state.link {
        None => RosterLink::Unknown,
        Some(link) if link.by.as_str().starts_with(RECONCILED_ID) => RosterLink::Found,
        Some(_) => RosterLink::Reported,
    }
}

pub(super) fn linked(link: Link, at: Time) -> UserState {
    use kakao_webhooks::{state::Effect, wire::EventId};
    UserState::of_event(vec![Effect::Link(link)], at, &EventId::from_text("webhook"))
}

pub(super) struct Secret<'w>(pub(super) &'w World);

impl SecretSource for Secret<'_> {
    async fn read(&self) -> Result<String, EdgeError> {
        Ok(self.0.secret.lock().unwrap().clone())
    }
}

impl KakaoApi for World {
    async fn members(&self, key: &ReaderKey, from: Option<UserId>, most: usize) -> Result<MemberPage, RestError> {
        let (most, first) = (most.to_string(), from.map(UserId::digits));
        let mut parameters = vec![("limit", most.as_str()), ("order", "asc")];
        parameters.extend(first.as_deref().map(|first| ("from_id", first)));
        let answer = self.ask(ApiCall::UserIds, key, &parameters).await?;
        read_members(answer.status, answer.body.as_bytes(), from)
    }

    async fn linked_members(&self, key: &ReaderKey, asked: &[UserId]) -> Result<Vec<LinkedMember>, RestError> {
        let ids = format!("[{}]", asked.iter().map(|id| id.digits()).collect::<Vec<_>>().join(","));
        let answer = self.ask(ApiCall::AppUsers, key, &[("target_id_type", "user_id"), ("target_ids", &ids)]).await?;
        read_linked_members(answer.status, answer.body.as_bytes(), asked)
    }

    async fn member(&self, key: &ReaderKey, asked: UserId) -> Result<LinkedMember, RestError> {
        let parameters = [("target_id_type", "user_id"), ("target_id", &asked.digits())];
        let answer = self.ask(ApiCall::UserMe, key, &parameters).await?;
        read_member(answer.status, answer.body.as_bytes(), asked)
    }
}

impl Queue for World {
    async fn send(&self, envelope: &str) -> Result<(), EdgeError> {
        yield_now().await;
        let envelope = Envelope::decode(envelope).unwrap();
        let mut table = self.table();
        if table.queue_failures > 0 {
            table.queue_failures -= 1;
            return Err(EdgeError("the queue is out of order".to_owned()));
        }
        table.queued.push(envelope.clone());
        table.sent.push(envelope);
        Ok(())
    }
}

impl Table for World {
    async fn apps(&self) -> Result<Vec<AppId>, StoreError> {
        yield_now().await;
        Ok(self.table().run.iter().map(|_| APP.parse().unwrap()).collect())
    }

    async fn run(&self, _: &AppId) -> Result<Option<Run>, StoreError> {
        yield_now().await;
        Ok(self.table().run.clone())
    }

    async fn save(&self, _: &AppId, run: &Run, note: Option<&Note>) -> Result<Saved, StoreError> {
        yield_now().await;
        let mut table = self.table();
        if table.run.as_ref().map_or(0, |stored| stored.revision) != run.revision {
            return Ok(Saved::Conflict);
        }
        assert!(run.state != Phase::Done || run.finished_at.is_some(), "{run:?}");
        if let Some(note) = note {
            table.largest = table.largest.max(note.members.len());
            table.notes.insert((run.run_id.clone(), run.pass, note.behind), note.clone());
        }
        table.run = Some(Run { revision: run.revision + 1, ..run.clone() });
        Ok(Saved::Done)
    }

    async fn roster(&self, _: &AppId, shard: u64, behind: Option<UserId>) -> Result<RosterPage, StoreError> {
        yield_now().await;
        let table = self.table();
        let is_in = |(member, state): &(&UserId, &UserState)| {
            let is_unlinked = matches!(&state.link, Some(link) if matches!(link.value, Link::Unlinked { .. }));
            let is_in = (!is_unlinked && !table.outdated.contains(member)) || table.stale.contains(member);
            member.number() % ROSTER_SHARDS == shard && is_in
        };
        let mut members: Vec<_> = table
            .states
            .range((behind.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
            .filter(is_in)
            .take(PAGE + 1)
            .map(|(member, state)| RosterMember { user_id: *member, link: roster_link(state) })
            .collect();
        let has_more = members.len() > PAGE;
        members.truncate(PAGE);
        Ok(RosterPage { members, has_more })
    }

    async fn links(&self, _: &AppId, members: &[UserId]) -> Result<Vec<StoredLink>, StoreError> {
        yield_now().await;
        let mut table = self.table();
        table.largest = table.largest.max(members.len());
        let of = |member: &UserId| match table.states.get(member).map(|state| &state.link) {
            None => StoredLink::Absent,
            Some(None) => StoredLink::Unknown,
            Some(Some(link)) if link.value == Link::Linked => {
                StoredLink::Linked { at: link.at, in_roster: !table.outdated.contains(member) }
            }
            Some(Some(link)) => StoredLink::Unlinked { at: link.at },
        };
        Ok(members.iter().map(of).collect())
    }

    async fn first_note(&self, _: &AppId, run: &Run) -> Result<Option<Note>, StoreError> {
        yield_now().await;
        let table = self.table();
        let of_run = |(id, pass, _): &(String, u64, Option<UserId>)| *id == run.run_id && *pass == run.pass;
        Ok(table.notes.iter().find(|(key, _)| of_run(key)).map(|(_, note)| note.clone()))
    }

    async fn remove_note(&self, _: &AppId, run: &Run, note: &Note) -> Result<(), StoreError> {
        yield_now().await;
        self.table().notes.remove(&(run.run_id.clone(), run.pass, note.behind));
        Ok(())
    }

    async fn put_difference(&self, _: &AppId, _: &str, difference: &Difference) -> Result<(), StoreError> {
        yield_now().await;
        self.table().differences.push(*difference);
        Ok(())
    }
}

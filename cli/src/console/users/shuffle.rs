//! Sends a user's history again in another order, and compares the state before and after.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use kakao_webhooks::{
    envelope::{Envelope, Letter},
    state::{Members, Plan, Subject, plan},
    wire::{EventId, Time},
};
use runtime::edges::Queue;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::observed::Processed;
use crate::{
    aws::table::text,
    console::{
        Shared,
        explain::{AcceptedEvent, Received},
        history::{Exchange, Place, RecordedRequest, Step},
    },
    random,
    ui::diff::{StateDifference, diff},
};

/// How long the processor may take. The logs of it are read each quarter of a second.
const PATIENCE: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A history that was sent again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::console) struct Shuffled {
    /// The events' names in the order in which they were sent.
    pub(in crate::console) order: Vec<String>,
    /// How many events of the history no recorded request has.
    pub(in crate::console) left_out: usize,
    /// Whether the processor was done with all of them in time.
    pub(in crate::console) is_in_time: bool,
    /// Whether the state before and after is equal.
    pub(in crate::console) is_same: bool,
    /// What differs.
    pub(in crate::console) differences: Vec<StateDifference>,
    /// The state before.
    pub(in crate::console) before: Option<Value>,
    /// The state after.
    pub(in crate::console) after: Option<Value>,
}

/// Sends the history of a user again in another order.
///
/// # Errors
/// If the table can't be read, or the queue doesn't take an event.
pub(in crate::console) async fn shuffle(shared: &Shared, subject: &Subject) -> Result<Shuffled> {
    let (table, partition) = (&shared.cloud.table, subject.partition_key());
    let before = table.view(&partition).await?;
    let history = table.history(&partition).await?;
    let envelopes = in_another_order(envelopes(shared, &history), seed()?);
    let processed: Vec<_> = envelopes.iter().map(|envelope| shared.observed.processed(envelope.id.as_str())).collect();
    for envelope in &envelopes {
        let sent = shared.cloud.queue.send(&envelope.encode()?).await;
        sent.context("the queue doesn't take the events")?;
    }
    let is_in_time = wait(shared, &envelopes, &processed).await;
    let after = table.view(&partition).await?;
    Ok(Shuffled {
        order: envelopes.iter().map(name).collect(),
        left_out: history.len().saturating_sub(envelopes.len()),
        is_in_time,
        is_same: comparable(before.clone()) == comparable(after.clone()),
        differences: diff(before.as_ref(), after.as_ref()),
        before,
        after,
    })
}

fn name(envelope: &Envelope) -> String {
    match &envelope.letter {
        Letter::Event(event) => event.name(),
        Letter::Quarantined { kind, .. } => kind.name().to_owned(),
    }
}

/// Waits until each of these events was processed once more, and the state was written that it changes.
async fn wait(shared: &Shared, envelopes: &[Envelope], before: &[Processed]) -> bool {
    let deadline = Instant::now() + PATIENCE;
    let changes_a_state: Vec<_> = envelopes.iter().map(changes_a_state).collect();
    let is_done = || {
        let mut each = envelopes.iter().zip(before).zip(&changes_a_state);
        each.all(|((envelope, before), changes_a_state)| {
            let now = shared.observed.processed(envelope.id.as_str());
            if *changes_a_state { now.merged > before.merged } else { now.recorded > before.recorded }
        })
    };
    while !is_done() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(BETWEEN_LOOKS).await;
    }
    true
}

/// Whether the processor merges it into a state. Others stand in the history only, or are counted with it.
fn changes_a_state(envelope: &Envelope) -> bool {
    match plan(envelope) {
        Plan::Apply(step) => step.user.is_some() || step.bot_user.is_some(),
        Plan::Quarantine { .. } => false,
    }
}

/// Without what each delivery moves, a duplicate's too: when the newest share came.
fn comparable(mut view: Option<Value>) -> Option<Value> {
    if let Some(shares) = view.as_mut().and_then(|view| view.get_mut("shares")).and_then(Value::as_object_mut) {
        shares.remove("last_at");
    }
    view
}

/// The events of the history that a recorded request has led to, as the function put them into the queue.
fn envelopes(shared: &Shared, history: &[Members]) -> Vec<Envelope> {
    let requests = requests(shared);
    history.iter().filter_map(|line| envelope(shared, line, &requests)).collect()
}

fn envelope(shared: &Shared, line: &Members, requests: &HashMap<String, u64>) -> Option<Envelope> {
    let id = text(line, "event_id");
    let exchange = shared.history.get(*requests.get(id)?)?;
    let event = shared.judge.events(&received(shared, &exchange)?).into_iter().find(|event| is_named(event, id))?;
    Some(Envelope {
        id: EventId::from_text(id),
        app_id: Some(event.app_id),
        received_at: text(line, "received_at").parse().ok()?,
        request_id: exchange.request_id,
        replayed_at: None,
        letter: Letter::Event(event.event),
    })
}

/// Only a token has several, and then they have ids.
fn is_named(event: &AcceptedEvent, id: &str) -> bool {
    event.id.as_ref().is_none_or(|own| own.as_str() == id)
}

/// The recorded request of each event, by the event's id: the oldest, since later ones are duplicates. It is one look at
/// all requests, of which there may be ten thousand.
pub(super) fn requests(shared: &Shared) -> HashMap<String, u64> {
    let mut requests = HashMap::new();
    shared.history.newest(usize::MAX, None, |exchange| {
        let is_named = |step: &&Step| matches!(step.place, Place::Queue | Place::Inbox | Place::Recorded);
        requests.extend(exchange.steps.iter().filter(is_named).map(|step| (step.note.clone(), exchange.id)));
        None::<()>
    });
    requests
}

/// The request as it was sent, its keys filled in. None: only its beginning is kept.
fn received(shared: &Shared, exchange: &Exchange) -> Option<Received> {
    let RecordedRequest { method, path, query, headers, body } = &exchange.request;
    let fill = |text: &str| shared.masks.fill(text);
    let header = |(name, value): &(String, String)| -> Option<(HeaderName, HeaderValue)> {
        Some((name.parse().ok()?, HeaderValue::try_from(fill(value)).ok()?))
    };
    let bytes = body.text.as_deref().map_or_else(|| body.bytes(), |text| fill(text).into_bytes());
    body.is_whole().then_some(())?;
    Some(Received {
        method: method.parse::<Method>().ok()?,
        path: path.clone(),
        query: Some(fill(query)).filter(|query| !query.is_empty()),
        headers: headers.iter().filter_map(header).collect::<HeaderMap>(),
        body: Bytes::from(bytes),
        at: Time::from_millis(exchange.at)?,
    })
}

fn seed() -> Result<u64> {
    Ok(u64::from_str_radix(&random::hex::<8>()?, 16)?)
}

/// A permutation that is not the order itself, unless there is only one: Fisher and Yates with Knuth's generator.
fn in_another_order<T>(mut items: Vec<T>, mut seed: u64) -> Vec<T> {
    let mut has_moved = false;
    for left in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let choices = u64::try_from(left + 1).unwrap_or(u64::MAX);
        let chosen = usize::try_from((seed >> 33) % choices).unwrap_or_default();
        has_moved |= chosen != left;
        items.swap(left, chosen);
    }
    if !has_moved {
        items.reverse();
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_order_has_the_same_items_and_is_never_the_old_one() {
        for length in 0..8_usize {
            let items: Vec<_> = (0..length).collect();
            for seed in 0..500 {
                let mut shuffled = in_another_order(items.clone(), seed);
                assert!(length < 2 || shuffled != items, "{length} {seed}");
                shuffled.sort_unstable();
                assert_eq!(shuffled, items);
            }
        }
    }
}

//! Asks for all the facts, as much as possible at once.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use kakao_webhooks::{auth::KeySet, wire::Time};
use runtime::keys::{KeyEndpoint, KeySource};
use tokio::time::sleep;

use super::{
    account::Account,
    facts::{Backlog, Facts, Function, PublishedKeys, Read, Resource, Source, Stack},
    members::{acknowledging_members, all_members},
    sources::{DELIVERER, PROCESSOR, PUBLISHER},
};

/// The alias that a gradual deployment moves.
pub(super) const LIVE: &str = "live";
const ALARM: &str = "AWS::CloudWatch::Alarm";
/// The queues whose lengths matter, by the stack's outputs.
const QUEUES: [&str; 5] =
    ["EventQueueUrl", "DeadLetterQueueUrl", "UnpublishedQueueUrl", "DeliveryQueueUrl", "UndeliveredQueueUrl"];
/// The endpoint's own time limit is a function's, which is next to it.
const ATTEMPTS: u32 = 3;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(300);

/// All that the account and the key endpoint say of this stack.
pub(super) async fn facts(account: &impl Account, stack: Stack, now: Time) -> Facts {
    let resources = account.resources().await;
    let found = resources.as_deref().unwrap_or_default();
    let alarms = alarms_of(found);
    let table = stack.outputs.get("TableName").map_or("", String::as_str);
    let (functions_and_keys, live, sources, alarms, quota, queues, inbox, quarantined, stream_view, stored_keys) = tokio::join!(
        functions_and_keys(account, found),
        live(account, found),
        sources(account, found),
        account.alarms(&alarms),
        account.quota(),
        queues(account, &stack),
        account.inbox(table),
        account.quarantined(table, now),
        account.stream_view(table),
        account.stored_keys(table),
    );
    let (functions, published_keys) = functions_and_keys;
    Facts {
        now,
        stack,
        resources,
        functions,
        live,
        sources,
        alarms,
        quota,
        queues,
        inbox,
        quarantined,
        stream_view,
        stored_keys,
        published_keys,
    }
}

type Functions = BTreeMap<&'static str, Read<Option<Function>>>;

async fn functions_and_keys(account: &impl Account, resources: &[Resource]) -> (Functions, Option<PublishedKeys>) {
    let members = all_members().filter_map(|member| Some((member.name, physical(resources, member.logical_id)?)));
    let asked = members.map(async |(name, physical_id)| (name, account.function(physical_id, None).await));
    let functions: Functions = join_all(asked).await.into_iter().collect();
    let published = match functions.get("account-status").and_then(|read| read.as_ref().ok()?.as_ref()) {
        Some(function) => match function.settings.variables().key_endpoint() {
            Ok(endpoint) => Some(published_keys(&endpoint).await),
            // The finding about the settings reports it.
            Err(_) => None,
        },
        None => None,
    };
    (functions, published)
}

async fn live(account: &impl Account, resources: &[Resource]) -> Functions {
    let asked = acknowledging_members().filter_map(|member| {
        let physical_id = physical(resources, member.logical_id)?;
        Some(async move { (member.name, account.function(physical_id, Some(LIVE)).await) })
    });
    join_all(asked).await.into_iter().collect()
}

async fn sources(account: &impl Account, resources: &[Resource]) -> BTreeMap<&'static str, Read<Option<Source>>> {
    let asked = [PROCESSOR, PUBLISHER, DELIVERER].into_iter().filter_map(|logical_id| {
        let id = physical(resources, logical_id)?;
        Some(async move { (logical_id, account.source(id).await) })
    });
    join_all(asked).await.into_iter().collect()
}

async fn queues(account: &impl Account, stack: &Stack) -> BTreeMap<&'static str, Read<Backlog>> {
    let asked = QUEUES.into_iter().filter_map(|output| {
        let url = stack.outputs.get(output)?;
        Some(async move { (output, account.backlog(url).await) })
    });
    join_all(asked).await.into_iter().collect()
}

async fn published_keys(endpoint: &KeyEndpoint) -> PublishedKeys {
    let mut fault = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            sleep(BETWEEN_ATTEMPTS).await;
        }
        match endpoint.fetch().await {
            Ok(document) => return Ok(KeySet::from_json(&document.text)),
            Err(error) => fault = error.to_string(),
        }
    }
    Err(fault)
}

fn physical<'r>(resources: &'r [Resource], logical_id: &str) -> Option<&'r str> {
    let resource = resources.iter().find(|resource| resource.logical_id == logical_id)?;
    Some(&resource.physical_id)
}

/// The names of a stack's alarms.
pub(super) fn alarms_of(resources: &[Resource]) -> Vec<String> {
    let alarms = resources.iter().filter(|resource| resource.kind == ALARM);
    alarms.map(|resource| resource.physical_id.clone()).collect()
}

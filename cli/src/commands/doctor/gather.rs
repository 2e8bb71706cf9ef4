//! Asks for all the facts, as much as possible at once.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use kakao_webhooks::{
    auth::KeySet,
    wire::{AppId, Time, rest_api::RestError},
};
use runtime::{
    http::{CaBundle, Pool},
    keys::{KeyEndpoint, KeySource},
    reconcile::{HttpKakaoApi, KakaoApi as _, ReaderKey, ReaderKeysError},
};
use tokio::time::sleep;

use super::{
    account::Account,
    facts::{Backlog, Facts, Function, Proofs, PublishedKeys, Read, Reconciling, Resource, Source, Stack, Unread},
    members::{RECONCILER, acknowledging_members, all_members},
    reconciling::configured,
    sources::SOURCES,
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
    let reconciling = match functions.contains_key(RECONCILER) {
        true => Some(reconciling(account, table, &functions).await),
        false => None,
    };
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
        reconciling,
    }
}

/// What is known of the reconciler, which the stack has.
async fn reconciling(account: &impl Account, table: &str, functions: &Functions) -> Reconciling {
    let (index, proofs) = tokio::join!(account.roster_index(table), proofs(account, functions));
    let apps: Vec<AppId> = match &proofs {
        Some(Ok(Ok(proofs))) => proofs.keys().cloned().collect(),
        _ => configured(functions).unwrap_or_default().into_iter().collect(),
    };
    let runs = join_all(apps.iter().map(|app| account.run(table, app))).await;
    Reconciling { index, proofs, runs: apps.into_iter().zip(runs).collect() }
}

async fn proofs(account: &impl Account, functions: &Functions) -> Option<Read<Result<Proofs, ReaderKeysError>>> {
    let function = functions.get(RECONCILER)?.as_ref().ok()?.as_ref()?;
    let variables = function.settings.variables();
    let (arn, url) = (variables.kakao_reader_keys().ok()?, variables.kakao_api_url().ok()?);
    let keys = match account.reader_keys(&arn).await {
        Ok(Ok(keys)) => keys,
        Ok(Err(error)) => return Some(Ok(Err(error))),
        Err(unread) => return Some(Err(unread)),
    };
    let pool = match Pool::of_the_web(&CaBundle::default()) {
        Ok(pool) => pool,
        Err(error) => return Some(Err(Unread::Failed(error.to_string()))),
    };
    let api = &HttpKakaoApi::new(url, pool);
    let proven = keys.into_iter().map(async |(app, key)| (app, proof(api, &key).await));
    Some(Ok(Ok(join_all(proven).await.into_iter().collect())))
}

/// Whether Kakao lists a member for this key. What passes by itself is asked again.
async fn proof(api: &HttpKakaoApi, key: &ReaderKey) -> Result<(), RestError> {
    let mut answer = api.members(key, None, 1).await;
    for _ in 1..ATTEMPTS {
        if !matches!(answer, Err(RestError::Again(_))) {
            break;
        }
        sleep(BETWEEN_ATTEMPTS).await;
        answer = api.members(key, None, 1).await;
    }
    answer.map(drop)
}

pub(super) type Functions = BTreeMap<&'static str, Read<Option<Function>>>;

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
    let asked = SOURCES.into_iter().filter_map(|logical_id| {
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

//! Each row of Kakao's documentation, and each fault.

mod calls;
mod errors;
mod faults;
mod paging;
#[cfg(feature = "server")]
mod server;
mod usage;

use std::time::Duration;

use serde_json::Value;

use super::*;

const APP: &str = "123456";
const OTHER_APP: &str = "654321";
const KEY: &str = "00112233445566778899aabbccddeeff";
const OTHER_KEY: &str = "ffeeddccbbaa99887766554433221100";
/// 2023-11-14T22:13:20Z.
const LINKED_AT: i64 = 1_700_000_000;
const NOW: Duration = Duration::ZERO;
const BY_ID: (&str, &str) = ("target_id_type", "user_id");

/// The API with members 1 to `count` of an app, one member of another, and a key of each that may do everything.
fn api(count: u64) -> SimulatedApi {
    let mut members = KakaoMembers::default();
    members.link_all(APP, (1..=count).map(|id| (id, LINKED_AT)));
    members.link(OTHER_APP, 900, LINKED_AT);
    let mut api = SimulatedApi::new(members);
    let all = [ApiCategory::ReadUsers, ApiCategory::UnlinkUsers];
    api.add_key(KEY, AdminKey::new(APP, all));
    api.add_key(OTHER_KEY, AdminKey::new(OTHER_APP, all));
    api
}

fn sent(api: &mut SimulatedApi, request: &ApiRequest) -> ApiAnswer {
    match api.react(request, NOW) {
        Reaction::Answer(answer) => answer,
        other => panic!("no answer at once: {other:?}"),
    }
}

/// The status and the body of a call.
fn called(api: &mut SimulatedApi, call: ApiCall, parameters: &[(&str, &str)]) -> (u16, Value) {
    let answer = sent(api, &ApiRequest::new(call, KEY, parameters));
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

/// The status and the `code` of a call that fails.
fn failure(api: &mut SimulatedApi, call: ApiCall, parameters: &[(&str, &str)]) -> (u16, i64) {
    let (status, body) = called(api, call, parameters);
    (status, body["code"].as_i64().unwrap_or_default())
}

/// The parameters of a right call of each kind, about member 1.
fn right_parameters(call: ApiCall) -> &'static [(&'static str, &'static str)] {
    match call {
        ApiCall::UserIds | ApiCall::SystemIps => &[],
        ApiCall::AppUsers => &[BY_ID, ("target_ids", "[1]")],
        ApiCall::UserMe | ApiCall::UserScopes | ApiCall::Unlink => &[BY_ID, ("target_id", "1")],
    }
}

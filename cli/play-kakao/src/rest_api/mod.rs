//! Simulates Kakao's REST API, as far as an app's members are concerned.
//!
//! [`SimulatedApi`] is pure: a request and a time in, an answer out. With the feature `server`, `ApiServer` puts it on
//! a port of loopback.
//!
//! Source: Kakao Developers, "Kakao Login: REST API" (admin key) and "REST API: Error code". What these pages leave
//! open is a setting, or says so.

mod error;
mod faults;
mod keys;
mod request;
mod responses;
#[cfg(feature = "server")]
mod server;
#[cfg(test)]
mod tests;
mod usage;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::KakaoMembers;

pub use error::ApiError;
pub use faults::{ApiFault, ScriptedFault};
pub use keys::{AdminKey, ApiCategory};
pub use request::{ApiCall, ApiRequest};
#[cfg(feature = "server")]
pub use server::{ApiServer, MEMBERS_PATH};
pub use usage::Usage;

use faults::Script;
use keys::Keys;
use usage::LastMinute;

/// An answer of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, except where a fault makes it something else.
    pub body: String,
}

impl ApiAnswer {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string() }
    }
}

impl From<ApiError> for ApiAnswer {
    fn from(error: ApiError) -> Self {
        error.answer()
    }
}

/// What a request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// This answer, at once.
    Answer(ApiAnswer),
    /// This answer, after a time.
    AnswerAfter(Duration, ApiAnswer),
    /// No answer, and the connection stays open.
    Hang,
    /// No answer, and the connection is reset.
    Reset,
}

/// How `GET /v2/app/users` answers: Kakao's table and Kakao's examples disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppUsersShape {
    /// A bare array.
    #[default]
    Array,
    /// The array is the member `elements` of an object.
    Elements,
}

/// What Kakao's documentation leaves open, or a test wants otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiSettings {
    /// How often an app may list its members in sixty seconds; none: without limit.
    pub lists_per_minute: Option<usize>,
    /// The HTTP status of a call over the quota: Kakao answers 429 or 400.
    pub over_quota_status: u16,
    /// How several members are answered.
    pub app_users_shape: AppUsersShape,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self { lists_per_minute: Some(100), over_quota_status: 429, app_users_shape: AppUsersShape::default() }
    }
}

/// Whose members an answer is about: the caller's app, unless a fault says otherwise.
#[derive(Clone, Copy)]
struct View<'v> {
    app: &'v str,
    /// The greatest member number that is listed.
    last_id: u64,
}

/// The API, with the members that it knows.
#[derive(Clone, Debug, Default)]
pub struct SimulatedApi {
    /// The truth about the members.
    pub members: KakaoMembers,
    /// What the documentation leaves open.
    pub settings: ApiSettings,
    keys: Keys,
    script: Script,
    usage: Usage,
    lists: BTreeMap<String, LastMinute>,
}

impl SimulatedApi {
    /// One that knows these members, and no key yet.
    #[must_use]
    pub fn new(members: KakaoMembers) -> Self {
        Self { members, ..Self::default() }
    }

    /// Adds an admin key, or replaces what it may do.
    pub fn add_key(&mut self, text: &str, key: AdminKey) {
        self.keys.add(text, key);
    }

    /// From now on this key is wrong.
    pub fn revoke_key(&mut self, text: &str) {
        self.keys.revoke(text);
    }

    /// Adds a fault to the script. If several apply to a call, it meets the one that was added first.
    pub fn script(&mut self, fault: ScriptedFault) {
        self.script.add(fault);
    }

    /// The list of an app's members ends after the first `count`, from now on.
    pub fn end_list_after(&mut self, app: &str, count: usize) {
        let last = count.checked_sub(1).and_then(|before| self.members.ids(app, 0..=u64::MAX).nth(before));
        let fault = last.map_or(ApiFault::NoMembers, ApiFault::ListEndsAt);
        self.script(ScriptedFault::all(ApiCall::UserIds, fault).of_app(app));
    }

    /// Removes all faults.
    pub fn clear_faults(&mut self) {
        self.script.clear();
    }

    /// The calls so far.
    #[must_use]
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What a request leads to. `now` is the time since any fixed moment; it never runs backwards.
    pub fn react(&mut self, request: &ApiRequest, now: Duration) -> Reaction {
        let Some(call) = ApiCall::at(&request.path) else {
            return Reaction::Answer(ApiAnswer { status: 404, body: String::new() });
        };
        let app = request.admin_key().and_then(|key| self.keys.app(key)).map(str::to_owned);
        self.usage.record(call, app.as_deref(), now);
        match self.script.take(call, app.as_deref()) {
            None => Reaction::Answer(self.answer(call, request, now)),
            Some(ApiFault::Slow(time)) => Reaction::AnswerAfter(time, self.answer(call, request, now)),
            Some(ApiFault::Hang) => Reaction::Hang,
            Some(ApiFault::Reset) => Reaction::Reset,
            Some(fault) => Reaction::Answer(self.faulty_answer(&fault, call, request, now)),
        }
    }

    /// The right answer.
    fn answer(&mut self, call: ApiCall, request: &ApiRequest, now: Duration) -> ApiAnswer {
        self.answer_as(None, u64::MAX, call, request, now).unwrap_or_else(|refusal| refusal)
    }

    fn faulty_answer(&mut self, fault: &ApiFault, call: ApiCall, request: &ApiRequest, now: Duration) -> ApiAnswer {
        if let Some(answer) = fault.answer() {
            return answer;
        }
        let (app, last_id) = match fault {
            ApiFault::OtherApp(app) => (Some(app.as_str()), u64::MAX),
            ApiFault::ListEndsAt(last) => (None, *last),
            // No app has an empty id.
            _ => (Some(""), u64::MAX),
        };
        self.answer_as(app, last_id, call, request, now).unwrap_or_else(|refusal| refusal)
    }

    /// The answer about another app, if one is named, or of a shorter list.
    fn answer_as(
        &mut self,
        other_app: Option<&str>,
        last_id: u64,
        call: ApiCall,
        request: &ApiRequest,
        now: Duration,
    ) -> Result<ApiAnswer, ApiAnswer> {
        if request.method != call.method() {
            return Err(ApiAnswer { status: 405, body: String::new() });
        }
        let app = self.keys.authorize(call, request)?.app.clone();
        if call == ApiCall::UserIds {
            self.count_list(&app, now)?;
        }
        let view = View { app: other_app.unwrap_or(&app), last_id };
        let body = match call {
            ApiCall::UserIds => self.user_ids(view, request),
            ApiCall::AppUsers => self.app_users(view, request),
            ApiCall::UserMe => self.user_me(view, request),
            ApiCall::UserScopes => self.user_scopes(view, request),
            ApiCall::Unlink => self.unlink(view, request),
            ApiCall::SystemIps => Ok(responses::system_ips()),
        };
        Ok(ApiAnswer::json(200, &body?))
    }

    /// Counts a list against the app's quota; a refused one does not count.
    fn count_list(&mut self, app: &str, now: Duration) -> Result<(), ApiAnswer> {
        let lists = self.lists.entry(app.to_owned()).or_default();
        if self.settings.lists_per_minute.is_some_and(|most| lists.count(now) >= most) {
            return Err(ApiAnswer { status: self.settings.over_quota_status, ..ApiError::OverQuota.answer() });
        }
        lists.add(now);
        Ok(())
    }
}

//! What can be wrong with the API, scripted call by call.

use std::time::Duration;

use super::{ApiAnswer, ApiCall, ApiError};

/// What happens to a call instead of the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// An error of Kakao's list. `Maintenance` and `PlatformMaintenance` are those of maintenance.
    Error(ApiError),
    /// An error that Kakao's list does not have.
    UnknownError {
        /// The HTTP status.
        status: u16,
        /// Its `code`.
        code: i32,
    },
    /// The app seems to have no members.
    NoMembers,
    /// The body is `{}`.
    EmptyObject,
    /// The answer is about the members of this app.
    OtherApp(String),
    /// The list ends with this member number, as if none came after it.
    ListEndsAt(u64),
    /// Status 200, and a body that is no JSON.
    NotJson,
    /// This status, and a page of HTML, as a proxy answers.
    Html(u16),
    /// There is never an answer.
    Hang,
    /// The answer of the moment of the call comes after this time.
    Slow(Duration),
    /// The connection is reset.
    Reset,
}

impl ApiFault {
    /// The answer of a fault that needs no request for it.
    pub(super) fn answer(&self) -> Option<ApiAnswer> {
        match self {
            Self::Error(error) => Some(error.answer()),
            Self::UnknownError { status, code } => {
                Some(ApiAnswer::json(*status, &serde_json::json!({"msg": "an error of another kind", "code": code})))
            }
            Self::EmptyObject => Some(ApiAnswer::json(200, &serde_json::json!({}))),
            Self::NotJson => Some(ApiAnswer { status: 200, body: "{\"elements\":[1,".to_owned() }),
            Self::Html(status) => {
                Some(ApiAnswer { status: *status, body: "<html><body>Service Unavailable</body></html>".to_owned() })
            }
            Self::NoMembers | Self::OtherApp(_) | Self::ListEndsAt(_) | Self::Hang | Self::Slow(_) | Self::Reset => {
                None
            }
        }
    }
}

/// Which calls meet a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedFault {
    call: ApiCall,
    fault: ApiFault,
    app: Option<String>,
    skipped: usize,
    left: Option<usize>,
}

impl ScriptedFault {
    /// All calls of this kind meet the fault.
    #[must_use]
    pub const fn all(call: ApiCall, fault: ApiFault) -> Self {
        Self { call, fault, app: None, skipped: 0, left: None }
    }

    /// The next `count` calls of this kind meet the fault.
    #[must_use]
    pub const fn next(count: usize, call: ApiCall, fault: ApiFault) -> Self {
        Self { call, fault, app: None, skipped: 0, left: Some(count) }
    }

    /// Only from the call after `count` others.
    #[must_use]
    pub const fn after(mut self, count: usize) -> Self {
        self.skipped = count;
        self
    }

    /// Only calls with a key of this app.
    #[must_use]
    pub fn of_app(mut self, app: &str) -> Self {
        self.app = Some(app.to_owned());
        self
    }

    /// Whether this call meets it; it counts the call.
    fn meets(&mut self, call: ApiCall, app: Option<&str>) -> bool {
        if self.call != call || self.app.as_deref().is_some_and(|only| Some(only) != app) {
            return false;
        }
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

/// All faults that are to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Vec<ScriptedFault>);

impl Script {
    pub(super) fn add(&mut self, fault: ScriptedFault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that this call meets: of several, the one that was added first.
    pub(super) fn take(&mut self, call: ApiCall, app: Option<&str>) -> Option<ApiFault> {
        let fault = self.0.iter_mut().find_map(|scripted| scripted.meets(call, app).then(|| scripted.fault.clone()));
        self.0.retain(|scripted| scripted.left != Some(0));
        fault
    }
}

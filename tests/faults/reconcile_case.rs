//! The reconciler while something fails: what it finds must be Kakao's truth in the end, and no member may be unlinked
//! who is linked.

use std::time::Duration;

use end_to_end::{faults::Fault, reconciling::LIMIT, service::OTHER_APP_ID};
use play_kakao::rest_api::{ApiCall, ApiError, ApiFault};

use crate::{delivery_case, edge_fault::EdgeFault, request_case::Process};

/// What is wrong while a run is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReconcileFault {
    /// A call of Kakao's API.
    Kakao(ApiCall, KakaoFault),
    /// The connections to it.
    Connection(EdgeFault),
    Table(Fault),
    /// The table, for the members whom Kakao did not list.
    Notes(Fault),
    /// The table, for the members' links.
    Links(Fault),
    Queue(Fault),
    /// Secrets Manager, and no key is held.
    NoKeys(Fault),
    /// The same, while the keys are held.
    HeldKeys(Fault),
    /// The reconciler is killed while it waits for an answer to this call.
    Killed(ApiCall),
}

/// How Kakao's API fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KakaoFault {
    Error(ApiError),
    UnknownError,
    Html,
    EmptyObject,
    NotJson,
    Empty,
    OtherApp,
    EndsEarly,
    Hangs,
    Slow,
    Resets,
}

impl KakaoFault {
    /// Everything but what is about a list.
    const ALL: [Self; 11] = [
        Self::Error(ApiError::Internal),
        Self::Error(ApiError::Maintenance),
        Self::Error(ApiError::OverQuota),
        Self::Error(ApiError::Unauthorized),
        Self::UnknownError,
        Self::Html,
        Self::EmptyObject,
        Self::NotJson,
        Self::Hangs,
        Self::Slow,
        Self::Resets,
    ];

    /// As the simulated API does it; none: the list is made to end.
    pub(crate) fn scripted(self) -> Option<ApiFault> {
        Some(match self {
            Self::Error(error) => ApiFault::Error(error),
            Self::UnknownError => ApiFault::UnknownError { status: 400, code: -987 },
            Self::Html => ApiFault::Html(503),
            Self::EmptyObject => ApiFault::EmptyObject,
            Self::NotJson => ApiFault::NotJson,
            Self::Empty => ApiFault::NoMembers,
            Self::OtherApp => ApiFault::OtherApp(OTHER_APP_ID.to_owned()),
            Self::Hangs => ApiFault::Hang,
            Self::Slow => ApiFault::Slow(Duration::from_millis(1_500)),
            Self::Resets => ApiFault::Reset,
            Self::EndsEarly => return None,
        })
    }

    fn words(self) -> String {
        match self {
            Self::Error(error) => format!("answers {}", error.code()),
            Self::UnknownError => "answers a code that no table names".to_owned(),
            Self::Html => "answers 503 with HTML".to_owned(),
            Self::EmptyObject => "answers `{}`".to_owned(),
            Self::NotJson => "answers half of a JSON object".to_owned(),
            Self::Empty => "answers that there are no members".to_owned(),
            Self::OtherApp => "answers another app's members".to_owned(),
            Self::EndsEarly => "ends too early".to_owned(),
            Self::Hangs => "hangs".to_owned(),
            Self::Slow => "answers after 1.5 s".to_owned(),
            Self::Resets => "resets the connection".to_owned(),
        }
    }

    /// Whether the run can go on while it lasts.
    const fn passes(self) -> bool {
        matches!(self, Self::Slow)
    }
}

/// One run while something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReconcileCase {
    pub(crate) process: Process,
    pub(crate) fault: ReconcileFault,
}

/// When the table has Kakao's truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    AtOnce,
    InTheNextMinutes,
    NextDay,
}

impl Found {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "queue",
            Self::InTheNextMinutes => "queue, in the minutes after the fault",
            Self::NextDay => "queue, in the next day's run",
        }
    }
}

/// Every case of the reconciler.
pub(crate) fn reconcile_cases() -> Vec<ReconcileCase> {
    use ReconcileFault::{Connection, HeldKeys, Kakao, Killed, Links, NoKeys, Notes, Queue, Table};
    const CALLS: [ApiCall; 3] = [ApiCall::UserIds, ApiCall::AppUsers, ApiCall::UserMe];
    const SECRETS_MANAGER: [Fault; 3] = [Fault::Status(500), Fault::Status(400), Fault::Hangs];
    const OF_AWS: [Fault; 3] = [Fault::Status(500), Fault::Throttled, Fault::Hangs];
    let cold = |fault| ReconcileCase { process: Process::Cold, fault };
    let warm = |fault| ReconcileCase { process: Process::Warm, fault };
    let mut cases = vec![];
    for call in CALLS {
        cases.extend(KakaoFault::ALL.map(|fault| cold(Kakao(call, fault))));
    }
    let of_lists = [KakaoFault::Empty, KakaoFault::OtherApp, KakaoFault::EndsEarly];
    cases.extend(of_lists.map(|fault| cold(Kakao(ApiCall::UserIds, fault))));
    cases.push(cold(Kakao(ApiCall::AppUsers, KakaoFault::OtherApp)));
    let connections = [EdgeFault::Refuses, EdgeFault::Closes, EdgeFault::NoHttp, EdgeFault::Empty];
    cases.extend(connections.map(Connection).map(cold));
    for part in [Table, Notes, Links] {
        cases.extend(OF_AWS.map(part).map(cold));
    }
    cases.extend(OF_AWS.map(Queue).map(cold));
    cases.extend(SECRETS_MANAGER.map(NoKeys).map(cold));
    cases.extend(SECRETS_MANAGER.map(HeldKeys).map(warm));
    cases.extend(CALLS.map(Killed).map(cold));
    cases
}

impl ReconcileCase {
    pub(crate) const fn name() -> &'static str {
        "reconciler"
    }

    pub(crate) fn what_fails(&self) -> String {
        let words = delivery_case::words;
        match self.fault {
            ReconcileFault::Kakao(call, fault) => format!("`{}`: {}", call.path(), fault.words()),
            ReconcileFault::Connection(fault) => format!("Kakao's API: {}", fault.words()),
            ReconcileFault::Table(fault) => format!("table: {}", words(fault)),
            ReconcileFault::Notes(fault) => format!("table: {} for what a run notes", words(fault)),
            ReconcileFault::Links(fault) => format!("table: {} for the members' links", words(fault)),
            ReconcileFault::Queue(fault) => format!("queue: {}", words(fault)),
            ReconcileFault::NoKeys(fault) => format!("Secrets Manager: {}; no key is held", words(fault)),
            ReconcileFault::HeldKeys(fault) => format!("Secrets Manager: {}; the keys are held", words(fault)),
            ReconcileFault::Killed(call) => format!("the reconciler is killed, waiting for `{}`", call.path()),
        }
    }

    /// How the run stands after a minute with the fault (empty: there is no record of it), and when everything is found.
    pub(crate) const fn expected(&self) -> (&'static str, Found) {
        use KakaoFault::{Empty, EndsEarly, Error, OtherApp};
        match self.fault {
            ReconcileFault::HeldKeys(_) => ("done", Found::AtOnce),
            ReconcileFault::Kakao(_, fault) if fault.passes() => ("done", Found::AtOnce),
            ReconcileFault::Kakao(_, Error(ApiError::Unauthorized)) => ("failed", Found::NextDay),
            ReconcileFault::Kakao(ApiCall::UserIds, Empty | OtherApp) => ("held", Found::NextDay),
            ReconcileFault::Kakao(_, EndsEarly | OtherApp) => ("done", Found::NextDay),
            ReconcileFault::Kakao(ApiCall::UserMe, _) | ReconcileFault::Killed(ApiCall::UserMe) => {
                ("confirming", Found::InTheNextMinutes)
            }
            ReconcileFault::Table(_) | ReconcileFault::NoKeys(_) => ("", Found::InTheNextMinutes),
            _ => ("listing", Found::InTheNextMinutes),
        }
    }

    /// How long the minute may take.
    pub(crate) const fn patience() -> Duration {
        LIMIT
    }
}

//! The deliverer while something fails: no change may be lost on its way to the service's endpoint, and none may wait
//! for another.

use std::time::Duration;

use end_to_end::faults::Fault;

use crate::{edge_fault::EdgeFault, request_case::Process};

/// What is wrong while a batch of two users' changes is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryFault {
    /// The endpoint, for both.
    Endpoint(EdgeFault),
    /// The endpoint, for one of the two.
    OneUser(Fault),
    /// The endpoint names another address.
    Redirects,
    /// The endpoint's certificate is of an unknown CA.
    Certificate,
    /// The endpoint accepts only the new secret; the deliverer holds the old one.
    SecretRotated,
    /// Secrets Manager, and no secret is held.
    NoSecret(Fault),
    /// Secrets Manager, while a secret is held.
    HeldSecret(Fault),
    /// The same, and the endpoint answers 401, because of which the secret is read again.
    DoubtedSecret(Fault),
    /// The endpoint answers 503, and the pause can't be set.
    Pause(Fault),
    /// The deliverer is killed when one of the two is delivered.
    Killed,
    /// Another process empties the queue.
    Purged,
}

/// One batch of the deliverer while something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryCase {
    pub(crate) process: Process,
    pub(crate) fault: DeliveryFault,
}

/// Where a change is whose delivery failed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryPlace {
    Queue,
    Endpoint,
    Both,
    Nowhere,
}

impl DeliveryPlace {
    pub(crate) const fn of(in_queue: bool, at_endpoint: bool) -> Self {
        match (in_queue, at_endpoint) {
            (true, true) => Self::Both,
            (true, false) => Self::Queue,
            (false, true) => Self::Endpoint,
            (false, false) => Self::Nowhere,
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Queue => "`DeliveryQueue`",
            Self::Endpoint => "your service",
            Self::Both => "`DeliveryQueue` and your service",
            Self::Nowhere => "nowhere",
        }
    }
}

/// The deliverer's time in these tests. It leaves less than half of it to the endpoint.
const LIMIT: Duration = Duration::from_secs(5);

/// How the endpoint fails for both.
const ENDPOINT: [EdgeFault; 14] = [
    EdgeFault::Refuses,
    EdgeFault::Closes,
    EdgeFault::HalfThenCloses,
    EdgeFault::HalfThenHangs,
    EdgeFault::Hangs,
    EdgeFault::Slow,
    EdgeFault::VerySlow,
    EdgeFault::Status(400),
    EdgeFault::Status(404),
    EdgeFault::Status(410),
    EdgeFault::Status(429),
    EdgeFault::Status(500),
    EdgeFault::Status(503),
    EdgeFault::NoHttp,
];

/// Every case of the deliverer.
pub(crate) fn delivery_cases() -> Vec<DeliveryCase> {
    use DeliveryFault::{
        Certificate, DoubtedSecret, Endpoint, HeldSecret, Killed, NoSecret, OneUser, Pause, Purged, Redirects,
        SecretRotated,
    };
    const SECRETS_MANAGER: [Fault; 3] = [Fault::Status(500), Fault::Status(400), Fault::Hangs];
    let mut cases = vec![];
    for process in [Process::Cold, Process::Warm] {
        let of_process = |fault| DeliveryCase { process, fault };
        cases.extend(ENDPOINT.map(Endpoint).map(of_process));
        cases.extend([Fault::Hangs, Fault::Status(503)].map(OneUser).map(of_process));
        cases.push(of_process(Redirects));
        cases.extend([Fault::Status(500), Fault::Throttled, Fault::Hangs].map(Pause).map(of_process));
        cases.push(of_process(Killed));
    }
    let cold = |fault| DeliveryCase { process: Process::Cold, fault };
    let warm = |fault| DeliveryCase { process: Process::Warm, fault };
    cases.push(warm(Endpoint(EdgeFault::LosesConnections)));
    cases.push(cold(Certificate));
    cases.push(warm(SecretRotated));
    cases.extend(SECRETS_MANAGER.map(NoSecret).map(cold));
    cases.extend(SECRETS_MANAGER.map(HeldSecret).map(warm));
    cases.extend(SECRETS_MANAGER.map(DoubtedSecret).map(warm));
    cases.push(cold(Purged));
    cases
}

pub(crate) fn words(fault: Fault) -> String {
    match fault {
        Fault::Status(status) => format!("answers {status}"),
        Fault::Throttled => "throttles".to_owned(),
        Fault::Hangs => "hangs".to_owned(),
        other => format!("{other:?}"),
    }
}

impl DeliveryCase {
    pub(crate) const fn name() -> &'static str {
        "deliverer"
    }

    pub(crate) fn what_fails(&self) -> String {
        match self.fault {
            DeliveryFault::Endpoint(fault) => format!("endpoint: {}", fault.words()),
            DeliveryFault::OneUser(fault) => format!("endpoint: {} for one of two users", words(fault)),
            DeliveryFault::Redirects => "endpoint: redirects".to_owned(),
            DeliveryFault::Certificate => "endpoint: has a certificate of an unknown CA".to_owned(),
            DeliveryFault::SecretRotated => "endpoint: answers 401, because the secret was replaced".to_owned(),
            DeliveryFault::NoSecret(fault) => format!("Secrets Manager: {}; no secret is held", words(fault)),
            DeliveryFault::HeldSecret(fault) => format!("Secrets Manager: {}; a secret is held", words(fault)),
            DeliveryFault::DoubtedSecret(fault) => {
                format!("Secrets Manager: {}; a secret is held; endpoint: answers 401", words(fault))
            }
            DeliveryFault::Pause(fault) => {
                format!("endpoint: answers 503; `ChangeMessageVisibility`: {}", words(fault))
            }
            DeliveryFault::Killed => "the deliverer is killed in the middle of a batch".to_owned(),
            DeliveryFault::Purged => "`DeliveryQueue` is purged".to_owned(),
        }
    }

    /// Whether both are delivered despite the fault, and where what isn't waits for the next attempt.
    pub(crate) const fn expected(&self) -> (bool, DeliveryPlace) {
        match self.fault {
            DeliveryFault::HeldSecret(_)
            | DeliveryFault::Endpoint(
                EdgeFault::Slow | EdgeFault::VerySlow | EdgeFault::HalfThenCloses | EdgeFault::HalfThenHangs,
            ) => (true, DeliveryPlace::Endpoint),
            DeliveryFault::Purged => (false, DeliveryPlace::Nowhere),
            _ => (false, DeliveryPlace::Queue),
        }
    }

    /// What the deliverer makes of the batch.
    pub(crate) const fn result(&self, is_delivered: bool) -> &'static str {
        match (self.fault, is_delivered) {
            (_, true) => "delivered",
            (DeliveryFault::Killed, _) => "none; delivered by the next",
            (DeliveryFault::Purged, _) => "lost; delivered after `khook publish`",
            _ => "reported as failed",
        }
    }

    /// How long it may take.
    pub(crate) const fn patience() -> Duration {
        LIMIT
    }
}

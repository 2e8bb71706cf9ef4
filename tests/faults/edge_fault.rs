//! The faults of the queue, the table and the key endpoint, and what each means for the caller.

use std::time::Duration;

use end_to_end::proxy::{ConnectionFault, CutAnswer};

/// What is reached over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    Queue,
    Table,
    Keys,
    /// The service's, to which changes are delivered.
    Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeFault {
    Works,
    Refuses,
    Closes,
    Resets,
    HalfThenCloses,
    HalfThenHangs,
    Hangs,
    Slow,
    VerySlow,
    Status(u16),
    Throttles,
    NoHttp,
    NoJson,
    Empty,
    /// Open connections are dead; new ones work.
    LosesConnections,
}

impl EdgeFault {
    /// Everything that lasts as long as the fault does, for every edge.
    pub(crate) const FAULTS: [Self; 15] = [
        Self::Refuses,
        Self::Closes,
        Self::Resets,
        Self::HalfThenCloses,
        Self::HalfThenHangs,
        Self::Hangs,
        Self::Slow,
        Self::VerySlow,
        Self::Status(400),
        Self::Status(403),
        Self::Status(500),
        Self::Status(503),
        Self::Throttles,
        Self::NoHttp,
        Self::NoJson,
    ];

    /// One of each way in which time is lost or an event is stored without an answer.
    pub(crate) const TELLING: [Self; 7] = [
        Self::Refuses,
        Self::Hangs,
        Self::VerySlow,
        Self::Resets,
        Self::HalfThenHangs,
        Self::Status(503),
        Self::Throttles,
    ];

    pub(crate) fn words(self) -> String {
        match self {
            Self::Works => "works",
            Self::Refuses => "refuses connections",
            Self::Closes => "accepts and closes connections",
            Self::Resets => "performs the call, resets in mid-answer",
            Self::HalfThenCloses => "performs the call, closes in mid-answer",
            Self::HalfThenHangs => "performs the call, hangs in mid-answer",
            Self::Hangs => "hangs",
            Self::Slow => "answers after 0.3 s",
            Self::VerySlow => "answers after 1.5 s",
            Self::Status(status) => return format!("answers {status}"),
            Self::Throttles => "throttles",
            Self::NoHttp => "answers, but not in HTTP",
            Self::NoJson => "answers 200 with a body that is not JSON",
            Self::Empty => "answers 200 with an empty body",
            Self::LosesConnections => "lost its open connections",
        }
        .to_owned()
    }

    /// Whether the call is performed, confirmed or not.
    pub(crate) const fn takes(self) -> bool {
        matches!(
            self,
            Self::Works
                | Self::Slow
                | Self::VerySlow
                | Self::Resets
                | Self::HalfThenCloses
                | Self::HalfThenHangs
                | Self::LosesConnections
        )
    }

    /// Whether an acknowledging function gets a confirmation within the time that it waits for that edge.
    pub(crate) const fn confirms(self) -> bool {
        match self {
            Self::Works | Self::LosesConnections => true,
            // Any attempt may take that long.
            Self::Slow => true,
            _ => false,
        }
    }

    /// As the proxy before that edge does it.
    pub(crate) fn fault(self, edge: Edge) -> ConnectionFault {
        match self {
            Self::Works | Self::LosesConnections => ConnectionFault::None,
            Self::Refuses => ConnectionFault::Refuses,
            Self::Closes => ConnectionFault::Closes,
            Self::Resets => ConnectionFault::Cuts(CutAnswer::Reset),
            Self::HalfThenCloses => ConnectionFault::Cuts(CutAnswer::Close),
            Self::HalfThenHangs => ConnectionFault::Cuts(CutAnswer::Hang),
            Self::Hangs => ConnectionFault::Hangs,
            Self::Slow => ConnectionFault::Slow(Duration::from_millis(300)),
            Self::VerySlow => ConnectionFault::Slow(Duration::from_millis(1_500)),
            Self::Status(status) => answers(status, ""),
            Self::Throttles => match edge {
                Edge::Queue => answers(400, r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"Slow down"}"#),
                Edge::Table => answers(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"Slow down"}"#,
                ),
                Edge::Keys | Edge::Endpoint => answers(429, ""),
            },
            Self::NoHttp => ConnectionFault::Answers("220 mail.example.com ESMTP\r\n\r\n".to_owned()),
            Self::NoJson => answers(200, "<html>Maintenance</html>"),
            Self::Empty => answers(200, ""),
        }
    }
}

fn answers(status: u16, body: &str) -> ConnectionFault {
    let length = body.len();
    ConnectionFault::Answers(format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}

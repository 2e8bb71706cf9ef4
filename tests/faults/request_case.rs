//! The cases of a request: what fails in which way, for which function, in which of its lives.

use std::{collections::BTreeSet, time::Duration};

use crate::{edge_fault::EdgeFault, function::Function};

/// What a function's process has seen before the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    /// Nothing: the request starts it.
    Cold,
    /// A request that went to the inbox, and a good one: it is connected to both.
    Warm,
    /// Many requests that went to the inbox, and a good one.
    AfterOutage,
}

impl Process {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::AfterOutage => "after a long outage",
        }
    }
}

/// Where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Queue,
    Inbox,
    Both,
    Nowhere,
}

impl Place {
    pub(crate) const fn of(in_queue: bool, in_inbox: bool) -> Self {
        match (in_queue, in_inbox) {
            (true, true) => Self::Both,
            (true, false) => Self::Queue,
            (false, true) => Self::Inbox,
            (false, false) => Self::Nowhere,
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Inbox => "inbox",
            Self::Both => "queue and inbox",
            Self::Nowhere => "nowhere",
        }
    }
}

/// One request to an acknowledging function while something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestCase {
    pub(crate) group: Group,
    pub(crate) function: Function,
    pub(crate) process: Process,
    pub(crate) queue: EdgeFault,
    pub(crate) table: EdgeFault,
    pub(crate) keys: EdgeFault,
    /// Whether the table has a stored key set.
    pub(crate) key_set_stored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Queue,
    Table,
    Both,
    Pairs,
    Keys,
    KeysAndMore,
    Frozen,
    Processor,
    Janitor,
    Deliverer,
    Reconciler,
    Answers,
}

impl Group {
    pub(crate) const ALL: [Self; 12] = [
        Self::Queue,
        Self::Table,
        Self::Both,
        Self::Pairs,
        Self::Keys,
        Self::KeysAndMore,
        Self::Frozen,
        Self::Processor,
        Self::Janitor,
        Self::Deliverer,
        Self::Reconciler,
        Self::Answers,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Queue => "The queue fails",
            Self::Table => "The table fails: acknowledgements are not affected",
            Self::Both => "Queue and table fail in the same way",
            Self::Pairs => "Queue and table fail, each in its own way",
            Self::Keys => "The key endpoint fails",
            Self::KeysAndMore => "The key endpoint fails, and more",
            Self::Frozen => "Connections died while the function was frozen",
            Self::Processor => "The processor: the table fails",
            Self::Janitor => "The janitor: the queue fails",
            Self::Deliverer => "The deliverer: the endpoint, the secret or the queue fails",
            Self::Answers => {
                "A chatbot's answers: your answerer, Kakao's callback, the queue, the table or the secret fails"
            }
            Self::Reconciler => "The reconciler: Kakao's API, the table, the queue or the secret fails",
        }
    }
}

impl RequestCase {
    const fn new(group: Group, function: Function, process: Process) -> Self {
        Self {
            group,
            function,
            process,
            queue: EdgeFault::Works,
            table: EdgeFault::Works,
            keys: EdgeFault::Works,
            key_set_stored: false,
        }
    }

    pub(crate) fn what_fails(&self) -> String {
        let mut failing: Vec<(Vec<&str>, EdgeFault)> = vec![];
        for (edge, fault) in [("queue", self.queue), ("table", self.table), ("key endpoint", self.keys)] {
            match failing.iter_mut().find(|(_, other)| *other == fault) {
                _ if fault == EdgeFault::Works => {}
                Some((edges, _)) => edges.push(edge),
                None => failing.push((vec![edge], fault)),
            }
        }
        let mut words: Vec<_> =
            failing.into_iter().map(|(edges, fault)| format!("{}: {}", edges.join(", "), fault.words())).collect();
        if self.keys != EdgeFault::Works && self.process == Process::Cold {
            words.push(if self.key_set_stored { "a key set is stored" } else { "no key set is stored" }.to_owned());
        }
        words.join("; ")
    }

    /// Whether the request is to be acknowledged, and where its event is then.
    pub(crate) const fn expected(&self) -> (bool, Place) {
        let has_keys = !matches!(self.function, Function::AccountStatus)
            || !matches!(self.process, Process::Cold)
            || self.keys.confirms()
            || (self.key_set_stored && self.table.confirms());
        if !has_keys {
            return (false, Place::Nowhere);
        }
        if self.queue.confirms() {
            return (true, Place::Queue);
        }
        (self.table.confirms(), Place::of(self.queue.takes(), self.table.takes()))
    }

    /// How long an answer may take: the function's own budget, and what a machine under load adds.
    pub(crate) fn patience(&self) -> Duration {
        self.function.budget() + Duration::from_millis(400)
    }
}

/// Every case of a request.
pub(crate) fn request_cases() -> Vec<RequestCase> {
    let mut cases = alone();
    cases.extend(together());
    cases.extend(of_keys());
    cases.extend(frozen());
    cases
}

const BEGINNINGS: [Process; 2] = [Process::Cold, Process::Warm];

fn alone() -> Vec<RequestCase> {
    let mut cases = vec![];
    for function in Function::ALL {
        for process in BEGINNINGS {
            for queue in EdgeFault::FAULTS.into_iter().chain([EdgeFault::Empty]) {
                cases.push(RequestCase { queue, ..RequestCase::new(Group::Queue, function, process) });
            }
        }
        for table in EdgeFault::FAULTS {
            cases.push(RequestCase { table, ..RequestCase::new(Group::Table, function, Process::Cold) });
        }
    }
    cases
}

fn together() -> Vec<RequestCase> {
    let mut cases = vec![];
    for fault in EdgeFault::FAULTS {
        for function in Function::ALL {
            cases.push(RequestCase {
                queue: fault,
                table: fault,
                ..RequestCase::new(Group::Both, function, Process::Cold)
            });
        }
        cases.push(RequestCase {
            queue: fault,
            table: fault,
            ..RequestCase::new(Group::Both, Function::Unlink, Process::Warm)
        });
    }
    for queue in EdgeFault::TELLING {
        for table in EdgeFault::TELLING {
            if queue != table {
                cases.push(RequestCase {
                    queue,
                    table,
                    ..RequestCase::new(Group::Pairs, Function::Unlink, Process::Warm)
                });
            }
        }
        cases.push(RequestCase {
            queue,
            table: EdgeFault::Slow,
            ..RequestCase::new(Group::Pairs, Function::Unlink, Process::Warm)
        });
    }
    cases
}

fn of_keys() -> Vec<RequestCase> {
    let mut cases = vec![];
    for keys in EdgeFault::FAULTS {
        let case = |process| RequestCase { keys, ..RequestCase::new(Group::Keys, Function::AccountStatus, process) };
        cases.extend([
            case(Process::Cold),
            RequestCase { key_set_stored: true, ..case(Process::Cold) },
            case(Process::Warm),
        ]);
    }
    for fault in EdgeFault::TELLING {
        for keys in [fault, EdgeFault::Hangs] {
            let cold = RequestCase {
                keys,
                key_set_stored: true,
                ..RequestCase::new(Group::KeysAndMore, Function::AccountStatus, Process::Cold)
            };
            cases.extend([
                RequestCase { queue: fault, ..cold },
                RequestCase { table: fault, ..cold },
                RequestCase { queue: fault, table: fault, ..cold },
                RequestCase { queue: fault, table: fault, process: Process::Warm, ..cold },
            ]);
        }
    }
    let mut known = BTreeSet::new();
    cases.retain(|case| known.insert((case.what_fails(), case.process)));
    cases
}

fn frozen() -> Vec<RequestCase> {
    let mut cases = vec![];
    let lost = EdgeFault::LosesConnections;
    for function in Function::ALL {
        let warm = RequestCase::new(Group::Frozen, function, Process::Warm);
        cases.extend([
            RequestCase { queue: lost, ..warm },
            RequestCase { queue: lost, table: lost, ..warm },
            RequestCase { queue: EdgeFault::Status(503), table: lost, ..warm },
            RequestCase { queue: EdgeFault::Hangs, table: lost, ..warm },
        ]);
    }
    cases.push(RequestCase { queue: lost, ..RequestCase::new(Group::Frozen, Function::Unlink, Process::AfterOutage) });
    cases
}

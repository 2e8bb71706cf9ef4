//! The rows: what fails in which way, for which function, in which of its lives.

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
pub(crate) struct Row {
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
}

impl Group {
    pub(crate) const ALL: [Self; 9] = [
        Self::Queue,
        Self::Table,
        Self::Both,
        Self::Pairs,
        Self::Keys,
        Self::KeysAndMore,
        Self::Frozen,
        Self::Processor,
        Self::Janitor,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Queue => "The queue fails",
            Self::Table => "The table fails: nobody who acknowledges notices",
            Self::Both => "Queue and table fail in the same way",
            Self::Pairs => "Queue and table fail, each in its own way",
            Self::Keys => "The key endpoint fails",
            Self::KeysAndMore => "The key endpoint fails, and more",
            Self::Frozen => "Connections died while the function was frozen",
            Self::Processor => "The processor: the table fails",
            Self::Janitor => "The janitor: the queue fails",
        }
    }
}

impl Row {
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

    /// So long an answer may take: the function's own budget, and what a machine under load adds.
    pub(crate) fn patience(&self) -> Duration {
        self.function.budget() + Duration::from_millis(400)
    }
}

/// Every row.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = alone();
    rows.extend(together());
    rows.extend(of_keys());
    rows.extend(frozen());
    rows
}

const BEGINNINGS: [Process; 2] = [Process::Cold, Process::Warm];

fn alone() -> Vec<Row> {
    let mut rows = vec![];
    for function in Function::ALL {
        for process in BEGINNINGS {
            for queue in EdgeFault::FAULTS.into_iter().chain([EdgeFault::Empty]) {
                rows.push(Row { queue, ..Row::new(Group::Queue, function, process) });
            }
        }
        for table in EdgeFault::FAULTS {
            rows.push(Row { table, ..Row::new(Group::Table, function, Process::Cold) });
        }
    }
    rows
}

fn together() -> Vec<Row> {
    let mut rows = vec![];
    for fault in EdgeFault::FAULTS {
        for function in Function::ALL {
            rows.push(Row { queue: fault, table: fault, ..Row::new(Group::Both, function, Process::Cold) });
        }
        rows.push(Row { queue: fault, table: fault, ..Row::new(Group::Both, Function::Unlink, Process::Warm) });
    }
    for queue in EdgeFault::TELLING {
        for table in EdgeFault::TELLING {
            if queue != table {
                rows.push(Row { queue, table, ..Row::new(Group::Pairs, Function::Unlink, Process::Warm) });
            }
        }
        rows.push(Row { queue, table: EdgeFault::Slow, ..Row::new(Group::Pairs, Function::Unlink, Process::Warm) });
    }
    rows
}

fn of_keys() -> Vec<Row> {
    let mut rows = vec![];
    for keys in EdgeFault::FAULTS {
        let row = |process| Row { keys, ..Row::new(Group::Keys, Function::AccountStatus, process) };
        rows.extend([row(Process::Cold), Row { key_set_stored: true, ..row(Process::Cold) }, row(Process::Warm)]);
    }
    for fault in EdgeFault::TELLING {
        for keys in [fault, EdgeFault::Hangs] {
            let cold = Row {
                keys,
                key_set_stored: true,
                ..Row::new(Group::KeysAndMore, Function::AccountStatus, Process::Cold)
            };
            rows.extend([
                Row { queue: fault, ..cold },
                Row { table: fault, ..cold },
                Row { queue: fault, table: fault, ..cold },
                Row { queue: fault, table: fault, process: Process::Warm, ..cold },
            ]);
        }
    }
    let mut known = BTreeSet::new();
    rows.retain(|row| known.insert((row.what_fails(), row.process)));
    rows
}

fn frozen() -> Vec<Row> {
    let mut rows = vec![];
    let lost = EdgeFault::LosesConnections;
    for function in Function::ALL {
        let warm = Row::new(Group::Frozen, function, Process::Warm);
        rows.extend([
            Row { queue: lost, ..warm },
            Row { queue: lost, table: lost, ..warm },
            Row { queue: EdgeFault::Status(503), table: lost, ..warm },
            Row { queue: EdgeFault::Hangs, table: lost, ..warm },
        ]);
    }
    rows.push(Row { queue: lost, ..Row::new(Group::Frozen, Function::Unlink, Process::AfterOutage) });
    rows
}

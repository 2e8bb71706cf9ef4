//! The facts about a stack, in our own types: the input of the checks.

use std::{collections::BTreeMap, fmt};

use kakao_webhooks::{
    auth::{KeySet, KeySetError},
    wire::{AppId, Time, rest_api::RestError},
};
use runtime::{
    config::Variables,
    reconcile::{ReaderKeysError, Run},
};

use crate::{commands::check::finding::Judgement, ui::age};

/// What was read, or why it wasn't.
pub(super) type Read<T> = Result<T, Unread>;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The caller may not take this action.
    Denied(&'static str),
    /// There was no answer in time.
    Late(&'static str),
    /// Something else, in a sentence.
    Failed(String),
}

impl Unread {
    /// A missing permission is no fault of the stack, but then the stack was not seen to be healthy either.
    pub(super) fn judgement(&self) -> Judgement {
        match self {
            Self::Denied(action) => Judgement::unknown("it may not be read", format!("allow yourself {action}")),
            Self::Late(action) => Judgement::unknown(
                format!("{action} had no answer in time"),
                "look again; AWS's health dashboard, if it stays so",
            ),
            Self::Failed(reason) => {
                let (seen, fix) = parted(reason);
                Judgement::unknown(
                    seen,
                    fix.unwrap_or("are the stack's name, the region (AWS_REGION) and the credentials right?"),
                )
            }
        }
    }
}

/// What is wrong, and how to fix it where the sentence says so: behind its colon. That of an unknown error has AWS's own
/// code and text there.
fn parted(reason: &str) -> (&str, Option<&str>) {
    let is_fix = |(seen, _): &(&str, &str)| {
        !seen.ends_with(" failed") && !seen.ends_with("can't be asked for") && !seen.contains('(')
    };
    reason.split_once(": ").filter(is_fix).map_or((reason, None), |(seen, fix)| (seen, Some(fix)))
}

/// A stack, as CloudFormation knows it.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub(super) status: String,
    pub(super) outputs: BTreeMap<String, String>,
    /// The last time that it was created or updated.
    pub(super) deployed_at: Option<Time>,
}

impl Stack {
    pub(super) fn is_changing(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS")
    }
}

/// A resource of a stack.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) physical_id: String,
    pub(super) kind: String,
}

/// A function, or one of its versions.
#[derive(Clone, Debug, Default)]
pub(super) struct Function {
    pub(super) state: String,
    pub(super) last_update: String,
    /// Why, where it isn't as it should be.
    pub(super) reason: Option<String>,
    /// When its code or its settings changed last.
    pub(super) modified_at: Option<Time>,
    pub(super) code_sha256: String,
    pub(super) version: String,
    pub(super) settings: Settings,
}

/// A function's variables. Never shown: names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Settings(pub(super) BTreeMap<String, String>);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Settings {
    /// As the function itself would read them.
    pub(super) fn variables(&self) -> Variables<'_> {
        Variables::new(|name| self.0.get(name).cloned())
    }

    /// What Lambda counts against its limit.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The names whose values aren't the same in both.
    pub(super) fn differing<'s>(&'s self, other: &'s Self) -> Vec<&'s str> {
        let differs = |name: &&String| self.0.get(*name) != other.0.get(*name);
        let own = self.0.keys().filter(differs);
        own.chain(other.0.keys().filter(|name| !self.0.contains_key(*name))).map(String::as_str).collect()
    }
}

/// An event source mapping: by which Lambda takes messages or records to a function.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) state: String,
    /// The reason for its state.
    pub(super) reason: Option<String>,
    /// The result of the last batch, in Lambda's words. Mappings of SQS have none.
    pub(super) last_result: Option<String>,
    /// The limit of concurrent batches, if there is one.
    pub(super) most_at_once: Option<i32>,
}

/// An alarm.
#[derive(Clone, Debug)]
pub(super) struct Alarm {
    pub(super) name: String,
    pub(super) is_firing: bool,
    pub(super) description: String,
    /// Whether anyone is notified.
    pub(super) notifies: bool,
}

/// How many executions the account's functions may have at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    pub(super) concurrent: i32,
    /// Of those, what no function has for itself.
    pub(super) unreserved: i32,
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backlog {
    pub(super) waiting: u64,
    /// Received, and not deleted yet.
    pub(super) in_hand: u64,
}

/// What waits in the inbox, as far as it was looked.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    pub(super) events: usize,
    /// There may be more.
    pub(super) is_cut: bool,
    /// When the oldest of those was received.
    pub(super) oldest: Option<Time>,
}

/// The key set that the table keeps.
#[derive(Clone, Debug)]
pub(super) struct StoredKeys {
    pub(super) fetched_at: Option<Time>,
    pub(super) set: Result<KeySet, KeySetError>,
}

/// The key set that its endpoint publishes: why there is none, or what it holds.
pub(super) type PublishedKeys = Result<Result<KeySet, KeySetError>, String>;

/// What is known of the reconciler, in a stack that has it.
#[derive(Debug)]
pub(super) struct Reconciling {
    /// The status of the index `roster`. `None`: the table has none.
    pub(super) index: Read<Option<String>>,
    /// What Kakao answers here to each app's key. `None`: the function's settings, which are judged elsewhere, name no
    /// secret.
    pub(super) proofs: Option<Read<Result<Proofs, ReaderKeysError>>>,
    /// The runs of the apps in the secret; of the service's apps, if it could not be read. `None`: the app has none.
    pub(super) runs: BTreeMap<AppId, Read<Option<Run>>>,
}

/// What Kakao answers to each app's key.
pub(super) type Proofs = BTreeMap<AppId, Result<(), RestError>>;

/// All that is known of a stack.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) now: Time,
    pub(super) stack: Stack,
    pub(super) resources: Read<Vec<Resource>>,
    /// By name, those that the stack has. `None`: Lambda has none of that name.
    pub(super) functions: BTreeMap<&'static str, Read<Option<Function>>>,
    /// What the alias `live` of an acknowledging function serves, by the function's name. `None`: there is no such
    /// alias.
    pub(super) live: BTreeMap<&'static str, Read<Option<Function>>>,
    /// By logical id, those that the stack has. `None`: Lambda has none of that id.
    pub(super) sources: BTreeMap<&'static str, Read<Option<Source>>>,
    pub(super) alarms: Read<Vec<Alarm>>,
    pub(super) quota: Read<Quota>,
    /// By output. Those that the stack has.
    pub(super) queues: BTreeMap<&'static str, Read<Backlog>>,
    pub(super) inbox: Read<Inbox>,
    pub(super) quarantined: Read<usize>,
    /// The view type of the table's stream. `None`: it has no stream.
    pub(super) stream_view: Read<Option<String>>,
    pub(super) stored_keys: Read<Option<StoredKeys>>,
    /// `None` where no function says where it is.
    pub(super) published_keys: Option<PublishedKeys>,
    /// `None` in a stack without a reconciler.
    pub(super) reconciling: Option<Reconciling>,
}

/// This many seconds after a deployment the janitor has run, and an alarm that waits for it has gone quiet.
const NEW: i64 = 900;

impl Facts {
    /// Whether it was deployed a moment ago.
    pub(super) fn is_new(&self) -> bool {
        self.stack.deployed_at.is_some_and(|time| age::seconds(time, self.now) < NEW)
    }

    /// An event source mapping that could be read.
    pub(super) fn source(&self, logical_id: &str) -> Option<&Source> {
        self.sources.get(logical_id)?.as_ref().ok()?.as_ref()
    }

    /// The functions that could be read.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'static str, &Function)> {
        self.functions.iter().filter_map(|(name, read)| Some((*name, read.as_ref().ok()?.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_with_a_fix_is_shown_with_that_fix_and_any_other_with_the_general_one() {
        let judged = |reason: &str| Unread::Failed(reason.to_owned()).judgement();
        let without_credentials = judged("no AWS credentials: set AWS_PROFILE, or sign in");
        assert_eq!(
            (&*without_credentials.seen, &*without_credentials.fix),
            ("no AWS credentials", "set AWS_PROFILE, or sign in")
        );
        let unknown = judged("dynamodb:Query failed: ValidationException: text");
        assert_eq!(unknown.seen, "dynamodb:Query failed: ValidationException: text");
        assert!(unknown.fix.starts_with("are the stack's name"), "{unknown:?}");
    }
}

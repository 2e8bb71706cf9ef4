//! The AWS account's facts about a stack: the doctor's only edge inside.

use kakao_webhooks::wire::{AppId, Time};
use runtime::reconcile::{ReaderKeys, ReaderKeysError, Run};

use super::facts::{Alarm, Backlog, Function, Inbox, Quota, Read, Resource, Source, Stack, StoredKeys};

/// The account, asked. Each call ends in time and changes nothing.
pub(super) trait Account {
    /// The stack.
    async fn stack(&self) -> Read<Stack>;
    /// Everything in it.
    async fn resources(&self) -> Read<Vec<Resource>>;
    /// A function as it was deployed last, or what its alias serves. `None` if there is no such one.
    async fn function(&self, name: &str, alias: Option<&str>) -> Read<Option<Function>>;
    /// An event source mapping. `None` if there is no such one.
    async fn source(&self, id: &str) -> Read<Option<Source>>;
    /// Those of these alarms that are there.
    async fn alarms(&self, names: &[String]) -> Read<Vec<Alarm>>;
    /// What its functions may do at once.
    async fn quota(&self) -> Read<Quota>;
    /// What waits in a queue.
    async fn backlog(&self, queue_url: &str) -> Read<Backlog>;
    /// What waits in the table's inbox.
    async fn inbox(&self, table: &str) -> Read<Inbox>;
    /// How many events are in quarantine.
    async fn quarantined(&self, table: &str, now: Time) -> Read<usize>;
    /// The view type of the table's stream. `None`: it has no stream.
    async fn stream_view(&self, table: &str) -> Read<Option<String>>;
    /// The key set that the table keeps.
    async fn stored_keys(&self, table: &str) -> Read<Option<StoredKeys>>;
    /// The status of the table's index `roster`. `None`: it has none.
    async fn roster_index(&self, table: &str) -> Read<Option<String>>;
    /// The keys in the secret with this ARN, by which members are read.
    async fn reader_keys(&self, arn: &str) -> Read<Result<ReaderKeys, ReaderKeysError>>;
    /// An app's run.
    async fn run(&self, table: &str, app: &AppId) -> Read<Option<Run>>;
}

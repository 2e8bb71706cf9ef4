//! The index `roster`: the members of each app whose link is not unlinked, in the order of their member numbers. Its
//! attributes stand in the state's item, whether the index exists or not.

use aws_sdk_dynamodb::types::AttributeValue;
use kakao_webhooks::{
    envelope::RECONCILED_ID,
    state::{Members, Subject},
    wire::AppId,
};

use serde_json::Value;

use super::items::{Item, text};

/// The index's name.
pub const ROSTER: &str = "roster";
/// Its partition key, its sort key, and what it is projected with. They change with the link's status only, and so
/// nothing else is written to the index.
pub const ROSTER_ATTRIBUTES: [&str; 3] = [ROSTER, "roster_id", "roster_link"];

/// The partitions of an app's part of the index: several, so that no one of them takes all writes.
pub const ROSTER_SHARDS: u64 = 8;

/// A partition of the index.
pub(crate) fn shard(app: &AppId, shard: u64) -> String {
    format!("{app}#{shard}")
}

/// A webhook or the service reported the link.
pub(crate) const REPORTED: &str = "linked";
/// The reconciler found it.
pub(crate) const FOUND: &str = "reconciled";
/// Only other things are known of the member: a channel, a consent.
const UNKNOWN: &str = "unknown";

/// Kakao's numbers have 64 bits with a sign: greater ones are on no list, and can't be asked for.
const GREATEST: u64 = i64::MAX.unsigned_abs();

/// The attributes of a state with these members; none if it does not belong into the roster.
pub(crate) fn attributes(subject: &Subject, members: &Members) -> Item {
    let Subject::User(app, user) = subject else { return Item::new() };
    let status = members.get("link").and_then(|link| link.get("status")).and_then(Value::as_str);
    let by = members.get("_merge").and_then(|merge| merge.pointer("/by/link")).and_then(Value::as_str);
    let link = match (status, by) {
        _ if user.number() > GREATEST => return Item::new(),
        (Some("unlinked"), _) => return Item::new(),
        (Some(_), Some(by)) if by.starts_with(RECONCILED_ID) => FOUND,
        (Some(_), _) => REPORTED,
        (None, _) => UNKNOWN,
    };
    let [partition, sort, projected] = ROSTER_ATTRIBUTES.map(str::to_owned);
    Item::from([
        (partition, text(shard(app, user.number() % ROSTER_SHARDS))),
        (sort, AttributeValue::N(user.digits())),
        (projected, text(link)),
    ])
}

/// The attributes that an item has.
pub(crate) fn of_item(item: &Item) -> Item {
    let of = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    ROSTER_ATTRIBUTES.into_iter().filter_map(of).collect()
}

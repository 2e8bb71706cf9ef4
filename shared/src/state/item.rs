use super::{DocumentError, Members, State, Subject, UserState};
use crate::wire::Time;

/// A user's item, as it is stored: whose it is, how often it was written, and what is true of them.
#[derive(Clone, Debug, PartialEq)]
pub struct UserItem {
    /// Whose.
    pub subject: Subject,
    /// Grows with every write.
    pub version: u64,
    /// What is true.
    pub state: UserState,
}

impl UserItem {
    /// Reads the members of an item whose partition is a member's or an open id's.
    ///
    /// # Errors
    /// [`DocumentError`]: it is of another form, or names no user.
    pub fn read(members: Members) -> Result<Self, DocumentError> {
        let text = |name| members.get(name).and_then(|value| value.as_str());
        let subject = text("pk").and_then(Subject::of_partition_key).ok_or(DocumentError::new("pk"))?;
        let version =
            members.get("version").and_then(serde_json::Value::as_u64).ok_or(DocumentError::new("version"))?;
        let (state, _rest) = UserState::from_members(members)?;
        Ok(Self { subject, version, state })
    }
}

/// The time that a version is, if its item was written for the first time in its millisecond.
#[must_use]
pub fn time_of_version(version: u64) -> Option<Time> {
    i64::try_from(version).ok().and_then(Time::from_millis)
}

/// When an item was written, in milliseconds: the version has them, the table's stream only the second. A version of an
/// earlier release, or one that only counts on from another, is no time.
#[must_use]
pub fn time_of_write(version: u64, second: Time) -> Time {
    const SAME_MILLIS: i64 = 60_000;
    let is_near = |time: &Time| time.millis_since(second).abs() <= SAME_MILLIS;
    time_of_version(version).filter(is_near).unwrap_or(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_far_from_its_second_is_no_time() {
        let second = Time::from_millis(1_740_799_800_000).unwrap();
        for (version, expected) in [
            (1_740_799_800_123, 1_740_799_800_123),
            (1_740_799_860_000, 1_740_799_860_000),
            (1_740_799_860_001, 1_740_799_800_000),
            (7, 1_740_799_800_000),
            (u64::MAX, 1_740_799_800_000),
        ] {
            assert_eq!(time_of_write(version, second).as_millis(), expected, "{version}");
        }
    }
}

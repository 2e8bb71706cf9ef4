use super::{DocumentError, Members, State, Subject, UserState};

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

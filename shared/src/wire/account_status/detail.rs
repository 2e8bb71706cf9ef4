use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::EventType;
use crate::wire::{Fields, Personal, ScopeId, Unreadable, open::open_enum, unlink::UnlinkReason};

open_enum! {
    /// Why a Kakao account is disabled (OpenID RISC Profile 1.0 §2.3).
    DisabledReason {
        /// Somebody else took the account over.
        Hijacking = "hijacking",
        /// The account is one of many made by a machine.
        BulkAccount = "bulk-account",
    }
}

/// What an event's members say, as far as it has an effect. Each known event type has its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// The event says all by its type, or is unknown.
    None,
    /// `user-unlinked`.
    Unlinked(Option<UnlinkReason>),
    /// `user-scope-consent` and `user-scope-withdraw`.
    Scopes(Vec<ScopeId>),
    /// `account-disabled`.
    Disabled(Option<DisabledReason>),
    /// `credential-compromise`, `account-credential-change-required` and `credential-change`.
    Credential {
        /// `password`, `pin`, … (OpenID CAEP 1.0 §3.3, RISC Profile 1.0 §2.7).
        credential_type: Option<String>,
        /// `create`, `revoke`, `update`, `delete` (OpenID CAEP 1.0 §3.3).
        change_type: Option<String>,
    },
    /// `assurance-level-change` (OpenID CAEP 1.0 §3.4).
    Assurance {
        /// The level now.
        current: Option<String>,
        /// The level before.
        previous: Option<String>,
        /// `increase` or `decrease`.
        direction: Option<String>,
    },
    /// `user-profile-changed`: the changed values by their names, which Kakao doesn't publish.
    Profile(Personal<Map<String, Value>>),
}

impl Detail {
    pub(super) fn read(event_type: &EventType, members: &Map<String, Value>) -> Result<Self, Unreadable> {
        let fields = Fields::from(members);
        // An odd word beside the fact must not cost the fact: it is left out.
        let text = |name| fields.word(name);
        Ok(match event_type {
            EventType::UserUnlinked => Self::Unlinked(text("reason").map(UnlinkReason::from)),
            EventType::UserScopeConsent | EventType::UserScopeWithdraw => Self::Scopes(scopes(&fields)?),
            EventType::AccountDisabled => Self::Disabled(text("reason").map(DisabledReason::from)),
            EventType::CredentialCompromise
            | EventType::AccountCredentialChangeRequired
            | EventType::CredentialChange => {
                Self::Credential { credential_type: text("credential_type"), change_type: text("change_type") }
            }
            EventType::AssuranceLevelChange => Self::Assurance {
                current: text("current_level"),
                previous: text("previous_level"),
                direction: text("change_direction"),
            },
            EventType::UserProfileChanged => Self::Profile(Personal::new(members.clone())),
            _ => Self::None,
        })
    }
}

/// `scope` or `scopes`, as a text with spaces between or as a list: implementers saw each. An event
/// that names none has nothing to say and is unreadable: it must not pass as done.
fn scopes(fields: &Fields<'_>) -> Result<Vec<ScopeId>, Unreadable> {
    let mut found = Vec::new();
    for name in ["scope", "scopes"] {
        match fields.get(name) {
            None => {}
            Some(Value::String(text)) => found.extend(text.split_whitespace().map(str::to_owned)),
            Some(Value::Array(list)) => {
                for element in list {
                    found.push(element.as_str().ok_or(Unreadable::Shape(name))?.to_owned());
                }
            }
            Some(_) => return Err(Unreadable::Shape(name)),
        }
    }
    if found.is_empty() {
        return Err(Unreadable::Missing("scope"));
    }
    // One that is named again says nothing more, and history would keep it each time.
    let mut seen = BTreeSet::new();
    found.retain(|scope| seen.insert(scope.clone()));
    found.into_iter().map(|scope| ScopeId::try_from(scope).map_err(|_| Unreadable::Shape("scope"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_that_is_named_again_is_one_scope() {
        let members = json!({"scope": "b a b", "scopes": ["a", "c"]});
        let read = Detail::read(&EventType::UserScopeConsent, members.as_object().unwrap()).unwrap();
        let scopes = ["b", "a", "c"].map(|scope| scope.parse().unwrap());
        assert_eq!(read, Detail::Scopes(scopes.to_vec()));
    }
}

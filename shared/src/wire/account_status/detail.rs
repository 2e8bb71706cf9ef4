use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::EventType;
use crate::wire::{Fields, Personal, ScopeId, Unreadable, exact, open::open_enum, unlink::UnlinkReason};

open_enum! {
    /// Why a Kakao account is disabled (OpenID RISC Profile 1.0 §2.3).
    DisabledReason {
        /// Another person took the account over.
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
        // An unreadable optional member must not cost the event: it is left out.
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

/// `scope` or `scopes`, as a text or as a list: implementers saw each. A name that can't be read costs no other. An
/// event without a readable one has nothing to say and is unreadable: it must not pass as done.
fn scopes(fields: &Fields<'_>) -> Result<Vec<ScopeId>, Unreadable> {
    let read = all_scope_names(fields);
    // One that is named again says nothing more, and history would keep it each time.
    let mut seen = BTreeSet::new();
    let found: Vec<ScopeId> = read.iter().flatten().filter(|scope| seen.insert(*scope)).cloned().collect();
    if found.is_empty() {
        let present = ["scopes", "scope"].into_iter().find(|name| fields.get(name).is_some());
        let none = present.map_or(Unreadable::Missing("scope"), Unreadable::NamesNothing);
        return Err(read.into_iter().find_map(Result::err).unwrap_or(none));
    }
    Ok(found)
}

/// Why a part of an event can't be read that can be read otherwise: the name of one of its scopes is invalid.
pub(super) fn unread_part(event_type: &EventType, members: &Map<String, Value>) -> Option<Unreadable> {
    let names_scopes = matches!(event_type, EventType::UserScopeConsent | EventType::UserScopeWithdraw);
    if !names_scopes {
        return None;
    }
    all_scope_names(&Fields::from(members)).into_iter().find_map(Result::err)
}

fn all_scope_names(fields: &Fields<'_>) -> Vec<Result<ScopeId, Unreadable>> {
    ["scope", "scopes"].into_iter().flat_map(|name| scope_names(fields, name)).collect()
}

/// The names in one member, each by itself. Blanks and commas separate them, as in Kakao's own `scope` parameter, in a
/// list's elements too.
fn scope_names(fields: &Fields<'_>, name: &'static str) -> Vec<Result<ScopeId, Unreadable>> {
    let elements: &[Value] = match fields.get(name) {
        None => &[],
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    elements.iter().flat_map(|element| names_in(element, name)).collect()
}

fn names_in(element: &Value, member: &'static str) -> Vec<Result<ScopeId, Unreadable>> {
    let Some(text) = element.as_str() else { return vec![Err(Unreadable::Shape(member))] };
    let is_separator = |character: char| character.is_whitespace() || character == ',';
    let names = text.split(is_separator).filter(|name| !name.is_empty());
    names.map(|name| exact(name, member).and_then(|name| name.parse().map_err(|_| Unreadable::Shape(member)))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(members: &Value) -> Result<Detail, Unreadable> {
        Detail::read(&EventType::UserScopeWithdraw, members.as_object().unwrap())
    }

    fn scopes<const N: usize>(names: [&str; N]) -> Detail {
        Detail::Scopes(names.map(|name| name.parse().unwrap()).to_vec())
    }

    proptest! {
        /// However the names are written, they are the same scopes.
        #[test]
        fn blanks_and_commas_separate_scopes_wherever_they_stand(
            parts in proptest::collection::vec(("[a-z_]{1,9}", "[, \t\n\u{3000}]{1,3}"), 1..6),
            around in "[, ]{0,2}",
        ) {
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
            let pieces: Vec<String> = parts.iter().map(|(name, separator)| format!("{around}{name}{separator}")).collect();
            let expected = read(&json!({"scope": names.join(" ")}));
            for members in [
                json!({"scope": pieces.concat()}),
                json!({"scopes": pieces.concat()}),
                json!({"scope": pieces}),
                json!({"scopes": [pieces.concat(), "", ","]}),
                json!({"scope": {"not": "readable"}, "scopes": pieces}),
                json!({"scope": pieces.concat(), "scopes": 7}),
            ] {
                prop_assert_eq!(&read(&members), &expected, "{}", members);
            }
        }
    }

    #[test]
    fn a_name_holds_no_comma_and_is_never_empty() {
        assert_eq!(
            read(&json!({"scope": "account_email,profile_nickname"})).unwrap(),
            scopes(["account_email", "profile_nickname"])
        );
        assert_eq!(
            read(&json!({"scopes": ["account_email, ", ",age_range"]})).unwrap(),
            scopes(["account_email", "age_range"])
        );
        for nothing in [json!({}), json!({"scope": ""}), json!({"scopes": null})] {
            assert_eq!(read(&nothing), Err(Unreadable::Missing("scope")), "{nothing}");
        }
        let empty = Unreadable::NamesNothing("scopes");
        for nothing in [json!({"scopes": []}), json!({"scopes": ["", ","]}), json!({"scopes": " , ", "scope": ""})] {
            assert_eq!(read(&nothing), Err(empty.clone()), "{nothing}");
        }
        assert_eq!(
            (empty.code(), &*empty.to_string()),
            ("missing_field", "the field `scopes` is there, but names nothing")
        );
    }

    #[test]
    fn a_name_that_cannot_be_read_costs_no_other() {
        for odd in [json!(7), json!(null), json!(["c"]), json!({"scope": "c"}), json!("c#d"), json!("c".repeat(129))] {
            for members in [
                json!({"scope": ["a", odd, "b"]}),
                json!({"scopes": [odd, "a b"]}),
                json!({"scope": [odd], "scopes": ["a", odd, "b"]}),
            ] {
                assert_eq!(read(&members).unwrap(), scopes(["a", "b"]), "{members}");
                let unread = unread_part(&EventType::UserScopeWithdraw, members.as_object().unwrap());
                assert!(matches!(unread, Some(Unreadable::Shape(_))), "{members}");
            }
            assert_eq!(read(&json!({"scope": [odd]})), Err(Unreadable::Shape("scope")), "{odd}");
            assert_eq!(read(&json!({"scopes": ["", odd]})), Err(Unreadable::Shape("scopes")), "{odd}");
        }
        assert_eq!(read(&json!({"scope": "a b#c d e\u{fffd}"})).unwrap(), scopes(["a", "d"]));
        assert_eq!(read(&json!({"scope": "e\u{fffd}"})), Err(Unreadable::FieldEncoding("scope")));
    }

    #[test]
    fn a_scope_that_is_named_again_is_one_scope() {
        let members = json!({"scope": "b a b", "scopes": ["a", "c"]});
        let read = Detail::read(&EventType::UserScopeConsent, members.as_object().unwrap()).unwrap();
        assert_eq!(read, scopes(["b", "a", "c"]));
        assert_eq!(unread_part(&EventType::UserScopeConsent, members.as_object().unwrap()), None);
    }
}

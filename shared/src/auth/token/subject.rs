use serde_json::{Map, Value};

use super::{ISSUER, NamedEvent, claims::present};
use crate::wire::{Unreadable, UserId};

/// The one user that all parts of a token name (RFC 8417 §2.2; RFC 9493; `subject_type` and `token_subject` as drafts
/// of it and of the OAuth event types have them). Only a `sub` is known to be a member number: an opaque `id` may be
/// any id.
pub(super) fn subject(claims: &Map<String, Value>, events: &[NamedEvent]) -> Result<Value, Unreadable> {
    let mut identifiers = vec![];
    for (_, event) in events {
        for subject in ["subject", "sub_id", "token_subject"].into_iter().filter_map(|name| event.get(name)) {
            add_identifiers(subject, &mut identifiers);
        }
    }
    if let Some(subject) = claims.get("sub_id") {
        add_identifiers(subject, &mut identifiers);
    }
    if identifiers.iter().any(|identifier| is_of_another_issuer(identifier)) {
        return Err(Unreadable::OtherSubject);
    }
    let in_identifiers = identifiers.iter().filter_map(|identifier| present(identifier.get("sub")));
    let named = present(claims.get("sub")).into_iter().chain(in_identifiers);
    agreed(named)?.cloned().ok_or(Unreadable::NoSubject)
}

/// Adds the identifiers of the user that a subject has: the user's part of a complex one (OpenID SSF 1.0 §3.2), the aliases
/// that are Kakao's (RFC 9493 §3.2.8). Neither hides a `sub`.
fn add_identifiers<'v>(subject: &'v Value, identifiers: &mut Vec<&'v Value>) {
    let user = subject.get("user").filter(|user| user.is_object());
    for identifier in [Some(subject), user].into_iter().flatten() {
        identifiers.push(identifier);
        if let Some(aliases) = identifier.get("identifiers").and_then(Value::as_array) {
            identifiers.extend(aliases.iter().filter(|alias| !is_of_another_issuer(alias)));
        }
    }
}

fn is_of_another_issuer(identifier: &Value) -> bool {
    present(identifier.get("iss")).is_some_and(|issuer| issuer.as_str() != Some(ISSUER))
}

fn agreed<'v>(mut subjects: impl Iterator<Item = &'v Value>) -> Result<Option<&'v Value>, Unreadable> {
    let Some(first) = subjects.next() else { return Ok(None) };
    if subjects.all(|other| is_same_subject(first, other)) { Ok(Some(first)) } else { Err(Unreadable::OtherSubject) }
}

/// A member number is the same as text and as integer.
fn is_same_subject(one: &Value, other: &Value) -> bool {
    one == other || UserId::try_from(one).is_ok_and(|one| UserId::try_from(other) == Ok(one))
}

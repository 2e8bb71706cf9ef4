use serde_json::Value;

use super::document::Members;

/// What an item has for the table and for merging only: no part of the contract.
const INTERNAL: [&str; 7] = ["pk", "sk", "expires_at", "_merge", "roster", "roster_id", "roster_link"];

/// The members of a stored item that are part of the contract, profile values as what they are.
pub(super) fn shown(mut item: Members) -> Members {
    for name in INTERNAL {
        item.remove(name);
    }
    if let Some(Value::Object(profile)) = item.get_mut("profile") {
        for field in profile.values_mut() {
            let stored = field.get("value").and_then(Value::as_str);
            if let (Some(value), Value::Object(field)) =
                (stored.and_then(|text| serde_json::from_str(text).ok()), field)
            {
                field.insert("value".to_owned(), value);
            }
        }
    }
    item
}

/// The state as the contract's JSON, from the stored item, with the shares that claim the user joined in.
#[must_use]
pub fn user_view(item: Members, shares: Option<Members>) -> Value {
    let mut item = shown(item);
    // A counter that was erased counts nothing.
    let counts = |shares: &Members| shares.get("count").and_then(Value::as_u64) > Some(0);
    if let Some(mut shares) = shares.filter(counts) {
        // Of a user whom only shares claim.
        for name in ["app_id", "user_id"] {
            if let Some(value) = shares.get(name).filter(|_| !item.contains_key(name)) {
                item.insert(name.to_owned(), value.clone());
            }
        }
        for name in INTERNAL.into_iter().chain(["app_id", "user_id", "erased_until"]) {
            shares.remove(name);
        }
        item.insert("shares".to_owned(), Value::Object(shares));
    }
    Value::Object(item)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_table_and_its_index_need_is_not_shown() {
        let item = json!({"pk": "USER#1#7", "sk": "STATE", "app_id": "1", "user_id": "7", "version": 1, "expires_at": 1,
            "_merge": {}, "roster": "1#7", "roster_id": 7, "roster_link": "linked"});
        let view = user_view(item.as_object().unwrap().clone(), None);
        assert_eq!(view, json!({"app_id": "1", "user_id": "7", "version": 1}));
    }
}

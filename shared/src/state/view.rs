use serde_json::Value;

use super::document::Members;

/// What an item has for the table and for merging only: no part of the contract.
const INTERNAL: [&str; 4] = ["pk", "sk", "expires_at", "_merge"];

/// The state as the contract's JSON, from the stored item: profile values as what they are, and the
/// shares that claim the user joined in.
#[must_use]
pub fn user_view(mut item: Members, shares: Option<Members>) -> Value {
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
    if let Some(mut shares) = shares {
        for name in INTERNAL.into_iter().chain(["app_id", "user_id"]) {
            shares.remove(name);
        }
        item.insert("shares".to_owned(), Value::Object(shares));
    }
    Value::Object(item)
}

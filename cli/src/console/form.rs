//! Fields of forms and queries.

use http::Uri;

/// The first field with this name, without blanks around it; empty if it isn't there.
pub(super) fn field(form: &[u8], name: &str) -> String {
    let found = form_urlencoded::parse(form).find(|(known, _)| known == name);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// The same of a query.
pub(super) fn query_field(uri: &Uri, name: &str) -> String {
    field(uri.query().unwrap_or_default().as_bytes(), name)
}

/// Whether a query asks for the keys in place of their names.
pub(super) fn shows_keys(uri: &Uri) -> bool {
    query_field(uri, "keys") == "show"
}

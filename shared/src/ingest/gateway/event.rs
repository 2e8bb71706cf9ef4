use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What an event says of its request (API Gateway, "Payload format version 2.0").
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Event<'e> {
    #[serde(borrow)]
    pub raw_path: Member<'e>,
    pub raw_query_string: Member<'e>,
    pub query_string_parameters: Member<'e>,
    pub headers: Member<'e>,
    pub body: Member<'e>,
    pub is_base64_encoded: Member<'e>,
    pub request_context: Member<'e>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RequestContext<'e> {
    #[serde(borrow)]
    pub request_id: Member<'e>,
    pub time_epoch: Member<'e>,
    pub http: Member<'e>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Http<'e> {
    #[serde(borrow)]
    pub method: Member<'e>,
    pub path: Member<'e>,
    pub source_ip: Member<'e>,
}

/// A member that nobody has read yet: what is odd in one costs no other.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Member<'e>(#[serde(borrow)] Option<&'e RawValue>);

impl<'e> Member<'e> {
    /// What it says; nothing if it isn't there, or is something else.
    pub(super) fn read<T: Deserialize<'e>>(self) -> Option<T> {
        serde_json::from_str(self.0?.get()).ok()
    }

    /// The texts in an object, by name.
    pub(super) fn texts(self) -> impl Iterator<Item = (String, String)> {
        let members: BTreeMap<String, Self> = self.read().unwrap_or_default();
        members.into_iter().filter_map(|(name, member)| Some((name, member.read()?)))
    }
}

//! Admin keys, and what each may do.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{ApiAnswer, ApiCall, ApiError, ApiRequest};

/// A group of calls that an admin key is allowed or refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiCategory {
    /// Lists members and reads them.
    ReadUsers,
    /// Ends members' links.
    UnlinkUsers,
}

impl ApiCategory {
    /// The category of a call; none if any key may call it.
    const fn of(call: ApiCall) -> Option<Self> {
        match call {
            ApiCall::UserIds | ApiCall::AppUsers | ApiCall::UserMe | ApiCall::UserScopes => Some(Self::ReadUsers),
            ApiCall::Unlink => Some(Self::UnlinkUsers),
            ApiCall::SystemIps => None,
        }
    }
}

/// What an admin key is for.
#[derive(Clone, Debug)]
pub struct AdminKey {
    pub(super) app: String,
    categories: BTreeSet<ApiCategory>,
    callers: Vec<IpAddr>,
}

impl AdminKey {
    /// A key of this app with these categories, for callers from everywhere.
    #[must_use]
    pub fn new(app: &str, categories: impl IntoIterator<Item = ApiCategory>) -> Self {
        Self { app: app.to_owned(), categories: categories.into_iter().collect(), callers: vec![] }
    }

    /// A key that reads users and does nothing else: what a comparison needs.
    #[must_use]
    pub fn reader(app: &str) -> Self {
        Self::new(app, [ApiCategory::ReadUsers])
    }

    /// Only for callers from these addresses.
    #[must_use]
    pub fn only_from(mut self, callers: impl IntoIterator<Item = IpAddr>) -> Self {
        self.callers = callers.into_iter().collect();
        self
    }

    fn accepts(&self, caller: IpAddr) -> bool {
        self.callers.is_empty() || self.callers.contains(&caller)
    }
}

/// All keys, by their text.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(BTreeMap<String, AdminKey>);

impl Keys {
    pub(super) fn add(&mut self, text: &str, key: AdminKey) {
        self.0.insert(text.to_owned(), key);
    }

    pub(super) fn revoke(&mut self, text: &str) {
        self.0.remove(text);
    }

    /// The app of a key.
    pub(super) fn app(&self, text: &str) -> Option<&str> {
        self.0.get(text).map(|key| key.app.as_str())
    }

    /// The key of a request, if it may make this call.
    ///
    /// Source of the messages: Kakao DevTalk, "401 에러가 발생할 때". The one of a wrong key repeats it.
    pub(super) fn authorize(&self, call: ApiCall, request: &ApiRequest) -> Result<&AdminKey, ApiAnswer> {
        let unauthorized = |message: &str| ApiError::Unauthorized.with_message(message);
        if request.authorization.is_none() {
            return Err(unauthorized("no authentication key!"));
        }
        let text = request.admin_key().ok_or_else(|| unauthorized("this access token does not exist"))?;
        let key = self.0.get(text).ok_or_else(|| unauthorized(&format!("wrong appKey({text}) format")))?;
        if !key.accepts(request.caller) {
            let caller = request.caller;
            return Err(unauthorized(&format!("ip mismatched! callerIp={caller}. check out registered ips.")));
        }
        match ApiCategory::of(call) {
            Some(category) if !key.categories.contains(&category) => Err(ApiError::NotEnabled.answer()),
            _ => Ok(key),
        }
    }
}

//! What each call answers.

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiError, ApiRequest, AppUsersShape, SimulatedApi, View};

const MAX_LIMIT: usize = 100;
const MAX_TARGETS: usize = 100;
/// With `property_keys`.
const MAX_TARGETS_WITH_KEYS: usize = 20;

type Body = Result<Value, ApiAnswer>;

/// What a page of the list is asked for by.
struct PageRequest<'r> {
    limit: usize,
    ascending: bool,
    from_id: Option<u64>,
    admin_key: &'r str,
}

impl<'r> PageRequest<'r> {
    fn of(request: &'r ApiRequest) -> Result<Self, ApiError> {
        let limit = match request.parameter("limit") {
            None => MAX_LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit.ok_or(ApiError::Parameter)?
            }
        };
        let ascending = match request.parameter("order").as_deref() {
            None | Some("asc") => true,
            Some("desc") => false,
            Some(_) => return Err(ApiError::Parameter),
        };
        let from_id = match request.parameter("from_id") {
            None => None,
            Some(_) => Some(request.id("from_id").ok_or(ApiError::Parameter)?),
        };
        Ok(Self { limit, ascending, from_id, admin_key: request.admin_key().unwrap_or_default() })
    }

    /// The URL of the page that begins with this member: not HTTPS, and with the key in it, as Kakao's are.
    fn url(&self, from_id: u64) -> String {
        let Self { limit, admin_key, .. } = self;
        let order = if self.ascending { "asc" } else { "desc" };
        let path = super::ApiCall::UserIds.path();
        format!("http://kapi.kakao.com{path}?limit={limit}&order={order}&app_key={admin_key}&from_id={from_id}")
    }
}

impl SimulatedApi {
    pub(super) fn user_ids(&self, view: View<'_>, request: &ApiRequest) -> Body {
        let page = PageRequest::of(request)?;
        let mut elements = self.listed_from(view, &page);
        let after = (elements.len() > page.limit).then(|| elements.pop()).flatten();
        let before = self.begin_of_page_before(view, &page);
        let url = |id: Option<u64>| id.map(|id| page.url(id));
        Ok(json!({"elements": elements, "before_url": url(before), "after_url": url(after)}))
    }

    /// The members of a page, and one more if there is one.
    fn listed_from(&self, view: View<'_>, page: &PageRequest<'_>) -> Vec<u64> {
        let View { app, last_id } = view;
        if page.ascending {
            return self.members.ids(app, page.from_id.unwrap_or(0)..=last_id).take(page.limit + 1).collect();
        }
        let from_id = page.from_id.unwrap_or(u64::MAX).min(last_id);
        self.members.ids(app, 0..=from_id).rev().take(page.limit + 1).collect()
    }

    fn begin_of_page_before(&self, view: View<'_>, page: &PageRequest<'_>) -> Option<u64> {
        let View { app, last_id } = view;
        let from_id = page.from_id?;
        if page.ascending {
            let last = from_id.checked_sub(1)?.min(last_id);
            return self.members.ids(app, 0..=last).rev().take(page.limit).last();
        }
        self.members.ids(app, from_id.checked_add(1)?..=last_id).take(page.limit).last()
    }

    pub(super) fn app_users(&self, view: View<'_>, request: &ApiRequest) -> Body {
        require_user_id_type(request)?;
        let keys = property_keys(request)?;
        let ids = request.ids("target_ids").ok_or(ApiError::Parameter)?;
        let most = if keys.is_some() { MAX_TARGETS_WITH_KEYS } else { MAX_TARGETS };
        if ids.is_empty() || ids.len() > most {
            return Err(ApiError::Parameter.into());
        }
        let users: Vec<Value> = ids.iter().filter_map(|id| self.user(view.app, *id, keys.as_deref())).collect();
        Ok(match self.settings.app_users_shape {
            AppUsersShape::Array => json!(users),
            AppUsersShape::Elements => json!({"elements": users}),
        })
    }

    pub(super) fn user_me(&self, view: View<'_>, request: &ApiRequest) -> Body {
        let id = self.target(view.app, request)?;
        let keys = property_keys(request)?;
        Ok(self.user(view.app, id, keys.as_deref()).ok_or(ApiError::NotLinked)?)
    }

    pub(super) fn user_scopes(&self, view: View<'_>, request: &ApiRequest) -> Body {
        let id = self.target(view.app, request)?;
        let scope = |(scope, agreed)| json!({"id": scope, "type": "PRIVACY", "using": true, "agreed": agreed});
        Ok(json!({"id": id, "scopes": self.members.scopes(view.app, id).map(scope).collect::<Vec<_>>()}))
    }

    pub(super) fn unlink(&mut self, view: View<'_>, request: &ApiRequest) -> Body {
        let id = self.target(view.app, request)?;
        self.members.unlink(view.app, id);
        Ok(json!({"id": id}))
    }

    /// The linked member that a call is about.
    fn target(&self, app: &str, request: &ApiRequest) -> Result<u64, ApiError> {
        require_user_id_type(request)?;
        let id = request.id("target_id").ok_or(ApiError::Parameter)?;
        if self.members.is_dormant(app, id) {
            return Err(ApiError::Dormant);
        }
        self.members.connected_at(app, id).map(|_| id).ok_or(ApiError::NotLinked)
    }

    /// A member as the API describes it; none for a number that is not linked.
    fn user(&self, app: &str, id: u64, keys: Option<&[String]>) -> Option<Value> {
        let connected_at = jiff::Timestamp::from_second(self.members.connected_at(app, id)?).ok()?;
        let mut user = Map::from_iter([
            ("id".to_owned(), json!(id)),
            ("connected_at".to_owned(), json!(connected_at.to_string())),
        ]);
        let is_asked_for = keys.is_none_or(|keys| keys.iter().any(|key| key.starts_with("kakao_account")));
        let profile = self.members.profile(app, id).filter(|_| is_asked_for);
        user.extend(profile.map(|profile| ("kakao_account".to_owned(), Value::Object(profile.clone()))));
        Some(Value::Object(user))
    }
}

fn require_user_id_type(request: &ApiRequest) -> Result<(), ApiError> {
    match request.parameter("target_id_type").as_deref() {
        Some("user_id") => Ok(()),
        _ => Err(ApiError::Parameter),
    }
}

fn property_keys(request: &ApiRequest) -> Result<Option<Vec<String>>, ApiError> {
    match request.parameter("property_keys") {
        None => Ok(None),
        Some(_) => request.texts("property_keys").map(Some).ok_or(ApiError::Parameter),
    }
}

/// Networks that are reserved for documentation: no real address of Kakao's is a fact of this project.
pub(super) fn system_ips() -> Value {
    json!({
        "inbound": [{"service": "callback", "ips": ["192.0.2.0/24"], "ports": [443]}],
        "outbound": [{"service": "kapi", "ips": ["198.51.100.0/24"], "ports": [443]}],
    })
}

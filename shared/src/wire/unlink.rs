//! Kakao Login's unlink webhook: a user severed the link, or Kakao did (kakao developers, "Unlink
//! webhook"). It carries neither a time nor an id of its own.

use serde::{Deserialize, Serialize};

use super::{AppId, Content, Unreadable, UserId, content::ReadField, open::open_enum};

open_enum! {
    /// Why a user is no longer linked: `referrer_type` of the unlink webhook, `reason` of the
    /// `user-unlinked` event.
    UnlinkReason {
        /// The user deleted their Kakao account.
        AccountDelete = "ACCOUNT_DELETE",
        /// Kakao deleted the user's account.
        ForcedAccountDelete = "FORCED_ACCOUNT_DELETE",
        /// The service's staff unlinked the user in Kakao's console.
        UnlinkFromAdmin = "UNLINK_FROM_ADMIN",
        /// The user unlinked the service on Kakao's page of connected services.
        UnlinkFromApps = "UNLINK_FROM_APPS",
        /// The user left before the end of the sign-up.
        IncompleteSignUp = "INCOMPLETE_SIGN_UP",
        /// The user withdrew from Kakao account's own terms of service.
        RevokeAccountServiceTerms = "REVOKE_ACCOUNT_SERVICE_TERMS",
        /// The service itself unlinked the user through Kakao's API.
        UnlinkFromService = "UNLINK_FROM_SERVICE",
    }
}

/// One user's link to one app has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlink {
    /// Whose.
    pub user_id: UserId,
    /// Why, where Kakao says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<UnlinkReason>,
}

impl Unlink {
    /// Reads the webhook of the app whose admin key came with it.
    ///
    /// # Errors
    /// A missing or misshapen `app_id` or `user_id`, or an `app_id` that is another app's.
    pub fn read(content: &Content, app_id: &AppId) -> Result<Self, Unreadable> {
        let fields = content.fields()?;
        let named: AppId = fields.id("app_id").required("app_id")?;
        if named != *app_id {
            return Err(Unreadable::OtherApp);
        }
        Ok(Self {
            user_id: fields.id("user_id").required("user_id")?,
            reason: fields.word("referrer_type").map(UnlinkReason::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::wire::content::{any_json, of_json};

    proptest! {
        #[test]
        fn only_the_app_and_the_user_are_needed(
            name in proptest::sample::select(vec!["referrer_type", "group_user_token", "another"]),
            value in any_json(),
        ) {
            let mut members = json!({"app_id": 1, "user_id": 7});
            members[name] = value.clone();
            let unlink = Unlink::read(&of_json(&members), &"1".parse().unwrap()).unwrap();
            prop_assert_eq!(Some(unlink.user_id), UserId::new(7));
            prop_assert!(unlink.reason.is_none() || value.is_string());
        }
    }
}

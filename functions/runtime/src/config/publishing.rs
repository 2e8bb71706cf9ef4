//! Where changes are published.

use kakao_webhooks::state::ProfileValues;

use super::{ConfigError, Variables, url};

impl Variables<'_> {
    /// `EVENT_BUS_NAME`.
    ///
    /// # Errors
    /// Not set.
    pub fn event_bus_name(&self) -> Result<String, ConfigError> {
        self.required("EVENT_BUS_NAME", "Set it to the name of the EventBridge bus (template.yaml does)")
    }

    /// `UNPUBLISHED_QUEUE_URL`, which may be absent.
    ///
    /// # Errors
    /// There, but not a URL.
    pub fn unpublished_queue_url(&self) -> Result<Option<String>, ConfigError> {
        const VARIABLE: &str = "UNPUBLISHED_QUEUE_URL";
        let checked = |text: String| url(VARIABLE, &text, "Set it to the queue's URL, or leave it out");
        self.get(VARIABLE).map(checked).transpose()
    }

    /// `PUBLISH_PROFILE_VALUES`: `true` or `false`, by default `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn profile_values(&self) -> Result<ProfileValues, ConfigError> {
        const FIX: &str = "Leave it out, unless every reader of the bus may see profile values";
        let published = self.flag("PUBLISH_PROFILE_VALUES", FIX)?;
        Ok(if published { ProfileValues::Published } else { ProfileValues::Withheld })
    }
}

//! Where the function works: the queue, the table, and the connections to AWS.

use super::{ConfigError, Variables, malformed, url};
use crate::http::{CaBundle, Pool};

const CA_BUNDLE_FIX: &str = "Set it to the path of a file of certificates in PEM, or leave it out";

impl Variables<'_> {
    /// `EVENT_QUEUE_URL`.
    ///
    /// # Errors
    /// Not set, or not a URL.
    pub fn event_queue_url(&self) -> Result<String, ConfigError> {
        const FIX: &str = "Set it to the queue's URL, for example \
                           https://sqs.ap-northeast-2.amazonaws.com/123456789012/events (template.yaml does)";
        url("EVENT_QUEUE_URL", &self.required("EVENT_QUEUE_URL", FIX)?, FIX)
    }

    /// `TABLE_NAME`.
    ///
    /// # Errors
    /// Not set.
    pub fn table_name(&self) -> Result<String, ConfigError> {
        self.required("TABLE_NAME", "Set it to the name of the DynamoDB table (template.yaml does)")
    }

    /// `TABLE_NAME`, where a function works without it, too.
    #[must_use]
    pub fn optional_table_name(&self) -> Option<String> {
        self.get("TABLE_NAME")
    }

    /// `AWS_CA_BUNDLE`, the SDKs' name for it: a file of certificates that are trusted in addition to the compiled-in
    /// ones. It may be absent.
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn ca_bundle(&self) -> Result<CaBundle, ConfigError> {
        let read = |path: String| CaBundle::read(&path);
        let bundle = self.get("AWS_CA_BUNDLE").map(read).transpose();
        Ok(bundle.map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))?.unwrap_or_default())
    }

    /// The connections to AWS, by [`Self::ca_bundle`].
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn pool(&self) -> Result<Pool, ConfigError> {
        Pool::new(&self.ca_bundle()?).map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))
    }

    /// The same for requests that are sent once only.
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn pool_for_one_attempt(&self) -> Result<Pool, ConfigError> {
        Pool::for_one_attempt(&self.ca_bundle()?).map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))
    }

    /// The connections to AWS and to hosts elsewhere, by [`Self::ca_bundle`].
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn pool_of_the_web(&self) -> Result<Pool, ConfigError> {
        Pool::of_the_web(&self.ca_bundle()?).map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with;

    #[test]
    fn a_queue_url_that_is_none_is_refused() {
        for value in
            ["events", "https://", "sqs.ap-northeast-2.amazonaws.com/1/events", "arn:aws:sqs:x:1:q", "ftp://x/q"]
        {
            let error = with("EVENT_QUEUE_URL", value).event_queue_url().unwrap_err().to_string();
            assert!(error.starts_with("EVENT_QUEUE_URL is not a URL. Set it to the queue's URL"), "{error}");
            assert!(with("UNPUBLISHED_QUEUE_URL", value).unpublished_queue_url().is_err(), "{value}");
        }
        for value in ["https://sqs.ap-northeast-2.amazonaws.com/123456789012/q", "http://127.0.0.1:4566/000000000000/q"]
        {
            assert_eq!(with("EVENT_QUEUE_URL", value).event_queue_url().unwrap(), value);
            assert_eq!(with("UNPUBLISHED_QUEUE_URL", value).unpublished_queue_url().unwrap().as_deref(), Some(value));
        }
    }

    #[test]
    fn blanks_around_a_queue_url_are_not_part_of_it() {
        let url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/q";
        let around = with("EVENT_QUEUE_URL", " https://sqs.ap-northeast-2.amazonaws.com/123456789012/q\n");
        assert_eq!(around.event_queue_url().unwrap(), url);
    }
}

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::config::Builder;

use super::{DynamoStore, items::key};
use crate::https::Knock;

impl DynamoStore {
    /// Opens the connection, before somebody waits for it. Whatever goes wrong shows when something is put.
    pub(crate) async fn open(&self) {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(key("-", "-"))).customize();
        let once = Builder::new().retry_config(RetryConfig::disabled());
        // What is asked for isn't an answer to a put: that it is an error says nothing.
        let _ = put.interceptor(Knock).config_override(once).send().await;
    }
}

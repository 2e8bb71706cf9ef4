use kakao_webhooks::auth::KeySet;
use runtime::{
    keys::{KeyEndpoint, KeySource},
    store::DynamoStore,
};
use tokio::time::{Instant, timeout_at};

/// Stores the endpoint's key set in the table. One that can't be used never replaces a good one.
pub(crate) async fn refresh(endpoint: &KeyEndpoint, table: &DynamoStore, deadline: Instant) {
    match timeout_at(deadline, try_refresh(endpoint, table)).await {
        Ok(Ok(())) => tracing::info!(event = "key_set_kept"),
        Ok(Err(error)) => tracing::warn!(event = "key_set_not_kept", %error),
        Err(_) => tracing::warn!(event = "key_set_not_kept", error = "no time left"),
    }
}

async fn try_refresh(endpoint: &KeyEndpoint, table: &DynamoStore) -> Result<(), Box<dyn std::error::Error>> {
    let document = endpoint.fetch().await?;
    KeySet::from_json(&document.text)?;
    table.put_key_set(std::str::from_utf8(&document.text)?, runtime::clock::now()).await?;
    Ok(())
}

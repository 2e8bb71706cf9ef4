use kakao_webhooks::auth::KeySet;
use runtime::{
    keys::{KeyEndpoint, KeySource},
    store::DynamoStore,
};

/// Puts the endpoint's key set on the shelf. One that can't be used never replaces a good one.
pub(crate) async fn refresh(endpoint: &KeyEndpoint, table: &DynamoStore) {
    match try_refresh(endpoint, table).await {
        Ok(()) => tracing::info!(event = "key_set_kept"),
        Err(error) => tracing::warn!(event = "key_set_not_kept", %error),
    }
}

async fn try_refresh(endpoint: &KeyEndpoint, table: &DynamoStore) -> Result<(), Box<dyn std::error::Error>> {
    let document = endpoint.fetch().await?;
    KeySet::from_json(&document.text)?;
    table.put_key_set(std::str::from_utf8(&document.text)?, runtime::clock::now()).await?;
    Ok(())
}

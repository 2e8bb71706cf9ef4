//! Deliveries as one writes them in an afternoon: each change is signed and posted. No pauses, no second secret, no
//! acknowledgements, no logs, no metrics.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::Sha256;

struct Handler {
    client: Client,
    url: String,
    key: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let secret = env::var("SIGNING_SECRET")?;
    let key = STANDARD.decode(secret.strip_prefix("whsec_").ok_or("SIGNING_SECRET is no secret")?)?;
    let handler = &Handler { client: Client::new(), url: env::var("DELIVERY_URL")?, key };
    run(service_fn(async |event: LambdaEvent<Value>| handler.deliver(event.payload).await)).await
}

impl Handler {
    async fn deliver(&self, batch: Value) -> Result<Value, Error> {
        for record in batch["Records"].as_array().ok_or("no records")? {
            let event: Value = serde_json::from_str(record["body"].as_str().ok_or("no body")?)?;
            self.post(&event["detail"]).await?;
        }
        Ok(json!({"batchItemFailures": []}))
    }

    async fn post(&self, detail: &Value) -> Result<(), Error> {
        let id = detail["id"].as_str().ok_or("no id")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let body = json!({"type": "user.changed", "timestamp": detail["written_at"], "data": detail}).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)?;
        mac.update(format!("{id}.{now}.{body}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(body);
        let request = request.header("webhook-id", id).header("webhook-timestamp", now);
        request.header("webhook-signature", signature).send().await?.error_for_status()?;
        Ok(())
    }
}

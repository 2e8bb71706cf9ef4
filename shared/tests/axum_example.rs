//! The example server accepts what Kakao sends and refuses everything else.

#[cfg(test)]
#[expect(dead_code, reason = "the example's `main` asks Kakao itself for the keys")]
#[path = "../examples/axum.rs"]
mod example;

#[cfg(test)]
mod axum_example {
    use std::sync::Arc;

    use kakao_webhooks::auth::{Apps, Digest, KeySet};
    use play_kakao::{SigningKey, Token};
    use serde_json::{Value, json};

    use super::example::{Service, routes};

    const ADMIN_KEY: &str = "0123456789abcdef0123456789abcdef";
    const REST_API_KEY: &str = "fedcba9876543210fedcba9876543210";

    /// Its address, and the key that signs for Kakao.
    async fn start() -> (String, SigningKey) {
        let digest = Digest::of(ADMIN_KEY.as_bytes());
        let apps =
            json!([{"app_id": "123456", "rest_api_keys": [REST_API_KEY], "admin_key_sha256": [digest.to_string()]}]);
        let key = SigningKey::generate("k1").unwrap();
        let keys = KeySet::from_json(json!({"keys": [key.public_jwk()]}).to_string().as_bytes()).unwrap();
        let service = Service::new(Apps::from_json(&apps.to_string()).unwrap(), keys);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes(Arc::new(service))).await });
        (address, key)
    }

    fn client() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().build().unwrap()
    }

    #[tokio::test]
    async fn an_unlink_is_accepted_from_kakao_only() {
        let (address, _) = start().await;
        for query in ["app_id=123456&user_id=7&referrer_type=UNLINK_FROM_APPS", "nothing=of-it"] {
            let url = format!("{address}/webhooks/unlink?{query}");
            for (key, status) in [(ADMIN_KEY, 200), (REST_API_KEY, 401)] {
                let request = client().get(&url).header("Authorization", format!("KakaoAK {key}"));
                assert_eq!(request.send().await.unwrap().status(), status, "{query}");
            }
            assert_eq!(client().post(&url).send().await.unwrap().status(), 401);
        }
    }

    #[tokio::test]
    async fn a_token_is_accepted_if_kakao_signed_it() {
        let (address, key) = start().await;
        let uri = "https://schemas.openid.net/secevent/oauth/event-type/user-unlinked";
        let token = Token::new(REST_API_KEY, "7", "jti", 1_740_787_200, uri, &json!({}));
        let stranger = SigningKey::generate("k1").unwrap();
        for (signed_by, status) in [(&key, 202), (&stranger, 400)] {
            let request = client().post(format!("{address}/webhooks/account-status"));
            let request = request.header("Content-Type", "application/secevent+jwt");
            let answer = request.body(token.sign(signed_by).unwrap()).send().await.unwrap();
            assert_eq!(answer.status(), status);
            if status == 400 {
                assert!(answer.json::<Value>().await.unwrap()["err"].is_string());
            }
        }
    }
}

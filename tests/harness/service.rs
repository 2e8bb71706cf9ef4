//! The service whose webhooks the tests send: two Kakao apps with invented keys.

/// The template's parameters for this service, whose keys are at `keys_url`.
#[must_use]
pub fn parameters(keys_url: String) -> Vec<(String, String)> {
    let parameters = [
        ("KakaoApps", KAKAO_APPS.to_owned()),
        ("KakaoJwksUrl", keys_url),
        ("SkillAuth", SKILL_AUTH.to_owned()),
        ("DeletionProtection", "false".to_owned()),
    ];
    parameters.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The first app's number.
pub const APP_ID: &str = "123456";
/// Its REST API key: the audience of its tokens.
pub const REST_API_KEY: &str = "b7d41f0e5a3c49d28e6f7a8b9c0d1e2f";
/// Its admin key. Fixtures carry it in their headers; the functions know only its digest.
pub const ADMIN_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// The second app's number.
pub const OTHER_APP_ID: &str = "654321";
/// Its REST API key.
pub const OTHER_REST_API_KEY: &str = "c8e52a1f6b4d50e39f708b9cad1e2f30";
/// Its admin key.
pub const OTHER_ADMIN_KEY: &str = "1f2e3d4c5b6a79889706b5a4d3c2f1e0";
/// The bot that is tied to the first app.
pub const BOT_ID: &str = "5f2e8d41a9c04b7e93d6c1aa";
/// The header by which a skill request proves itself, and its value.
pub const SKILL_KEY: (&str, &str) = ("X-Skill-Key", "a-value-that-only-the-console-knows");

/// `KAKAO_APPS`. The digests are from `sha256sum`, not from the code under test.
pub const KAKAO_APPS: &str = r#"[
  {"app_id":"123456","rest_api_keys":["b7d41f0e5a3c49d28e6f7a8b9c0d1e2f"],
   "admin_key_sha256":["a1bf4dc2c0cea821798c38e16fcc1667d6f0504afa821b181672035fc5967890"],"bot_ids":["5f2e8d41a9c04b7e93d6c1aa"]},
  {"app_id":"654321","rest_api_key":"c8e52a1f6b4d50e39f708b9cad1e2f30",
   "admin_key_sha256":["0adffde63ed55d18895c6b00a50566eb1c482c43a61c7604d134addc843cd531"]}
]"#;

/// `SKILL_AUTH`.
pub const SKILL_AUTH: &str =
    r#"{"header":"x-skill-key","sha256":["d3af55f4a9fe708d7d7071bb3db13bb3a6fef8bff2fa357894768fe4d3e73dd1"]}"#;

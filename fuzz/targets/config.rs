//! `KAKAO_APPS`, `SKILL_AUTH` and a skill's list of answers: what is wrong with the first two is said without
//! showing a value, and a list that is taken never makes a reply that Kakao doesn't.
#![no_main]

use kakao_webhooks::{
    auth::{Apps, Digest, SkillAuth},
    skill::{RuleSet, Rules},
    wire::skill::SkillPayload,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const SECRET: &str = "secret";

fuzz_target!(|text: &str| {
    let value: Option<Value> = serde_json::from_str(text).ok();
    match Apps::from_json(text) {
        Ok(apps) => {
            assert!(apps.by_audience("").is_none());
            for app in value.unwrap().as_array().unwrap() {
                let id = app["app_id"].as_str().map_or_else(|| app["app_id"].to_string(), str::to_owned);
                for digest in app["admin_key_sha256"].as_array().into_iter().flatten() {
                    let digest: Digest = digest.as_str().unwrap().parse().unwrap();
                    assert_eq!(apps.by_admin_key(&digest).unwrap().app_id.as_str(), id);
                }
                for key in app["rest_api_keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    assert!(key.is_empty() || apps.by_audience(key).unwrap().app_id.as_str() == id);
                }
            }
        }
        Err(error) => assert!(!without_member_name(&error.to_string()).contains(SECRET)),
    }
    if let Err(error) = SkillAuth::from_json(text) {
        assert!(!error.to_string().contains(SECRET));
    }
    if let Ok(rules) = Rules::from_list(text) {
        let _ = rules.answer(&SkillPayload::default());
    }
});

/// The name of a member is no value, and is shown; it may hold backticks and commas itself.
fn without_member_name(said: &str) -> String {
    let parts = said
        .split_once("unknown field `")
        .and_then(|(before, named)| Some((before, named.rsplit_once("`, expected ")?.1)));
    parts.map_or_else(|| said.to_owned(), |(before, after)| format!("{before}{after}"))
}

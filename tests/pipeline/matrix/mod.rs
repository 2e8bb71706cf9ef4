//! Every row of `docs/account-status.md`'s flow, each with a really signed token through the real function: the
//! status, the exact body, and what was queued.

mod claims;
mod header;
mod rows;

use end_to_end::Pipeline;
use play_kakao::SigningKey;
use serde_json::{Value, json};

use crate::kakao::pushed;
use rows::{Make, Row, RowResult};

/// Sends the rows one after another and reports all whose result is not as expected.
async fn check(pipeline: &mut Pipeline, rows: Vec<Row>) {
    let mut wrong = vec![];
    for row in rows {
        let answer = pipeline.deliver(&row.request).await.unwrap();
        let queued: Vec<Value> =
            pipeline.queue.take().iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
        let found = RowResult::of(&answer, &queued);
        if found != row.expected {
            wrong.push(format!("{}: {:?}\n    but {found:?}", row.name, row.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_row_of_the_flow_up_to_the_signature_has_its_answer() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let rows = header::rows(&Make::with(pipeline.keys.key()));
    check(&mut pipeline, rows).await;
}

#[tokio::test]
async fn each_row_of_the_flow_from_the_claims_on_has_its_answer() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let rows = claims::rows(&Make::with(pipeline.keys.key()));
    check(&mut pipeline, rows).await;
}

#[tokio::test]
async fn a_token_without_a_type_is_accepted_by_the_explicit_setting_only_and_one_with_another_type_never() {
    for (setting, expected) in [("true", rows::taken(1)), ("false", rows::WRONG_TYPE), ("", rows::WRONG_TYPE)] {
        let mut pipeline = Pipeline::start().await.unwrap().with("ACCEPT_UNTYPED_TOKENS", setting);
        let make = Make::with(pipeline.keys.key());
        let mut rows = vec![make.header("5 no typ", "typ", None, expected)];
        for other in [json!("JWT"), json!(null), json!("")] {
            rows.push(make.header("5 another typ", "typ", Some(other), rows::WRONG_TYPE));
        }
        rows.push(make.header("5 the right typ", "typ", Some(json!("application/SecEvent+JWT")), rows::taken(1)));
        check(&mut pipeline, rows).await;
    }
}

#[tokio::test]
async fn a_key_of_any_size_that_rfc_7518_3_3_asks_for_is_used() {
    use play_kakao::KeySize::{Rsa2048, Rsa3072, Rsa4096};
    let sizes = [("2048", Rsa2048), ("3072", Rsa3072), ("4096", Rsa4096)];
    let keys = sizes.map(|(name, size)| SigningKey::generate_sized(name, size).unwrap());
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.keys.serve(play_kakao::key_set(&keys).to_string());
    for key in &keys {
        let make = Make::with(key);
        check(&mut pipeline, vec![make.row(key.id(), pushed(make.genuine()), rows::taken(1))]).await;
    }
}

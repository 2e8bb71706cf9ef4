//! One mistake at a time, each found alone and with its fix.

use serde_json::{Value, json};

use super::{
    KeyFile, faults,
    stand_in::{ADMIN_KEY, Asked, KEY, Said, bubble, right, serve},
};

/// What a server with the mistake answers in place of this.
type Change = fn(&Asked, Said) -> Said;

/// A mistake: how it changes an answer, the check that finds it, its verdict, and words of the fix.
type Mistake = (Change, &'static str, &'static str, &'static str);

async fn each_is_found(path: &str, keys: &[&str], mistakes: &[Mistake]) {
    for (index, (change, check, verdict, fix)) in mistakes.iter().copied().enumerate() {
        let server = serve(move |asked: &Asked| change(asked, right(asked))).await;
        let (code, found) = faults(&format!("{}{path}", server.url()), keys).await;
        let which = format!("{path} {index} {check}: {found:#?}");
        assert_eq!(found.len(), 1, "{which}");
        assert_eq!((&found[0]["check"], &found[0]["verdict"]), (&json!(check), &json!(verdict)), "{which}");
        assert!(found[0]["fix"].as_str().unwrap().contains(fix), "{which}");
        assert_eq!(code, Some(i32::from(verdict == "mistake")), "{which}");
    }
}

fn to_get(asked: &Asked, said: Said, instead: Said) -> Said {
    if asked.is("GET") && said.status != 404 { instead } else { said }
}

fn to_post(asked: &Asked, said: Said, instead: Said) -> Said {
    if asked.is("POST") && said.status != 404 { instead } else { said }
}

fn registration(asked: &Asked, said: Said, body: &Value) -> Said {
    to_get(asked, said, Said::json(200, body))
}

#[tokio::test]
async fn each_mistake_of_the_registration_check_is_found_alone() {
    let (status, body) = ("registration check: status", "registration check: body");
    each_is_found(
        "/skill",
        &[],
        &[
            (|_, _| Said::empty(301).header("location", "/other"), status, "mistake", "no redirect"),
            (|_, _| Said::empty(302).header("location", "/other"), status, "mistake", "no redirect"),
            (|_, _| Said::empty(307).header("location", "/skill/"), status, "mistake", "no redirect"),
            (|_, _| Said::empty(308).header("location", "/skill/"), status, "mistake", "no redirect"),
            (|_, _| Said::json(404, &json!({})), status, "mistake", "compare the path"),
            (|_, _| Said::empty(502), status, "mistake", "log"),
            (|asked, said| to_get(asked, said, Said::json(201, &json!({}))), status, "mistake", "GET with 200"),
            (|asked, said| to_get(asked, said, Said::empty(204)), status, "mistake", "GET with 200"),
            (|asked, said| to_get(asked, said, Said::json(405, &json!({}))), status, "mistake", "define GET"),
            (|asked, said| to_get(asked, said, Said::json(401, &json!({}))), status, "mistake", "on POST only"),
            (
                |asked, said| to_get(asked, said, Said::text(200, "text/html", r#"{"version":"2.0","data":{}}"#)),
                "registration check: content type",
                "mistake",
                "application/json",
            ),
            (|asked, said| to_get(asked, said, Said::text(200, "application/json", "OK")), body, "mistake", "exactly"),
            (|asked, said| registration(asked, said, &json!({"data": {}})), body, "mistake", "add \"version\""),
            (|asked, said| registration(asked, said, &json!({"version": 2.0, "data": {}})), body, "mistake", "as text"),
            (|asked, said| registration(asked, said, &json!({"version": "2.0"})), body, "mistake", "add \"data\""),
            (
                |asked, said| registration(asked, said, &json!({"response": {"version": "2.0", "data": {}}})),
                body,
                "mistake",
                "unwrap it",
            ),
            (
                |asked, said| registration(asked, said, &json!({"version": "2.0", "data": null})),
                body,
                "mistake",
                "braces",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn each_mistake_outside_the_registration_check_is_found_alone() {
    each_is_found(
        "/skill",
        &[],
        &[
            (
                |asked, said| if asked.path == "/skill/" { Said::json(404, &json!({})) } else { said },
                "trailing slash",
                "mistake",
                "both alike",
            ),
            (|asked, said| if asked.is("HEAD") { Said::empty(405) } else { said }, "HEAD", "warning", "HEAD as GET"),
            (|asked, said| if asked.is("PUT") { Said::empty(200) } else { said }, "wrong method", "mistake", "405"),
            (
                |asked, said| if asked.path.ends_with("khook-check") { Said::empty(200) } else { said },
                "unknown path below",
                "warning",
                "404",
            ),
            (
                |asked, said| to_post(asked, said, Said::json(200, &bubble("a"))),
                "message without a key",
                "warning",
                "SKILL_AUTH",
            ),
            (
                |asked, said| to_post(asked, said, Said::json(405, &json!({}))),
                "message without a key",
                "mistake",
                "define POST",
            ),
            (
                |asked, said| to_post(asked, said, Said::json(422, &json!({}))),
                "message without a key",
                "mistake",
                "any JSON object",
            ),
        ],
    )
    .await;
}

/// What is answered to a message with the key.
fn reply(asked: &Asked, said: Said, instead: Said) -> Said {
    if asked.is("POST") && said.status == 200 { instead } else { said }
}

#[tokio::test]
async fn each_mistake_of_an_answer_to_a_message_is_found_alone() {
    let key = KeyFile::of("reply", KEY);
    let answer = "answer to a message";
    each_is_found(
        "/skill",
        &["--skill-key-file", key.path(), "--send"],
        &[
            (
                |asked, said| reply(asked, said, Said::text(200, "text/plain", &bubble("a").to_string())),
                answer,
                "mistake",
                "application/json",
            ),
            (
                |asked, said| reply(asked, said, Said::text(200, "application/json", "안녕")),
                answer,
                "mistake",
                "SkillResponse",
            ),
            (
                |asked, said| reply(asked, said, Said::json(200, &json!({"version": "2.0"}))),
                answer,
                "mistake",
                "one to three bubbles",
            ),
            (
                |asked, said| reply(asked, said, Said::json(200, &bubble(&"a".repeat(1_001)))),
                answer,
                "mistake",
                "at most 1,000",
            ),
            (
                |asked, said| reply(asked, said, Said::json(200, &json!({"response": bubble("안녕하세요")}))),
                answer,
                "mistake",
                "unwrap it: the body is what `response` holds",
            ),
            (
                |asked, said| {
                    let body = format!("\u{feff}{}", bubble("안녕"));
                    reply(asked, said, Said::text(200, "application/json", &body))
                },
                answer,
                "mistake",
                "without BOM",
            ),
            (
                |asked, said| {
                    reply(asked, said, Said::json(200, &json!({"version": "2.0", "template": {"outputs": []}})))
                },
                answer,
                "warning",
                "group chatbot",
            ),
            (|asked, said| reply(asked, said, Said::empty(503)), "message with the key", "mistake", "alarms"),
            (
                |asked, said| to_post(asked, said, Said::json(200, &bubble("a"))),
                "message without a key",
                "mistake",
                "SkillAuth",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_key_is_found_with_a_message_and_without() {
    let wrong = KeyFile::of("wrong", "another value");
    let same: Change = |_, said| said;
    each_is_found(
        "/skill",
        &["--skill-key-file", wrong.path(), "--send"],
        &[(same, "message with the key", "mistake", "hash-key")],
    )
    .await;
    each_is_found("/skill", &["--skill-key-file", wrong.path()], &[(same, "the key", "mistake", "hash-key")]).await;
}

/// A client without a key that tries to learn the content.
fn is_stranger(asked: &Asked) -> bool {
    !asked.headers.contains_key("authorization") && !asked.is("HEAD")
}

const OF_A_WEBHOOK: &[Mistake] = &[
    (
        |asked, said| if is_stranger(asked) && said.status == 401 { Said::empty(200) } else { said },
        "no key",
        "mistake",
        "answer 401",
    ),
    (
        |asked, said| {
            if !is_stranger(asked) && said.status == 401 && !asked.is("HEAD") { Said::empty(200) } else { said }
        },
        "wrong key",
        "mistake",
        "answer 401",
    ),
    (|_, said| if said.status == 405 { Said::empty(405) } else { said }, "wrong method", "warning", "Allow: "),
    (
        |asked, said| if asked.is("HEAD") && said.status != 200 { Said::empty(418) } else { said },
        "HEAD",
        "warning",
        "HEAD",
    ),
    (
        |asked, said| if asked.path.ends_with("/") { Said::json(404, &json!({})) } else { said },
        "trailing slash",
        "mistake",
        "both alike",
    ),
    (|_, _| Said::empty(301).header("location", "/x"), "no key", "mistake", "no redirect"),
    (
        |_, said| if [200, 413].contains(&said.status) { Said::empty(403) } else { said },
        "the admin key",
        "warning",
        "SourceCidrs",
    ),
];

#[tokio::test]
async fn each_mistake_of_a_webhook_with_an_admin_key_is_found_alone() {
    let (right_key, wrong_key) =
        (KeyFile::of("admin", ADMIN_KEY), KeyFile::of("no-admin", "ffeeddccbbaa99887766554433221100"));
    let same: Change = |_, said| said;
    for path in ["/webhooks/unlink", "/webhooks/talk-share", "/webhooks/talk-channel"] {
        each_is_found(path, &["--admin-key-file", right_key.path()], OF_A_WEBHOOK).await;
        each_is_found(
            path,
            &["--admin-key-file", wrong_key.path()],
            &[(same, "the admin key", "mistake", "KakaoApps")],
        )
        .await;
    }
}

#[tokio::test]
async fn each_mistake_of_the_account_status_webhook_and_the_health_check_is_found_alone() {
    each_is_found(
        "/webhooks/account-status",
        &[],
        &[
            (|asked, said| to_post(asked, said, Said::empty(202)), "malformed token", "mistake", "answer 400"),
            (|asked, said| to_post(asked, said, Said::json(401, &json!({}))), "malformed token", "mistake", "no key"),
            (|asked, said| to_post(asked, said, Said::json(400, &json!({}))), "malformed token", "mistake", "RFC 8935"),
            (
                |asked, said| {
                    if said.status == 400 {
                        to_post(asked, said.clone(), Said::text(400, "text/plain", &said.body))
                    } else {
                        said
                    }
                },
                "content type of an error",
                "mistake",
                "application/json",
            ),
            (
                |asked, said| if asked.body.ends_with(".e30.") { Said::empty(202) } else { said },
                "unsigned token",
                "mistake",
                "signature",
            ),
            (
                |asked, said| if asked.body.contains(".e30.a") { Said::empty(202) } else { said },
                "forged token",
                "mistake",
                "signature",
            ),
            (
                |asked, said| if asked.body.contains(".e30.a") { Said::empty(503) } else { said },
                "forged token",
                "warning",
                "key set",
            ),
        ],
    )
    .await;
    each_is_found(
        "/health",
        &[],
        &[
            (|asked, said| to_get(asked, said, Said::empty(204)), "status", "mistake", "200"),
            (|asked, said| to_get(asked, said, Said::text(200, "text/plain", "ok")), "content type", "mistake", "json"),
            (|asked, said| to_get(asked, said, Said::json(200, &json!("ok"))), "body", "mistake", "status"),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_address_with_a_query_of_its_own_is_warned_of() {
    let same: Change = |_, said| said;
    for path in ["/webhooks/unlink?p=shop01", "/skill?p=shop01"] {
        each_is_found(path, &[], &[(same, "address", "warning", "register it without")]).await;
    }
}

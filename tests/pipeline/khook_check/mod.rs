//! `khook check`, the real binary: against servers with one mistake each it finds that one and names the fix, and
//! against this project's own functions it finds none.

mod bridge;
mod mistakes;
mod stand_in;
mod tutorial;

use std::{fs, net::TcpListener, path::PathBuf};

use axum::Router;
use end_to_end::{
    Pipeline,
    faults::{Fault, Gate, Server},
    khook_binary::{self, Done},
    service::{ADMIN_KEY, BOT_ID, SKILL_KEY},
};
use serde_json::{Value, json};

use crate::kakao::snapshot;
use bridge::Bridge;
use stand_in::{DistrustedServer, ShownCertificate, right, serve};

/// A file with a key in it, as long as this lives.
pub(crate) struct KeyFile(PathBuf);

impl KeyFile {
    pub(crate) fn of(name: &str, key: &str) -> Self {
        let path = std::env::temp_dir().join(format!("end-to-end-check-{name}-{}", std::process::id()));
        fs::write(&path, format!("{key}\n")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn khook(url: &str, more: &[&str]) -> Done {
    khook_binary::run(&[], &[&["check", url], more].concat()).await.unwrap()
}

/// The findings, each as `check verdict: seen`, without times, which depend on the machine.
async fn findings(url: &str, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let done = khook(url, &[more, &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{} {}", done.out, done.error));
    let mut findings = vec![];
    for route in report["routes"].as_array().unwrap() {
        for finding in route["findings"].as_array().unwrap() {
            let mut finding = finding.clone();
            finding["route"] = route["route"].clone();
            findings.push(finding);
        }
    }
    findings.retain(|finding| finding["check"] != "time");
    (done.code, findings)
}

fn lines(findings: &[Value]) -> Vec<String> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| {
        format!(
            "{} {}: {} {}",
            text(finding, "route"),
            text(finding, "check"),
            text(finding, "verdict"),
            text(finding, "seen")
        )
    };
    findings.iter().map(line).collect()
}

/// The findings that are not right.
async fn faults(url: &str, more: &[&str]) -> (Option<i32>, Vec<Value>) {
    let (code, mut findings) = findings(url, more).await;
    findings.retain(|finding| finding["verdict"] != "right");
    (code, findings)
}

#[tokio::test]
async fn our_own_functions_have_no_mistake_and_keep_only_what_was_to_be_sent() {
    let bridge = Bridge::before(Pipeline::start().await.unwrap()).await;
    let (skill, admin) = (KeyFile::of("own-skill", SKILL_KEY.1), KeyFile::of("own-admin", ADMIN_KEY));
    let keys = ["--skill-key-file", skill.path(), "--admin-key-file", admin.path()];
    let (code, found) = findings(&bridge.url(), &keys).await;
    assert_eq!(code, Some(0), "{found:#?}");
    assert!(found.iter().all(|finding| finding["verdict"] == "right"), "{found:#?}");
    snapshot("khook-check", &lines(&found));
    assert_eq!(bridge.pipeline.lock().await.queue.bodies(), Vec::<String>::new());
    assert!(bridge.pipeline.lock().await.table.items().unwrap().is_empty());

    let (code, found) = faults(&format!("{}/skill", bridge.url()), &[&keys[..2], &["--send"]].concat()).await;
    assert_eq!((code, found), (Some(0), vec![]));
    let bodies = bridge.pipeline.lock().await.queue.bodies();
    assert!(bodies.len() == 1 && bodies[0].contains(r#""bot_id":"khook-check""#), "{bodies:?}");
}

#[tokio::test]
async fn mistakes_in_the_settings_of_our_own_functions_are_named() {
    let bridge = Bridge::before(Pipeline::start().await.unwrap().without("SKILL_AUTH")).await;
    let (url, other) = (format!("{}/skill", bridge.url()), KeyFile::of("other", "0123456789abcdef0123456789abcdef"));
    let (code, found) = faults(&url, &[]).await;
    assert_eq!((code, found.len(), &found[0]["verdict"]), (Some(0), 1, &json!("warning")), "{found:#?}");
    assert!(found[0]["fix"].as_str().unwrap().contains("SKILL_AUTH"));

    let unlink = format!("{}/webhooks/unlink", bridge.url());
    let (code, found) = faults(&unlink, &["--admin-key-file", other.path()]).await;
    assert_eq!((code, found.len(), &found[0]["check"]), (Some(1), 1, &json!("the admin key")), "{found:#?}");
    assert!(found[0]["fix"].as_str().unwrap().contains("KakaoApps"));
}

#[tokio::test]
async fn what_khook_check_finds_right_khook_send_uses() {
    let bridge = Bridge::before(Pipeline::start().await.unwrap()).await;
    let (url, key) = (bridge.url(), KeyFile::of("send", SKILL_KEY.1));
    let send = async |more: &[&str]| {
        let fixed = ["send", "skill", "--url", &url, "--bot", BOT_ID, "--json"];
        khook_binary::run(&[], &[&fixed, more].concat()).await.unwrap().json()
    };
    assert_eq!(send(&["--check"]).await["body"], json!({"version": "2.0", "data": {}}));
    let answer = send(&["--utterance", "안녕하세요", "--skill-key-file", key.path()]).await;
    assert_eq!(answer["body"]["template"]["outputs"][0]["simpleText"]["text"], "안녕하세요");
    send(&["--no-key", "--expect", "401"]).await;
    assert_eq!(bridge.pipeline.lock().await.queue.bodies().len(), 1);
}

#[tokio::test]
async fn an_unreachable_key_set_is_a_warning_and_no_token_is_accepted_without_it() {
    let pipeline = Pipeline::start().await.unwrap();
    pipeline.keys.gate().set(Fault::Status(500));
    let bridge = Bridge::before(pipeline).await;
    let (code, found) = faults(&format!("{}/webhooks/account-status", bridge.url()), &[]).await;
    assert_eq!((code, found.len(), &found[0]["check"]), (Some(0), 1, &json!("forged token")), "{found:#?}");
    assert!(found[0]["fix"].as_str().unwrap().contains("key set"));
}

#[tokio::test]
async fn the_tutorials_program_passes_with_warnings() {
    let server = serve(tutorial::tutorial).await;
    let (code, found) = findings(&format!("{}/skill", server.url()), &[]).await;
    assert_eq!(code, Some(0), "{found:#?}");
    snapshot("khook-check-tutorial", &lines(&found));
}

#[tokio::test]
async fn each_mistake_of_a_certificate_is_distinguished_from_the_others() {
    for (shown, seen, fix) in [
        (ShownCertificate::SelfSigned, "self-signed", "public authorities only"),
        (ShownCertificate::Expired, "has expired", "renew it"),
        (ShownCertificate::Early, "isn't valid yet", "clock"),
        (ShownCertificate::OfAPrivateAuthority, "a single certificate", "whole chain"),
        (ShownCertificate::WithItsPrivateAuthority, "chain of 2", "public authority"),
    ] {
        let server = DistrustedServer::start(shown).await;
        let (code, found) = findings(&server.url(), &[]).await;
        assert_eq!((code, found.len(), &found[0]["verdict"]), (Some(1), 1, &json!("mistake")), "{shown:?} {found:?}");
        assert!(found[0]["seen"].as_str().unwrap().contains(seen), "{shown:?} {found:?}");
        assert!(found[0]["fix"].as_str().unwrap().contains(fix), "{shown:?} {found:?}");
    }
}

#[tokio::test]
async fn plain_http_is_a_mistake_and_no_key_goes_there() {
    // An address that no host has: a request would not be answered within the time limit.
    let (code, found) = findings("http://192.0.2.1/skill", &[]).await;
    assert_eq!((code, lines(&found)), (Some(1), vec!["skill https: mistake plain http://".to_owned()]));
}

#[tokio::test]
async fn https_on_a_plain_http_port_is_reported() {
    let server = serve(right).await;
    let (code, found) = findings(&format!("{}/skill", server.url().replace("http:", "https:")), &[]).await;
    assert_eq!((code, found.len()), (Some(1), 1), "{found:?}");
    assert!(found[0]["fix"].as_str().unwrap().contains("serve HTTPS"), "{found:?}");
}

#[tokio::test]
async fn a_check_without_a_listening_server_is_inconclusive() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, found) = findings(&format!("http://{free}"), &[]).await;
    assert_eq!(
        (code, lines(&found)),
        (Some(2), vec!["skill answers: unknown no server accepts the connection".to_owned()])
    );
    for (url, more) in [("not-an-address", &[][..]), ("http://127.0.0.1:1", &["--admin-key-file", "/nothing"])] {
        let done = khook(url, more).await;
        assert_eq!(done.code, Some(2), "{}", done.error);
        assert!(!done.refused().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_reported_as_timed_out() {
    let gate = Gate::default();
    gate.set(Fault::Hangs);
    let server = Server::start(Router::new(), gate).await.unwrap();
    let (code, found) = findings(&server.url(), &[]).await;
    assert_eq!((code, lines(&found)), (Some(1), vec!["skill answers: mistake no answer within 10 s".to_owned()]));
}

#[tokio::test]
async fn the_table_shows_the_fix_and_never_a_key() {
    let server = serve(|asked| if asked.path == "/health" { stand_in::Said::empty(503) } else { right(asked) }).await;
    let (skill, admin) = (KeyFile::of("shown-skill", stand_in::KEY), KeyFile::of("shown-admin", stand_in::ADMIN_KEY));
    let keys = ["--skill-key-file", skill.path(), "--admin-key-file", admin.path()];
    let done = khook(&server.url(), &keys).await;
    assert_eq!(done.code, Some(1), "{}", done.error);
    for text in ["registration check: status", "✓", "✗", "look at the alarms", "1 mistake"] {
        assert!(done.out.contains(text), "{text}: {}", done.out);
    }
    let said = format!("{}{}", done.out, done.error);
    assert!(!said.contains(stand_in::KEY) && !said.contains(stand_in::ADMIN_KEY), "{said}");
}

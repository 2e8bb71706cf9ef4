//! `khook send` and `khook kakao` beside a running `khook dev`: what is true at the simulated Kakao.

use axum::{Router, http::StatusCode, routing::post};
use end_to_end::{
    faults::{Gate, Server},
    khook_binary::{Done, Project},
};
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiServer, SimulatedApi},
};
use serde_json::json;

const READER_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// 2026-01-02T03:04:05Z.
const SECOND: i64 = 1_767_323_045;

/// A service that accepts account status tokens and refuses unlinks, and the simulated Kakao.
struct Dev {
    project: Project,
    api: ApiServer,
    app: String,
    _service: Server,
}

impl Dev {
    async fn start(name: &str) -> Self {
        let kakao = khook::kakao::Kakao::generate().unwrap();
        let mut api = SimulatedApi::new(KakaoMembers::default());
        api.add_key(READER_KEY, AdminKey::reader(&kakao.app_id));
        api.members.link(&kakao.app_id, 7, SECOND);
        let api = ApiServer::start(api).await.unwrap();
        let routes = Router::new()
            .route("/webhooks/account-status", post(async || StatusCode::ACCEPTED))
            .fallback(async || StatusCode::UNAUTHORIZED);
        let service = Server::start(routes, Gate::default()).await.unwrap();
        let running = json!({
            "base_url": service.url(), "endpoint": api.url(), "region": "r", "table": "t", "queue_url": "q",
            "dead_letter_queue_url": "d", "bus": "b", "kakao": kakao, "kakao_api_url": api.url(),
            "kakao_reader_key": READER_KEY,
        });
        Self { project: Project::with_running(name, &running).unwrap(), api, app: kakao.app_id, _service: service }
    }

    async fn khook(&self, command: &str) -> Done {
        self.project.run(&command.split(' ').collect::<Vec<_>>()).await.unwrap()
    }

    fn connected_at(&self, member: u64) -> Option<i64> {
        self.api.api().members.connected_at(&self.app, member)
    }
}

#[tokio::test]
async fn a_webhook_that_cannot_be_lost_is_refused_with_the_reason_and_nothing_happens_at_kakao() {
    let dev = Dev::start("not-lost").await;
    let status = "send account-status --lost --event";
    for (command, why) in [
        ("send talk-channel --event added --user 7 --lost", "unexpected argument '--lost'"),
        ("send talk-share --lost", "unexpected argument '--lost'"),
        ("send skill --lost", "unexpected argument '--lost'"),
        (&format!("{status} user-profile-changed --user 7"), "events that link or unlink a member"),
        (&format!("{status} user-linkd --user 7"), "did you mean `user-linked`?"),
        (&format!("{status} user-unlinked --user abc"), "--user: `abc` is not a member number"),
        (&format!("{status} user-unlinked"), "--user is missing"),
        (&format!("{status} user-unlinked --user 7 --forge kid"), "--forge"),
        (&format!("{status} user-unlinked --user 7 --claim sub=8"), "--claim sub"),
        (&format!("{status} user-unlinked --user 7 --audience other"), "--audience: `khook dev` simulates app"),
        ("send unlink --user 0 --lost", "--user: `0` is not a member number"),
        ("send unlink --user 7 --lost --app-id 999", "--app-id: `khook dev` simulates app"),
    ] {
        let done = dev.khook(command).await;
        assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{command}: {}", done.error);
        assert!(done.error.contains(why), "{command}: {}", done.error);
        assert_eq!(dev.connected_at(7), Some(SECOND), "{command}");
    }
    let mut done = end_to_end::khook_binary::command(&[], &["send", "unlink", "--user", "7", "--lost"]).unwrap();
    let done = done.current_dir("/").output().await.unwrap();
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(error.contains("--lost needs a running `khook dev`: start it in another terminal"), "{error}");
}

#[tokio::test]
async fn what_happens_at_kakao_is_dated_and_only_what_is_new_is_said_to_be_found() {
    let dev = Dev::start("truth").await;
    let linked = "send account-status --event user-linked --at 2026-01-02T03:04:05Z --user";
    dev.khook(&format!("{linked} 8")).await.printed();
    assert_eq!(dev.connected_at(8), Some(SECOND));
    assert!(dev.khook(&format!("{linked} 9 --lost")).await.printed().contains("`khook reconcile run` finds it"));
    assert_eq!(dev.connected_at(9), Some(SECOND));
    let again = dev.khook(&format!("{linked} 9 --lost")).await.printed();
    assert!(again.contains("is linked already") && !again.contains("finds it"), "{again}");
    let never = dev.khook("send unlink --user 50 --lost").await.printed();
    assert!(never.contains("no change") && never.contains("is not linked"), "{never}");
    // What is older than the link ended an earlier one.
    dev.khook("send account-status --event user-unlinked --at 2026-01-01T00:00:00Z --user 8").await.printed();
    assert_eq!(dev.connected_at(8), Some(SECOND));
    dev.khook("send unlink --user 9 --lost").await.printed();
    assert_eq!(dev.connected_at(9), None);
    // A refusal that was expected happened to no member.
    dev.khook("send unlink --user 7 --expect 401").await.printed();
    assert_eq!(dev.connected_at(7), Some(SECOND));
}

#[tokio::test]
async fn khook_kakao_asks_the_simulated_kakao_of_the_running_khook_dev() {
    let dev = Dev::start("kakao").await;
    let command = |what: &str| format!("kakao {what} {} 7 --json", dev.app);
    assert_eq!(dev.khook(&command("me")).await.json()["linked"], json!(true));
    assert_eq!(dev.khook(&command("users")).await.json()[0]["linked"], json!(true));
    let scopes = dev.khook(&command("scopes").replace(" --json", "")).await;
    assert!(scopes.error.contains("Kakao lists no scope of this member") && scopes.out.is_empty(), "{scopes:?}");
    // Of another app it knows nothing: a key is asked for.
    let other = dev.khook("kakao me 999 7").await;
    assert!(other.code == Some(1) && other.error.contains("what was entered is empty"), "{other:?}");
}

//! `khook kakao`, the real binary against Kakao's simulated REST API.

use std::{fs, net::IpAddr, path::PathBuf};

use end_to_end::khook_binary::{self, Done};
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiCall, ApiCategory, ApiError, ApiFault, ApiServer, ScriptedFault, SimulatedApi},
};
use serde_json::{Value, json};

const APP: &str = "123456";
const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// 2026-01-02T03:04:05Z.
const SECOND: i64 = 1_767_323_045;

struct Kakao {
    server: ApiServer,
    key_file: PathBuf,
}

impl Kakao {
    async fn start(name: &str, key: AdminKey) -> Self {
        let mut members = KakaoMembers::default();
        members.link_all(APP, (7..=206).map(|number| (number, SECOND)));
        members.set_scope(APP, 7, "account_email", true);
        members.set_scope(APP, 7, "gender", false);
        let mut api = SimulatedApi::new(members);
        api.add_key(KEY, key);
        let key_file = std::env::temp_dir().join(format!("khook-kakao-{name}-{}", std::process::id()));
        fs::write(&key_file, format!("{{\"{APP}\":\"{KEY}\"}}\n")).unwrap();
        Self { server: ApiServer::start(api).await.unwrap(), key_file }
    }

    async fn khook(&self, arguments: &[&str]) -> Done {
        let variables = [("KAKAO_API_URL", self.server.url().to_owned())];
        let fixed = ["kakao", arguments[0], APP, "--key-file", self.key_file.to_str().unwrap()];
        let done = khook_binary::run(&variables, &[&fixed, &arguments[1..]].concat()).await.unwrap();
        assert!(!format!("{}{}", done.out, done.error).contains(KEY), "the key is shown");
        done
    }
}

impl Drop for Kakao {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.key_file);
    }
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[tokio::test]
async fn a_member_the_list_and_consents_are_printed_for_people_and_for_programs() {
    let kakao = Kakao::start("printed", AdminKey::reader(APP)).await;
    snapshot("kakao-me", &kakao.khook(&["me", "7"]).await.printed());
    let since = "2026-01-02T03:04:05.000Z";
    let member = json!({"user_id": "7", "linked": true, "connected_at": since});
    assert_eq!(kakao.khook(&["me", "7", "--json"]).await.json(), member);

    snapshot("kakao-users", &kakao.khook(&["users", "7", "207"]).await.printed());
    let asked = kakao.khook(&["users", "207", "7", "--json"]).await.json();
    assert_eq!(asked, json!([{"user_id": "207", "linked": false, "connected_at": Value::Null}, member]));

    let listed = kakao.khook(&["users", "--from", "100", "--limit", "2"]).await;
    assert!(listed.error.contains("--from 102"), "{}", listed.error);
    assert_eq!(listed.printed(), "100\n101\n");
    let page = kakao.khook(&["users", "--from", "206", "--json"]).await.json();
    assert_eq!(page, json!({"members": ["206"], "has_more": false}));

    snapshot("kakao-scopes", &kakao.khook(&["scopes", "7"]).await.printed());
    let scopes = kakao.khook(&["scopes", "7", "--json"]).await.json();
    assert_eq!(scopes[0], json!({"scope": "account_email", "agreed": true, "used": true}));
}

#[tokio::test]
async fn an_error_of_kakaos_has_its_code_its_words_and_the_fix() {
    let elsewhere: IpAddr = "203.0.113.9".parse().unwrap();
    let cases = [
        (
            "address",
            AdminKey::reader(APP).only_from([elsewhere]),
            "callerIp=127.0.0.1",
            "add 127.0.0.1 to the key's 호출 허용 IP",
        ),
        ("category", AdminKey::new(APP, [ApiCategory::UnlinkUsers]), "(code -3)", "사용자 목록 조회"),
    ];
    for (name, key, words, fix) in cases {
        let kakao = Kakao::start(name, key).await;
        for command in ["me", "scopes"] {
            let done = kakao.khook(&[command, "999"]).await;
            assert!(done.code == Some(1) && done.out.is_empty(), "{done:?}");
            assert!(done.error.contains(words) && done.error.contains(fix), "{}", done.error);
        }
    }
    // Of a member who is not linked nothing but that can be said.
    let kakao = Kakao::start("linked", AdminKey::reader(APP)).await;
    let me = kakao.khook(&["me", "999", "--json"]).await;
    let not_linked = json!({"user_id": "999", "linked": false, "connected_at": null});
    assert_eq!((me.code, serde_json::from_str(&me.out).ok()), (Some(1), Some(not_linked)), "{}", me.error);
    let me = kakao.khook(&["me", "999"]).await;
    assert!(me.code == Some(1) && me.out.contains("not linked") && me.error.is_empty(), "{me:?}");
    let error = kakao.khook(&["scopes", "999"]).await.refused();
    assert!(error.contains("(code -101): is it the right app"), "{error}");
    let error = kakao.khook(&["me", "18446744073709551615"]).await.refused();
    assert!(error.contains("(code -2): is it a member number"), "{error}");
    let none = kakao.khook(&["users", "--from", "9999"]).await;
    assert!(none.error.contains("Kakao lists no member from 9999 on"), "{}", none.error);

    let kakao = Kakao::start("inner", AdminKey::reader(APP)).await;
    kakao.server.api().script(ScriptedFault::all(ApiCall::UserIds, ApiFault::Error(ApiError::Internal)));
    let error = kakao.khook(&["users"]).await.refused();
    assert!(error.contains("(code -1)") && error.contains("Try again"), "{error}");
}

#[tokio::test]
async fn the_key_goes_to_https_or_this_machine_only_and_is_read_from_standard_input() {
    let kakao = Kakao::start("elsewhere", AdminKey::reader(APP)).await;
    let variables = [("KAKAO_API_URL", "http://kapi.example.com".to_owned())];
    let arguments = ["kakao", "users", APP, "--key-file", kakao.key_file.to_str().unwrap()];
    let done = khook_binary::run(&variables, &arguments).await.unwrap();
    assert!(done.code == Some(2) && done.error.contains("KAKAO_API_URL"), "{done:?}");
    // Nothing is on standard input, and no file is named.
    let variables = [("KAKAO_API_URL", kakao.server.url().to_owned())];
    let error = khook_binary::run(&variables, &["kakao", "users", APP]).await.unwrap().refused();
    assert!(error.contains("what was entered is empty"), "{error}");
}

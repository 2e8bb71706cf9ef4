//! The receiver that `docs/follow-up.md` shows verifies signatures, and its Korean twin shows the same.

use std::{
    fs,
    net::TcpListener,
    process::{Command as StdCommand, Stdio},
};

use end_to_end::{binaries::workspace, khook_binary, patience::becomes};
use serde_json::{Value, json};
use tokio::{net::TcpStream, process::Command};

use crate::{
    examples::{Example, fastapi_python},
    served::SECRET,
};

fn receiver(page: &str) -> String {
    let page = fs::read_to_string(workspace().join(page)).unwrap();
    let (_, block) = page.split_once("```python\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn both_languages_show_the_same_receiver() {
    assert_eq!(receiver("docs/follow-up.md"), receiver("docs/follow-up.ko.md"));
}

#[tokio::test]
async fn the_receiver_on_the_page_takes_what_is_signed_and_refuses_what_is_not() {
    if !Example("fastapi").is_installed(&["python3"]) {
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = receiver("docs/follow-up.md");
    assert_eq!(text.matches("8080").count(), 1, "{text}");
    // Of the packages of the example for FastAPI, it uses `standardwebhooks`.
    let mut python = Command::from(StdCommand::new(fastapi_python().await));
    python.args(["-B", "-c", &text.replace("8080", &port.to_string())]).env("KAKAO_DELIVERY_SECRET", SECRET);
    python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let _python = python.spawn().unwrap();
    becomes("a receiver that listens", &true, || async { TcpStream::connect(("127.0.0.1", port)).await.is_ok() }).await;

    let secret_file = std::env::temp_dir().join(format!("end-to-end-page-{}", std::process::id()));
    fs::write(&secret_file, SECRET).unwrap();
    let url = format!("http://localhost:{port}/kakao");
    let test = ["delivery", "test", "--json", "--url", &url, "--secret-file", secret_file.to_str().unwrap()];
    let output = khook_binary::command(&[], &test).unwrap().output().await.unwrap();
    fs::remove_file(secret_file).unwrap();
    let tested: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&tested["signed"]["status"], &tested["wrong_signature"]["status"]), (&json!(204), &json!(401)));
}

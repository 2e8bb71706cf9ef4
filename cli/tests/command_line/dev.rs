//! A second `khook dev` while another one runs.

use std::{env, fs, fs::File, path::PathBuf, process};

use end_to_end::khook_binary;
use serde_json::json;

/// A folder that khook takes for the project's.
fn project() -> PathBuf {
    let root = env::temp_dir().join(format!("end-to-end-dev-{}", process::id()));
    for folder in ["infra/local", ".local"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["template.yaml", "infra/local/deploy.py"] {
        fs::write(root.join(file), "").unwrap();
    }
    root
}

#[tokio::test]
async fn a_second_one_names_the_first_and_leaves_it_alone() {
    let root = project();
    let lock = File::create(root.join(".local/dev.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(root.join(".local/dev.lock"), "4711").unwrap();
    let kakao = khook::kakao::Kakao::generate().unwrap();
    let first = json!({
        "base_url": "http://127.0.0.1:1/first", "endpoint": "http://127.0.0.1:1", "region": "r", "table": "t",
        "queue_url": "q", "dead_letter_queue_url": "d", "bus": "b", "kakao": kakao,
    });
    fs::write(root.join(".local/dev.json"), first.to_string()).unwrap();
    for arguments in [&["dev"][..], &["demo", "--keep"]] {
        let output = khook_binary::command(&[], arguments).unwrap().current_dir(&root).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("process 4711") && error.contains("http://127.0.0.1:1/first"), "{error}");
    }
    assert_eq!(fs::read_to_string(root.join(".local/dev.json")).unwrap(), first.to_string());
    fs::remove_dir_all(root).unwrap();
}

//! A second `khook dev` while another one runs.

use std::{fs, fs::File};

use end_to_end::khook_binary::{Done, Project};
use serde_json::json;

#[tokio::test]
async fn a_second_one_names_the_first_and_leaves_it_alone() {
    let kakao = khook::kakao::Kakao::generate().unwrap();
    let first = json!({
        "base_url": "http://127.0.0.1:1/first", "endpoint": "http://127.0.0.1:1", "region": "r", "table": "t",
        "queue_url": "q", "dead_letter_queue_url": "d", "bus": "b", "kakao": kakao,
    });
    let project = Project::with_running("dev", &first).unwrap();
    let root = project.path();
    let lock = File::create(root.join(".local/dev.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(root.join(".local/dev.lock"), "4711").unwrap();
    for arguments in [&["dev"][..], &["demo", "--keep"]] {
        let Done { code, error, .. } = project.run(arguments).await.unwrap();
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("process 4711") && error.contains("http://127.0.0.1:1/first"), "{error}");
    }
    assert_eq!(fs::read_to_string(root.join(".local/dev.json")).unwrap(), first.to_string());
}

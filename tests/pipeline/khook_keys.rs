//! `khook keys` and `khook send account-status --key`, the real binary: Kakao's keys and signature, simulated
//! closely enough for the real function.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use end_to_end::{Pipeline, binaries::binary, service::REST_API_KEY};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::kakao::pushed;

/// Longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Served {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Served {
    fn start(file: &Path, more: &[&str]) -> Self {
        let mut command = khook();
        command.args(["keys", "serve", "--key-file"]).arg(file).args(more);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        Self { lines: BufReader::new(child.stdout.take().unwrap()).lines(), _child: child }
    }

    /// The rest of the next line that has this in it.
    async fn after(&mut self, mark: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.to_owned();
            }
        }
    }

    /// The ids in the set, after the next change.
    async fn set(&mut self) -> Vec<String> {
        self.after("the set is ").await.split(' ').map(str::to_owned).collect()
    }
}

fn khook() -> Command {
    let mut command = Command::new(binary("khook").unwrap());
    command.stdin(Stdio::null());
    command
}

async fn output(arguments: &[&str]) -> (bool, String) {
    let output = khook().args(arguments).output().await.unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// The token that khook would send.
async fn token(file: &Path, more: &[&str]) -> String {
    let file = file.to_str().unwrap();
    let fixed = ["send", "account-status", "--event", "user-linked", "--user", "7", "--audience", REST_API_KEY];
    let where_to = ["--url", "http://127.0.0.1:1", "--curl", "--key", file];
    let (done, command) = output(&[&fixed, &where_to[..], more].concat()).await;
    assert!(done, "{command}");
    command.rsplit_once("-d '").unwrap().1.trim_end().trim_end_matches('\'').to_owned()
}

fn temporary(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("end-to-end-{name}-{}.json", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[tokio::test]
async fn what_khook_signs_with_its_key_file_is_accepted_by_a_function_that_asks_khook_for_the_keys() {
    let file = temporary("served");
    let made = output(&["keys", "new", "--key-file", file.to_str().unwrap()]).await;
    assert!(made.0, "{}", made.1);
    let again = output(&["keys", "new", "--key-file", file.to_str().unwrap()]).await;
    assert!(!again.0 && again.1.contains("is there already"), "{}", again.1);

    let mut served = Served::start(&file, &[]);
    let url = served.after("KAKAO_JWKS_URL=").await;
    let [kid] = <[String; 1]>::try_from(served.set().await).unwrap();
    assert!(made.1.starts_with(&kid), "{}", made.1);
    let pipeline = Pipeline::start().await.unwrap().with("KAKAO_JWKS_URL", &url);
    // khook signs by the machine's clock.
    let mut pipeline = pipeline.with("TEST_CLOCK_AHEAD_MS", "0");
    for (more, status) in [
        (&[][..], 202),
        (&["--kid", &kid][..], 202),
        (&["--forge", "signature"][..], 400),
        (&["--forge", "rs512"][..], 400),
    ] {
        let request = pushed(token(&file, more).await);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, status, "{more:?}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_rotation_publishes_a_new_key_first_and_keeps_the_configured_number_of_old_ones() {
    let file = temporary("rotating");
    let mut served = Served::start(&file, &["--rotate-every", "1", "--keep-old", "1"]);
    let url = served.after("KAKAO_JWKS_URL=").await;
    let (first, second, third) = (served.set().await, served.set().await, served.set().await);
    assert_eq!((first.len(), second.len(), third.len()), (1, 2, 2));
    assert_eq!((&second[1], &third[1]), (&first[0], &second[0]));
    // It may have rotated since: the test continues from what is published now.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let set: Value = serde_json::from_str(&client.get(&url).send().await.unwrap().text().await.unwrap()).unwrap();
    let ids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert!(!ids.contains(&first[0].as_str()), "{ids:?}");
    assert!(set["keys"][0].get("d").is_none() && !set.to_string().contains("private"));
    std::fs::remove_file(&file).unwrap();
}

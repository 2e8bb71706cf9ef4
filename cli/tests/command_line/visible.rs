//! khook's real binary on data with control sequences: no command prints them raw, no JSON hides them.

use std::{collections::BTreeSet, sync::Mutex};

use axum::{
    Router,
    http::{StatusCode, header::HeaderMap},
    response::{IntoResponse, Response},
};
use clap::CommandFactory;
use end_to_end::{
    faults::{Gate, Server},
    khook_binary::{self, Done},
    queue::Queue,
    service::APP_ID,
    table::{self, Table},
};
use serde_json::{Value, json};

use crate::binary::Folder;

/// It clears the screen, sounds the bell, sets colours (in seven bits and in eight), forges a line, and reverses and
/// hides letters.
const HOSTILE: &str =
    "라이언\u{1b}[2J\u{7}\u{9b}31m\u{7f}\r\nFORGED\t\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{feff}\u{e0041}";
const USER: &str = "3142858700";
/// Commands without input from outside, or that need the whole local cloud; they use the same writer.
const NOT_RUN: [&str; 9] =
    ["changes tail", "completions", "delivery secret new", "demo", "dev", "hash-key", "keys serve", "keys new", "man"];

fn is_raw(letter: char) -> bool {
    let marks = ['\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{feff}'];
    (letter.is_control() && letter != '\n')
        || marks.contains(&letter)
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter)
        || ('\u{e0000}'..='\u{e007f}').contains(&letter)
}

/// Runs commands, and remembers which.
#[derive(Default)]
struct Shell {
    variables: Vec<(&'static str, String)>,
    ran: Mutex<BTreeSet<String>>,
}

impl Shell {
    async fn run(&self, arguments: &[&str]) -> Done {
        let words = arguments
            .iter()
            .take_while(|argument| argument.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'));
        let words: Vec<_> = words.take_while(|argument| !argument.starts_with('-')).copied().collect();
        self.ran.lock().unwrap().insert(words.join(" "));
        let done = khook_binary::run(&self.variables, arguments).await.unwrap();
        for text in [&done.out, &done.error] {
            // Each record of CSV ends so (RFC 4180).
            let text = if arguments.contains(&"--csv") { &text.replace("\r\n", "\n") } else { text };
            let raw: Vec<_> = text.chars().filter(|letter| is_raw(*letter)).collect();
            assert!(raw.is_empty(), "{arguments:?}: {raw:?} in {text}");
            assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{arguments:?}: {text}");
        }
        done
    }

    /// The same, and the hostile text is in what it prints, as an escape.
    async fn shows(&self, arguments: &[&str]) {
        let done = self.run(arguments).await;
        let text = format!("{}{}", done.out, done.error);
        let is_answer = arguments.first() == Some(&"send");
        let escaped = text.contains("\\u{1b}[2J") || text.contains("\\u001b[2J");
        assert!(escaped, "{arguments:?} shows nothing of it: {text}");
        // The further lines of an error or of a foreign answer stand behind the margin; data has none.
        assert!(
            !done.out.lines().any(|line| line.trim_start().starts_with("FORGED")) || is_answer,
            "{arguments:?}: {text}"
        );
    }

    /// The same as a table and as JSON.
    async fn shows_both(&self, arguments: &[&str]) {
        self.shows(arguments).await;
        let done = self.run(&[arguments, &["--json"]].concat()).await;
        let value: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("{arguments:?}: {}", done.error));
        assert!(holds(&value, HOSTILE), "{arguments:?}: {value}");
    }
}

/// Whether a text stands in a document as it is.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(elements) => elements.iter().any(|element| holds(element, text)),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains(text) || holds(value, text)),
        _ => false,
    }
}

/// Rules with mistakes and without manners.
fn rules() -> String {
    let rule = json!({"name": HOSTILE, "when": {"says": HOSTILE, HOSTILE: "a"}, "reply": HOSTILE, HOSTILE: 7});
    json!({"version": 1, "rules": [rule], "validations": [{"status": HOSTILE}]}).to_string()
}

/// Everything that the service may have stored, each text of it hostile.
async fn service(table: &Table, queue: &Queue) -> Shell {
    let text = |text: &str| json!({"S": text});
    let partition = text(&format!("USER#{APP_ID}#{USER}"));
    let at = "2025-03-01T00:00:00.000Z";
    let today = runtime::clock::now();
    let event_id = format!("{HOSTILE}:unlink");
    let envelope = |event: Value| {
        let mut envelope = json!({"v": 1, "id": event_id, "app_id": APP_ID, "received_at": at, "kind": "talk-channel"});
        envelope.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        envelope.to_string()
    };
    let readable = envelope(json!({"kind": "service", "event": {"type": HOSTILE, "user_id": "7", "at": at}}));
    let nickname = json!({"M": {"value": text(&json!(HOSTILE).to_string()), "at": text(at)}});
    for item in [
        json!({
            "pk": partition, "sk": text("STATE"), "version": {"N": "3"}, HOSTILE: text(HOSTILE),
            "link": {"M": {"status": text(HOSTILE), "at": text(HOSTILE)}},
            "profile": {"M": {HOSTILE: nickname}},
        }),
        json!({
            "pk": partition, "sk": text("EVENT#2025"), "occurred_at": text(at), "received_at": text(HOSTILE),
            "kind": text(HOSTILE), "event": text(HOSTILE), "event_id": text(HOSTILE),
        }),
        json!({"pk": text("INBOX#0"), "sk": text(&event_id), "envelope": text(&readable)}),
        json!({"pk": text("INBOX#1"), "sk": text(HOSTILE), "envelope": text(HOSTILE)}),
        json!({
            "pk": text(&format!("QUARANTINE#{}", today.day())), "sk": text(&format!("{today}#{HOSTILE}")),
            "kind": text(HOSTILE), "app_id": text(HOSTILE), "reason": text(HOSTILE), "detail": text(HOSTILE),
            "envelope": text(&readable),
        }),
        json!({"pk": text("ANSWERS"), "sk": text("RULES"), "written_at": text(HOSTILE), "document": text(&rules())}),
        json!({"pk": text("RECONCILE#APPS"), "sk": text(APP_ID)}),
        json!({
            "pk": text(&format!("RECONCILE#{APP_ID}")), "sk": text("RUN"), "run_id": text(HOSTILE), "revision": {"N": "1"},
            "purpose": text("correct"), "state": text("listing"), "started_at": text(at), "updated_at": text(at),
            "last_error": text(HOSTILE),
        }),
    ] {
        table.put(&item).unwrap();
    }
    let dead = queue.dead_letters();
    dead.put(&readable);
    dead.put(&envelope(
        json!({"kind": "unlink", "quarantine": {"reason": HOSTILE, "detail": HOSTILE, "payload": {"text": HOSTILE}}}),
    ));
    dead.put(HOSTILE);
    let change = json!({"id": "1", "app_id": HOSTILE, "user_id": HOSTILE, "written_at": at, "changed": [HOSTILE]});
    dead.put(&json!({"detail-type": "user-changed", "detail": change}).to_string());
    let variables = vec![
        ("TABLE_NAME", table::NAME.to_owned()),
        ("EVENT_QUEUE_URL", queue.url()),
        ("EVENT_BUS_NAME", "bus".to_owned()),
        ("DEAD_LETTER_QUEUE_URL", queue.dead_letter_url()),
        ("UNDELIVERED_QUEUE_URL", queue.dead_letter_url()),
        ("DELIVERY_QUEUE_URL", queue.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
        ("AWS_ENDPOINT_URL_SQS", queue.endpoint()),
    ];
    Shell { variables, ..Shell::default() }
}

/// A server that answers everything with this.
async fn answering(status: u16, body: String) -> Server {
    let answer = move || async move {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        headers.insert("location", "/\u{9b}31m\u{202e}".parse().unwrap());
        let response: Response = (StatusCode::from_u16(status).unwrap(), headers, body.clone()).into_response();
        response
    };
    Server::start(Router::new().fallback(answer), Gate::default()).await.unwrap()
}

/// An AWS that refuses everything with a hostile text.
async fn hostile_aws() -> (Server, Shell) {
    let error = json!({"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": HOSTILE});
    let server = answering(400, error.to_string()).await;
    let queue = format!("{}/000000000000/queue", server.url());
    let variables = vec![
        ("TABLE_NAME", HOSTILE.to_owned()),
        ("EVENT_QUEUE_URL", queue.clone()),
        ("EVENT_BUS_NAME", "bus".to_owned()),
        ("DEAD_LETTER_QUEUE_URL", format!("{queue}-dead")),
        ("UNDELIVERED_QUEUE_URL", format!("{queue}-undelivered")),
        ("DELIVERY_QUEUE_URL", queue.clone()),
        ("AWS_ENDPOINT_URL", server.url()),
        ("KAKAO_ADMIN_KEY", "k".to_owned()),
        ("KAKAO_REST_API_KEY", "k".to_owned()),
        ("KAKAO_SKILL_KEY", "k".to_owned()),
    ];
    (server, Shell { variables, ..Shell::default() })
}

/// All commands, as they are typed.
fn commands() -> BTreeSet<String> {
    fn all(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
        if !command.has_subcommands() {
            found.insert(path.to_owned());
        }
        for inner in command.get_subcommands() {
            all(inner, format!("{path} {}", inner.get_name()).trim(), found);
        }
    }
    let mut found = BTreeSet::new();
    all(&khook::cli::Cli::command(), "", &mut found);
    found
}

/// Everything that commands show of what is stored.
async fn stored_data_is_escaped(shell: &Shell) {
    let (user, waiting) = ([APP_ID, USER], format!("{HOSTILE}:unlink"));
    shell.shows_both(&["user", "show", user[0], user[1]]).await;
    shell.shows_both(&["user", "history", user[0], user[1]]).await;
    shell.run(&["user", "rebuild", user[0], user[1]]).await;
    shell.shows_both(&["inbox", "list"]).await;
    shell.shows(&["inbox", "show", &waiting]).await;
    shell.shows(&["inbox", "show", &format!("gone {HOSTILE}")]).await;
    shell.shows_both(&["quarantine", "list"]).await;
    shell.run(&["quarantine", "replay", &format!("2025-01-01{HOSTILE}")]).await;
    shell.shows_both(&["dlq", "list"]).await;
    let listed = shell.run(&["dlq", "list", "--json"]).await.json();
    for letter in listed.as_array().unwrap() {
        shell.shows(&["dlq", "show", letter["message_id"].as_str().unwrap()]).await;
    }
    shell.shows_both(&["undelivered", "list"]).await;
    for message in shell.run(&["undelivered", "list", "--json"]).await.json().as_array().unwrap() {
        shell.shows(&["undelivered", "show", message["message_id"].as_str().unwrap()]).await;
    }
    shell.run(&["undelivered", "replay", "--all"]).await;
    shell.run(&["dlq", "replay", "--all", "--anyway"]).await;
    shell.shows_both(&["reconcile", "status"]).await;
    shell.run(&["erasures", "rebuild", "--yes"]).await;
    for form in [&[][..], &["--csv"], &["--json"]] {
        shell.run(&[&["erasures"], form].concat()).await;
    }
    for command in ["run", "diff", "approve", "cancel"] {
        shell.run(&["reconcile", command, "--yes"]).await;
    }
    let folder = Folder::new("visible-rules");
    folder.write("wrong.json", &rules());
    folder.write("right.json", &json!({"version": 1, "rules": [{"name": HOSTILE, "reply": HOSTILE}]}).to_string());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    shell.shows_both(&["skill", "rules", "show"]).await;
    shell.shows_both(&["skill", "rules", "check", &path("wrong.json")]).await;
    shell.shows_both(&["skill", "rules", "check", &path("right.json"), "--try", "a"]).await;
    shell.shows(&["skill", "rules", "check", &format!("gone {HOSTILE}")]).await;
    shell.shows(&["skill", "rules", "put", &path("wrong.json"), "--yes"]).await;
    shell.shows(&["skill", "rules", "put", &path("right.json"), "--yes"]).await;
    shell.run(&["skill", "rules", "clear", "--yes"]).await;
    let keys = shell.run(&["quarantine", "list", "--json"]).await.json();
    shell.shows(&["quarantine", "show", keys[0]["key"].as_str().unwrap()]).await;
}

/// Everything that commands say of an AWS that refuses them.
async fn refusals_are_escaped(refused: &Shell, aws: &Server) {
    for command in [
        &["user", "show", "1", "2"][..],
        &["user", "history", "1", "2"],
        &["user", "rebuild", "1", "2"],
        &["user", "link", "1", "2", "--yes"],
        &["user", "unlink", "1", "2", "--yes"],
        &["user", "restore", "1", "2", "--yes"],
        &["user", "erase", "1", "2", "--yes"],
        &["inbox", "list"],
        &["inbox", "show", "a"],
        &["inbox", "replay", "--all"],
        &["inbox", "drop", "--all", "--yes"],
        &["quarantine", "list"],
        &["quarantine", "replay", "--all"],
        &["quarantine", "drop", "--all", "--yes"],
        &["dlq", "list"],
        &["dlq", "replay", "--all"],
        &["dlq", "drop", "--all", "--yes"],
        &["undelivered", "list"],
        &["undelivered", "replay", "--all"],
        &["undelivered", "drop", "--all", "--yes"],
        &["publish", "--user", "1", "2"],
        &["erasures"],
        &["erasures", "rebuild", "--yes"],
        &["reconcile", "status"],
        &["reconcile", "run"],
        &["reconcile", "diff"],
        &["reconcile", "approve"],
        &["reconcile", "cancel"],
        &["skill", "rules", "show"],
        &["skill", "rules", "clear", "--yes"],
    ] {
        // The hostile words are in the error, whose further lines stand behind the margin.
        let done = refused.run(command).await;
        assert!(done.error.contains("\\u{1b}[2J"), "{command:?}: {}", done.error);
    }
    refused.run(&["doctor", "stack"]).await;
    refused.run(&["doctor", &aws.url()]).await;
}

/// Everything that commands show of what other servers answer.
async fn foreign_answers_are_escaped(refused: &Shell, url: &str) {
    for command in [
        &["send", "unlink", "--app-id", "1", "--user", "1"][..],
        &["send", "talk-share"],
        &["send", "talk-channel", "--event", HOSTILE, "--user", HOSTILE],
        &["send", "skill", "--bot", "b"],
    ] {
        refused.shows(&[command, &["--url", url]].concat()).await;
        refused.shows(&[command, &["--url", url, "--json"]].concat()).await;
        refused.run(&[command, &["--url", url, "--curl"]].concat()).await;
    }
    let folder = Folder::new("visible");
    let key = folder.path().join("keys.json");
    khook::kakao::KeyRing::generate().unwrap().write(&key).unwrap();
    let key = key.to_str().unwrap();
    let signed = ["send", "account-status", "--event", "user-linked", "--user", "1", "--audience", "a", "--key", key];
    refused.shows(&[&signed[..], &["--url", url]].concat()).await;

    for status in [200, 301, 400, 401, 500] {
        let server = answering(status, HOSTILE.to_owned()).await;
        refused.run(&["check", &server.url()]).await;
        refused.run(&["check", &server.url(), "--json"]).await;
    }
    for (status, body) in [
        (401, json!({"msg": HOSTILE})),
        (200, json!({"inbound": [{"service": HOSTILE, "ips": ["192.0.2.1", HOSTILE]}]})),
    ] {
        let server = answering(status, body.to_string()).await;
        refused.shows(&["ips", "--url", &server.url()]).await;
    }
    refused.shows(&["check", "https://a.example", "--admin-key-file", HOSTILE]).await;
    refused.shows(&["delivery", "test", "--url", url, "--secret-file", HOSTILE]).await;
    refused.shows(&["dlq", "list", "--limit", HOSTILE]).await;
    refused.shows(&[HOSTILE]).await;
}

/// Everything that commands show of what Kakao's REST API answers.
async fn kakaos_answers_are_escaped() -> Shell {
    let folder = Folder::new("visible-kakao");
    folder.write("key", "0123456789abcdef0123456789abcdef");
    let key = folder.path().join("key");
    let ran = Mutex::<BTreeSet<String>>::default();
    for (status, body) in [
        (400, json!({"code": -1, "msg": HOSTILE})),
        (200, json!({"id": 7, "scopes": [{"id": HOSTILE}], "connected_at": HOSTILE})),
    ] {
        let server = answering(status, body.to_string()).await;
        let shell = Shell { variables: vec![("KAKAO_API_URL", server.url())], ..Shell::default() };
        for command in [&["kakao", "me"][..], &["kakao", "users"], &["kakao", "scopes"]] {
            let line = [command, &["1", "7", "--key-file", key.to_str().unwrap()]].concat();
            if status == 200 && command.contains(&"scopes") {
                shell.shows_both(&line).await;
            }
            shell.run(&line).await;
        }
        ran.lock().unwrap().extend(shell.ran.into_inner().unwrap());
    }
    Shell { ran, ..Shell::default() }
}

#[tokio::test]
async fn no_command_prints_what_a_terminal_would_obey() {
    let (table, queue) = (Table::start().await.unwrap(), Queue::start().await.unwrap());
    let shell = service(&table, &queue).await;
    stored_data_is_escaped(&shell).await;
    let (aws, refused) = hostile_aws().await;
    refusals_are_escaped(&refused, &aws).await;
    foreign_answers_are_escaped(&refused, &aws.url()).await;
    let asked = kakaos_answers_are_escaped().await;
    let ran: BTreeSet<String> =
        [shell, refused, asked].into_iter().flat_map(|shell| shell.ran.into_inner().unwrap()).collect();
    let not_run: Vec<_> = commands().into_iter().filter(|command| !ran.contains(command)).collect();
    assert_eq!(
        not_run,
        NOT_RUN.into_iter().map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    );
}

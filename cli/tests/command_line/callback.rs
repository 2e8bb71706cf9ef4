//! `khook send skill --callback`, the real binary against a skill that answers later.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use end_to_end::khook_binary::{self, Done, Project};
use khook::kakao::Kakao;
use play_kakao::callback::{CallbackServer, SimulatedCallbacks};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A skill on loopback. It posts each of these bodies to the callback URL of a message, one after the other.
struct Skill {
    base: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

struct Inside {
    first: Value,
    later: Vec<Value>,
    messages: Mutex<Vec<Value>>,
}

impl Skill {
    async fn start(first: Value, later: Vec<Value>) -> Self {
        let inside = Arc::new(Inside { first, later, messages: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/skill", post(answer)).with_state(Arc::clone(&inside));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, inside, task }
    }

    async fn khook(&self, arguments: &[&str]) -> Done {
        let fixed = ["send", "skill", "--callback", "--url", &self.base, "--bot", "b0", "--no-key"];
        khook_binary::run(&[], &[&fixed, arguments].concat()).await.unwrap()
    }

    fn message(&self) -> Value {
        self.inside.messages.lock().unwrap().last().unwrap().clone()
    }
}

impl Drop for Skill {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(inside): State<Arc<Inside>>, Json(message): Json<Value>) -> Json<Value> {
    inside.messages.lock().unwrap().push(message.clone());
    let later = inside.later.clone();
    tokio::spawn(async move {
        let url = message["userRequest"]["callbackUrl"].as_str().unwrap_or_default();
        for body in later {
            // Kakao refuses what comes before the first answer.
            while posted(url, &body).await["message"] == "skill server settings are incorrect, use callback true" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    Json(inside.first.clone())
}

async fn posted(url: &str, body: &Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(url).header("Content-Type", "application/json").body(body.to_string()).send().await;
    serde_json::from_str(&answer.unwrap().text().await.unwrap()).unwrap()
}

fn wait() -> Value {
    json!({"version": "2.0", "useCallback": true, "data": {"text": "답변을 준비하고 있어요."}})
}

fn reply(text: &str) -> Value {
    json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}})
}

#[tokio::test]
async fn the_first_answer_the_waiting_text_and_the_reply_are_printed() {
    let long = "주문하신 상품은 내일 도착합니다. ".repeat(8);
    let skill = Skill::start(wait(), vec![json!({"text": "not a reply"}), reply(&long)]).await;
    let printed = skill.khook(&[]).await.printed();
    let lines: Vec<_> = printed.lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("200 ") && lines[1].contains("useCallback"), "{printed}");
    assert_eq!(lines[2], "waiting text      답변을 준비하고 있어요.");
    let fail = lines.iter().position(|line| line.ends_with("FAIL     Invalid skill-json format")).unwrap();
    assert!(lines[fail + 1].contains("SUCCESS  주문하신 상품은"), "{printed}");
    // The JSON of the answer stands on one line, as everywhere.
    let too_wide = lines.iter().skip(2).filter(|line| console::measure_text_width(line) > 80).count();
    assert_eq!(too_wide, 0, "{printed}");
}

#[tokio::test]
async fn a_program_gets_what_was_said_and_kakaos_verdicts() {
    let skill = Skill::start(wait(), vec![reply("하나"), reply("둘")]).await;
    let report = skill.khook(&["--json", "--room", "--fault", "501"]).await.json();
    assert_eq!(report["waiting_text"], "답변을 준비하고 있어요.");
    assert_eq!(report["heard"], json!(["둘"]));
    let verdicts: Vec<_> = report["callback"].as_array().unwrap().iter().map(|it| it["message"].clone()).collect();
    let race = json!("skill server settings are incorrect, use callback true");
    let verdicts: Vec<_> = verdicts.into_iter().filter(|message| *message != race).collect();
    assert_eq!(verdicts, [json!("Internal server error 501"), Value::Null]);
    assert_eq!(skill.message()["userRequest"]["chat"]["properties"]["botGroupKey"], "room-1");
}

#[tokio::test]
async fn an_answer_at_once_is_not_waited_for() {
    let skill = Skill::start(reply("바로"), vec![]).await;
    let report = skill.khook(&["--json", "--test"]).await.json();
    assert_eq!((&report["heard"], &report["callback"]), (&json!(["바로"]), &json!([])));
    assert_eq!(skill.message()["userRequest"]["params"]["surface"], "BuilderBotTest");
}

#[tokio::test]
async fn an_answer_at_once_says_that_nothing_comes_to_the_callback_url() {
    let skill = Skill::start(reply("바로"), vec![]).await;
    let printed = skill.khook(&["--fault", "501"]).await.printed();
    let said: Vec<_> = printed.lines().skip(2).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    no callback       the answer came at once: of a rule, or of a service without an
                      answerer (SkillAnswerer). Nothing comes to the callback URL;
                      --fault was not used
    ");
    let printed = skill.khook(&["--test"]).await.printed();
    assert!(printed.contains("no callback       in the bot test every answer comes at once."), "{printed}");
}

#[tokio::test]
async fn the_fallback_text_is_a_failure_and_says_where_its_cause_is() {
    let fallback = reply(runtime::config::FALLBACK_TEXT);
    let late = Skill::start(wait(), vec![fallback.clone()]).await;
    let done = late.khook(&[]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    let said: Vec<_> = done.out.lines().skip_while(|line| !line.starts_with("fallback text")).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    fallback text     it is SkillFallbackText: the answerer gave no usable answer in
                      time. `not_answered` in its log (CloudWatch, or what `khook
                      dev` prints) names the cause
    ");
    let at_once = Skill::start(fallback, vec![]).await;
    let plain = ["send", "skill", "--url", &at_once.base, "--no-key", "--bot", "b0"];
    let done = khook_binary::run(&[], &plain).await.unwrap();
    assert!(done.code == Some(1) && done.out.contains("`not_answered`"), "{done:?}");
    let report = khook_binary::run(&[], &[&plain[..], &["--json"]].concat()).await.unwrap();
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!((&report["ok"], &report["fallback"]), (&json!(false), &json!(true)));
    // Only a status was asked for.
    let done = khook_binary::run(&[], &[&plain[..], &["--expect", "200"]].concat()).await.unwrap();
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[tokio::test]
async fn what_kakao_does_not_know_in_an_answer_is_a_remark() {
    let unknown = json!({"version": "2.0", "template": {"outputs": [{"simpleTxt": {"text": "a"}}]}});
    let is_remarked =
        |done: &Done| done.out.contains("\nremark            `template.outputs[0].simpleTxt` is no component");
    let late = Skill::start(wait(), vec![unknown.clone()]).await;
    let done = late.khook(&[]).await;
    assert!(done.code == Some(0) && is_remarked(&done), "{done:?}");
    let at_once = Skill::start(unknown, vec![]).await;
    let plain = ["send", "skill", "--url", &at_once.base, "--no-key", "--bot", "b0"];
    let done = khook_binary::run(&[], &plain).await.unwrap();
    assert!(done.code == Some(0) && is_remarked(&done), "{done:?}");
    let report = khook_binary::run(&[], &[&plain[..], &["--json"]].concat()).await.unwrap();
    let report: Value = serde_json::from_str(&report.out).unwrap();
    assert_eq!(report["remarks"], json!(["`template.outputs[0].simpleTxt` is no component that Kakao knows"]));
}

/// A project in which a `khook dev` seems to run, with this callback server.
fn project(name: &str, skill: &Skill, callbacks: &CallbackServer, kakao_callback_url: &str) -> Project {
    let running = json!({
        "base_url": skill.base, "endpoint": callbacks.url(), "region": "", "table": "", "queue_url": "",
        "dead_letter_queue_url": "", "bus": "", "kakao": Kakao::generate().unwrap(),
        "kakao_callback_url": kakao_callback_url,
    });
    Project::with_running(name, &running).unwrap()
}

#[tokio::test]
async fn a_reply_that_does_not_come_within_the_minute_is_a_failure() {
    let callbacks = CallbackServer::start(SimulatedCallbacks::default()).await.unwrap();
    let skill = Skill::start(wait(), vec![]).await;
    let project = project("no-reply", &skill, &callbacks, callbacks.url());
    let minute_passes = async {
        let is_waiting = || callbacks.callbacks().exchanges().any(|(_, exchange)| exchange.waiting_text().is_some());
        while !is_waiting() {
            tokio::task::yield_now().await;
        }
        callbacks.advance(Duration::from_secs(60));
    };
    let (done, ()) = tokio::join!(project.run(&["send", "skill", "--callback", "--fault", "token"]), minute_passes);
    let done = done.unwrap();
    assert_eq!(done.code, Some(1), "{done:?}");
    let note = "token             final: the service gives up, and khook waits until the 60 s\n";
    assert!(done.out.contains(note), "{done:?}");
    assert!(done.out.ends_with("no reply          within the 60 s of the callback URL\n"), "{done:?}");
}

#[tokio::test]
async fn a_running_dev_without_a_callback_server_is_named() {
    let callbacks = CallbackServer::start(SimulatedCallbacks::default()).await.unwrap();
    let skill = Skill::start(wait(), vec![]).await;
    let project = project("older", &skill, &callbacks, "");
    let done = project.run(&["send", "skill", "--callback"]).await.unwrap();
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.error.contains("older version"), "{done:?}");
}

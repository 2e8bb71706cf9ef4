//! The example answerers of a chatbot, in their own languages, with a simulated model.

use std::{
    process::{Command as StdCommand, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use end_to_end::{
    Pipeline,
    answering::{Answering, FALLBACK, SECRET},
    delivery::NEW,
    faults::Server as Api,
    gateway,
};
use jiff::Timestamp;
use khook::{
    local::{Packages, Project, provision},
    ui::progress::Progress,
};
use play_kakao::callback::CallbackKind;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::timeout,
};

use crate::{
    examples::{Example, NO_LIBRARIES, fastapi_python, spring_script},
    models::{Model, Mood, WORDS},
    served::url_of,
};

const EXAMPLE: Example = Example("answerer");
const SAID: &str = "환불은 며칠 걸려요?";
/// What else is in a message of Kakao's, and is none of a model's business.
const PERSONAL: [&str; 3] = ["bot-user-7f3a", "9007199254740993", "friend-key-51c2"];

/// boto3 is one of the local cloud's packages.
const BOTO3: Packages =
    Packages { folder: "venv", requirements: "infra/local/requirements.txt", of: "the example for Bedrock" };
/// Hands each line of its input to the function, as Lambda does, and prints the result or the error's name.
const INVOKE: &str = "
import json, sys
from bedrock import handler
print('ready', flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(handler(json.loads(line), None)), flush=True)
    except Exception as error:
        print(json.dumps({'errorType': type(error).__name__}), flush=True)
";

/// A message as the answerer gets it, which has to be answered within this time.
fn payload(within: Duration) -> Value {
    let [user_key, app_user_id, friend_key] = PERSONAL;
    let deadline = Timestamp::now() + within;
    json!({
        "bot": {"id": "5f0a", "name": "봄 가게"},
        "userRequest": {
            // As in a group chat room.
            "utterance": format!("@봄 가게 {SAID}\n"), "callbackUrl": "https://bot-api.kakao.com/v1/bots/5f0a/callback/secret",
            "user": {"id": user_key, "properties": {"appUserId": app_user_id, "plusfriendUserKey": friend_key}},
        },
        "deadline_ms": deadline.as_millisecond(),
    })
}

const ENOUGH: Duration = Duration::from_secs(20);
/// The time of a message without a callback.
const LITTLE: Duration = Duration::from_millis(3_500);
/// How long an example may take to give up on a machine under load.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Asks an example whose model hangs: it gives up by itself, and early enough for the answer's way. That is half a second,
/// which may be too little on a machine under load, so it counts if one of a few answers was in time.
async fn gives_up_in_time<T: PartialEq + std::fmt::Debug>(expected: T, mut ask: impl AsyncFnMut(Value) -> T) {
    let mut times = vec![];
    for _ in 0..5 {
        let begun = Instant::now();
        let answer = timeout(GIVEN_UP, ask(payload(LITTLE))).await.expect("it waits for the model");
        assert_eq!(answer, expected);
        if begun.elapsed() < LITTLE {
            return;
        }
        times.push(begun.elapsed());
    }
    panic!("too late: {times:?}");
}

/// A running example. Its process ends with it.
struct Server {
    url: String,
    _process: Child,
}

impl Server {
    /// One that prints its URL on its first line. The exit status of a process that prints none.
    async fn start(command: StdCommand, model: &Model) -> Result<Self, Option<i32>> {
        let mut process = with_model(command, model).stdout(Stdio::piped()).spawn().unwrap();
        let url = BufReader::new(process.stdout.take().unwrap()).lines().next_line().await.unwrap();
        match url {
            Some(url) => Ok(Self { url, _process: process }),
            None => Err(process.wait().await.unwrap().code()),
        }
    }

    /// The status and the JSON of the answer to this payload, signed with this secret.
    async fn ask(&self, payload: &Value, secret: &str) -> (u16, Value) {
        let (id, at, body) = ("message-1", Timestamp::now().as_second(), payload.to_string());
        let signature = Webhook::new(secret).unwrap().sign(id, at, body.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(format!("{}/answer", self.url))
            .header("Content-Type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
            .body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
}

fn with_model(command: StdCommand, model: &Model) -> Command {
    let mut command = Command::from(command);
    command
        .env("OPENAI_URL", format!("{}/v1", model.url))
        .envs([
            ("OPENAI_API_KEY", "a key"),
            ("OPENAI_MODEL", "a-model"),
            ("KAKAO_ANSWERER_SECRET", SECRET),
            ("PORT", "0"),
        ])
        .stdin(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn openai_answers_what_is_signed_with_the_models_words() {
    if EXAMPLE.is_installed(&["node"]) {
        let (model, mut node) = (Model::start().await, StdCommand::new("node"));
        node.arg("openai.mjs").current_dir(EXAMPLE.folder());
        check(Server::start(node, &model).await.unwrap(), &model).await;
    }
}

#[tokio::test]
async fn fastapi_answers_what_is_signed_with_the_models_words() {
    if EXAMPLE.is_installed(&["python3"]) {
        let (model, mut python) = (Model::start().await, StdCommand::new(fastapi_python().await));
        python.args(["-B", "-m", "uvicorn", "fastapi_answerer:app", "--port", "0"]).current_dir(EXAMPLE.folder());
        let mut process = with_model(python, &model).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = url_of(&mut lines).await;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        check(Server { url, _process: process }, &model).await;
    }
}

#[tokio::test]
async fn spring_answers_what_is_signed_with_the_models_words() {
    if EXAMPLE.is_installed(&["java", "javac", "apt-get"]) {
        let model = Model::start().await;
        match Server::start(spring_script("serve-answerer"), &model).await {
            Err(Some(NO_LIBRARIES)) => EXAMPLE.skip("its libraries can't be downloaded"),
            served => check(served.unwrap(), &model).await,
        }
    }
}

async fn check(server: Server, model: &Model) {
    assert_eq!(server.ask(&payload(ENOUGH), SECRET).await, (200, json!({"text": WORDS})));
    let [asked] = &model.asked()[..] else { panic!("asked once") };
    the_model_gets_the_words_alone(asked, &asked["messages"][0]["content"], &asked["messages"][1]["content"]);

    assert_eq!(server.ask(&payload(ENOUGH), NEW).await.0, 401);
    let validation = json!({"isInSlotFilling": true, "value": {"origin": SAID}, "deadline_ms": 0});
    assert_eq!(server.ask(&validation, SECRET).await, (200, json!({"status": "SUCCESS"})));
    assert_eq!(model.asked(), Vec::<Value>::new());

    for mood in [Mood::Fails, Mood::SaysNothing] {
        model.set(mood);
        assert_eq!(server.ask(&payload(ENOUGH), SECRET).await.0, 502);
    }
    model.set(Mood::Hangs);
    gives_up_in_time(502, async |payload| server.ask(&payload, SECRET).await.0).await;
    model.set(Mood::Answers);
    assert_eq!(server.ask(&payload(Duration::ZERO), SECRET).await.0, 502);
    assert_eq!(server.ask(&payload(ENOUGH), SECRET).await.0, 200);

    let mut answering = answering_now().await;
    let url = format!("{}/answer", server.url);
    answering.restart_answerer(&[("SKILL_ANSWERER", &url)]).await.unwrap();
    the_user_hears_the_model_or_the_fallback(&mut answering, model).await;
}

/// The functions with the machine's clock, which the examples have, too.
async fn answering_now() -> Answering {
    let pipeline = Pipeline::start().await.unwrap().with("TEST_CLOCK_AHEAD_MS", "0");
    Answering::around(pipeline).await.unwrap()
}

/// By the real functions, through Kakao's callback.
async fn the_user_hears_the_model_or_the_fallback(answering: &mut Answering, model: &Model) {
    for (mood, heard) in [(Mood::Answers, WORDS), (Mood::Fails, FALLBACK)] {
        model.set(mood);
        let said = answering.say(CallbackKind::Chat, SAID, gateway::clock_ahead()).await.unwrap();
        assert_eq!(answering.work().await.unwrap(), []);
        let log = answering.answerer().await.as_ref().unwrap().lines();
        assert_eq!(answering.heard(&said).unwrap(), [heard], "{log:?}");
    }
}

/// `system` is the example's own instruction, `user` what was said.
fn the_model_gets_the_words_alone(asked: &Value, system: &Value, user: &Value) {
    assert!(system.as_str().unwrap().contains("상담원입니다"), "{asked}");
    assert_eq!(user, SAID);
    let text = asked.to_string();
    assert!(!PERSONAL.iter().chain(&["5f0a"]).any(|personal| text.contains(personal)), "{text}");
}

/// The example for Lambda, with the results of its invocations.
struct Function {
    _process: Child,
    events: ChildStdin,
    results: Lines<BufReader<ChildStdout>>,
}

impl Function {
    async fn start(model: &Model) -> Self {
        let mut python = StdCommand::new(provision(&Project::find().unwrap(), BOTO3, Progress::Silent).await.unwrap());
        python.args(["-B", "-c", INVOKE]).current_dir(EXAMPLE.folder());
        python.env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &model.url).env("BEDROCK_MODEL", "a-model");
        python.env("NO_PROXY", "127.0.0.1").env("AWS_DEFAULT_REGION", "ap-northeast-2");
        python.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
        let mut process = with_model(python, model).stdout(Stdio::piped()).spawn().unwrap();
        let (events, results) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut results = BufReader::new(results).lines();
        assert_eq!(results.next_line().await.unwrap().as_deref(), Some("ready"));
        Self { _process: process, events, results }
    }

    async fn invoke(&mut self, event: &Value) -> Value {
        self.events.write_all(format!("{event}\n").as_bytes()).await.unwrap();
        serde_json::from_str(&self.results.next_line().await.unwrap().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn bedrock_answers_with_the_models_words() {
    if !EXAMPLE.is_installed(&["python3"]) {
        return;
    }
    let model = Model::start().await;
    let mut function = Function::start(&model).await;
    assert_eq!(function.invoke(&payload(ENOUGH)).await, json!({"text": WORDS}));
    let [asked] = &model.asked()[..] else { panic!("asked once") };
    the_model_gets_the_words_alone(asked, &asked["system"][0]["text"], &asked["messages"][0]["content"][0]["text"]);
    assert_eq!(function.invoke(&json!({"isInSlotFilling": false})).await, json!({"status": "SUCCESS"}));
    assert_eq!(model.asked(), Vec::<Value>::new());

    model.set(Mood::Fails);
    assert_eq!(function.invoke(&payload(ENOUGH)).await, json!({"errorType": "ClientError"}));
    assert_eq!(model.asked().len(), 1);
    model.set(Mood::SaysNothing);
    assert_eq!(function.invoke(&payload(ENOUGH)).await, json!({"errorType": "ValueError"}));
    model.set(Mood::Hangs);
    gives_up_in_time(json!({"errorType": "ReadTimeoutError"}), async |payload| function.invoke(&payload).await).await;
    assert_eq!(function.invoke(&payload(Duration::ZERO)).await, json!({"errorType": "TimeoutError"}));

    let invoked = Router::new().route("/2015-03-31/functions/{function}/invocations", post(invoke));
    let lambda = Api::without_gate(invoked.with_state(Arc::new(Mutex::new(function)))).await.unwrap();
    let mut answering = answering_now().await;
    let variables = [("SKILL_ANSWERER", ARN), ("AWS_ENDPOINT_URL_LAMBDA", &lambda.url())];
    answering.restart_answerer(&variables).await.unwrap();
    the_user_hears_the_model_or_the_fallback(&mut answering, &model).await;
}

const ARN: &str = "arn:aws:lambda:ap-northeast-2:123456789012:function:bedrock";

/// AWS Lambda's `Invoke`.
async fn invoke(State(function): State<Arc<Mutex<Function>>>, event: Bytes) -> Response {
    let result = function.lock().await.invoke(&serde_json::from_slice(&event).unwrap()).await;
    if result.get("errorType").is_some() {
        return ([("x-amz-function-error", "Unhandled")], result.to_string()).into_response();
    }
    result.to_string().into_response()
}

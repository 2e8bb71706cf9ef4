//! What stands around the function `answerer`: skill → AnswerQueue → answerer → the service's answerer → Kakao's callback
//! API; and skill → answerer → the service's answerer.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use play_kakao::callback::{Callback, CallbackKind, CallbackServer, Exchange, SimulatedCallbacks};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::{
    Answer, Pipeline, Request,
    endpoint::Endpoint,
    faults::Server,
    gateway,
    lambda::{Lambda, Outcome},
    pipeline::{batch_event, failures},
    queue::{Message, Queue},
    secrets::{self, Secrets},
    service::{BOT_ID, SKILL_KEY},
};

/// What the service's answerer says to begin with.
pub const ANSWER: &str = "모델의 답입니다";
/// What a user hears without an answer.
pub const FALLBACK: &str = "나중에 다시 물어봐 주세요";
/// What a user hears while the answer is worked out.
pub const WAIT: &str = "생각하고 있어요";
/// The answerer's secret.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Of one invocation, as template.yaml has it.
pub const BATCH: usize = 100;

type SharedLambda = Arc<Mutex<Option<Lambda>>>;

/// The servers that skill and answerer talk to, and both functions.
pub struct Answering {
    /// Kakao's callback API.
    pub callbacks: CallbackServer,
    /// The service's answerer.
    pub model: Endpoint,
    /// AnswerQueue. Its gate is the event queue's, too.
    pub queue: Queue,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// The skill function.
    pub skill: Lambda,
    /// Lambda's API, by which the skill function invokes the answerer.
    lambda_api: Server,
    answerer: SharedLambda,
    /// Dropped last: it searches what the functions wrote.
    pub pipeline: Pipeline,
}

/// A message of a user, with the URL to which its answer goes.
#[derive(Clone, Debug)]
pub struct Said {
    /// The URL.
    pub callback: Callback,
    /// What the skill answered at once.
    pub answer: Answer,
}

impl Answering {
    /// Everything works, and the service's answerer says [`ANSWER`].
    ///
    /// # Errors
    /// If something can't be started.
    pub async fn start() -> Result<Self> {
        Self::around(Pipeline::start().await?).await
    }

    /// The same around a service.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn around(pipeline: Pipeline) -> Result<Self> {
        let callbacks = CallbackServer::start(SimulatedCallbacks::default()).await?;
        let (model, queue) = (Endpoint::start().await?, pipeline.queue.of_answers());
        model.says(&json!({"text": ANSWER}).to_string());
        let secrets = Secrets::start(secrets::ANSWERER_ARN, SECRET, pipeline.watch().log()).await?;
        let answerer = SharedLambda::default();
        let router = Router::new().route("/2015-03-31/functions/answerer/invocations", post(invoke));
        let lambda_api = Server::without_gate(router.with_state(Arc::clone(&answerer))).await?;
        let skill = start_skill(&pipeline, &queue, &lambda_api.url(), callbacks.url()).await?;
        let answering = Self { callbacks, model, queue, secrets, skill, lambda_api, answerer, pipeline };
        answering.restart_answerer(&[]).await?;
        Ok(answering)
    }

    /// Another process in the skill function's place, which invokes the answerer by what is at this URL.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn restart_skill(&mut self, lambda_api: &str) -> Result<()> {
        self.skill = start_skill(&self.pipeline, &self.queue, lambda_api, self.callbacks.url()).await?;
        Ok(())
    }

    /// The URL of Lambda's API.
    #[must_use]
    pub fn lambda_api(&self) -> String {
        self.lambda_api.url()
    }

    /// Another process in the answerer's place, with other values of these variables.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn restart_answerer(&self, variables: &[(&str, &str)]) -> Result<()> {
        *self.answerer.lock().await = Some(self.start_answerer(variables).await?);
        Ok(())
    }

    /// One more answerer.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_answerer(&self, variables: &[(&str, &str)]) -> Result<Lambda> {
        let (model, queue, manager) =
            (format!("{}/answer", self.model.url()), self.queue.url(), self.secrets.endpoint());
        let mut all = vec![
            ("SKILL_ANSWERER", model.as_str()),
            ("SKILL_ANSWERER_SECRET", secrets::ANSWERER_ARN),
            ("ANSWER_QUEUE_URL", queue.as_str()),
            ("KAKAO_CALLBACK_URL", self.callbacks.url()),
            ("SKILL_FALLBACK_TEXT", FALLBACK),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.as_str()),
        ];
        all.extend(variables);
        self.pipeline.start_function_with("answerer", &all).await
    }

    /// The answerer's process ends at once, whatever it does.
    pub async fn kill_answerer(&self) {
        self.answerer.lock().await.take();
    }

    /// The answerer, for a moment.
    pub async fn answerer(&self) -> tokio::sync::MutexGuard<'_, Option<Lambda>> {
        self.answerer.lock().await
    }

    /// A user writes to the bot; the gateway received it so many milliseconds ago.
    ///
    /// # Errors
    /// If the skill doesn't answer at all.
    pub async fn say(&mut self, kind: CallbackKind, words: &str, age: i64) -> Result<Said> {
        let callback = self.callbacks.issue(BOT_ID, kind)?;
        self.pipeline.watch().log().keep_out(&callback.token);
        let of_kind = match kind {
            CallbackKind::BotTest => Some(("params", json!({"surface": "BuilderBotTest"}))),
            CallbackKind::Room => Some(("chat", json!({"id": "a-room-key", "type": "botGroupKey"}))),
            CallbackKind::Chat => None,
        };
        let members = [("callbackUrl", json!(callback.url))].into_iter().chain(of_kind);
        let body = body_with(words, members);
        let request = request(&body, &callback.token).received_at(gateway::now() - age);
        let answer = self.deliver(&request).await?;
        self.callbacks.take_first_answer(&callback.token, &answer.body);
        Ok(Said { callback, answer })
    }

    /// Sends a request to the skill.
    ///
    /// # Errors
    /// If it doesn't answer at all.
    pub async fn deliver(&mut self, request: &Request) -> Result<Answer> {
        match self.skill.invoke(&request.event()).await? {
            Outcome::Response(response) => Answer::of_response(&response),
            Outcome::Error(error) => bail!("the skill failed: {error}"),
        }
    }

    /// Hands what can be received to the answerer as one batch. Returns the messages that come again.
    ///
    /// # Errors
    /// If the answerer fails as a whole.
    pub async fn work(&self) -> Result<Vec<Message>> {
        let mut answerer = self.answerer.lock().await;
        let answerer = answerer.as_mut().context("there is no answerer")?;
        work(answerer, self.queue.receive(BATCH)).await
    }

    /// What was said on a URL.
    ///
    /// # Errors
    /// If it was not issued.
    pub fn exchange(&self, said: &Said) -> Result<Exchange> {
        self.callbacks.exchange(&said.callback.token).context("the URL was not issued")
    }

    /// What the user saw as answers.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange).
    pub fn heard(&self, said: &Said) -> Result<Vec<String>> {
        Ok(self.exchange(said)?.heard())
    }
}

/// Hands messages to an answerer as one batch. Returns those that come again.
///
/// # Errors
/// If the answerer fails as a whole.
pub async fn work(answerer: &mut Lambda, messages: Vec<Message>) -> Result<Vec<Message>> {
    let outcome = answerer.invoke(&batch_event(&messages)).await?;
    let failed = failures(&messages, outcome)?;
    Ok(messages.into_iter().filter(|message| failed.contains(&message.id)).collect())
}

/// A message to the bot.
#[must_use]
pub fn body(words: &str) -> Value {
    body_with(words, [])
}

/// The same with more members of `userRequest`.
fn body_with<'m>(words: &str, members: impl IntoIterator<Item = (&'m str, Value)>) -> Value {
    let user = json!({"id": "a-user-key-of-the-bot", "type": "botUserKey", "properties": {}});
    let of_all = [("utterance", json!(words)), ("user", user)];
    let request: Map<String, Value> =
        of_all.into_iter().chain(members).map(|(name, value)| (name.to_owned(), value)).collect();
    json!({"bot": {"id": BOT_ID}, "userRequest": request})
}

/// The request of a message, or of something else that Kakao sends to the skill, under this id of the gateway.
#[must_use]
pub fn request(body: &Value, id: &str) -> Request {
    let id = format!("gateway-{}", id.chars().take(8).collect::<String>());
    Request::new("POST", "/skill").id(&id).header(SKILL_KEY.0, SKILL_KEY.1).body("application/json", body.to_string())
}

async fn start_skill(pipeline: &Pipeline, queue: &Queue, lambda_api: &str, callback: &str) -> Result<Lambda> {
    let queue = queue.url();
    let variables = [
        ("ANSWER_QUEUE_URL", queue.as_str()),
        ("ANSWERER_FUNCTION", "answerer"),
        ("AWS_ENDPOINT_URL_LAMBDA", lambda_api),
        ("KAKAO_CALLBACK_URL", callback),
        ("SKILL_WAIT_TEXT", WAIT),
        ("SKILL_FALLBACK_TEXT", FALLBACK),
    ];
    pipeline.start_function_with("skill", &variables).await
}

/// AWS Lambda's `Invoke`.
async fn invoke(State(answerer): State<SharedLambda>, event: Bytes) -> Response {
    let Some(answerer) = &mut *answerer.lock().await else {
        return (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], "{}").into_response();
    };
    let event: Value = serde_json::from_slice(&event).unwrap_or_default();
    match answerer.invoke(&event).await {
        Ok(Outcome::Response(response)) => response.to_string().into_response(),
        Ok(Outcome::Error(error)) => ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

//! A question that takes the service's answerer longer than Kakao waits: the user reads a waiting text at once, and the
//! answer through the callback.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use play_kakao::callback::{CallbackKind, Exchange};
use serde::Serialize;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::story::{MEMBER, USER_KEY};
use crate::{commands::dev::Stage, kakao::SkillMessage, local::Answerer, random};

const QUESTION: &str = "환불은 며칠 걸려요?";
const REPLY: &str = "접수 후 영업일 3일 안에 환불됩니다.";
/// As long as a language model may think.
const THINKS: Duration = Duration::from_secs(3);

/// How the question was answered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AnswerResult {
    /// What it means.
    pub(super) title: String,
    /// How long the first answer took.
    pub(super) ms: u128,
    /// What the user read at once.
    pub(super) waiting_text: Option<String>,
    /// How long after the question the answer came.
    pub(super) answered_after_ms: u128,
    /// What the user read as the answer.
    pub(super) heard: Vec<String>,
    /// The deviation from the expected result.
    pub(super) problem: Option<String>,
}

/// A service's answerer on loopback, as slow as a language model. It answers what is signed with its secret.
#[derive(Debug)]
pub(super) struct SlowAnswerer {
    url: String,
    secret: String,
    task: JoinHandle<()>,
}

impl SlowAnswerer {
    /// On a free port.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub(super) async fn start() -> Result<Self> {
        let secret = random::signing_secret()?;
        let webhook = Arc::new(Webhook::new(&secret).context("the secret can't be used")?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("127.0.0.1 has no free port")?;
        let url = format!("http://{}/answer", listener.local_addr()?);
        let app = Router::new().route("/answer", post(answer)).with_state(webhook);
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, secret, task })
    }

    /// As the local cloud asks it.
    pub(super) fn answerer(&self) -> Answerer {
        Answerer { url: self.url.clone(), secret: self.secret.clone() }
    }
}

impl Drop for SlowAnswerer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(secret): State<Arc<Webhook>>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, StatusCode> {
    secret.verify(body.as_bytes(), &headers).map_err(|_| StatusCode::UNAUTHORIZED)?;
    sleep(THINKS).await;
    Ok(Json(json!({"text": REPLY})))
}

/// The answerer's start, the queue's delay and its polling come on top of the answerer's own time.
const WITHIN: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Asks the question, and waits for the answer.
pub(super) async fn ask(stage: &Stage) -> Result<AnswerResult> {
    let Stage { cloud, kakao, callbacks, .. } = stage;
    let callback = callbacks.issue(&kakao.bot_id, CallbackKind::Chat)?;
    let message = SkillMessage {
        bot_id: kakao.bot_id.clone(),
        user_key: USER_KEY.to_owned(),
        app_user_id: Some(MEMBER.to_owned()),
        utterance: QUESTION.to_owned(),
        request_id: random::hex::<16>()?,
        callback_url: Some(callback.url),
        ..SkillMessage::default()
    };
    let begun = Instant::now();
    let first = message.request(Some(kakao.skill_proof())).send(cloud.base_url()).await?;
    callbacks.take_first_answer(&callback.token, &first.body);
    let exchange = async || callbacks.exchange(&callback.token).context("the callback URL is unknown");
    let mut said = exchange().await?;
    while said.heard().is_empty() && begun.elapsed() < WITHIN {
        sleep(BETWEEN_LOOKS).await;
        said = exchange().await?;
    }
    Ok(AnswerResult {
        title: "asks what takes a model 3 s to answer".to_owned(),
        ms: first.took.as_millis(),
        waiting_text: said.waiting_text().map(str::to_owned),
        answered_after_ms: begun.elapsed().as_millis(),
        heard: said.heard(),
        problem: deviation(&said),
    })
}

fn deviation(said: &Exchange) -> Option<String> {
    match &said.heard()[..] {
        _ if said.waiting_text().is_none() => Some("the first answer has no waiting text".to_owned()),
        [] => Some(format!("after {} s nothing has come to the callback", WITHIN.as_secs())),
        [reply] if reply == REPLY => None,
        others => Some(format!("the user read something else: {}", others.join(" / "))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use play_kakao::callback::{CallbackRequest, SimulatedCallbacks, callback_path};

    use super::*;

    /// What is said with this first answer, and this reply at the callback.
    fn said(first: &Value, reply: Option<&str>) -> Exchange {
        let (mut callbacks, now) = (SimulatedCallbacks::default(), Timestamp::UNIX_EPOCH);
        callbacks.issue("t", "b", CallbackKind::Chat, now);
        callbacks.take_first_answer("t", &first.to_string(), now);
        if let Some(reply) = reply {
            let body =
                json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": reply}}]}}).to_string();
            let (method, path, content_type) =
                ("POST".to_owned(), callback_path("b", "t"), "application/json".to_owned());
            callbacks.react(&CallbackRequest { method, path, content_type, body }, now);
        }
        callbacks.exchange("t").unwrap().clone()
    }

    #[test]
    fn the_waiting_text_must_stand_there_and_the_answer_must_come() {
        let wait = json!({"version": "2.0", "useCallback": true, "data": {"text": "잠시만요"}});
        assert_eq!(deviation(&said(&wait, Some(REPLY))), None);
        assert!(deviation(&said(&wait, Some("다른 말"))).unwrap().contains("다른 말"));
        assert!(deviation(&said(&wait, None)).unwrap().contains("nothing has come"));
        assert!(deviation(&said(&json!({"useCallback": true}), Some(REPLY))).unwrap().contains("waiting text"));
    }
}

//! A language model behind an OpenAI-compatible API and behind Amazon Bedrock's, simulated.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// How the model answers.
#[derive(Clone, Copy)]
pub(crate) enum Mood {
    Answers,
    Fails,
    Hangs,
    SaysNothing,
}

/// What it says.
pub(crate) const WORDS: &str = "환불은 접수 후 영업일 3일 안에 됩니다.";

/// A model that listens on loopback until it is dropped.
pub(crate) struct Model {
    pub(crate) url: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

struct Inside {
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Value>>,
}

impl Model {
    pub(crate) async fn start() -> Self {
        let inside = Arc::new(Inside { mood: Mutex::new(Mood::Answers), asked: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/model/{model}/converse", post(converse))
            .with_state(Arc::clone(&inside));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inside, task }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.inside.mood.lock().unwrap() = mood;
    }

    /// What it was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut self.inside.asked.lock().unwrap())
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn complete(State(inside): State<Arc<Inside>>, Json(body): Json<Value>) -> Response {
    inside.answer(body, completion).await
}

async fn converse(State(inside): State<Arc<Inside>>, Json(body): Json<Value>) -> Response {
    inside.answer(body, conversation).await
}

fn completion(text: &str) -> Value {
    json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})
}

fn conversation(text: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1},
    })
}

impl Inside {
    async fn answer(&self, body: Value, say: fn(&str) -> Value) -> Response {
        self.asked.lock().unwrap().push(body);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => Json(say(WORDS)).into_response(),
            Mood::SaysNothing => Json(say(" \n")).into_response(),
            Mood::Fails => (StatusCode::INTERNAL_SERVER_ERROR, Json(say(WORDS))).into_response(),
            Mood::Hangs => std::future::pending().await,
        }
    }
}

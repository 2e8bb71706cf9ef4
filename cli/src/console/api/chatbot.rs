//! The chatbot as JSON.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, Uri};
use serde_json::json;

use super::{error, read};
use crate::console::{
    Shared,
    chat::{self, NewMessage, NewMessageJson},
};

/// The newest messages of a chat, the oldest of them first.
pub(super) async fn messages(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let chat = NewMessage::of_form(uri.query().unwrap_or_default().as_bytes()).chat;
    let messages = chat.messages(&shared.history, shared.callbacks.as_ref()).await;
    Json(json!({"user": chat.user, "room": chat.room, "messages": messages})).into_response()
}

/// Sends a message.
pub(super) async fn say(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let message: NewMessageJson = match read(&body) {
        Ok(message) => message,
        Err(why) => return error(StatusCode::BAD_REQUEST, &why),
    };
    match chat::say(&shared, &message.into()).await {
        Ok(sent) => Json(json!({"id": sent.id, "status": sent.status.as_u16()})).into_response(),
        Err(why) => error(StatusCode::BAD_REQUEST, &format!("{why:#}")),
    }
}

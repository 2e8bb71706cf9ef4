//! The chatbot: write to it, and see its answers as a chat shows them.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};

use super::{
    Frame, html,
    shown::{clock, iso, pretty, tenths, until, whole_seconds},
};
use crate::{
    commands::check::finding::Verdict,
    console::{
        Shared,
        chat::{self, Action, Bubble, Chat, ChatMessage, Judged, NewMessage},
        words::counted,
    },
};

#[derive(Template)]
#[template(path = "chatbot.html")]
struct ChatbotPage {
    frame: Frame,
    form: NewMessage,
    messages: Vec<ChatMessage>,
    others: Vec<Chat>,
    is_waiting: bool,
    can_call_back: bool,
    fault: Option<String>,
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let form = NewMessage::of_form(uri.query().unwrap_or_default().as_bytes());
    shown(&shared, &headers, form, None).await
}

/// Sends what a form says, and leads back to the chat.
pub(super) async fn say(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let message = NewMessage::of_form(&body);
    match chat::say(&shared, &message).await {
        Ok(_) => Redirect::to(&message.path()).into_response(),
        Err(why) => {
            (StatusCode::BAD_REQUEST, shown(&shared, &headers, message, Some(why.to_string())).await).into_response()
        }
    }
}

async fn shown(shared: &Shared, headers: &HeaderMap, form: NewMessage, fault: Option<String>) -> Response {
    let messages = form.chat.messages(&shared.history, shared.callbacks.as_ref()).await;
    let others = Chat::recorded(&shared.history).into_iter().filter(|chat| *chat != form.chat);
    html(&ChatbotPage {
        frame: Frame::of(headers, "/chatbot"),
        is_waiting: messages.iter().any(ChatMessage::is_waiting),
        can_call_back: shared.callbacks.is_some(),
        others: others.take(OTHERS).collect(),
        messages,
        fault,
        form,
    })
}

/// So many other chats are linked.
const OTHERS: usize = 12;

const fn class_of(judgement: &Judged) -> &'static str {
    match judgement.verdict {
        Verdict::Right => "right",
        Verdict::Warning | Verdict::Unknown => "warning",
        Verdict::Mistake => "mistake",
    }
}

/// An address that a browser may open from here: no script, and nothing that starts a program.
fn is_web(url: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme))
}

/// An amount as Kakao writes it.
fn won(amount: &u64) -> String {
    let digits = amount.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    format!("{}원", groups.collect::<Vec<_>>().join(","))
}

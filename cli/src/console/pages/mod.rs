//! The pages: each a template of this folder and a function that fills it. A page gets [`Frame`], which `base.html` draws.

mod backlogs;
mod chatbot;
mod faults;
mod request;
mod rows;
mod send;
mod shown;
mod timeline;
mod users;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{CONTENT_TYPE, SET_COOKIE},
};

use super::{
    Shared,
    form::query_field,
    words::{COOKIE, Language, Words},
};

pub(super) use faults::{FaultRow, set as set_fault};
pub(super) use rows::{Filter, Row};
#[cfg(test)]
pub(super) use shown::zone;

/// The pages and what they load.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(timeline::page))
        .route("/rows", get(timeline::rows))
        .route("/requests/{id}", get(request::page))
        .route("/send", get(send::first))
        .route("/send/{kind}", get(send::page).post(send::send))
        .route("/users", get(users::list))
        .route("/users/{app}/{member}", get(users::member))
        .route("/users/{app}/{member}/shuffle", post(users::shuffle_member))
        .route("/users/{app}/open-id/{id}", get(users::open_id))
        .route("/users/{app}/open-id/{id}/shuffle", post(users::shuffle_open_id))
        .route("/backlogs", get(backlogs::page).post(backlogs::replay))
        .route("/faults", get(faults::page).post(faults::switch))
        .route("/chatbot", get(chatbot::page).post(chatbot::say))
        .route("/language/{code}", get(set_language))
        .route("/assets/console.css", get(|| async { asset("text/css; charset=utf-8", CSS) }))
        .route("/assets/icon.svg", get(|| async { asset("image/svg+xml", ICON) }))
        .route("/assets/console.js", get(|| async { asset("text/javascript; charset=utf-8", JS) }))
        .route("/assets/chatbot.css", get(|| async { asset("text/css; charset=utf-8", CHATBOT_CSS) }))
        .route("/assets/chatbot.js", get(|| async { asset("text/javascript; charset=utf-8", CHATBOT_JS) }))
        .route("/assets/faults.css", get(|| async { asset("text/css; charset=utf-8", FAULTS_CSS) }))
        .route("/assets/faults.js", get(|| async { asset("text/javascript; charset=utf-8", FAULTS_JS) }))
}

const CSS: &str = include_str!("../assets/console.css");
const ICON: &str = include_str!("../assets/icon.svg");
const JS: &str = include_str!("../assets/console.js");
const CHATBOT_CSS: &str = include_str!("../assets/chatbot.css");
const CHATBOT_JS: &str = include_str!("../assets/chatbot.js");
const FAULTS_CSS: &str = include_str!("../assets/faults.css");
const FAULTS_JS: &str = include_str!("../assets/faults.js");

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

/// What is the same on each page.
pub(super) struct Frame {
    words: &'static Words,
    /// Which page, for the navigation: its path.
    here: String,
}

impl Frame {
    /// That of the page with this path, in the language that these headers ask for.
    pub(super) fn of(headers: &HeaderMap, here: &str) -> Self {
        Self { words: Language::of(headers).words(), here: here.to_owned() }
    }

    /// Whether the page is this one or below it.
    fn is_in(&self, path: &str) -> bool {
        self.here.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn other_language_code(&self) -> &'static str {
        match self.words.language {
            Language::En => "ko",
            Language::Ko => "en",
        }
    }
}

/// A template as an answer. One that can't be written is a fault of ours.
pub(super) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFound {
    frame: Frame,
}

/// The page that says that there is none.
pub(super) async fn not_found(headers: HeaderMap) -> Response {
    (StatusCode::NOT_FOUND, html(&NotFound { frame: Frame::of(&headers, "/") })).into_response()
}

/// Chooses a language, and leads back to where that was asked for.
async fn set_language(Path(code): Path<String>, uri: Uri) -> Response {
    let to = query_field(&uri, "to");
    // Only a path of ours: two slashes, or a backslash, would name another host.
    let is_path = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    let mut answer = Redirect::to(if is_path { &to } else { "/" }).into_response();
    if let Some(language) = Language::of_code(&code)
        && let Ok(cookie) =
            HeaderValue::try_from(format!("{COOKIE}={}; SameSite=Strict; Path=/; Max-Age=31536000", language.code()))
    {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scripts_together_stay_small() {
        let bytes: usize = [JS, CHATBOT_JS, FAULTS_JS].iter().map(|script| script.len()).sum();
        assert!(bytes < 20_000, "{bytes}");
    }
}

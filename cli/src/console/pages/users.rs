//! The users whom requests are about, and one of them: the state, each event's effect, what was published.

use std::sync::Arc;

use anyhow::Result;
use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use kakao_webhooks::state::Subject;
use serde_json::Value;

use super::{
    Frame, html, not_found,
    shown::{clock, iso, pretty, zone},
};
use crate::{
    commands::{backlog::letter::plain, user::rows},
    console::{
        Shared,
        form::query_field,
        users::{self, SeenUser, Shuffled, UserReport, path_of},
        words::{PARTS, Words, counted},
    },
};

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    wanted: String,
    users: Vec<SeenUser>,
    /// The wanted user, if it may be one of whom no request is.
    direct: Option<(String, String)>,
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let wanted = query_field(&uri, "q");
    let direct = users::member(&shared.kakao.app_id, &wanted).map(|subject| (wanted.clone(), path_of(&subject)));
    let users = users::seen(&shared.history, &wanted);
    html(&UsersPage { frame: Frame::of(&headers, "/users"), wanted, users, direct })
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    frame: Frame,
    app: String,
    name: String,
    path: String,
    is_member: bool,
    report: Option<UserReport>,
    /// What the service may let the user do.
    access: Option<String>,
    cards: Vec<Card>,
    shuffled: Option<Shuffled>,
    problem: Option<String>,
}

/// A part of the state.
struct Card {
    part: String,
    facts: Vec<Fact>,
}

/// What is true, and since when. The key is that of a map: a scope, a channel.
struct Fact {
    key: String,
    value: String,
    since: String,
}

type Names = Path<(String, String)>;

pub(super) async fn member(
    State(shared): State<Arc<Shared>>,
    Path((app, user)): Names,
    headers: HeaderMap,
) -> Response {
    page(&shared, users::member(&app, &user), headers, false).await
}

pub(super) async fn open_id(State(shared): State<Arc<Shared>>, Path((app, id)): Names, headers: HeaderMap) -> Response {
    page(&shared, users::open_id(&app, &id), headers, false).await
}

pub(super) async fn shuffle_member(
    State(shared): State<Arc<Shared>>,
    Path((app, user)): Names,
    headers: HeaderMap,
) -> Response {
    page(&shared, users::member(&app, &user), headers, true).await
}

pub(super) async fn shuffle_open_id(
    State(shared): State<Arc<Shared>>,
    Path((app, id)): Names,
    headers: HeaderMap,
) -> Response {
    page(&shared, users::open_id(&app, &id), headers, true).await
}

async fn page(shared: &Shared, subject: Option<Subject>, headers: HeaderMap, shuffles: bool) -> Response {
    let Some(subject) = subject else { return not_found(headers).await };
    let known = async {
        let shuffled = if shuffles { Some(users::shuffle(shared, &subject).await?) } else { None };
        Result::<_>::Ok((users::report(shared, &subject).await?, shuffled))
    };
    let (report, shuffled, problem) = match known.await {
        Ok((report, shuffled)) => (report, shuffled, None),
        Err(error) => (None, None, Some(format!("{error:#}"))),
    };
    let status = match (&report, &problem) {
        (_, Some(_)) => StatusCode::BAD_GATEWAY,
        (None, None) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    let state = report.as_ref().and_then(|report| report.state.as_ref());
    let page = UserPage {
        frame: Frame::of(&headers, &path_of(&subject)),
        app: subject
            .attributes()
            .into_iter()
            .find(|(name, _)| *name == "app_id")
            .map(|(_, app)| app)
            .unwrap_or_default(),
        name: users::name_of(&subject),
        path: path_of(&subject),
        is_member: matches!(subject, Subject::User(..)),
        access: state.map(|state| member_text(state, "access")).filter(|access| !access.is_empty()),
        cards: state.map(cards).unwrap_or_default(),
        report,
        shuffled,
        problem,
    };
    (status, html(&page)).into_response()
}

/// The state's rows, those of one part together.
fn cards(state: &Value) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for [what, value, since] in rows(state).into_iter().filter(|[what, ..]| what != "open_id") {
        let (part, key) = what.split_once('.').unwrap_or((&what, ""));
        let fact = Fact { key: key.to_owned(), value, since };
        match cards.last_mut().filter(|card| card.part == part) {
            Some(card) => card.facts.push(fact),
            None => cards.push(Card { part: part.to_owned(), facts: vec![fact] }),
        }
    }
    cards.sort_by_key(|card| PARTS.iter().position(|(part, ..)| *part == card.part));
    cards
}

/// Where an event comes from: a webhook in words, or the service or the reconciler.
fn source<'k>(words: &'k Words, kind: &'k str) -> &'k str {
    match kind {
        "service" | "reconciler" => kind,
        kind => words.kind(Some(kind), ""),
    }
}

/// A path such as `scopes.account_email`, its first part in words.
fn path_in_words(words: &Words, path: &str) -> String {
    match path.split_once('.') {
        Some((part, key)) => format!("{}: {key}", words.part(part)),
        None => words.part(path).to_owned(),
    }
}

/// What of the state a change has changed.
fn parts_in_words(words: &Words, change: &Value) -> String {
    let names = change.get("changed").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(|name| words.part(name)).collect::<Vec<_>>().join(", ")
}

fn access_in_words<'w>(words: &'w Words, access: &'w str) -> &'w str {
    match access {
        "allowed" => words.access_allowed,
        "blocked" => words.access_blocked,
        "gone" => words.access_gone,
        access => access,
    }
}

/// The look of an outcome that is as good or as bad.
fn class_of(access: &str) -> &'static str {
    match access {
        "allowed" => "taken",
        "blocked" => "quarantined",
        _ => "refused",
    }
}

/// A member as a text; empty if it is not there.
fn member_text(value: &Value, name: &str) -> String {
    let member = value.get(name).filter(|member| !member.is_null());
    member.map(plain).unwrap_or_default()
}

fn pretty_state(state: &Option<Value>) -> String {
    state.as_ref().map(pretty).unwrap_or_default()
}

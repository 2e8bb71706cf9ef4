//! Who may see the console: a browser on this machine that has opened the address which `khook dev` printed, and a
//! program with the same token. The paths of the service need no token.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, REFERRER_POLICY, SET_COOKIE,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use super::{Shared, pages, proxy};
use crate::random;

/// The begin of the cookie's name. The port follows: cookies are not kept apart by port.
const COOKIE_PREFIX: &str = "khook-console-";

/// No other host, nothing inline, in no other page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What each page and answer of the console carries.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // Under `no-referrer` a browser sends a form of ours with the origin `null`.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What lets a browser or a program in.
pub(crate) struct Guard {
    token: String,
    port: u16,
}

impl Guard {
    /// One for this port, with the token that is kept in this folder, so that a page stays open across restarts.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub(super) fn of(folder: &Path, port: u16) -> Result<Self> {
        Ok(Self { token: kept_token(folder)?, port })
    }

    /// The token.
    #[must_use]
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Another site's name may lead to 127.0.0.1, too.
    fn knows_host(&self, headers: &HeaderMap) -> bool {
        let port = self.port;
        let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        text(headers, &HOST).is_some_and(|host| ours.iter().any(|ours| host.eq_ignore_ascii_case(ours)))
    }

    /// Whether a request that changes something comes from a page of ours, or from no page at all.
    fn knows_origin(&self, headers: &HeaderMap) -> bool {
        let site = text(headers, &HeaderName::from_static("sec-fetch-site"));
        match text(headers, &ORIGIN) {
            Some(origin) => text(headers, &HOST).is_some_and(|host| origin == format!("http://{host}")),
            None => !headers.contains_key(ORIGIN) && site.is_none_or(|site| ["same-origin", "none"].contains(&site)),
        }
    }

    fn cookie_name(&self) -> String {
        format!("{COOKIE_PREFIX}{}", self.port)
    }

    fn is_token(&self, presented: &str) -> bool {
        verify_slices_are_equal(presented.as_bytes(), self.token.as_bytes()).is_ok()
    }

    fn knows_sender(&self, headers: &HeaderMap) -> bool {
        let bearer = text(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let name = self.cookie_name();
        let cookie = cookies(headers).into_iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        bearer.map(str::to_owned).into_iter().chain(cookie).any(|presented| self.is_token(&presented))
    }

    /// The token in a query, and the query without it.
    fn token_in(&self, query: &str) -> Option<String> {
        let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let index = pairs.iter().position(|(name, _)| name == "token")?;
        let (_, token) = pairs.remove(index);
        self.is_token(&token).then(|| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }
}

/// The token in the folder, or a new one, which is kept there if that can be.
fn kept_token(folder: &Path) -> Result<String> {
    let path = folder.join("token");
    let kept = fs::read_to_string(&path).ok().map(|text| text.trim().to_owned());
    if let Some(token) = kept.filter(|token| token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Ok(token);
    }
    let token = random::hex::<16>().context("the console has no token")?;
    let _ = fs::create_dir_all(folder);
    let _ = fs::remove_file(&path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let _ = file.and_then(|mut file| writeln!(file, "{token}"));
    Ok(token)
}

/// Lets in who may see the console, and sets what each answer carries.
pub(super) async fn check(State(shared): State<Arc<Shared>>, request: Request<Body>, next: Next) -> Response {
    let response = match stopped(&shared.guard, &request) {
        Some(response) => response,
        None => next.run(request).await,
    };
    with_headers(response)
}

/// A path that is neither the console's nor the service's: the console's own page of it to who may see the console, and
/// what a gateway answers to all others, such as `khook check`.
pub(super) async fn unknown_path(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let response = match stopped(&shared.guard, &request) {
        Some(refusal) if refusal.status().is_client_error() => proxy::not_found(),
        Some(redirect) => redirect,
        None => pages::not_found(request.headers().clone()).await,
    };
    with_headers(response)
}

fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What a request is answered that goes no further; none if its sender may see the console.
fn stopped(guard: &Guard, request: &Request<Body>) -> Option<Response> {
    let headers = request.headers();
    if !guard.knows_host(headers) {
        let why = "The console answers at 127.0.0.1 and localhost only.\n";
        return Some(refusal(StatusCode::MISDIRECTED_REQUEST, why));
    }
    let is_safe = [Method::GET, Method::HEAD].contains(request.method());
    if !is_safe && !guard.knows_origin(headers) {
        return Some(refusal(StatusCode::FORBIDDEN, "A page of another origin may not change anything here.\n"));
    }
    if let Some(query) = request.uri().query().filter(|_| is_safe).and_then(|query| guard.token_in(query)) {
        return Some(with_cookie(guard, request.uri().path(), &query));
    }
    if !guard.knows_sender(headers) {
        let why = "Open the address that `khook dev` printed: it holds a token.\n";
        return Some(refusal(StatusCode::UNAUTHORIZED, why));
    }
    None
}

/// To the same page without the token in its address, which from now on is in a cookie.
fn with_cookie(guard: &Guard, path: &str, query: &str) -> Response {
    let gap = if query.is_empty() { "" } else { "?" };
    // A path that begins with two slashes would name another host.
    let path = format!("/{}", path.trim_start_matches('/'));
    let mut response = Redirect::to(&format!("{path}{gap}{query}")).into_response();
    let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", guard.cookie_name(), guard.token);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn refusal(status: StatusCode, why: &'static str) -> Response {
    (status, why).into_response()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The cookies of a request.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Takes the console's own cookies out of a request to the service, which a browser sends along.
pub(super) fn take_out_own_cookie(headers: &mut HeaderMap) {
    if !cookies(headers).iter().any(|(name, _)| name.starts_with(COOKIE_PREFIX)) {
        return;
    }
    let others = cookies(headers).into_iter().filter(|(name, _)| !name.starts_with(COOKIE_PREFIX));
    let others: Vec<_> = others.map(|(name, value)| format!("{name}={value}")).collect();
    headers.remove(COOKIE);
    if let Ok(value) = HeaderValue::try_from(others.join("; "))
        && !others.is_empty()
    {
        headers.insert(COOKIE, value);
    }
}

//! Sends webhooks as Kakao does, or forged: with the options of `khook send`, through the recording proxy.

mod fields;
mod flaw;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, anyhow};
use kakao_webhooks::wire::Time;
use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{Shared, explain::Received, proxy};
use crate::{
    commands::send::Send,
    kakao::{Forgery, Request, quoted},
    ui::usage::Usage,
};
pub(super) use fields::{FORMS, Form, Input, example_members};
use flaw::Flaw;

/// So often at most a request is sent.
pub(super) const MOST_TIMES: usize = 100;

/// How many days old a stale event is: longer than anything waits, and shorter than history is kept.
const STALE_DAYS: u32 = 30;

/// The fields that each form has besides its own.
const TIMES: &str = "times";
const SAME: &str = "same";
const ANYWAY: &str = "anyway";
const FORGE: &str = "forge";
const OF_ALL: [&str; 4] = [TIMES, SAME, ANYWAY, FORGE];

/// A form that is filled in.
#[derive(Clone, Debug)]
pub(super) struct Order {
    form: &'static Form,
    values: BTreeMap<String, String>,
}

/// A request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sent {
    /// Its number in the history.
    pub(super) id: u64,
    /// The status of the answer.
    pub(super) status: u16,
}

/// What was sent of an order.
#[derive(Debug, Default, Serialize)]
pub(super) struct Delivered {
    /// The requests, in their order.
    pub(super) sent: Vec<Sent>,
    /// Why no more was sent, or why the simulated Kakao doesn't know of the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

impl Order {
    /// The form as the page has it at first, with these values in place of its own.
    pub(super) fn at_first(form: &'static Form, given: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = form.fields.iter().map(|field| (field.name.to_owned(), field.value.to_owned()));
        let mut values: BTreeMap<_, _> = values.chain([(TIMES.to_owned(), "1".to_owned())]).collect();
        values.extend(given.into_iter().filter(|(name, _)| form.has(name)));
        let event = values.get("event").cloned().unwrap_or_default();
        if let Some(members) = values.get_mut("member").filter(|members| members.is_empty()) {
            *members = example_members(&event).to_owned();
        }
        Self { form, values }
    }

    /// A form as a browser sends it.
    ///
    /// # Errors
    /// If it has a field that the form does not have.
    pub(super) fn of_pairs(form: &'static Form, pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let mut values = BTreeMap::new();
        for (name, value) in pairs {
            if !form.has(&name) {
                return Err(Usage::error(format!("`{name}` is no option of {}", form.kind)));
            }
            values.insert(name, value);
        }
        Ok(Self { form, values })
    }

    /// The same from JSON: texts, numbers and booleans; a list or an object where an option may be repeated.
    ///
    /// # Errors
    /// If it is no such object.
    pub(super) fn of_json(body: &[u8]) -> Result<Self> {
        let Value::Object(mut members) = serde_json::from_slice(body).context("the body is not JSON")? else {
            return Err(Usage::error("the body is not a JSON object"));
        };
        let kind = members.remove("kind").unwrap_or_default();
        let form = kind.as_str().and_then(Form::of).ok_or_else(|| {
            let known: Vec<_> = FORMS.iter().map(|form| form.kind).collect();
            Usage::error(format!("`kind` must be one of {}", known.join(", ")))
        })?;
        Self::of_pairs(form, members.into_iter().map(|(name, value)| (name, lines(&value))))
    }

    /// The same with the example members of its event, if it has none: with none, many types can't be read or change
    /// nothing.
    pub(super) fn with_example_members(mut self) -> Self {
        let event = self.value("event").trim().to_owned();
        if self.form.has("member") && self.value("member").trim().is_empty() {
            self.values.insert("member".to_owned(), example_members(&event).to_owned());
        }
        self
    }

    /// Its form.
    pub(super) const fn form(&self) -> &'static Form {
        self.form
    }

    /// What stands in a field.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        ["on", "true"].contains(&self.value(name))
    }

    /// The command of khook that sends the same. None: it has a fault that khook does not make.
    pub(super) fn command(&self) -> Option<String> {
        let is_khooks = self.value(FORGE).is_empty() || Forgery::named(self.value(FORGE)).is_some();
        let words = self.words(None).into_iter().map(|word| if is_plain(&word) { word } else { quoted(&word) });
        is_khooks.then(|| format!("cargo khook send {}", words.collect::<Vec<_>>().join(" ")))
    }

    /// The words after `khook send`.
    fn words(&self, at: Option<Time>) -> Vec<String> {
        let mut words = vec![self.form.kind.to_owned()];
        for field in self.form.fields {
            let value = self.value(field.name);
            let option = |value: &str| format!("--{}={value}", field.name);
            match field.input {
                _ if at.is_some() && field.name == "at" => words.extend(at.map(|at| option(&at.to_string()))),
                Input::Switch if self.is_on(field.name) => words.push(format!("--{}", field.name)),
                Input::Lines => words.extend(value.lines().map(str::trim).filter(|line| !line.is_empty()).map(option)),
                Input::Switch => {}
                _ if value.trim().is_empty() => {}
                _ => words.push(option(value.trim())),
            }
        }
        // Only one of both is sent.
        if !self.value("open-id").trim().is_empty() {
            words.retain(|word| !word.starts_with("--user="));
        }
        if let Some(forgery) = Forgery::named(self.value(FORGE)) {
            words.push(format!("--forge={}", forgery.name()));
        }
        if self.is_on(ANYWAY) {
            words.push("--anyway".to_owned());
        }
        words
    }

    fn times(&self) -> Result<usize> {
        let text = self.value(TIMES).trim();
        let times = if text.is_empty() { Some(1) } else { text.parse().ok() };
        times
            .filter(|times| (1..=MOST_TIMES).contains(times))
            .ok_or_else(|| Usage::error(format!("`{TIMES}` must be a number from 1 to {MOST_TIMES}")))
    }

    /// The fault that is to be made.
    fn flaw(&self) -> Result<Option<Flaw>> {
        let name = self.value(FORGE);
        if !name.is_empty() && !self.form.forgeries().contains(&name) {
            return Err(Usage::error(format!("`{name}` is nothing that can be wrong with {}", self.form.kind)));
        }
        Ok(Flaw::named(name))
    }

    /// Sends it as often as it says.
    ///
    /// # Errors
    /// What is wrong with it, if nothing was sent.
    pub(super) async fn send(&self, shared: &Shared) -> Result<Delivered> {
        let (times, flaw) = (self.times()?, self.flaw()?);
        let long_ago = flaw.filter(|flaw| *flaw == Flaw::Stale).map(|_| runtime::clock::now().minus_days(STALE_DAYS));
        let send = Arc::new(Send::of_words(&self.words(long_ago), &shared.kakao)?);
        let mut request = made(&send, flaw, shared).await?;
        let mut delivered = Delivered::default();
        for number in 0..times {
            if number > 0 && !self.is_on(SAME) {
                request = made(&send, flaw, shared).await?;
            }
            let (id, response) = proxy::pass(shared, Received::of(&request)?).await;
            delivered.sent.push(Sent { id, status: response.status().as_u16() });
            if response.status().is_success() && self.value(FORGE).is_empty() {
                let happened = send.happens(&shared.cloud.kakao_api_url, &shared.kakao).await;
                delivered.problem = happened.err().map(|error| format!("{error:#}"));
            }
            if delivered.problem.is_some() {
                break;
            }
        }
        Ok(delivered)
    }
}

impl Form {
    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name) || OF_ALL.contains(&name)
    }
}

/// A value of JSON as a form has it: what may be repeated is a line each.
fn lines(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(lines).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
        }
        value => value.to_string(),
    }
}

/// Whether a shell takes a word as it is.
fn is_plain(word: &str) -> bool {
    word.chars().all(|char| char.is_ascii_alphanumeric() || "-_=.:@/".contains(char))
}

/// A new request. A forgery may need a key of its own, which takes a while.
async fn made(send: &Arc<Send>, flaw: Option<Flaw>, shared: &Shared) -> Result<Request> {
    let send = Arc::clone(send);
    let request = spawn_blocking(move || send.request()).await.map_err(|_| anyhow!("it could not be made"))??;
    Ok(match flaw {
        Some(flaw) => flaw.put_into(request, &shared.kakao.skill_header),
        None => request,
    })
}

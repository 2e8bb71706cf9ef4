//! A request as a row of the timeline, and which of them are shown.

use kakao_webhooks::state::Subject;
use serde::Serialize;

use super::shown::{clock, iso};
use crate::console::{
    history::{Exchange, What},
    users::{name_of, path_of, subjects_of},
    words::Words,
};

/// A request in short, as `/api/events` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::console) struct Row {
    pub(in crate::console) id: u64,
    /// When it came, in milliseconds since 1970.
    pub(in crate::console) at: i64,
    pub(in crate::console) method: String,
    pub(in crate::console) path: String,
    /// The webhook's kind; none of another path.
    pub(in crate::console) kind: Option<String>,
    /// The events' names in history.
    pub(in crate::console) events: Vec<String>,
    pub(in crate::console) user: Option<String>,
    /// The app of the user.
    pub(in crate::console) app_id: Option<String>,
    /// The members and open ids that it is about, each once. Not what a refused request claims.
    #[serde(skip)]
    pub(in crate::console) subjects: Vec<Subject>,
    /// Whether event and user are only what a refused request claims.
    pub(in crate::console) is_claimed: bool,
    pub(in crate::console) outcome: What,
    pub(in crate::console) reason: Option<String>,
    pub(in crate::console) status: Option<u16>,
    pub(in crate::console) ms: u64,
}

impl Row {
    pub(in crate::console) fn of(exchange: &Exchange) -> Self {
        let explanation = &exchange.explanation;
        let names = explanation.events.iter().map(|event| event.name.clone()).filter(|name| !name.is_empty());
        Self {
            id: exchange.id,
            at: exchange.at,
            method: exchange.request.method.clone(),
            path: exchange.request.path.clone(),
            kind: explanation.kind.clone(),
            events: names.collect(),
            user: explanation.user().map(str::to_owned),
            app_id: explanation.events.iter().find_map(|event| event.app_id.clone()),
            subjects: subjects_of(explanation),
            is_claimed: explanation.events.iter().any(|event| event.is_claimed),
            outcome: exchange.outcome.what,
            reason: exchange.outcome.reason.clone(),
            status: exchange.status(),
            ms: exchange.ms,
        }
    }

    pub(super) fn webhook<'w>(&'w self, words: &'w Words) -> &'w str {
        words.kind(self.kind.as_deref(), &self.path)
    }

    pub(super) fn event(&self, words: &Words) -> String {
        self.events.iter().map(|name| words.event_name(name)).collect::<Vec<_>>().join(", ")
    }

    /// The page of its user.
    pub(super) fn user_path(&self) -> Option<String> {
        self.subjects.first().filter(|subject| self.user == Some(name_of(subject))).map(path_of)
    }

    pub(super) fn time(&self) -> String {
        clock(&self.at)
    }

    pub(super) fn iso(&self) -> String {
        iso(&self.at)
    }
}

/// Which requests are shown. What is empty fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::console) struct Filter {
    pub(in crate::console) kind: String,
    pub(in crate::console) outcome: String,
    pub(in crate::console) user: String,
    pub(in crate::console) text: String,
    pub(in crate::console) before: Option<u64>,
    pub(in crate::console) limit: Option<usize>,
    /// Only these.
    pub(in crate::console) ids: Vec<u64>,
}

impl Filter {
    /// The filter in a query: `kind`, `outcome`, `user`, `q`, `before`, `limit`, `ids`.
    pub(in crate::console) fn of_query(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match name.as_ref() {
                "kind" => filter.kind = value.to_owned(),
                "outcome" => filter.outcome = value.to_owned(),
                "user" => filter.user = value.to_owned(),
                "q" => filter.text = value.to_lowercase(),
                "before" => filter.before = value.parse().ok(),
                "limit" => filter.limit = value.parse().ok(),
                "ids" => filter.ids = value.split(',').filter_map(|id| id.parse().ok()).collect(),
                _ => {}
            }
        }
        filter
    }

    /// Whether it leaves anything out.
    pub(super) fn is_empty(&self) -> bool {
        self.kind.is_empty() && self.outcome.is_empty() && self.user.is_empty() && self.text.is_empty()
    }

    /// The row of a request, if it is to be shown.
    pub(in crate::console) fn row(&self, exchange: &Exchange) -> Option<Row> {
        (self.fits_ids(exchange) && self.fits(exchange)).then(|| Row::of(exchange))
    }

    fn fits_ids(&self, exchange: &Exchange) -> bool {
        self.ids.is_empty() || self.ids.contains(&exchange.id)
    }

    fn fits(&self, exchange: &Exchange) -> bool {
        let explanation = &exchange.explanation;
        let is_kind = self.kind.is_empty() || explanation.kind.as_deref() == Some(&self.kind);
        let is_outcome = self.outcome.is_empty() || exchange.outcome.what.name() == self.outcome;
        let is_user = self.user.is_empty()
            || explanation.events.iter().any(|event| event.user.as_deref() == Some(self.user.as_str()));
        is_kind && is_outcome && is_user && self.fits_text(exchange)
    }

    fn fits_text(&self, exchange: &Exchange) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let has = |text: &str| text.to_lowercase().contains(&self.text);
        let explanation = &exchange.explanation;
        has(&exchange.request.path)
            || has(&exchange.request.query)
            || exchange.request.body.text.as_deref().is_some_and(has)
            || exchange.answer.as_ref().and_then(|answer| answer.body.text.as_deref()).is_some_and(has)
            || exchange.outcome.reason.as_deref().is_some_and(has)
            || exchange.request_id.as_deref().is_some_and(has)
            || explanation.events.iter().any(|event| has(&event.name) || event.user.as_deref().is_some_and(has))
            || has(&explanation.decoded.to_string())
    }
}

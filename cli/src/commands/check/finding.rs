//! What a check found; `khook doctor` speaks in the same words.

use serde::Serialize;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Right,
    /// Kakao gets along with it, or may.
    Warning,
    /// It has to be fixed.
    Mistake,
    /// It can't be determined from here.
    Unknown,
}

impl Verdict {
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Right => "✓",
            Self::Warning => "!",
            Self::Mistake => "✗",
            Self::Unknown => "?",
        }
    }
}

/// What is thought of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) seen: String,
    pub(crate) fix: String,
}

impl Judgement {
    pub(crate) fn right(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Right, seen: seen.into(), fix: String::new() }
    }

    pub(crate) fn warning(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, seen: seen.into(), fix: fix.into() }
    }

    pub(crate) fn mistake(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Mistake, seen: seen.into(), fix: fix.into() }
    }

    pub(crate) fn unknown(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unknown, seen: seen.into(), fix: fix.into() }
    }

    pub(crate) fn named(self, check: &'static str) -> Finding {
        Finding { check, verdict: self.verdict, seen: self.seen, fix: self.fix, ms: None }
    }
}

/// A line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) seen: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) fix: String,
    /// How long the answer took, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u128>,
}

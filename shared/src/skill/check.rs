use std::fmt;

use crate::wire::{StrictJsonError, skill::SkillPayload};

/// Where a reply is shown. What it may hold differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The chat of a user with the bot.
    #[default]
    Chat,
    /// A group chat room (Kakao's guide to group chatbots, 1.11). It takes no quick replies, things to buy and cards in a
    /// row, up to five buttons one below the other, and a reply without bubbles, which sends nothing.
    Room,
}

impl Place {
    /// Where a message was written, and its answer is shown.
    #[must_use]
    pub fn of(payload: &SkillPayload) -> Self {
        if payload.user_request.is_in_room() { Self::Room } else { Self::Chat }
    }
}

/// Why a text is not a reply that Kakao accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It is not a JSON object that can be read in one way only.
    #[error(transparent)]
    Json(#[from] StrictJsonError),
    /// It breaks rules.
    #[error(transparent)]
    Invalid(#[from] InvalidReply),
}

/// Something in a reply that is accepted but may not be meant. It names the field and never shows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where, as in [`Violation::field`].
    pub field: String,
    /// What.
    pub what: Note,
}

/// What is remarked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The value has no effect in this place.
    Words(&'static str),
    /// An open set of Kakao's has no such value or member that this version knows.
    Unknown {
        /// What it is: a component, an action, a member.
        what: &'static str,
        /// Those that this version knows.
        known: &'static [&'static str],
    },
    /// A rule of Kakao's guide is broken that is about what is shown: of a longer text Kakao shows the beginning.
    Shown(Rule),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.what {
            Note::Words(what) => write!(f, "`{field}`: {what}"),
            Note::Unknown { what, known } => {
                write!(f, "`{field}`: no {what} that this version knows; known here: `{}`", known.join("`, `"))
            }
            Note::Shown(Rule::AtMost { limit, length, unit }) => {
                write!(f, "`{field}` has {length} {unit}, Kakao shows {limit}")
            }
            Note::Shown(rule) => Violation { field: field.clone(), rule }.fmt(f),
        }
    }
}

/// A limit that a reply keeps, but not by much. It names the field and never shows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearLimit {
    /// Where, as in [`Violation::field`].
    pub field: String,
    /// The actual number.
    pub length: usize,
    /// The greatest number that is accepted, or shown.
    pub limit: usize,
    /// What is counted.
    pub unit: Unit,
}

impl NearLimit {
    /// Smaller limits, such as three buttons, are meant to be used up.
    const LEAST: usize = 5;

    /// Whether at least four fifths are used.
    pub(super) const fn is_near(length: usize, limit: usize) -> bool {
        limit >= Self::LEAST && length <= limit && length.saturating_mul(5) >= limit.saturating_mul(4)
    }
}

impl fmt::Display for NearLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, length, limit, unit } = self;
        write!(f, "`{field}` has {length} of {limit} {unit}")
    }
}

/// Everything that is wrong with a reply: Kakao would show the block's fallback in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidReply(pub Vec<Violation>);

impl fmt::Display for InvalidReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let violations: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&violations.join("; "))
    }
}

/// One thing that is wrong. It names the field and never shows its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as in `outputs[0].textCard.buttons[1].label`.
    pub field: String,
    /// What.
    pub rule: Rule,
}

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// More than there may be.
    AtMost {
        /// The greatest allowed number.
        limit: usize,
        /// The actual number.
        length: usize,
        /// What is counted.
        unit: Unit,
    },
    /// Fewer than there must be.
    AtLeast {
        /// The least allowed number.
        limit: usize,
        /// The actual number.
        length: usize,
    },
    /// It must be there.
    Required,
    /// A text must have words.
    Empty,
    /// It must be an `http` or `https` address.
    Url,
    /// It is of another form than this one.
    Form(&'static str),
    /// It doesn't go with something else.
    Conflict(&'static str),
}

/// What Kakao counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Characters. Kakao's guide doesn't say which: UTF-16 code units are the most of all counts, so what
    /// fits by them fits by any.
    Characters,
    /// Lines, as far as line breaks make them. Narrow screens make more.
    Lines,
    /// Elements of a list.
    Elements,
    /// Bytes of the whole reply.
    Bytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Characters => "characters",
            Self::Lines => "lines",
            Self::Elements => "elements",
            Self::Bytes => "bytes",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.rule {
            Rule::AtMost { limit, length, unit } => {
                write!(f, "`{field}` has {length} {unit}, at most {limit} are allowed")
            }
            Rule::AtLeast { limit, length } => {
                write!(f, "`{field}` has {length} elements, at least {limit} are needed")
            }
            Rule::Required => write!(f, "`{field}` is required"),
            Rule::Empty => write!(f, "`{field}` is empty"),
            Rule::Url => write!(f, "`{field}` is not an http or https address"),
            Rule::Form(form) => write!(f, "`{field}` is not {form}"),
            Rule::Conflict(what) => write!(f, "`{field}`: {what}"),
        }
    }
}

/// The length of a text as Kakao counts it, at most.
pub(super) fn characters(text: &str) -> usize {
    text.encode_utf16().count()
}

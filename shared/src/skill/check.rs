use std::fmt;

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
    /// It must be an `http` or `https` address.
    Url,
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

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match self.rule {
            Rule::AtMost { limit, length, unit } => {
                let unit = match unit {
                    Unit::Characters => "characters",
                    Unit::Lines => "lines",
                    Unit::Elements => "elements",
                    Unit::Bytes => "bytes",
                };
                write!(f, "`{field}` has {length} {unit}, at most {limit} are allowed")
            }
            Rule::AtLeast { limit, length } => {
                write!(f, "`{field}` has {length} elements, at least {limit} are needed")
            }
            Rule::Required => write!(f, "`{field}` is required"),
            Rule::Url => write!(f, "`{field}` is not an http or https address"),
            Rule::Conflict(what) => write!(f, "`{field}`: {what}"),
        }
    }
}

/// The length of a text as Kakao counts it, at most.
pub(super) fn characters(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Walks through a reply and notes what is wrong.
#[derive(Default)]
pub(super) struct Check {
    path: String,
    violations: Vec<Violation>,
}

impl Check {
    pub(super) fn end(self) -> Result<(), InvalidReply> {
        if self.violations.is_empty() { Ok(()) } else { Err(InvalidReply(self.violations)) }
    }

    /// Checks what lies below a member.
    pub(super) fn below(&mut self, member: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(member);
        check(self);
        self.path.truncate(length);
    }

    /// Checks each element of a list, and how many there are.
    pub(super) fn each<T>(
        &mut self,
        member: &str,
        elements: &[T],
        (least, most): (usize, usize),
        check: impl Fn(&mut Self, &T),
    ) {
        self.count(member, elements.len(), (least, most));
        for (index, element) in elements.iter().enumerate() {
            self.below(&format!("{member}[{index}]"), |below| check(below, element));
        }
    }

    pub(super) fn count(&mut self, member: &str, length: usize, (least, most): (usize, usize)) {
        if length < least {
            self.violated(member, Rule::AtLeast { limit: least, length });
        }
        self.at_most(member, length, most, Unit::Elements);
    }

    pub(super) fn text(&mut self, member: &str, text: &str, most: usize) {
        self.required(member, text);
        self.characters(member, text, most);
    }

    pub(super) fn required(&mut self, member: &str, text: &str) {
        if text.trim().is_empty() {
            self.violated(member, Rule::Required);
        }
    }

    pub(super) fn characters(&mut self, member: &str, text: &str, most: usize) {
        self.at_most(member, characters(text), most, Unit::Characters);
    }

    pub(super) fn lines(&mut self, member: &str, text: &str, most: usize) {
        self.at_most(member, text.lines().count(), most, Unit::Lines);
    }

    pub(super) fn url(&mut self, member: &str, url: &str) {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if !rest.is_some_and(|rest| !rest.is_empty() && !url.contains(|c: char| c.is_whitespace() || c.is_control())) {
            self.violated(member, Rule::Url);
        }
    }

    pub(super) fn url_if_any(&mut self, member: &str, url: Option<&str>) {
        if let Some(url) = url {
            self.url(member, url);
        }
    }

    pub(super) fn at_most(&mut self, member: &str, length: usize, limit: usize, unit: Unit) {
        if length > limit {
            self.violated(member, Rule::AtMost { limit, length, unit });
        }
    }

    pub(super) fn violated(&mut self, member: &str, rule: Rule) {
        self.below(member, |below| {
            let field = below.path.clone();
            below.violations.push(Violation { field, rule });
        });
    }
}

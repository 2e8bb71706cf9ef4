//! The walk through a reply's JSON, on which its rules are checked. Replies that are built and replies that are read
//! take the same way, so that each limit stands once, beside the type whose limit it is.

use serde_json::{Map, Value};

use super::check::{InvalidReply, NearLimit, Note, Place, Remark, Rule, Unit, Violation, characters};

/// More than anyone reads: a reply of thousands of mistakes must not become an error text of megabytes.
const MAX_NOTES: usize = 50;

/// Who wrote a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    /// A `Responder`: it keeps to every limit, so that no user gets a truncated answer.
    Responder,
    /// Another program. Its users read what Kakao shows of a text that is too long, rather than nothing of it.
    Elsewhere,
}

/// What the walk has found so far, and where it is.
#[derive(Debug)]
struct Notes {
    author: Author,
    path: String,
    violations: Vec<Violation>,
    remarks: Vec<Remark>,
    near: Vec<NearLimit>,
}

/// Walks through a reply: the remarks on it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn walk(
    reply: &Map<String, Value>,
    place: Place,
    author: Author,
    check: impl FnOnce(&mut Node<'_, '_>),
) -> Result<Vec<Remark>, InvalidReply> {
    let notes = walked(reply, place, author, check);
    if notes.violations.is_empty() { Ok(notes.remarks) } else { Err(InvalidReply(notes.violations)) }
}

/// Walks through a reply, right or wrong: which limits it comes near to.
pub(super) fn near_limits(
    reply: &Map<String, Value>,
    place: Place,
    check: impl FnOnce(&mut Node<'_, '_>),
) -> Vec<NearLimit> {
    walked(reply, place, Author::Elsewhere, check).near
}

fn walked(reply: &Map<String, Value>, place: Place, author: Author, check: impl FnOnce(&mut Node<'_, '_>)) -> Notes {
    let mut notes = Notes { author, path: String::new(), violations: vec![], remarks: vec![], near: vec![] };
    check(&mut Node { members: reply, place, notes: &mut notes });
    notes
}

/// An object of the reply. What is null is absent.
pub(super) struct Node<'v, 'n> {
    members: &'v Map<String, Value>,
    place: Place,
    notes: &'n mut Notes,
}

impl<'v> Node<'v, '_> {
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) const fn members(&self) -> &'v Map<String, Value> {
        self.members
    }

    pub(super) fn get(&self, member: &str) -> Option<&'v Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, member: &str) -> bool {
        self.get(member).is_some()
    }

    /// A text; empty where there is none.
    pub(super) fn text(&mut self, member: &str) -> &'v str {
        self.read(member, "a text", Value::as_str).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, member: &str) -> bool {
        self.read(member, "true or false", Value::as_bool).unwrap_or_default()
    }

    pub(super) fn number(&mut self, member: &str) -> Option<u64> {
        self.read(member, "a whole number", Value::as_u64)
    }

    pub(super) fn required_number(&mut self, member: &str) {
        if !self.has(member) {
            self.violated(member, Rule::Required);
        }
        self.number(member);
    }

    /// Checks that a member is a map, if there is one. What it holds is the service's.
    pub(super) fn map(&mut self, member: &str) {
        self.read(member, "an object", Value::as_object);
    }

    fn list(&mut self, member: &str) -> &'v [Value] {
        self.read(member, "a list", Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn read<T>(&mut self, member: &str, form: &'static str, read: impl FnOnce(&'v Value) -> Option<T>) -> Option<T> {
        let value = self.get(member)?;
        let read = read(value);
        if read.is_none() {
            self.violated(member, Rule::Form(form));
        }
        read
    }

    pub(super) fn required_text(&mut self, member: &str) -> &'v str {
        match self.get(member) {
            None => self.violated(member, Rule::Required),
            Some(Value::String(text)) if text.trim().is_empty() => self.violated(member, Rule::Empty),
            Some(_) => {}
        }
        self.text(member)
    }

    pub(super) fn characters(&mut self, member: &str, most: usize) {
        let text = self.text(member);
        self.shown(member, characters(text), most, Unit::Characters);
    }

    pub(super) fn required_characters(&mut self, member: &str, most: usize) {
        self.required_text(member);
        self.characters(member, most);
    }

    pub(super) fn lines(&mut self, member: &str, most: usize) {
        let text = self.text(member);
        self.shown(member, text.lines().count(), most, Unit::Lines);
    }

    pub(super) fn required_lines(&mut self, member: &str, most: usize) {
        self.required_text(member);
        self.lines(member, most);
    }

    /// An address that must be there.
    pub(super) fn url(&mut self, member: &str) {
        if !is_url(self.text(member)) {
            self.violated(member, Rule::Url);
        }
    }

    /// An address that must be there, and where an app may open it: `tel:`, or a scheme of an app's own.
    pub(super) fn link(&mut self, member: &str) {
        let link = self.text(member);
        if has_other_scheme(link) {
            self.unshown(member, Rule::Url);
        } else if !is_url(link) {
            self.violated(member, Rule::Url);
        }
    }

    pub(super) fn url_if_any(&mut self, member: &str) {
        self.if_filled(member, Self::url);
    }

    pub(super) fn link_if_any(&mut self, member: &str) {
        self.if_filled(member, Self::link);
    }

    /// An empty text is an address that isn't there.
    fn if_filled(&mut self, member: &str, check: impl FnOnce(&mut Self, &str)) {
        match self.get(member) {
            None => {}
            Some(Value::String(text)) if text.trim().is_empty() => self.unshown(member, Rule::Url),
            Some(_) => check(self, member),
        }
    }

    /// Checks the object that a member is, if there is one.
    pub(super) fn below(&mut self, member: &str, check: impl FnOnce(&mut Node<'v, '_>)) {
        if let Some(members) = self.read(member, "an object", Value::as_object) {
            self.at(member, |node| check(&mut Node { members, ..node }));
        }
    }

    /// The same of an object without which the reply has no meaning: an absent one has no members.
    pub(super) fn required_below(&mut self, member: &str, check: impl FnOnce(&mut Node<'_, '_>)) {
        if self.has(member) {
            self.below(member, check);
        } else {
            let members = Map::new();
            self.at(member, |node| check(&mut Node { members: &members, place: node.place, notes: node.notes }));
        }
    }

    /// Checks the members of an object as if they stood here.
    pub(super) fn inline(&mut self, member: &str, check: impl FnOnce(&mut Node<'v, '_>)) {
        if let Some(members) = self.read(member, "an object", Value::as_object) {
            check(&mut Node { members, place: self.place, notes: self.notes });
        }
    }

    /// Checks how many objects a list has, and each of those that there may be.
    pub(super) fn each(&mut self, member: &str, (least, most): (usize, usize), check: impl Fn(&mut Node<'v, '_>)) {
        let elements = self.list(member);
        if elements.len() < least {
            self.violated(member, Rule::AtLeast { limit: least, length: elements.len() });
        }
        self.at_most(member, elements.len(), most, Unit::Elements);
        for (index, element) in elements.iter().take(most).enumerate() {
            let member = format!("{member}[{index}]");
            match element {
                Value::Object(members) => self.at(&member, |node| check(&mut Node { members, ..node })),
                _ => self.violated(&member, Rule::Form("an object")),
            }
        }
    }

    pub(super) fn at_most(&mut self, member: &str, length: usize, limit: usize, unit: Unit) {
        if length > limit {
            self.violated(member, Rule::AtMost { limit, length, unit });
        }
        self.measured(member, length, limit, unit);
    }

    /// A limit of what is shown.
    pub(super) fn shown(&mut self, member: &str, length: usize, limit: usize, unit: Unit) {
        if length > limit {
            self.unshown(member, Rule::AtMost { limit, length, unit });
        }
        self.measured(member, length, limit, unit);
    }

    /// Notes that a limit is kept, but not by much.
    fn measured(&mut self, member: &str, length: usize, limit: usize, unit: Unit) {
        if NearLimit::is_near(length, limit) && self.notes.near.len() < MAX_NOTES {
            let near = NearLimit { field: self.field(member), length, limit, unit };
            self.notes.near.push(near);
        }
    }

    /// Notes that a member breaks a rule of what is shown: Kakao takes the reply, and leaves out what it doesn't show.
    pub(super) fn unshown(&mut self, member: &str, rule: Rule) {
        match self.notes.author {
            Author::Responder => self.violated(member, rule),
            Author::Elsewhere => self.note(member, Note::Shown(rule)),
        }
    }

    /// Notes that a member, or the object itself (an empty name), breaks a rule.
    pub(super) fn violated(&mut self, member: &str, rule: Rule) {
        let violation = Violation { field: self.field(member), rule };
        let violations = &mut self.notes.violations;
        if violations.len() < MAX_NOTES && violations.last() != Some(&violation) {
            violations.push(violation);
        }
    }

    pub(super) fn remark(&mut self, member: &str, what: &'static str) {
        self.note(member, Note::Words(what));
    }

    pub(super) fn note(&mut self, member: &str, what: Note) {
        let remark = Remark { field: self.field(member), what };
        let remarks = &mut self.notes.remarks;
        if remarks.len() < MAX_NOTES && remarks.last() != Some(&remark) {
            remarks.push(remark);
        }
    }

    /// Notes that an open set has no such value as this member's, or as this member's name.
    pub(super) fn unknown(&mut self, member: &str, what: &'static str, known: &'static [&'static str]) {
        self.note(member, Note::Unknown { what, known });
    }

    /// Notes every member that is not among these. Kakao ignores it, so it may be a typing error.
    pub(super) fn only(&mut self, known: &'static [&'static str]) {
        for name in self.members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.unknown(name, "member", known);
        }
    }

    pub(super) fn is_from(&self, author: Author) -> bool {
        self.notes.author == author
    }

    fn field(&self, member: &str) -> String {
        let path = &self.notes.path;
        match (path.is_empty(), member.is_empty()) {
            (true, _) => member.to_owned(),
            (false, true) => path.clone(),
            (false, false) => format!("{path}.{member}"),
        }
    }

    fn at(&mut self, member: &str, walk: impl FnOnce(Node<'v, '_>)) {
        let length = self.notes.path.len();
        self.notes.path = self.field(member);
        walk(Node { members: self.members, place: self.place, notes: self.notes });
        self.notes.path.truncate(length);
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !has_blank(text))
}

fn has_other_scheme(text: &str) -> bool {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_plain);
    is_scheme && !matches!(scheme, "http" | "https") && !rest.is_empty() && !has_blank(text)
}

fn has_blank(text: &str) -> bool {
    text.contains(|character: char| character.is_whitespace() || character.is_control())
}

//! Reads the document, and notes everything that is wrong with it.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Answer, MAX_RULES_BYTES, Rule, Rules, ValidationStatus};
use crate::{
    skill::{
        Place, ReplyError, SkillResponse, Violation,
        condition::{Condition, FirstFit},
        short::ShortReply,
        words::Words,
    },
    wire::{JsonFault, StrictJsonError, parse_written_json},
};

/// Everything that is wrong with a document. Nothing of it can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidRules(pub Vec<Mistake>);

impl fmt::Display for InvalidRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&mistakes.join("; "))
    }
}

/// One thing that is wrong. It names the place and never shows a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// It is too long.
    #[error("the rules have {bytes} bytes, at most {MAX_RULES_BYTES} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is not JSON.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// It is JSON, but not an object.
    #[error("it is not a JSON object of the form {{\"version\": 1, \"rules\": […]}}")]
    NotAnObject,
    /// It is a list, as that of `SKILL_ANSWERS`.
    #[error(
        "it is a list, as SkillAnswers (SKILL_ANSWERS) has it. A file of rules is {{\"version\": 1, \"rules\": […]}}, \
         and `{{\"utterance\": …, \"text\": …}}` is there `{{\"when\": {{\"says\": …}}, \"reply\": …}}`"
    )]
    List,
    /// A member is not as it must be.
    #[error("`{field}` {fault}")]
    Member {
        /// Where, as in `rules[3].when.says`.
        field: String,
        /// What.
        fault: Fault,
    },
    /// Kakao would not take a reply.
    #[error("{0}")]
    Reply(Violation),
}

/// What is wrong with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It must be there, in this form.
    #[error("is required: {0}")]
    Missing(&'static str),
    /// There is no such member.
    #[error("is unknown; known here: `{}`", .0.join("`, `"))]
    Unknown(&'static [&'static str]),
    /// It must be something else.
    #[error("must be {0}")]
    Shape(&'static str),
    /// A text without a visible character would fit nothing, or everything.
    #[error("holds no visible character")]
    Blank,
}

const OF_DOCUMENT: [&str; 5] = ["$schema", "version", "comment", "rules", "validations"];
const OF_RULE: [&str; 4] = ["name", "comment", "when", "reply"];
const OF_VALIDATION: [&str; 4] = ["name", "comment", "when", "status"];
const OF_WHEN: [&str; 6] = ["room", "block", "intent", "says", "starts_with", "contains"];
/// Those whose values are texts.
const TEXTS_OF_WHEN: [&str; 5] = ["block", "intent", "says", "starts_with", "contains"];
/// Kakao names neither block nor intent in a validation.
const OF_VALIDATIONS_WHEN: [&str; 3] = ["says", "starts_with", "contains"];

const STATUSES: &str = "SUCCESS, FAIL, ERROR or IGNORE";

/// In the place of a text that is missing.
const STAND_IN: &str = "-";

pub(super) fn read(text: &str) -> Result<Rules, InvalidRules> {
    if text.len() > MAX_RULES_BYTES {
        return Err(InvalidRules(vec![Mistake::TooLong { bytes: text.len() }]));
    }
    // Editors of Windows put a byte order mark before it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = parse_written_json(text.as_bytes()).map_err(|fault| {
        InvalidRules(vec![match fault.why {
            StrictJsonError::NotAnObject if text.trim_start().starts_with('[') => Mistake::List,
            StrictJsonError::NotAnObject => Mistake::NotAnObject,
            _ => fault.into(),
        }])
    })?;
    let mut reader = Reader::default();
    let rules = reader.document(&document);
    if reader.mistakes.is_empty() { Ok(rules) } else { Err(InvalidRules(reader.mistakes)) }
}

/// Walks through a document. What is wrong is noted, and read as if it weren't there.
#[derive(Default)]
struct Reader {
    mistakes: Vec<Mistake>,
}

/// The members of an object, and where it stands.
#[derive(Clone, Copy)]
struct Members<'d> {
    path: &'d str,
    members: &'d Map<String, Value>,
}

impl Members<'_> {
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl Reader {
    fn document(&mut self, document: &Map<String, Value>) -> Rules {
        let document = Members { path: "", members: document };
        self.only(document, &OF_DOCUMENT);
        self.note(document, "$schema");
        self.note(document, "comment");
        match document.members.get("version") {
            Some(version) if version.as_u64() == Some(1) => {}
            Some(_) => self.shape("version", "1"),
            None => self.fault("version", Fault::Missing("1")),
        }
        if !document.members.contains_key("rules") {
            self.fault("rules", Fault::Missing("a list of rules, which may be empty"));
        }
        let rules = self.list(document, "rules", |reader, path, members| reader.rule(path, members));
        let validations = self.list(document, "validations", |reader, path, members| reader.validation(path, members));
        Rules { rules: FirstFit(rules), validations: FirstFit(validations) }
    }

    fn rule(&mut self, path: &str, members: &Map<String, Value>) -> Option<(Condition, Rule)> {
        let rule = Members { path, members };
        self.only(rule, &OF_RULE);
        self.note(rule, "comment");
        let name = self.note(rule, "name");
        let when = self.when(rule, &OF_WHEN);
        let answer = self.reply(rule, when.room)?;
        Some((when, Rule { name, answer }))
    }

    fn validation(&mut self, path: &str, members: &Map<String, Value>) -> Option<(Condition, ValidationStatus)> {
        let validation = Members { path, members };
        self.only(validation, &OF_VALIDATION);
        self.note(validation, "comment");
        self.note(validation, "name");
        let when = self.when(validation, &OF_VALIDATIONS_WHEN);
        let path = validation.path_of("status");
        let Some(status) = members.get("status") else {
            self.fault(&path, Fault::Missing(STATUSES));
            return None;
        };
        let named = ValidationStatus::deserialize(status).ok();
        if named.is_none() {
            self.shape(&path, STATUSES);
        }
        Some((when, named?))
    }

    /// Without a condition a rule fits always.
    fn when(&mut self, rule: Members<'_>, known: &'static [&'static str]) -> Condition {
        let (path, mut when) = (rule.path_of("when"), Condition::default());
        let Some(members) = rule.members.get("when") else { return when };
        let Some(members) = members.as_object() else {
            self.shape(&path, "an object");
            return when;
        };
        let members = Members { path: &path, members };
        self.only(members, known);
        match members.members.get("room") {
            None => {}
            Some(Value::Bool(room)) => when.room = Some(*room),
            Some(_) if known.contains(&"room") => self.shape(&members.path_of("room"), "true or false"),
            Some(_) => {}
        }
        let lists = [&mut when.block, &mut when.intent, &mut when.says, &mut when.starts_with, &mut when.contains];
        for (name, list) in TEXTS_OF_WHEN.into_iter().zip(lists).filter(|(name, _)| known.contains(name)) {
            *list = self.texts(members, name);
        }
        when
    }

    /// A text, or several.
    fn texts(&mut self, members: Members<'_>, name: &str) -> Vec<Words> {
        const WANTED: &str = "a text, or a list of one or more texts";
        let path = members.path_of(name);
        let texts = match members.members.get(name) {
            None => return vec![],
            Some(Value::String(text)) => vec![(path.clone(), Some(text.as_str()))],
            Some(Value::Array(texts)) if !texts.is_empty() => {
                texts.iter().enumerate().map(|(index, text)| (format!("{path}[{index}]"), text.as_str())).collect()
            }
            Some(_) => vec![(path.clone(), None)],
        };
        let mut words = vec![];
        for (path, text) in texts {
            match text.map(Words::of) {
                None => self.shape(&path, WANTED),
                Some(text) if text.is_empty() => self.fault(&path, Fault::Blank),
                Some(text) => words.push(text),
            }
        }
        words
    }

    /// The reply of a rule that is for group chat rooms only, or for chats only, or for both.
    fn reply(&mut self, rule: Members<'_>, room: Option<bool>) -> Option<Answer> {
        const WANTED: &str = "a text, an object with a `text`, or a whole SkillResponse";
        let path = rule.path_of("reply");
        match rule.members.get("reply") {
            None => self.fault(&path, Fault::Missing(WANTED)),
            Some(Value::String(text)) => {
                let reply = ShortReply { text: text.clone(), ..ShortReply::default() };
                return self.short_reply(&reply, |_| path.clone());
            }
            Some(Value::Object(members)) if ShortReply::MEMBERS.iter().any(|name| members.contains_key(*name)) => {
                return self.written_reply(Members { path: &path, members });
            }
            Some(Value::Object(members)) if !members.is_empty() => return self.whole_reply(&path, members, room),
            Some(_) => self.shape(&path, WANTED),
        }
        None
    }

    fn written_reply(&mut self, reply: Members<'_>) -> Option<Answer> {
        self.only(reply, &ShortReply::MEMBERS);
        let (at_text, at_labels) = (reply.path_of("text"), reply.path_of("quick_replies"));
        let text = match reply.members.get("text") {
            Some(text) => self.text(&at_text, text),
            None => {
                self.fault(&at_text, Fault::Missing("a text"));
                STAND_IN
            }
        };
        let quick_replies = match reply.members.get("quick_replies") {
            None => vec![],
            Some(Value::Array(labels)) => {
                let label = |(index, label)| self.text(&format!("{at_labels}[{index}]"), label).to_owned();
                labels.iter().enumerate().map(label).collect()
            }
            Some(_) => {
                self.shape(&at_labels, "a list of texts");
                vec![]
            }
        };
        let short = ShortReply { text: text.to_owned(), quick_replies };
        self.short_reply(&short, |field| reply.path_of(&ShortReply::member_of(field)))
    }

    fn short_reply(&mut self, reply: &ShortReply, path_of: impl Fn(&str) -> String) -> Option<Answer> {
        let built = Answer::of(&reply.reply());
        let mut noted: Option<String> = None;
        for Violation { field, rule } in built.as_ref().err().map(|invalid| invalid.0.as_slice()).unwrap_or_default() {
            let field = path_of(field);
            // What a label says is what its tap sends: one mistake, not two.
            if noted.as_ref() != Some(&field) {
                self.mistakes.push(Mistake::Reply(Violation { field: field.clone(), rule: *rule }));
            }
            noted = Some(field);
        }
        built.ok()
    }

    /// A reply with every component. A rule that isn't for rooms only must have one that chats take.
    fn whole_reply(&mut self, path: &str, members: &Map<String, Value>, room: Option<bool>) -> Option<Answer> {
        let text = Value::Object(members.clone()).to_string();
        let read = |place| SkillResponse::from_json(&text, place);
        let answer = match room {
            Some(true) => read(Place::Room).map(|in_room| Answer { in_room: Some(in_room), ..Answer::default() }),
            Some(false) => read(Place::Chat).map(|in_chat| Answer { in_chat: Some(in_chat), ..Answer::default() }),
            None => read(Place::Chat).map(|in_chat| match read(Place::Room) {
                Ok(in_room) => Answer { in_chat: Some(in_chat), in_room: Some(in_room), ..Answer::default() },
                Err(ReplyError::Invalid(why)) => {
                    Answer { in_chat: Some(in_chat), not_in_rooms: Some(why), ..Answer::default() }
                }
                Err(ReplyError::Json(_)) => Answer { in_chat: Some(in_chat), ..Answer::default() },
            }),
        };
        match answer {
            Ok(answer) => return Some(answer),
            Err(ReplyError::Json(_)) => self.shape(path, "a SkillResponse"),
            Err(ReplyError::Invalid(invalid)) => {
                let placed =
                    |Violation { field, rule }| Mistake::Reply(Violation { field: path_of(path, &field), rule });
                self.mistakes.extend(invalid.0.into_iter().map(placed));
            }
        }
        None
    }

    /// The objects of a list that may be absent.
    fn list<T>(
        &mut self,
        members: Members<'_>,
        name: &str,
        read: impl Fn(&mut Self, &str, &Map<String, Value>) -> Option<T>,
    ) -> Vec<T> {
        let path = members.path_of(name);
        let mut list = vec![];
        match members.members.get(name) {
            None => {}
            Some(Value::Array(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    match element.as_object() {
                        Some(members) => list.extend(read(self, &path, members)),
                        None => self.shape(&path, "an object"),
                    }
                }
            }
            Some(_) => self.shape(&path, "a list"),
        }
        list
    }

    /// A text. What is none stands for one that is right, so that the rest is checked all the same.
    fn text<'d>(&mut self, path: &str, value: &'d Value) -> &'d str {
        let text = value.as_str();
        if text.is_none() {
            self.shape(path, "a text");
        }
        text.unwrap_or(STAND_IN)
    }

    /// A text for people, which may be absent.
    fn note(&mut self, members: Members<'_>, name: &str) -> Option<String> {
        match members.members.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.shape(&members.path_of(name), "a text");
                None
            }
        }
    }

    fn only(&mut self, members: Members<'_>, known: &'static [&'static str]) {
        for name in members.members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.fault(&members.path_of(name), Fault::Unknown(known));
        }
    }

    fn shape(&mut self, field: &str, wanted: &'static str) {
        self.fault(field, Fault::Shape(wanted));
    }

    fn fault(&mut self, field: &str, fault: Fault) {
        self.mistakes.push(Mistake::Member { field: field.to_owned(), fault });
    }
}

/// The place of a reply's field in the document. A reply names what is in its `template` without that, and itself
/// `reply`.
pub(super) fn path_of(reply: &str, field: &str) -> String {
    let first = field.split(['[', '.']).next().unwrap_or_default();
    match first {
        "reply" => reply.to_owned(),
        "outputs" | "quickReplies" => format!("{reply}.template.{field}"),
        _ => format!("{reply}.{field}"),
    }
}

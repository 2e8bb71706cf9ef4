//! Rules for a chatbot's answers, as a service writes them by hand and changes them without a deployment:
//! a JSON document (`infra/schemas/skill-rules.json`). The first rule that fits a message is its answer.

mod document;
mod list;
mod remarks;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

use super::{
    check::{InvalidReply, Place},
    condition::{FirstFit, Found},
    reply::Reply,
    response::SkillResponse,
    rule_set::RuleSet,
};
use crate::wire::skill::{SkillPayload, Validation, ValidationStatus};

pub use document::{Fault, InvalidRules, Mistake};
pub use list::ListError;
pub use remarks::{RemarkKind, RuleRemark};

/// The longest document: a table's item ends at 400 KB.
pub const MAX_RULES_BYTES: usize = 350_000;

/// Rules that are in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: FirstFit<Rule>,
    validations: FirstFit<ValidationStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: Option<String>,
    answer: Answer,
}

/// What a rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answer {
    /// `None` in a rule for group chat rooms.
    in_chat: Option<SkillResponse>,
    /// `None` where a room doesn't take it: there the rule doesn't fit.
    in_room: Option<SkillResponse>,
    /// Why a room doesn't take it, in a rule that isn't for chats only.
    not_in_rooms: Option<InvalidReply>,
}

impl Answer {
    /// Words. Group chat rooms take no quick replies: there they are left out.
    fn of(reply: &Reply) -> Result<Self, InvalidReply> {
        let in_room = reply.clone().fitted(Place::Room).build_for(Place::Room)?;
        Ok(Self { in_chat: Some(reply.build()?), in_room: Some(in_room), not_in_rooms: None })
    }

    const fn usable(&self, place: Place) -> Option<&SkillResponse> {
        match place {
            Place::Chat => self.in_chat.as_ref(),
            Place::Room => self.in_room.as_ref(),
        }
    }
}

/// The rule that fits a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FittingRule<'r> {
    /// Its place in the document, from 0 on.
    pub index: usize,
    /// How its author calls it.
    pub name: Option<&'r str>,
    /// The answer.
    pub reply: &'r SkillResponse,
}

impl Rules {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, InvalidRules> {
        document::read(text)
    }

    /// Reads the short form: `[{"block"|"intent"|"utterance": …, "text": …, "quick_replies": […]}, …]`.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn from_list(text: &str) -> Result<Self, ListError> {
        list::read(text)
    }

    /// The first rule that fits a message, and whose reply may be used where it was written.
    #[must_use]
    pub fn find(&self, payload: &SkillPayload) -> Option<FittingRule<'_>> {
        let place = Place::of(payload);
        let usable = |rule: &Rule| rule.answer.usable(place).is_some();
        let (index, rule) = self.rules.find(&Found::of(payload), usable)?;
        Some(FittingRule { index, name: rule.name.as_deref(), reply: rule.answer.usable(place)? })
    }

    /// The first rule that fits a parameter's value: its place in the document, from 0 on, and its verdict.
    #[must_use]
    pub fn find_validation(&self, validation: &Validation) -> Option<(usize, ValidationStatus)> {
        let found = self.validations.find(&Found::of_validation(validation), |_| true);
        found.map(|(index, status)| (index, *status))
    }

    /// What is allowed and hardly meant.
    #[must_use]
    pub fn remarks(&self) -> Vec<RuleRemark> {
        remarks::of(self)
    }

    /// How many rules there are for messages.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rules.0.len()
    }

    /// How many rules there are for validations.
    #[must_use]
    pub const fn validations(&self) -> usize {
        self.validations.0.len()
    }

    /// Whether there is no rule for messages.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.0.is_empty()
    }
}

impl RuleSet for Rules {
    fn answer(&self, payload: &SkillPayload) -> Option<SkillResponse> {
        self.find(payload).map(|found| found.reply.clone())
    }

    fn validate(&self, validation: &Validation) -> Option<ValidationStatus> {
        self.find_validation(validation).map(|(_, status)| status)
    }
}

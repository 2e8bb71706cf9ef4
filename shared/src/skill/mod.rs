//! A chatbot's answer to a message, in the form that Kakao accepts (Kakao business guide,
//! "Chatbot > Skill development guide > JSON format by type of answer", section `SkillResponse`). A reply is
//! made of plain structs, or read from JSON that something else wrote; only a valid one becomes a [`SkillResponse`], and
//! only that leaves the function.

mod answer;
mod ask;
mod callback;
mod cards;
mod carousel;
mod check;
mod condition;
mod lists;
mod parts;
mod reply;
mod responder;
mod response;
mod rule_set;
mod rules;
mod short;
#[cfg(test)]
mod tests;
mod walk;
mod words;

pub use answer::{InvalidAnswer, in_plain_words, read_answer, read_status};
pub use ask::{DirectQuestion, DirectReply, QuestionKind};
pub use callback::{
    CallbackFailure, CallbackOrigin, CallbackUrl, Deadlines, Job, Next, RefusedUrl, UnreadableJob, judge,
    waiting_answer,
};
pub use cards::{BasicCard, CommerceCard, Currency, SimpleImage, SimpleText, TextCard};
pub use carousel::{Cards, Carousel, CarouselHeader, CoverImage};
pub use check::{InvalidReply, NearLimit, Note, Place, Remark, ReplyError, Rule, Unit, Violation};
pub use lists::{
    Alignment, Head, ImageTitle, Item, ItemCard, ItemProfile, ItemThumbnail, ListCard, ListHeader, ListItem,
    ListLayout, Summary,
};
pub use parts::{Button, ButtonAction, ButtonLayout, Link, Profile, QuickReply, Tap, Thumbnail};
pub use reply::{Component, ContextValue, Reply};
pub use responder::{Echo, Fixed, Responder, respond};
pub use response::{MAX_REPLY_BYTES, SkillResponse};
pub use rule_set::RuleSet;
pub use rules::{Fault, FittingRule, InvalidRules, ListError, MAX_RULES_BYTES, Mistake, RemarkKind, RuleRemark, Rules};

pub use crate::wire::skill::{Validation, ValidationStatus};

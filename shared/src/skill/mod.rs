//! A chatbot's answer to a message, in the form that Kakao accepts (Kakao business guide,
//! "Chatbot > Skill development guide > JSON format by type of answer", section `SkillResponse`). A reply is
//! made of plain structs; only a valid one becomes a [`SkillResponse`], and only that leaves the function.

mod answer;
mod ask;
mod callback;
mod cards;
mod carousel;
mod check;
mod foreign;
mod lists;
mod parts;
mod reply;
mod responder;
mod rule_set;
#[cfg(test)]
mod tests;
mod words;

pub use answer::{InvalidAnswer, read_answer, read_status};
pub use ask::{Ask, AskReply, Asked};
pub use callback::{
    CallbackFailure, CallbackOrigin, CallbackUrl, Deadlines, Job, Next, UnreadableJob, judge, waiting_answer,
};
pub use cards::{BasicCard, CommerceCard, Currency, SimpleImage, SimpleText, TextCard};
pub use carousel::{Cards, Carousel, CarouselHeader, CoverImage};
pub use check::{InvalidReply, Rule, Unit, Violation};
pub use foreign::{Place, ReplyError};
pub use lists::{
    Alignment, Head, ImageTitle, Item, ItemAction, ItemCard, ItemProfile, ItemThumbnail, ListCard, ListHeader,
    ListItem, Summary,
};
pub use parts::{Button, ButtonAction, ButtonLayout, Link, Profile, QuickReply, Tap, Thumbnail};
pub use reply::{Component, ContextValue, MAX_REPLY_BYTES, Reply, SkillResponse};
pub use responder::{Echo, Fixed, ListError, Listed, Responder, respond};
pub use rule_set::{RuleSet, Validation, ValidationStatus};

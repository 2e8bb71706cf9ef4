//! A chatbot's answer to a message, in the form that Kakao accepts (Kakao business guide,
//! "Chatbot > Skill development guide > JSON format by type of answer", section `SkillResponse`). A reply is
//! made of plain structs, or read from JSON that something else wrote; only a valid one becomes a [`SkillResponse`], and
//! only that leaves the function.

mod cards;
mod carousel;
mod check;
mod lists;
mod parts;
mod reply;
mod responder;
mod response;
mod rule_set;
#[cfg(test)]
mod tests;
mod walk;
mod words;

pub use cards::{BasicCard, CommerceCard, Currency, SimpleImage, SimpleText, TextCard};
pub use carousel::{Cards, Carousel, CarouselHeader, CoverImage};
pub use check::{InvalidReply, Place, Remark, ReplyError, Rule, Unit, Violation};
pub use lists::{
    Alignment, Head, ImageTitle, Item, ItemAction, ItemCard, ItemProfile, ItemThumbnail, ListCard, ListHeader,
    ListItem, ListLayout, Summary,
};
pub use parts::{Button, ButtonAction, ButtonLayout, Link, Profile, QuickReply, Tap, Thumbnail};
pub use reply::{Component, ContextValue, Reply};
pub use responder::{Echo, Fixed, ListError, Listed, Responder, respond};
pub use response::{MAX_REPLY_BYTES, SkillResponse};
pub use rule_set::RuleSet;

pub use crate::wire::skill::{Validation, ValidationStatus};

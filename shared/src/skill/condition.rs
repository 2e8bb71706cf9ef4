//! When a rule fits: what it is compared with, and how.

use super::words::Words;
use crate::wire::skill::{SkillPayload, Validation};

/// What a rule asks for. Each member holds if one of its texts does, and a member that isn't there always; the rule fits
/// if all members hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// Whether it was written in a group chat room.
    pub(super) room: Option<bool>,
    /// The block's id or name.
    pub(super) block: Vec<Words>,
    /// The matched intent's id or name.
    pub(super) intent: Vec<Words>,
    /// What the user said, all of it, apart from a mention of the bot.
    pub(super) says: Vec<Words>,
    /// How what the user said begins.
    pub(super) starts_with: Vec<Words>,
    /// What occurs in it. Anywhere: Korean particles follow their noun without a blank.
    pub(super) contains: Vec<Words>,
}

/// What conditions are compared with.
#[derive(Debug, Default)]
pub(super) struct Found {
    is_in_room: bool,
    block: [Option<Words>; 2],
    intent: [Option<Words>; 2],
    said: Option<Words>,
    bot: Option<Words>,
}

impl Found {
    /// That of a message.
    pub(super) fn of(payload: &SkillPayload) -> Self {
        let words = |text: &Option<String>| text.as_deref().map(Words::of);
        let SkillPayload { bot, intent, user_request, .. } = payload;
        Self {
            is_in_room: user_request.is_in_room(),
            block: [words(&user_request.block.id), words(&user_request.block.name)],
            intent: [words(&intent.id), words(&intent.name)],
            said: user_request.words().map(Words::said),
            bot: words(&bot.name),
        }
    }

    /// That of a parameter validation: what the user said, or else the words in which the value was found.
    pub(super) fn of_validation(validation: &Validation) -> Self {
        let Validation { utterance, origin, bot_name, .. } = validation;
        let said = utterance.as_ref().or(origin.as_ref()).map(|words| Words::said(words.expose()));
        Self { said, bot: bot_name.as_deref().map(Words::of), ..Self::default() }
    }
}

impl Condition {
    pub(super) fn fits(&self, found: &Found) -> bool {
        let bot = found.bot.as_ref();
        let said = found.said.as_ref().map(|said| said.without_mention_of(bot));
        let is_said = |wanted: &[Words], is: fn(&str, &str) -> bool| {
            one_of(wanted, |wanted| said.is_some_and(|said| is(said, wanted.without_mention_of(bot))))
        };
        self.room.is_none_or(|room| room == found.is_in_room)
            && one_of(&self.block, |wanted| found.block.iter().flatten().any(|block| block == wanted))
            && one_of(&self.intent, |wanted| found.intent.iter().flatten().any(|intent| intent == wanted))
            && is_said(&self.says, |said, wanted| said == wanted)
            && is_said(&self.starts_with, |said, wanted| said.starts_with(wanted))
            && is_said(&self.contains, |said, wanted| said.contains(wanted))
    }

    /// Whether this one fits wherever the other one does, as far as their texts show.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self == other
            || (self.room.is_none() || self.room == other.room)
                && all_in(&other.block, &self.block)
                && all_in(&other.intent, &self.intent)
                && !self.has_mention()
                && !other.has_mention()
                && self.words_cover(other)
    }

    /// Whether the texts of `says` rule out the other members: what is said is one of them.
    pub(super) fn contradicts_itself(&self) -> bool {
        let fits = |said: &Words| {
            one_of(&self.starts_with, |wanted| said.as_str().starts_with(wanted.as_str()))
                && one_of(&self.contains, |wanted| said.as_str().contains(wanted.as_str()))
        };
        !self.says.is_empty() && !self.has_mention() && !self.says.iter().any(fits)
    }

    /// Whether a member has only texts that are longer than what is compared of a message.
    pub(super) fn is_too_long(&self) -> bool {
        let all_too_long = |texts: &Vec<Words>| !texts.is_empty() && texts.iter().all(Words::is_too_long);
        !self.has_mention() && [&self.says, &self.starts_with, &self.contains].into_iter().any(all_too_long)
    }

    /// Each of these holds if what it asks for follows from one member of the other: all texts of that member give it.
    fn words_cover(&self, other: &Self) -> bool {
        let follows = |wanted: &[Words], from: &[&Vec<Words>], gives: fn(&str, &str) -> bool| {
            let is_given = |text: &Words| wanted.iter().any(|wanted| gives(text.as_str(), wanted.as_str()));
            wanted.is_empty() || from.iter().any(|texts| !texts.is_empty() && texts.iter().all(is_given))
        };
        follows(&self.says, &[&other.says], |text, wanted| text == wanted)
            && follows(&self.starts_with, &[&other.says, &other.starts_with], |text, wanted| text.starts_with(wanted))
            && follows(&self.contains, &[&other.says, &other.starts_with, &other.contains], |text, wanted| {
                text.contains(wanted)
            })
    }

    /// Whether a text depends on how the bot is called, which only a message says.
    fn has_mention(&self) -> bool {
        [&self.says, &self.starts_with, &self.contains].into_iter().flatten().any(|text| text.as_str().starts_with('@'))
    }
}

fn one_of(wanted: &[Words], holds: impl Fn(&Words) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(holds)
}

/// Whether members of these texts hold only where those of the wanted do.
fn all_in(texts: &[Words], wanted: &[Words]) -> bool {
    wanted.is_empty() || !texts.is_empty() && texts.iter().all(|text| wanted.contains(text))
}

/// What belongs to the first condition that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FirstFit<T>(pub(super) Vec<(Condition, T)>);

impl<T> Default for FirstFit<T> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<T> FirstFit<T> {
    /// The first that fits and may be used, and its place in the list.
    pub(super) fn find(&self, found: &Found, usable: impl Fn(&T) -> bool) -> Option<(usize, &T)> {
        let mut all = self.0.iter().enumerate();
        all.find(|(_, (condition, it))| condition.fits(found) && usable(it)).map(|(index, (_, it))| (index, it))
    }
}

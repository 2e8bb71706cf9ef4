use std::fmt;

use super::{Rule, Rules, document::path_of};
use crate::skill::{
    check::{InvalidReply, Note, Place, Remark},
    condition::{Condition, FirstFit},
};

/// Something that is allowed and hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRemark {
    /// Where, as in `rules[3]`.
    pub field: String,
    /// What.
    pub kind: RemarkKind,
}

/// What stands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// There are no rules.
    Empty,
    /// It can never fit: an earlier one, whose place this is, fits wherever it does.
    NeverFits(String),
    /// What `says`, `starts_with` and `contains` ask for can't hold at once.
    Contradiction,
    /// Its texts are longer than what is compared of a message.
    TooLong,
    /// The reply can't be used in a group chat room, for this reason; there the rule doesn't fit.
    NotInRooms(InvalidReply),
    /// Of a reply.
    Reply(Note),
}

impl fmt::Display for RuleRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.kind {
            RemarkKind::Empty => write!(f, "`{field}` is empty: no message is answered by a rule"),
            RemarkKind::NeverFits(earlier) => {
                write!(f, "`{field}` can never fit: `{earlier}` fits wherever it does, and comes first")
            }
            RemarkKind::Contradiction => {
                write!(f, "`{field}` can never fit: no text of `says` fits its `starts_with` and its `contains`")
            }
            RemarkKind::TooLong => write!(
                f,
                "`{field}` can never fit: its texts have more than 1,000 characters, and only so many of a message are \
                 compared"
            ),
            RemarkKind::NotInRooms(why) => write!(f, "`{field}` does not fit in group chat rooms: {why}"),
            RemarkKind::Reply(what) => Remark { field: field.clone(), what: *what }.fmt(f),
        }
    }
}

pub(super) fn of(rules: &Rules) -> Vec<RuleRemark> {
    let mut remarks = vec![];
    if rules.is_empty() {
        remarks.push(RuleRemark { field: "rules".to_owned(), kind: RemarkKind::Empty });
    }
    for (index, (condition, rule)) in rules.rules.0.iter().enumerate() {
        let of_rule = |kind| RuleRemark { field: format!("rules[{index}]"), kind };
        let replaces = |earlier: &Rule, rule: &Rule| earlier.takes_the_place_of(rule, condition);
        remarks.extend(never_fits(&rules.rules, "rules", index, replaces).map(of_rule));
        remarks.extend(rule.answer.not_in_rooms.clone().map(RemarkKind::NotInRooms).map(of_rule));
        let reply = rule.answer.in_chat.as_ref().or(rule.answer.in_room.as_ref());
        remarks.extend(reply.iter().flat_map(|reply| reply.remarks()).map(|remark| RuleRemark {
            field: path_of(&format!("rules[{index}].reply"), &remark.field),
            kind: RemarkKind::Reply(remark.what),
        }));
    }
    for index in 0..rules.validations.0.len() {
        let kind = never_fits(&rules.validations, "validations", index, |_, _| true);
        remarks.extend(kind.map(|kind| RuleRemark { field: format!("validations[{index}]"), kind }));
    }
    remarks
}

impl Rule {
    /// Whether this one is used wherever the other one is, which has this condition, if both fit.
    fn takes_the_place_of(&self, other: &Self, condition: &Condition) -> bool {
        let is_usable = |rule: &Self, place| rule.answer.usable(place).is_some();
        // A short reply could be used in both places, also where its rule is for one of them.
        let may_fit = |place: &Place| condition.room.is_none_or(|room| room == (*place == Place::Room));
        let mut places = [Place::Chat, Place::Room].into_iter().filter(may_fit);
        places.all(|place| is_usable(self, place) || !is_usable(other, place))
    }
}

fn never_fits<T>(all: &FirstFit<T>, list: &str, index: usize, replaces: impl Fn(&T, &T) -> bool) -> Option<RemarkKind> {
    let (condition, it) = all.0.get(index)?;
    if condition.is_too_long() {
        return Some(RemarkKind::TooLong);
    }
    if condition.contradicts_itself() {
        return Some(RemarkKind::Contradiction);
    }
    let hides = |(earlier, other): &(Condition, T)| earlier.covers(condition) && replaces(other, it);
    let earlier = all.0.iter().take(index).position(hides)?;
    Some(RemarkKind::NeverFits(format!("{list}[{earlier}]")))
}

use std::fmt;

use super::{Rule, Rules};
use crate::skill::condition::{Condition, FirstFit};

/// Something that is allowed and hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
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
    /// The reply can't be used in a group chat room, for this reason; there the rule doesn't fit.
    NotInRooms(String),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.kind {
            RemarkKind::Empty => write!(f, "`{field}` is empty: no message is answered by a rule"),
            RemarkKind::NeverFits(earlier) => {
                write!(f, "`{field}` can never fit: `{earlier}` fits wherever it does, and comes first")
            }
            RemarkKind::NotInRooms(why) => write!(f, "`{field}` does not fit in group chat rooms: {why}"),
        }
    }
}

pub(super) fn of(rules: &Rules) -> Vec<Remark> {
    let mut remarks = vec![];
    if rules.is_empty() {
        remarks.push(Remark { field: "rules".to_owned(), kind: RemarkKind::Empty });
    }
    for (index, (_, rule)) in rules.rules.0.iter().enumerate() {
        let not_in_rooms = rule.answer.in_room.as_ref().err();
        let kinds = [
            never_fits(&rules.rules, "rules", index, Rule::takes_the_place_of),
            not_in_rooms.map(|why| RemarkKind::NotInRooms(why.clone())),
        ];
        remarks.extend(kinds.into_iter().flatten().map(|kind| Remark { field: format!("rules[{index}]"), kind }));
    }
    for index in 0..rules.validations.0.len() {
        let kind = never_fits(&rules.validations, "validations", index, |_, _| true);
        remarks.extend(kind.map(|kind| Remark { field: format!("validations[{index}]"), kind }));
    }
    remarks
}

impl Rule {
    /// Whether this one is used wherever the other one is, if both fit.
    const fn takes_the_place_of(&self, other: &Self) -> bool {
        self.answer.in_room.is_ok() || other.answer.in_room.is_err()
    }
}

fn never_fits<T>(all: &FirstFit<T>, list: &str, index: usize, replaces: impl Fn(&T, &T) -> bool) -> Option<RemarkKind> {
    let (condition, it) = all.0.get(index)?;
    let hides = |(earlier, other): &(Condition, T)| earlier.covers(condition) && replaces(other, it);
    let earlier = all.0.iter().take(index).position(hides)?;
    Some(RemarkKind::NeverFits(format!("{list}[{earlier}]")))
}

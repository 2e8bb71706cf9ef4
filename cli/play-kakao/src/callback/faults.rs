use std::{collections::VecDeque, time::Duration};

use super::CallbackFail;

/// What happens to a request to a callback URL instead of Kakao's judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackFault {
    /// There is never an answer, and the user sees nothing.
    Hang,
    /// The connection is reset, and the user sees nothing.
    Refuse,
    /// The right answer comes after this time.
    Slow(Duration),
    /// The user sees the reply, and the connection is reset before the answer.
    LoseAnswer,
    /// This failure, whatever came.
    Fail(CallbackFail),
    /// A failure that Kakao's table does not have: `status` and `message`.
    Other(&'static str, &'static str),
    /// This HTTP status, and a page of HTML, as a proxy answers.
    Html(u16),
}

impl CallbackFault {
    /// Those that a message of another process may meet, with their names there.
    pub const NAMES: [(&str, Self); 13] = [
        ("hang", Self::Hang),
        ("refuse", Self::Refuse),
        ("lose-answer", Self::LoseAnswer),
        ("test-token", Self::Fail(CallbackFail::TestToken)),
        ("token", Self::Fail(CallbackFail::Token)),
        ("use-callback", Self::Fail(CallbackFail::UseCallback)),
        ("bot-id", Self::Fail(CallbackFail::BotId)),
        ("json", Self::Fail(CallbackFail::Json)),
        ("skill-json", Self::Fail(CallbackFail::SkillJson)),
        ("501", Self::Fail(CallbackFail::Internal501)),
        ("504", Self::Fail(CallbackFail::Internal504)),
        ("505", Self::Fail(CallbackFail::Internal505)),
        ("999", Self::Fail(CallbackFail::Internal999)),
    ];

    /// The fault of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find_map(|(known, fault)| (known == name).then_some(fault))
    }
}

/// All faults that are to come, each with how many requests it still meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script(VecDeque<(usize, CallbackFault)>);

impl Script {
    pub(super) fn add(&mut self, count: usize, fault: CallbackFault) {
        self.0.push_back((count, fault));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that the next request meets.
    pub(super) fn take(&mut self) -> Option<CallbackFault> {
        self.0.retain(|(left, _)| *left > 0);
        let (left, fault) = self.0.front_mut()?;
        // "For good" stays so: its count never ends.
        if *left != usize::MAX {
            *left -= 1;
        }
        Some(fault.clone())
    }
}

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

/// All faults that are to come, each with how many requests it still meets.
#[derive(Clone, Debug, Default)]
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

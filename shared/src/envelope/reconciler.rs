use serde::{Deserialize, Serialize};

use crate::wire::{AppId, EventId, Time, UserId};

use super::{Envelope, Event, Letter};

/// What the reconciler found out about a member by Kakao's REST API, which no webhook reported or whose webhook was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcilerEvent {
    /// What it says.
    #[serde(rename = "type")]
    pub word: ReconcilerWord,
    /// Of whom.
    pub user_id: UserId,
    /// When it was true: at the latest the moment before Kakao was asked.
    pub at: Time,
}

/// The reconciler's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReconcilerWord {
    /// Kakao lists the member as linked.
    ReconciledLinked,
    /// Kakao says that the member is not linked (code -101).
    ReconciledUnlinked,
}

impl ReconcilerWord {
    /// The word, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReconciledLinked => "reconciled-linked",
            Self::ReconciledUnlinked => "reconciled-unlinked",
        }
    }
}

/// How the ids of the reconciler's events begin.
pub const RECONCILED_ID: &str = "reconcile:";

impl Envelope {
    /// The envelope of what a run found out, sent at `now`. A run says one thing of a member: the same run, killed and
    /// resumed, makes the same id again.
    #[must_use]
    pub fn of_reconciler(app_id: AppId, run_id: &str, found: ReconcilerEvent, now: Time) -> Self {
        Self {
            id: EventId::from_text(&format!("{RECONCILED_ID}{run_id}:{}", found.user_id.digits())),
            app_id: Some(app_id),
            received_at: now,
            request_id: None,
            replayed_at: None,
            letter: Letter::Event(Event::Reconciler(found)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_reconciler_names_its_run_and_its_member_but_not_in_a_log() {
        let at = Time::from_seconds(1_700_000_000).unwrap();
        let word = ReconcilerWord::ReconciledUnlinked;
        let found = ReconcilerEvent { word, user_id: "77001".parse().unwrap(), at };
        let envelope = Envelope::of_reconciler("1".parse().unwrap(), "r1", found, at);
        assert_eq!(envelope.id.as_str(), "reconcile:r1:77001");
        assert!(!envelope.id_for_log().contains("77001"));
        assert_eq!(Envelope::decode(&envelope.encode().unwrap()).unwrap(), envelope);
        assert!(envelope.encode().unwrap().contains(r#""kind":"reconciler""#));
    }
}

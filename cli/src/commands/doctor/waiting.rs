//! What waits somewhere, and the command that moves it on.

use super::facts::{Backlog, Facts, Inbox};
use crate::{
    commands::check::finding::{Finding, Judgement},
    ui::{age, count::counted},
};

/// More than two rounds of all the batches that are processed at once.
const LONG_QUEUE: u64 = 1_000;
/// In seconds. The janitor empties the inbox every minute; its alarm waits as long.
const LONG_WAIT: i64 = 300;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let queue = |output: &str, check, judge: &dyn Fn(Backlog) -> Judgement| {
        let read = facts.queues.get(output)?;
        Some(read.as_ref().map_or_else(|unread| unread.judgement(), |backlog| judge(*backlog)).named(check))
    };
    let queues = [
        queue("EventQueueUrl", "event queue", &events),
        queue("DeadLetterQueueUrl", "dead letters", &dead_letters),
        queue("UnpublishedQueueUrl", "unpublished", &set_aside),
        queue("DeliveryQueueUrl", "deliveries", &deliveries),
        queue("UndeliveredQueueUrl", "undelivered", &undelivered),
    ];
    let inbox = facts.inbox.as_ref().map_or_else(|unread| unread.judgement(), |inbox| in_the_inbox(inbox, facts));
    let quarantine = facts.quarantined.as_ref().map_or_else(|unread| unread.judgement(), |events| quarantine(*events));
    queues.into_iter().flatten().chain([inbox.named("inbox"), quarantine.named("quarantine")]).collect()
}

fn events(backlog: Backlog) -> Judgement {
    let seen = format!("{} waiting, {} in hand", backlog.waiting, backlog.in_hand);
    if backlog.waiting < LONG_QUEUE {
        return Judgement::right(seen);
    }
    Judgement::warning(seen, "a burst, or the processor is slow or fails: docs/runbook.md, \"The queue is behind\"")
}

fn dead_letters(backlog: Backlog) -> Judgement {
    match backlog.waiting + backlog.in_hand {
        0 => Judgement::right("none"),
        count => Judgement::mistake(
            counted(count, "message"),
            "khook dlq list shows the reasons; after the fix khook dlq replay --all (docs/runbook.md, \"Dead letters\")",
        ),
    }
}

fn set_aside(backlog: Backlog) -> Judgement {
    match backlog.waiting + backlog.in_hand {
        0 => Judgement::right("none"),
        count => Judgement::mistake(
            counted(count, "change"),
            "khook dlq list --unpublished says why; after the fix khook publish, for the recorder's khook erasures rebuild \
             (docs/runbook.md, \"Changes were set aside\")",
        ),
    }
}

/// What the endpoint refused is in hand during its pause.
fn deliveries(backlog: Backlog) -> Judgement {
    let seen = format!("{} waiting, {} in hand or paused", backlog.waiting, backlog.in_hand);
    if backlog.waiting + backlog.in_hand < LONG_QUEUE {
        return Judgement::right(seen);
    }
    Judgement::warning(seen, "a burst, or the endpoint is slow or fails: docs/runbook.md, \"Deliveries are late\"")
}

fn undelivered(backlog: Backlog) -> Judgement {
    match backlog.waiting + backlog.in_hand {
        0 => Judgement::right("none"),
        count => Judgement::mistake(
            counted(count, "change"),
            "khook undelivered list shows them; after the fix khook undelivered replay --all (docs/runbook.md, \"Changes were not delivered\")",
        ),
    }
}

fn in_the_inbox(inbox: &Inbox, facts: &Facts) -> Judgement {
    if inbox.events == 0 {
        return Judgement::right("empty");
    }
    let more = if inbox.is_cut { " or more" } else { "" };
    let wait = inbox.oldest.map(|oldest| age::seconds(oldest, facts.now));
    let since = wait.map(|wait| format!(", since {}", age::shown(wait))).unwrap_or_default();
    let events = u64::try_from(inbox.events).unwrap_or(u64::MAX);
    let seen = format!("{}{more}{since}", counted(events, "event"));
    if wait.is_some_and(|wait| wait <= LONG_WAIT) && !inbox.is_cut {
        return Judgement::warning(seen, "the queue refused them just now; the janitor sends them every minute");
    }
    Judgement::mistake(
        seen,
        "khook inbox list, then khook inbox replay --all; why the janitor doesn't: docs/runbook.md, \"The inbox\"",
    )
}

fn quarantine(events: usize) -> Judgement {
    match u64::try_from(events).unwrap_or(u64::MAX) {
        0 => Judgement::right("empty"),
        count => Judgement::mistake(
            counted(count, "event"),
            "khook quarantine list shows the reasons; after the fix khook quarantine replay --all (docs/runbook.md, \"Quarantine\")",
        ),
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::wire::Time;

    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::stand_in::{self, worst},
    };

    fn with(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
        let mut facts = stand_in::healthy();
        change(&mut facts);
        findings(&facts)
    }

    #[test]
    fn whatever_is_stuck_is_a_mistake_with_the_command_that_moves_it() {
        let one = Backlog { waiting: 1, in_hand: 0 };
        let held = Backlog { waiting: 0, in_hand: 1 };
        for (command, found) in [
            ("khook dlq replay --all", with(|facts| drop(facts.queues.insert("DeadLetterQueueUrl", Ok(one))))),
            ("khook dlq replay --all", with(|facts| drop(facts.queues.insert("DeadLetterQueueUrl", Ok(held))))),
            ("khook dlq list --unpublished", with(|facts| drop(facts.queues.insert("UnpublishedQueueUrl", Ok(one))))),
            ("khook publish", with(|facts| drop(facts.queues.insert("UnpublishedQueueUrl", Ok(one))))),
            ("khook undelivered list", with(|facts| drop(facts.queues.insert("UndeliveredQueueUrl", Ok(one))))),
            (
                "khook undelivered replay --all",
                with(|facts| drop(facts.queues.insert("UndeliveredQueueUrl", Ok(held)))),
            ),
            ("khook quarantine replay --all", with(|facts| facts.quarantined = Ok(1))),
            ("khook inbox replay --all", with(|facts| facts.inbox = Ok(Inbox { events: 1, ..Inbox::default() }))),
        ] {
            let mistakes: Vec<_> = found.iter().filter(|finding| finding.verdict != Verdict::Right).collect();
            assert_eq!((mistakes.len(), mistakes[0].verdict), (1, Verdict::Mistake), "{command}");
            assert!(mistakes[0].fix.contains(command), "{command}: {mistakes:?}");
        }
    }

    #[test]
    fn the_janitor_is_given_five_minutes_for_the_inbox() {
        for (seconds, is_cut, verdict) in
            [(300, false, Verdict::Warning), (301, false, Verdict::Mistake), (1, true, Verdict::Mistake)]
        {
            let found = with(|facts| {
                let oldest = Time::from_millis(facts.now.as_millis() - seconds * 1_000);
                facts.inbox = Ok(Inbox { events: 3, is_cut, oldest });
            });
            assert_eq!(worst(&found), verdict, "{seconds} {is_cut}");
        }
    }

    #[test]
    fn a_queue_is_for_waiting_in_until_it_is_long() {
        for (waiting, verdict) in [(999, Verdict::Right), (1_000, Verdict::Warning)] {
            for (output, in_hand) in [("EventQueueUrl", 7), ("DeliveryQueueUrl", 0)] {
                let found = with(|facts| {
                    facts.queues.insert(output, Ok(Backlog { waiting, in_hand }));
                });
                assert_eq!(worst(&found), verdict, "{output} {waiting}");
            }
        }
    }

    #[test]
    fn a_delivery_that_pauses_waits_too() {
        let found = with(|facts| {
            facts.queues.insert("DeliveryQueueUrl", Ok(Backlog { waiting: 1, in_hand: 999 }));
        });
        let warning = found.iter().find(|finding| finding.check == "deliveries").unwrap();
        assert_eq!((warning.verdict, &*warning.seen), (Verdict::Warning, "1 waiting, 999 in hand or paused"));
    }
}

//! The stack itself, and the account's concurrency for its functions.

use super::{
    facts::{Facts, Quota, Stack},
    sources::{ANSWERER, DELIVERER, PROCESSOR},
};
use crate::{
    commands::check::finding::{Finding, Judgement},
    ui::count::counted,
};

/// What new accounts have less than, until they ask for more.
const ENOUGH: i32 = 100;
/// What the stack runs besides processor, deliverer and answerer: the five that answer Kakao, the publisher's two batches, the
/// janitor. The recorder runs for less than a second in five minutes, and may wait for hours.
const OTHERS: i32 = 8;
/// The default of the consumers' parameters, and the least that Lambda takes.
const LEAST: i32 = 2;
/// The consumer that also works for the skill, which waits for it.
const ANSWERS: &str = "answerer";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![status(&facts.stack).named("status")];
    if let Err(unread) = &facts.resources {
        findings.push(unread.judgement().named("resources"));
    }
    let consumers = Consumer::all(facts);
    let quota = facts.quota.as_ref().map_or_else(|unread| unread.judgement(), |quota| concurrency(*quota, &consumers));
    findings.push(quota.named("concurrency"));
    let stream = facts.stream_view.as_ref().map_or_else(|unread| unread.judgement(), |view| stream(view.as_deref()));
    findings.push(stream.named("table stream"));
    findings
}

fn status(stack: &Stack) -> Judgement {
    let status = stack.status.as_str();
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Judgement::right(status),
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => {
            Judgement::warning(status, "the last deployment failed and was rolled back: look at the stack's events")
        }
        _ if stack.is_changing() => Judgement::warning(status, "wait until it has settled, and look again"),
        _ => Judgement::mistake(status, "look at the stack's events for the first that failed, and deploy again"),
    }
}

/// A function that takes batches from a queue: `most` at once, as a parameter says.
struct Consumer {
    name: &'static str,
    parameter: &'static str,
    most: i32,
}

impl Consumer {
    fn processor(most: i32) -> Self {
        Self { name: "processor", parameter: "ProcessorConcurrency", most }
    }

    fn deliverer(most: i32) -> Self {
        Self { name: "deliverer", parameter: "DeliveryConcurrency", most }
    }

    fn answerer(most: i32) -> Self {
        Self { name: ANSWERS, parameter: "AnswererConcurrency", most }
    }

    fn all(facts: &Facts) -> Vec<Self> {
        let most = |logical_id| facts.source(logical_id).and_then(|source| source.most_at_once);
        let all = [
            most(PROCESSOR).map(Self::processor),
            most(DELIVERER).map(Self::deliverer),
            most(ANSWERER).map(Self::answerer),
        ];
        all.into_iter().flatten().collect()
    }
}

/// A batch that is throttled uses up receives of its messages, and the webhooks are throttled, too.
fn concurrency(quota: Quota, consumers: &[Consumer]) -> Judgement {
    let Quota { concurrent, unreserved } = quota;
    let seen = format!("{} at once, {unreserved} of them unreserved", counted(concurrent, "execution"));
    let left = unreserved.saturating_sub(OTHERS);
    let taken = consumers.iter().map(|consumer| consumer.most).reduce(i32::saturating_add);
    if taken.is_some_and(|taken| taken > left) {
        let takers = joined(consumers, ", ", |one| format!("the {} may take {}", one.name, one.most));
        return Judgement::mistake(
            format!("{seen}; {takers}, the other functions need {OTHERS}"),
            format!("{} (Service Quotas, AWS Lambda, Concurrent executions)", lower(consumers, left)),
        );
    }
    if concurrent < ENOUGH && consumers.iter().any(|consumer| consumer.name == ANSWERS) {
        return Judgement::mistake(
            seen,
            "each question without a callback takes two, which the webhooks need: ask for more (Service Quotas, AWS Lambda, \
             Concurrent executions), or empty SkillAnswerer",
        );
    }
    if concurrent < ENOUGH {
        return Judgement::warning(
            seen,
            "a burst is throttled, and what Kakao sends once is lost: ask for more (Service Quotas, AWS Lambda, Concurrent \
             executions)",
        );
    }
    if unreserved < ENOUGH {
        return Judgement::warning(
            seen,
            "other functions reserve concurrency that these need in a burst: reserve less there",
        );
    }
    Judgement::right(seen)
}

/// What to set the parameters to, if the consumers may be `left` in all.
fn lower(consumers: &[Consumer], left: i32) -> String {
    let parameters = joined(consumers, " and ", |one| one.parameter.to_owned());
    let least = consumers.iter().fold(0, |sum, _| sum + LEAST);
    let together = if consumers.len() > 1 { " together" } else { "" };
    if left >= least {
        format!("set {parameters} to at most {left}{together}, or ask for more")
    } else {
        format!("set {parameters} to {LEAST}, and ask for more")
    }
}

fn joined(consumers: &[Consumer], separator: &str, text: impl Fn(&Consumer) -> String) -> String {
    consumers.iter().map(text).collect::<Vec<_>>().join(separator)
}

/// What the publisher needs: the images of an item before and after a write.
const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";

fn stream(view: Option<&str>) -> Judgement {
    match view {
        Some(BOTH_IMAGES) => Judgement::right(BOTH_IMAGES),
        view => Judgement::mistake(
            view.map_or_else(|| "the table has no stream".to_owned(), |view| format!("view type {view}")),
            format!(
                "changes can't be published without the view type {BOTH_IMAGES}: deploy template.yaml again, then \
                 khook publish --since (docs/runbook.md, \"Changes were set aside\")"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::{facts::Source, members::acknowledging_members, stand_in},
    };

    #[test]
    fn only_a_settled_stack_is_right_and_a_failed_one_is_a_mistake() {
        for (text, verdict) in [
            ("CREATE_COMPLETE", Verdict::Right),
            ("UPDATE_COMPLETE", Verdict::Right),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Verdict::Warning),
            ("UPDATE_IN_PROGRESS", Verdict::Warning),
            ("UPDATE_ROLLBACK_COMPLETE", Verdict::Warning),
            ("ROLLBACK_COMPLETE", Verdict::Mistake),
            ("UPDATE_ROLLBACK_FAILED", Verdict::Mistake),
            ("DELETE_FAILED", Verdict::Mistake),
        ] {
            let stack = Stack { status: text.to_owned(), outputs: [].into(), deployed_at: None };
            assert_eq!(status(&stack).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn a_stream_of_another_view_type_is_a_mistake_with_its_fix() {
        assert_eq!(stream(Some("NEW_AND_OLD_IMAGES")).verdict, Verdict::Right);
        for view in [Some("KEYS_ONLY"), Some("OLD_IMAGE"), Some("NEW_IMAGE"), Some("ANOTHER"), None] {
            let judged = stream(view);
            assert_eq!(judged.verdict, Verdict::Mistake, "{view:?}");
            assert!(judged.fix.contains("NEW_AND_OLD_IMAGES"), "{judged:?}");
        }
    }

    #[test]
    fn a_new_accounts_ten_executions_are_warned_of() {
        let verdict =
            |concurrent, unreserved| concurrency(Quota { concurrent, unreserved }, &[Consumer::processor(2)]).verdict;
        assert_eq!(verdict(10, 10), Verdict::Warning);
        assert_eq!(verdict(99, 99), Verdict::Warning);
        assert_eq!(verdict(100, 100), Verdict::Right);
        assert_eq!(verdict(1_000, 20), Verdict::Warning);
    }

    #[test]
    fn a_processor_that_leaves_the_others_too_little_is_a_mistake_with_what_fits() {
        let of = |unreserved, processor: Option<i32>| {
            let consumers: Vec<_> = processor.map(Consumer::processor).into_iter().collect();
            concurrency(Quota { concurrent: 1_000, unreserved }, &consumers)
        };
        for (unreserved, processor, fits) in [
            (10, None, true),
            (10, Some(2), true),
            (10, Some(3), false),
            (9, Some(2), false),
            (58, Some(50), true),
            (57, Some(50), false),
            (1_000, Some(992), true),
            (1_000, Some(993), false),
        ] {
            let judged = of(unreserved, processor);
            assert_eq!(judged.verdict != Verdict::Mistake, fits, "{unreserved} {processor:?}: {judged:?}");
        }
        assert!(of(10, Some(50)).fix.starts_with("set ProcessorConcurrency to at most 2, or ask for more"));
        assert!(of(5, Some(2)).fix.starts_with("set ProcessorConcurrency to 2, and ask for more"));
        assert!(of(10, Some(50)).seen.ends_with("the processor may take 50, the other functions need 8"));
    }

    #[test]
    fn a_deliverer_counts_together_with_the_processor_since_an_endpoint_that_hangs_occupies_all_of_it() {
        let of = |unreserved, processor, deliverer| {
            let consumers = [Consumer::processor(processor), Consumer::deliverer(deliverer)];
            concurrency(Quota { concurrent: 1_000, unreserved }, &consumers)
        };
        for (unreserved, processor, deliverer, fits) in
            [(12, 2, 2, true), (11, 2, 2, false), (63, 50, 5, true), (62, 50, 5, false), (1_000, 2, 1_000, false)]
        {
            let judged = of(unreserved, processor, deliverer);
            let what = format!("{unreserved} {processor} {deliverer}: {judged:?}");
            assert_eq!(judged.verdict != Verdict::Mistake, fits, "{what}");
        }
        let judged = of(30, 20, 5);
        let taken = "the processor may take 20, the deliverer may take 5, the other functions need 8";
        assert!(judged.seen.ends_with(taken), "{judged:?}");
        let fix = "set ProcessorConcurrency and DeliveryConcurrency to at most 22 together, or ask for more";
        assert!(judged.fix.starts_with(fix), "{judged:?}");
        let fix = "set ProcessorConcurrency and DeliveryConcurrency to 2, and ask for more";
        assert!(of(10, 2, 5).fix.starts_with(fix));
        for logical_id in [DELIVERER, ANSWERER] {
            let mut facts = stand_in::healthy();
            let source = Source { most_at_once: Some(1_000), ..stand_in::source(logical_id) };
            facts.sources.insert(logical_id, Ok(Some(source)));
            assert_eq!(stand_in::worst(&findings(&facts)), Verdict::Mistake, "{logical_id}");
        }
    }

    #[test]
    fn an_answerer_in_a_new_account_is_a_mistake_since_questions_take_what_webhooks_need() {
        let judged = |concurrent, consumers: &[Consumer]| {
            concurrency(Quota { concurrent, unreserved: concurrent }, consumers).verdict
        };
        assert_eq!(judged(50, &[Consumer::processor(2), Consumer::answerer(2)]), Verdict::Mistake);
        assert_eq!(judged(50, &[Consumer::processor(2), Consumer::deliverer(2)]), Verdict::Warning);
        assert_eq!(judged(1_000, &[Consumer::processor(2), Consumer::answerer(2)]), Verdict::Right);
    }

    #[test]
    fn the_functions_besides_the_consumers_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        let number = |name: &str| {
            let line = template.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
            line.trim().parse::<i32>().unwrap()
        };
        let answering = i32::try_from(acknowledging_members().count()).unwrap();
        assert_eq!(OTHERS, answering + number("ParallelizationFactor:") + 1);
        for Consumer { parameter: name, .. } in [Consumer::processor(2), Consumer::deliverer(2), Consumer::answerer(2)]
        {
            let parameter = template.split(&format!("\n  {name}:\n")).nth(1).unwrap();
            let default = parameter.lines().find_map(|line| line.trim().strip_prefix("Default: ")).unwrap();
            assert_eq!(default.parse(), Ok(LEAST), "{name}");
        }
    }
}

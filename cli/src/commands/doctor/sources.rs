//! The event source mappings: a disabled one delivers nothing to its function, and no metric of the function shows it.

use super::facts::{Facts, Resource, Source};
use crate::commands::check::finding::{Finding, Judgement};

/// From the queue to the processor.
pub(super) const PROCESSOR: &str = "ProcessorSource";
/// From the table's stream to the publisher.
pub(super) const PUBLISHER: &str = "PublisherSource";
/// From the table's stream to the recorder.
pub(super) const RECORDER: &str = "RecorderSource";
/// From the delivery queue to the deliverer, if the stack delivers.
pub(super) const DELIVERER: &str = "DelivererSource";
/// From the questions that wait to the answerer, if the chatbot has one.
pub(super) const ANSWERER: &str = "AnswererSource";
/// All of them.
pub(super) const SOURCES: [&str; 5] = [PROCESSOR, PUBLISHER, RECORDER, DELIVERER, ANSWERER];

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Ok(resources) = &facts.resources else { return vec![] };
    let optional = [("deliverer", DELIVERER), ("answerer", ANSWERER)].into_iter();
    let optional = optional.filter(|(_, logical_id)| facts.sources.contains_key(logical_id));
    let names =
        [("processor", PROCESSOR), ("publisher", PUBLISHER), ("recorder", RECORDER)].into_iter().chain(optional);
    names.map(|(name, logical_id)| judged(facts, resources, logical_id).named(name)).collect()
}

fn judged(facts: &Facts, resources: &[Resource], logical_id: &str) -> Judgement {
    match facts.sources.get(logical_id) {
        None => Judgement::mistake(format!("the stack has no {logical_id}"), "deploy the whole template.yaml"),
        Some(Ok(None)) => {
            let id = resources.iter().find(|resource| resource.logical_id == logical_id);
            let id = id.map_or(logical_id, |resource| resource.physical_id.as_str());
            Judgement::mistake(
                format!("{id} was deleted past CloudFormation"),
                format!("delete {logical_id} from the template, deploy, put it back, deploy{}", afterwards(logical_id)),
            )
        }
        Some(Ok(Some(source))) => working(source, logical_id),
        Some(Err(unread)) => unread.judgement(),
    }
}

fn working(source: &Source, logical_id: &str) -> Judgement {
    let state = source.state.as_str();
    match state {
        "Enabled" => result(source, logical_id),
        "Disabled" | "Disabling" => {
            let because = source.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            Judgement::mistake(
                format!("{}{because}: {}", state.to_lowercase(), waits(logical_id)),
                format!(
                    "aws lambda update-event-source-mapping --uuid {} --enabled{}",
                    source.id,
                    afterwards(logical_id)
                ),
            )
        }
        "Creating" | "Enabling" | "Updating" => {
            Judgement::warning(state.to_lowercase(), "wait until it is enabled, and look again")
        }
        _ => Judgement::mistake(state.to_lowercase(), format!("deploy again{}", afterwards(logical_id))),
    }
}

/// How Lambda's words begin for a batch that went well, and for none so far.
const HEALTHY_RESULTS: [&str; 2] = ["OK", "No records processed"];

fn result(source: &Source, logical_id: &str) -> Judgement {
    let is_bad = |result: &&str| !result.is_empty() && !HEALTHY_RESULTS.iter().any(|well| result.starts_with(well));
    match source.last_result.as_deref().filter(is_bad) {
        None => Judgement::right("enabled"),
        Some(result) => Judgement::mistake(
            format!("the last batch: {result}"),
            format!("the function's log and role: docs/runbook.md, \"{}\"", section(logical_id)),
        ),
    }
}

fn waits(logical_id: &str) -> &'static str {
    match logical_id {
        PUBLISHER => "no change is published, and a write is lost to the bus after 24 hours",
        RECORDER => "no departure is recorded for khook erasures",
        DELIVERER => "changes wait in DeliveryQueue, for 14 days",
        ANSWERER => "no question with a callback is answered",
        _ => "events wait in the queue, for 7 days",
    }
}

/// What is to be done once it works again.
fn afterwards(logical_id: &str) -> &'static str {
    match logical_id {
        PUBLISHER => "; then, after more than 24 hours, khook publish --since <when it stopped>",
        RECORDER => "; then, after more than 24 hours, khook erasures rebuild",
        _ => "",
    }
}

fn section(logical_id: &str) -> &'static str {
    match logical_id {
        PUBLISHER => "The publisher is behind",
        RECORDER => "Departures are not recorded",
        DELIVERER => "Deliveries are late",
        ANSWERER => "The chatbot has no answer",
        _ => "The processor fails",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::{
            facts::Unread,
            stand_in::{self, worst},
        },
    };

    fn with(logical_id: &'static str, change: impl Fn(&mut Source)) -> Vec<Finding> {
        let mut facts = stand_in::healthy();
        let Some(Ok(Some(source))) = facts.sources.get_mut(logical_id) else { panic!("no source") };
        change(source);
        findings(&facts)
    }

    #[test]
    fn only_an_enabled_one_is_right_and_a_disabled_one_is_a_mistake_with_the_command_that_enables_it() {
        for (state, verdict) in [
            ("Enabled", Verdict::Right),
            ("Creating", Verdict::Warning),
            ("Enabling", Verdict::Warning),
            ("Updating", Verdict::Warning),
            ("Disabling", Verdict::Mistake),
            ("Disabled", Verdict::Mistake),
            ("Deleting", Verdict::Mistake),
            ("", Verdict::Mistake),
        ] {
            for logical_id in [PROCESSOR, PUBLISHER, RECORDER] {
                let found = with(logical_id, |source| state.clone_into(&mut source.state));
                assert_eq!(worst(&found), verdict, "{logical_id} {state}");
                let command = format!("update-event-source-mapping --uuid stack-{logical_id} --enabled");
                let is_named = found.iter().any(|finding| finding.fix.contains(&command));
                assert_eq!(is_named, state.starts_with("Disabl"), "{found:?}");
            }
        }
        let found = with(PUBLISHER, |source| "Disabled".clone_into(&mut source.state));
        assert!(found[1].seen.starts_with("disabled (USER_INITIATED): no change is published"), "{found:?}");
        assert!(found[1].fix.ends_with("khook publish --since <when it stopped>"), "{found:?}");
    }

    #[test]
    fn a_last_batch_that_failed_is_a_mistake_in_lambdas_words() {
        for (result, verdict) in [
            (None, Verdict::Right),
            (Some(""), Verdict::Right),
            (Some("OK"), Verdict::Right),
            (Some("OK - 3 records"), Verdict::Right),
            (Some("No records processed"), Verdict::Right),
            (Some("PROBLEM: Function call failed"), Verdict::Mistake),
        ] {
            for (logical_id, place) in [(PROCESSOR, 0), (PUBLISHER, 1), (RECORDER, 2)] {
                let found = with(logical_id, |source| source.last_result = result.map(str::to_owned));
                assert_eq!(worst(&found), verdict, "{result:?}");
                let is_quoted = found[place].seen == format!("the last batch: {}", result.unwrap_or_default());
                assert_eq!(is_quoted, verdict == Verdict::Mistake, "{found:?}");
            }
        }
    }

    #[test]
    fn one_that_is_gone_is_a_mistake_and_one_that_may_not_be_read_is_not_known() {
        for (read, verdict) in
            [(Ok(None), Verdict::Mistake), (Err(Unread::Denied("lambda:GetEventSourceMapping")), Verdict::Unknown)]
        {
            let mut facts = stand_in::healthy();
            facts.sources.insert(PUBLISHER, read);
            assert_eq!(worst(&findings(&facts)), verdict);
        }
        let mut facts = stand_in::healthy();
        facts.sources.remove(PROCESSOR);
        assert_eq!(findings(&facts)[0].seen, "the stack has no ProcessorSource");
    }

    #[test]
    fn an_optional_one_is_looked_at_where_the_stack_has_it() {
        assert_eq!(findings(&stand_in::healthy()).len(), 3);
        for (logical_id, waits) in [
            (DELIVERER, "changes wait in DeliveryQueue, for 14 days"),
            (ANSWERER, "no question with a callback is answered"),
        ] {
            let mut facts = stand_in::healthy();
            let source = Source { state: "Disabled".to_owned(), ..stand_in::source(logical_id) };
            facts.sources.insert(logical_id, Ok(Some(source)));
            let found = findings(&facts);
            assert!(found[3].seen.ends_with(waits), "{found:?}");
            assert_eq!(worst(&found), Verdict::Mistake);
        }
    }

    #[test]
    fn the_templates_event_source_mappings_are_these() {
        let template = include_str!("../../../../template.yaml");
        assert_eq!(template.matches("Type: AWS::Lambda::EventSourceMapping").count(), SOURCES.len());
        for logical_id in SOURCES {
            let of_template = format!("\n  {logical_id}:\n    Type: AWS::Lambda::EventSourceMapping\n");
            assert!(template.contains(&of_template), "{logical_id}");
        }
    }
}

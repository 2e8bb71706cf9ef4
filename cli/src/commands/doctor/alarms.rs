//! The stack's alarms: which fire, and whether anyone is notified.

use super::{
    facts::{Alarm, Facts, Resource},
    gather::alarms_of,
};
use crate::commands::check::finding::{Finding, Judgement};

const RUNBOOK: &str = "docs/runbook.md";
/// A state for a status page. The alarms that name the cause notify.
const NOTIFIES_NO_ONE: &str = "NotTakenAlarm";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Ok(resources) = &facts.resources else { return vec![] };
    let alarms = match &facts.alarms {
        Ok(alarms) => alarms,
        Err(unread) => return vec![unread.judgement().named("alarms")],
    };
    let mut findings: Vec<_> = alarms
        .iter()
        .filter(|alarm| alarm.is_firing)
        .map(|alarm| firing(alarm, logical_id(resources, &alarm.name), facts.is_new()).named("firing"))
        .collect();
    let gone = alarms_of(resources).into_iter().filter(|name| !alarms.iter().any(|alarm| alarm.name == *name));
    findings.extend(gone.map(|name| {
        let seen = format!("{} was deleted past CloudFormation", logical_id(resources, &name));
        Judgement::mistake(seen, "delete its lines from the template, deploy, put them back, deploy").named("gone")
    }));
    if findings.is_empty() {
        findings.push(Judgement::right(format!("none of {}", alarms.len())).named("firing"));
    }
    findings.push(notified(alarms, resources).named("notify"));
    findings
}

fn logical_id<'r>(resources: &'r [Resource], name: &'r str) -> &'r str {
    resources.iter().find(|resource| resource.physical_id == name).map_or(name, |resource| &resource.logical_id)
}

/// The description says what it means, and which section of the runbook it is for.
fn firing(alarm: &Alarm, id: &str, is_new: bool) -> Judgement {
    let trim = |text: &str| text.trim().trim_end_matches([':', '.']).to_owned();
    // It fires until the janitor has been called for a quarter of an hour.
    if is_new && id == "JanitorStillAlarm" {
        return Judgement::warning(format!("{id}: the stack is new"), "look again in a quarter of an hour");
    }
    match alarm.description.split_once(RUNBOOK) {
        Some((means, section)) => {
            Judgement::mistake(format!("{id}: {}", trim(means)), format!("{RUNBOOK}{}", section.trim_end_matches('.')))
        }
        None => Judgement::mistake(format!("{id}: {}", trim(&alarm.description)), "look at it in CloudWatch's console"),
    }
}

fn notified(alarms: &[Alarm], resources: &[Resource]) -> Judgement {
    let named = alarms.iter().map(|alarm| (alarm, logical_id(resources, &alarm.name)));
    let meant_to: Vec<_> = named.filter(|(_, id)| *id != NOTIFIES_NO_ONE).collect();
    let silent: Vec<_> = meant_to.iter().filter(|(alarm, _)| !alarm.notifies).map(|(_, id)| *id).collect();
    match silent.len() {
        0 => Judgement::right("each has an action"),
        count if count == meant_to.len() => {
            Judgement::warning("none has an action", "set AlarmTopicArn: it is empty, so no one is notified")
        }
        _ => Judgement::warning(
            format!("{} have none, or it is switched off", silent.join(", ")),
            "they were changed outside the stack: switch their actions on, or deploy again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::stand_in::{self, worst},
    };

    fn with(change: impl FnOnce(&mut Vec<Alarm>)) -> Vec<Finding> {
        let mut facts = stand_in::healthy();
        let Ok(alarms) = &mut facts.alarms else { panic!("no alarms") };
        change(alarms);
        findings(&facts)
    }

    #[test]
    fn a_firing_alarm_is_a_mistake_whose_fix_is_the_runbooks_section() {
        let found = with(|alarms| alarms[0].is_firing = true);
        assert_eq!(worst(&found), Verdict::Mistake);
        assert_eq!(found[0].seen, "DeadLettersAlarm: A message could not be processed five times");
        assert_eq!(found[0].fix, "docs/runbook.md, \"Dead letters\"");
    }

    #[test]
    fn an_alarm_without_an_action_is_a_warning() {
        assert_eq!(worst(&with(|_| ())), Verdict::Right);
        let found = with(|alarms| alarms.iter_mut().for_each(|alarm| alarm.notifies = false));
        assert_eq!(worst(&found), Verdict::Warning);
        assert!(found.last().unwrap().fix.contains("AlarmTopicArn"));
        let found = with(|alarms| alarms[1].notifies = false);
        assert!(found.last().unwrap().seen.starts_with("QueueBehindAlarm have none"), "{found:?}");
    }

    #[test]
    fn the_one_alarm_of_the_template_without_an_action_is_not_missed() {
        let template = include_str!("../../../../template.yaml");
        let parts: Vec<_> = template.split("\n    Type: ").collect();
        let is_silent =
            |part: &str| part.starts_with("AWS::CloudWatch::Alarm\n") && !part.contains("      AlarmActions:");
        let silent = parts.windows(2).filter(|pair| is_silent(pair[1])).filter_map(|pair| pair[0].lines().last());
        assert_eq!(silent.map(str::trim).collect::<Vec<_>>(), [format!("{NOTIFIES_NO_ONE}:")]);
        let mut facts = stand_in::healthy();
        let (Ok(alarms), Ok(resources)) = (&mut facts.alarms, &mut facts.resources) else { panic!("not read") };
        let resource = Resource { logical_id: NOTIFIES_NO_ONE.to_owned(), ..resources[0].clone() };
        resources.push(Resource { physical_id: "stack-not-taken".to_owned(), ..resource });
        alarms.push(Alarm { name: "stack-not-taken".to_owned(), notifies: false, ..alarms[0].clone() });
        assert_eq!(worst(&findings(&facts)), Verdict::Right);
    }

    #[test]
    fn an_alarm_that_is_gone_is_a_mistake() {
        let found = with(|alarms| drop(alarms.remove(0)));
        assert_eq!(worst(&found), Verdict::Mistake);
    }
}

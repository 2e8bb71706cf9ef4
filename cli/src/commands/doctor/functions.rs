//! The functions: whether they are there, run, are of one deployment, and what their alias serves.

use super::{
    facts::{Facts, Function, Read, Resource, Unread},
    members::{MEMBERS, Member, OPTIONAL},
};
use crate::{
    commands::check::finding::{Finding, Judgement},
    ui::age,
};

/// One deployment takes minutes; one that is repeated after a failure, hours.
const ONE_DEPLOYMENT: i64 = 86_400;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Ok(resources) = &facts.resources else { return vec![] };
    if let Some(unread) = unread_by_all(facts) {
        return vec![unread.judgement().named("functions")];
    }
    let is_there = |member: &Member| resources.iter().any(|resource| resource.logical_id == member.logical_id);
    let mut findings: Vec<_> = MEMBERS
        .into_iter()
        .chain(OPTIONAL.into_iter().filter(is_there))
        .map(|member| state(facts.functions.get(member.name), resources, member.logical_id).named(member.name))
        .collect();
    findings.extend(ages(facts).map(|judgement| judgement.named("last changed")));
    findings.extend(live(facts));
    findings
}

/// Why none could be read, if it is the same for all.
fn unread_by_all(facts: &Facts) -> Option<&Unread> {
    let mut reads = facts.functions.values();
    let first = reads.next()?.as_ref().err()?;
    reads.all(|read| read.as_ref().err() == Some(first)).then_some(first)
}

fn state(read: Option<&Read<Option<Function>>>, resources: &[Resource], logical_id: &str) -> Judgement {
    let fix = "deploy the whole template.yaml: each function has its webhook";
    match read {
        None => Judgement::mistake(format!("the stack has no {logical_id}"), fix),
        Some(Ok(None)) => {
            let id = resources.iter().find(|resource| resource.logical_id == logical_id);
            let id = id.map_or(logical_id, |resource| resource.physical_id.as_str());
            Judgement::mistake(
                format!("{id} was deleted past CloudFormation"),
                "delete the function's line from the template, deploy, put it back, deploy",
            )
        }
        Some(Ok(Some(function))) => running(function),
        Some(Err(unread)) => unread.judgement(),
    }
}

fn running(function: &Function) -> Judgement {
    let because = function.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match (function.state.as_str(), function.last_update.as_str()) {
        ("Active", "Successful") => Judgement::right("active"),
        ("Failed", _) => {
            Judgement::mistake(format!("it can't run{because}"), "fix what Lambda names, and deploy again")
        }
        (_, "Failed") => Judgement::mistake(
            format!("its last update failed, and the version before runs{because}"),
            "fix what Lambda names, and deploy again",
        ),
        ("Pending", _) | (_, "InProgress") => {
            Judgement::warning("it is being updated", "wait until it is, and look again")
        }
        ("Inactive", _) => Judgement::warning(
            "inactive: it was not called for weeks",
            "the next call wakes it and fails: call it once (khook check), or ask whether Kakao's webhook is still active",
        ),
        (state, update) => Judgement::warning(format!("{state}, {update}"), "look at it in Lambda's console"),
    }
}

/// How far apart the functions were changed last. `None` where too few are known.
fn ages(facts: &Facts) -> Option<Judgement> {
    let mut changed: Vec<_> =
        facts.known().filter_map(|(name, function)| Some((function.modified_at?, name))).collect();
    changed.sort_unstable();
    let ((oldest, oldest_name), (newest, newest_name)) = (changed.first()?, changed.last()?);
    let apart = age::seconds(*oldest, *newest);
    Some(if apart > ONE_DEPLOYMENT {
        Judgement::warning(
            format!("{oldest_name} {} before {newest_name}", age::shown(apart)),
            "none, if only settings were changed since; else build all functions from one commit, and deploy",
        )
    } else {
        Judgement::right(format!(
            "{} ago, all within {}",
            age::shown(age::seconds(*newest, facts.now)),
            age::shown(apart)
        ))
    })
}

/// What an alias serves is an older version until a deployment publishes a newer one.
fn live(facts: &Facts) -> impl Iterator<Item = Finding> + '_ {
    facts.live.iter().filter_map(|(name, read)| {
        let judgement = match read {
            Ok(None) => return None,
            Ok(Some(live)) => served(name, facts.functions.get(name)?.as_ref().ok()?.as_ref()?, live, facts),
            Err(unread) => unread.judgement(),
        };
        Some(judgement.named("alias live"))
    })
}

fn served(name: &str, latest: &Function, live: &Function, facts: &Facts) -> Judgement {
    let (is_same_code, settings) = (latest.code_sha256 == live.code_sha256, latest.settings.differing(&live.settings));
    if is_same_code && settings.is_empty() {
        return Judgement::right(format!("{name} {}: what was deployed last", live.version));
    }
    let code = (!is_same_code).then_some("code");
    let differs: Vec<_> = code.into_iter().chain(settings).collect();
    let seen = format!("{name} {} is an older configuration, which differs in {}", live.version, differs.join(", "));
    if facts.stack.is_changing() {
        return Judgement::warning(seen, "the deployment is under way: look again after it");
    }
    Judgement::mistake(
        seen,
        "the alias still serves an older configuration: deploy with a new Release (infra/release.py prints it)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::{
            facts::Settings,
            stand_in::{self, worst},
        },
    };

    fn with(change: impl FnOnce(&mut Function)) -> Verdict {
        let mut facts = stand_in::healthy();
        let Some(Ok(Some(unlink))) = facts.functions.get_mut("unlink") else { panic!("no unlink") };
        change(unlink);
        worst(&findings(&facts))
    }

    #[test]
    fn a_function_that_runs_is_right_and_one_that_failed_or_is_gone_is_a_mistake() {
        assert_eq!(with(|_| ()), Verdict::Right);
        assert_eq!(with(|unlink| unlink.state = "Failed".to_owned()), Verdict::Mistake);
        assert_eq!(with(|unlink| unlink.last_update = "Failed".to_owned()), Verdict::Mistake);
        assert_eq!(with(|unlink| unlink.last_update = "InProgress".to_owned()), Verdict::Warning);
        assert_eq!(with(|unlink| unlink.state = "Inactive".to_owned()), Verdict::Warning);
        let mut facts = stand_in::healthy();
        facts.functions.insert("skill", Ok(None));
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
        facts.functions.remove("skill");
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
    }

    #[test]
    fn functions_of_one_day_are_one_deployment() {
        for (days, verdict) in [(0, Verdict::Right), (1, Verdict::Right), (2, Verdict::Warning)] {
            let found = with(|unlink| {
                let before = |time: kakao_webhooks::wire::Time| {
                    kakao_webhooks::wire::Time::from_millis(time.as_millis() - days * 86_400_000)
                };
                unlink.modified_at = unlink.modified_at.and_then(before);
            });
            assert_eq!(found, verdict, "{days}");
        }
    }

    #[test]
    fn an_alias_that_serves_what_was_deployed_before_is_a_mistake_unless_it_is_being_moved() {
        let mut facts = stand_in::healthy();
        let latest = stand_in::function("unlink");
        facts.live.insert("unlink", Ok(Some(latest.clone())));
        assert_eq!(worst(&findings(&facts)), Verdict::Right);
        let mut old = latest.clone();
        old.settings = Settings(latest.settings.0.into_iter().filter(|(name, _)| name != "KAKAO_APPS").collect());
        let other_code = Function { code_sha256: "other".to_owned(), ..stand_in::function("unlink") };
        for (older, word) in [(old, "differs in KAKAO_APPS"), (other_code, "differs in code")] {
            facts.live.insert("unlink", Ok(Some(older)));
            let found = findings(&facts);
            assert_eq!(worst(&found), Verdict::Mistake);
            assert!(found.iter().any(|finding| finding.seen.contains(word)), "{found:?}");
        }
        facts.stack.status = "UPDATE_IN_PROGRESS".to_owned();
        assert_eq!(worst(&findings(&facts)), Verdict::Warning);
    }

    #[test]
    fn functions_that_may_not_be_read_are_listed_by_name_all_at_once() {
        let mut facts = stand_in::healthy();
        let denied = Unread::Denied("lambda:GetFunctionConfiguration");
        facts.functions.insert("unlink", Err(denied.clone()));
        let found: Vec<_> = findings(&facts).into_iter().filter(|found| found.verdict != Verdict::Right).collect();
        assert_eq!(found, [denied.judgement().named("unlink")]);
        assert_eq!(found[0].fix, "allow yourself lambda:GetFunctionConfiguration");
        facts.functions.values_mut().for_each(|read| *read = Err(denied.clone()));
        assert_eq!(findings(&facts), [denied.judgement().named("functions")]);
    }
}

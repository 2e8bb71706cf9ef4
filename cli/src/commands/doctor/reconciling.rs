//! The reconciler: whether its keys work, whether it runs, and what its runs ended with.

use std::collections::BTreeSet;

use kakao_webhooks::wire::{AppId, Time, rest_api::RestError};
use runtime::reconcile::{LATE_MILLIS, Phase, ReaderKeysError, Run};
use serde_json::Value;

use super::{
    facts::{Facts, Proofs, Read, Reconciling, Unread},
    gather::Functions,
    members::acknowledging_members,
};
use crate::{
    commands::check::finding::{Finding, Judgement},
    kakao::fix_of,
    ui::{age, count::counted},
};

/// What a stack without a reconciler lacks.
const NOT_RECONCILED: &str = "Without KakaoReaderKeys nothing missed is found again: docs/reconcile.md.";

/// Where it can be seen why a run did not begin or go on.
const LOG: &str = "look for not_reconciled and reader_keys_unusable in the reconciler's log; if the log has no new lines, \
                   its schedule is disabled";

/// For a stack without a reconciler.
pub(super) fn hint(facts: &Facts) -> Option<String> {
    (facts.resources.is_ok() && facts.reconciling.is_none()).then(|| NOT_RECONCILED.to_owned())
}

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let Some(Reconciling { index, proofs, runs }) = &facts.reconciling else { return vec![] };
    let mut findings = vec![index_of(index).named("index roster")];
    match proofs {
        None => {}
        Some(Err(unread)) => findings.push(not_proven(unread).named("secret")),
        Some(Ok(Err(error))) => findings.push(unusable(error).named("secret")),
        Some(Ok(Ok(proofs))) => {
            findings.extend(configured(&facts.functions).map(|known| same_apps(&known, proofs).named("apps")));
            findings.extend(proofs.iter().map(|(app, proof)| key(app, proof).named("key")));
        }
    }
    let has_key = matches!(proofs, Some(Ok(Ok(_))));
    let last_run = |(app, run): (&AppId, &Read<Option<Run>>)| match run {
        Err(unread) => Some(unread.judgement()),
        Ok(Some(run)) if is_mistyped(app, run, facts) => None,
        Ok(Some(run)) => Some(judge(app, run, facts.now)),
        Ok(None) => has_key.then(|| no_run(app, facts)),
    };
    findings.extend(runs.iter().filter_map(last_run).map(|judgement| judgement.named("last run")));
    findings
}

/// Who deploys need not read the keys: that they work shows in the last run, too.
fn not_proven(unread: &Unread) -> Judgement {
    match unread {
        Unread::Denied(action) => Judgement::warning(
            "the keys may not be read, and were not tried from here",
            format!(
                "nothing, if the last run ended; to try them, allow yourself {action} on the secret of KakaoReaderKeys"
            ),
        ),
        unread => unread.judgement(),
    }
}

fn index_of(index: &Read<Option<String>>) -> Judgement {
    match index {
        Err(unread) => unread.judgement(),
        Ok(Some(status)) if status == "ACTIVE" => Judgement::right("ACTIVE"),
        Ok(Some(status)) => Judgement::warning(
            status.clone(),
            "wait: the table's items are being put into it, and no run can read it before",
        ),
        Ok(None) => {
            Judgement::mistake("the table has none: no run can read who is known here", "deploy template.yaml again")
        }
    }
}

fn unusable(error: &ReaderKeysError) -> Judgement {
    Judgement::mistake(error.to_string(), "write {\"<app id>\":\"<admin key>\"} into the secret of KakaoReaderKeys")
}

/// The apps of `KAKAO_APPS`. None: it can't be read, which the settings' findings report.
pub(super) fn configured(functions: &Functions) -> Option<BTreeSet<AppId>> {
    let text = acknowledging_members()
        .find_map(|member| functions.get(member.name)?.as_ref().ok()?.as_ref()?.settings.0.get("KAKAO_APPS"))?;
    let apps: Vec<Value> = serde_json::from_str(text).ok()?;
    let id = |app: &Value| match app.get("app_id")? {
        Value::String(id) => id.parse().ok(),
        id => id.to_string().parse().ok(),
    };
    Some(apps.iter().filter_map(id).collect())
}

/// Whether the secret has a key for each of the service's apps, and for no other.
fn same_apps(known: &BTreeSet<AppId>, apps: &Proofs) -> Judgement {
    let strangers: Vec<_> = apps.keys().filter(|app| !known.contains(*app)).collect();
    if !strangers.is_empty() {
        return Judgement::mistake(
            format!("the secret has a key of {}, which KakaoApps does not name", named(&strangers)),
            "take it out of the secret, or add the app to KakaoApps: states are kept of an app that has no webhooks here",
        );
    }
    let missing: Vec<_> = known.iter().filter(|app| !apps.contains_key(*app)).collect();
    if !missing.is_empty() {
        return Judgement::warning(
            format!("the secret has no key of {}", named(&missing)),
            "put an admin key of it that may read users into the secret: its members are not compared",
        );
    }
    Judgement::right(format!("a key for {} of KakaoApps", counted(apps.len(), "app")))
}

fn named(apps: &[&AppId]) -> String {
    let apps: Vec<_> = apps.iter().map(|app| format!("app {app}")).collect();
    apps.join(", ")
}

/// What Kakao answers to a key from here. An address is this machine's, and not the function's.
fn key(app: &AppId, proof: &Result<(), RestError>) -> Judgement {
    let Err(error) = proof else { return Judgement::right(format!("app {app}: lists members")) };
    let seen = format!("app {app}: {error}");
    let fix = fix_of(&error.to_string());
    match error {
        RestError::Key(words) if words.contains("callerIp=") => Judgement::warning(
            seen,
            format!(
                "that is this machine's address: nothing to do, if the last run did not fail by one. To call from here, {}",
                fix.unwrap_or_default()
            ),
        ),
        _ if error.passes() => {
            Judgement::unknown(seen, fix.unwrap_or_else(|| "look again in a few minutes".to_owned()))
        }
        _ => Judgement::mistake(seen, fix.unwrap_or_else(|| LOG.to_owned())),
    }
}

fn no_run(app: &AppId, facts: &Facts) -> Judgement {
    let seen = format!("app {app}: none yet");
    if facts.is_new() {
        Judgement::warning(seen, "wait a minute: the first starts by itself")
    } else {
        Judgement::mistake(seen, LOG)
    }
}

/// Whether a run was started by hand of an app that the service does not have.
fn is_mistyped(app: &AppId, run: &Run, facts: &Facts) -> bool {
    run.is_of_unknown_app() && configured(&facts.functions).is_some_and(|apps| !apps.contains(app))
}

fn judge(app: &AppId, run: &Run, now: Time) -> Judgement {
    let words = |text: &str| format!("app {app}: {text}");
    if let Some(brake) = run.held_because.filter(|_| run.state == Phase::Held) {
        let fix = format!("khook reconcile approve {app} shows it; khook reconcile cancel {app} ends it");
        return Judgement::mistake(words(&format!("held: {}", brake.words())), fix);
    }
    if run.state == Phase::Failed && !run.is_cancelled() {
        let error = run.last_error.as_deref().unwrap_or("failed");
        let again = format!("khook reconcile run {app}");
        return match fix_of(error) {
            Some(fix) => Judgement::mistake(words(error), format!("{fix}; then {again}")),
            None => Judgement::mistake(words(error), again),
        };
    }
    let finished = run.last_finished.as_ref().map(|last| last.finished_at);
    let begun = finished.unwrap_or(run.started_at);
    if now.millis_since(begun) > LATE_MILLIS {
        let age = age::shown(age::seconds(begun, now));
        let seen = if finished.is_some() {
            format!("ended {age} ago")
        } else {
            format!("none ended; the first began {age} ago")
        };
        return Judgement::mistake(words(&seen), LOG);
    }
    if let Some(error) = run.last_error.as_ref().filter(|_| !run.is_cancelled()) {
        let fix = fix_of(error).unwrap_or_else(|| "it is tried again every minute: look again".to_owned());
        return Judgement::warning(words(&format!("{}, {error}", run.state.name())), fix);
    }
    let ended = finished.map(|finished| format!("ended {} ago", age::shown(age::seconds(finished, now))));
    let state = if run.is_cancelled() { "cancelled" } else { run.state.name() };
    Judgement::right(words(&ended.unwrap_or_else(|| format!("the first is {state}"))))
}

#[cfg(test)]
mod tests {
    use play_kakao::rest_api::ApiError;
    use runtime::reconcile::{Brake, Counts, Purpose, Summary};

    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::stand_in::{self, reconciled, worst},
    };

    fn reconciling(edit: impl FnOnce(&mut Reconciling)) -> Facts {
        let mut facts = reconciled();
        edit(facts.reconciling.as_mut().unwrap());
        facts
    }

    fn app(digits: &str) -> AppId {
        digits.parse().unwrap()
    }

    fn finding(facts: &Facts, check: &str) -> Finding {
        findings(facts).into_iter().find(|finding| finding.check == check).unwrap()
    }

    fn with_run(edit: impl FnOnce(&mut Run)) -> Finding {
        let facts =
            reconciling(|it| edit(it.runs.get_mut(&app("123456")).unwrap().as_mut().unwrap().as_mut().unwrap()));
        finding(&facts, "last run")
    }

    fn with_proofs(proofs: Read<Result<Proofs, ReaderKeysError>>) -> Facts {
        reconciling(|it| it.proofs = Some(proofs))
    }

    fn with_answer(error: ApiError, message: &str) -> Finding {
        let answer = error.with_message(message);
        let proof = Err(RestError::of_answer(answer.status, answer.body.as_bytes()));
        finding(&with_proofs(Ok(Ok(Proofs::from([(app("123456"), proof)])))), "key")
    }

    #[test]
    fn a_reconciler_that_works_is_right_and_a_stack_without_one_has_a_hint_only() {
        assert_eq!((worst(&findings(&reconciled())), hint(&reconciled())), (Verdict::Right, None));
        let without = stand_in::healthy();
        assert_eq!(findings(&without), []);
        assert!(hint(&without).unwrap().contains("KakaoReaderKeys"));
        // Not read is not missing.
        let unread = Facts { resources: Err(Unread::Denied("x")), ..stand_in::healthy() };
        assert_eq!(hint(&unread), None);
    }

    #[test]
    fn what_kakao_refuses_a_key_for_has_its_fix() {
        let address =
            with_answer(ApiError::Unauthorized, "ip mismatched! callerIp=203.0.113.9. check out registered ips.");
        assert_eq!(address.verdict, Verdict::Warning);
        assert!(address.fix.contains("add 203.0.113.9 to the key's 호출 허용 IP 주소"), "{address:?}");
        let category = with_answer(ApiError::NotEnabled, "no");
        assert_eq!(category.verdict, Verdict::Mistake);
        assert!(category.fix.contains("사용자 목록 조회"), "{category:?}");
        assert_eq!(with_answer(ApiError::Unauthorized, "wrong appKey").verdict, Verdict::Mistake);
        for passes in [ApiError::Internal, ApiError::OverQuota, ApiError::Maintenance] {
            assert_eq!(with_answer(passes, "no").verdict, Verdict::Unknown, "{passes:?}");
        }
    }

    #[test]
    fn a_run_that_is_held_failed_late_or_missing_is_found() {
        let held = with_run(|run| (run.state, run.held_because) = (Phase::Held, Some(Brake::TooManyMissing)));
        assert!(held.verdict == Verdict::Mistake && held.fix.contains("khook reconcile approve 123456"), "{held:?}");
        let failed = with_run(|run| run.fail("no (code -3)".to_owned(), run.started_at));
        assert!(failed.verdict == Verdict::Mistake && failed.fix.contains("khook reconcile run 123456"), "{failed:?}");
        let again = with_run(|run| run.last_error = Some("no answer in time".to_owned()));
        assert_eq!(again.verdict, Verdict::Warning);
        let hours = |hours: i64| Time::clamped(reconciled().now.as_millis() - hours * 3_600_000);
        for (ago, verdict) in [(36, Verdict::Right), (37, Verdict::Mistake)] {
            let finished = Summary {
                run_id: "r".to_owned(),
                started_at: hours(ago),
                finished_at: hours(ago),
                counts: Counts::default(),
                differences_before: None,
            };
            assert_eq!(with_run(|run| run.last_finished = Some(finished)).verdict, verdict);
            let first = with_run(|run| {
                *run = Run::new("r".to_owned(), Purpose::Correct, None, hours(ago));
            });
            assert_eq!(first.verdict, verdict);
        }
        let with = |run| reconciling(|it| drop(it.runs.insert(app("123456"), run)));
        let mut none = with(Ok(None));
        assert_eq!(worst(&findings(&none)), Verdict::Mistake);
        none.stack.deployed_at = Some(none.now);
        assert_eq!(worst(&findings(&none)), Verdict::Warning);
        assert_eq!(worst(&findings(&with(Err(Unread::Denied("dynamodb:GetItem"))))), Verdict::Unknown);
    }

    #[test]
    fn the_secret_has_a_key_for_each_app_of_the_service_and_no_other() {
        let of = |apps: &[&str]| with_proofs(Ok(Ok(apps.iter().map(|digits| (app(digits), Ok(()))).collect())));
        let stranger = finding(&of(&["123456", "654321"]), "apps");
        assert!(stranger.verdict == Verdict::Mistake && stranger.seen.contains("app 654321"), "{stranger:?}");
        let missing = finding(&of(&[]), "apps");
        assert!(missing.verdict == Verdict::Warning && missing.seen.contains("app 123456"), "{missing:?}");
    }

    #[test]
    fn a_secret_that_cannot_be_used_is_a_mistake_and_one_that_may_not_be_read_is_none() {
        assert_eq!(worst(&findings(&with_proofs(Ok(Err(ReaderKeysError::NotAnObject))))), Verdict::Mistake);
        let denied = || Err(Unread::Denied("secretsmanager:GetSecretValue"));
        assert_eq!(worst(&findings(&with_proofs(denied()))), Verdict::Warning);
        assert_eq!(
            worst(&findings(&with_proofs(Err(Unread::Late("secretsmanager:GetSecretValue"))))),
            Verdict::Unknown
        );
        // The runs are judged all the same; an app without a key may have none.
        let mut facts = with_proofs(denied());
        let runs = &mut facts.reconciling.as_mut().unwrap().runs;
        runs.insert(app("654321"), Ok(None));
        assert_eq!(worst(&findings(&facts)), Verdict::Warning);
        let runs = &mut facts.reconciling.as_mut().unwrap().runs;
        runs.values_mut().flatten().flatten().for_each(|run| run.state = Phase::Failed);
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
    }

    #[test]
    fn what_an_operator_cancelled_is_no_mistake_and_an_app_that_was_mistyped_is_not_shown() {
        let mut facts = reconciled();
        let now = facts.now;
        facts.reconciling.as_mut().unwrap().runs.values_mut().flatten().flatten().for_each(|run| run.cancel(now));
        assert_eq!(worst(&findings(&facts)), Verdict::Right, "{:?}", findings(&facts));
        let mut mistyped = Run::new("r".to_owned(), Purpose::Correct, None, now);
        mistyped.fail_without_key(&app("999"), now);
        for (digits, verdict) in [("999", Verdict::Right), ("123456", Verdict::Mistake)] {
            facts.reconciling.as_mut().unwrap().runs.insert(app(digits), Ok(Some(mistyped.clone())));
            assert_eq!(worst(&findings(&facts)), verdict, "{digits}");
        }
    }

    #[test]
    fn an_index_that_is_not_there_is_a_mistake_and_one_that_is_made_a_warning() {
        for (index, verdict) in
            [(Some("ACTIVE"), Verdict::Right), (Some("CREATING"), Verdict::Warning), (None, Verdict::Mistake)]
        {
            let facts = reconciling(|it| it.index = Ok(index.map(str::to_owned)));
            assert_eq!(worst(&findings(&facts)), verdict, "{index:?}");
        }
    }
}

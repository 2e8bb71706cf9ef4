use insta::{assert_json_snapshot, assert_snapshot};

use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiCall, ApiServer, SimulatedApi},
};

use super::{
    facts::{Backlog, Unread},
    report::DoctorReport,
    stand_in::{self, READER_KEY, StandIn, function, reconciled},
    *,
};
use crate::{
    commands::check::finding::{Finding, Verdict},
    ui::output::{Text, UNKNOWN},
};

fn report_of(facts: &Facts) -> DoctorReport {
    DoctorReport {
        stack: Some("kakao-webhooks".to_owned()),
        base_url: Some("https://hooks.example.com".to_owned()),
        sections: judged(facts),
        hints: hints(facts),
        is_named: true,
    }
}

fn text(report: &DoctorReport, columns: usize, all: bool) -> String {
    report.lines(columns, all).iter().map(Text::plain).collect::<Vec<_>>().join("\n")
}

/// A fault of each sort.
fn unhealthy() -> Facts {
    let mut facts = stand_in::healthy();
    facts.stack.status = "UPDATE_ROLLBACK_COMPLETE".to_owned();
    facts.quota = Err(Unread::Denied("lambda:GetAccountSettings"));
    facts.functions.insert("skill", Ok(None));
    facts.queues.insert("DeadLetterQueueUrl", Ok(Backlog { waiting: 2, in_hand: 0 }));
    facts.inbox = Err(Unread::Late("dynamodb:Query"));
    if let Ok(alarms) = &mut facts.alarms {
        alarms[0].is_firing = true;
        alarms.iter_mut().for_each(|alarm| alarm.notifies = false);
    }
    facts
}

#[test]
fn a_healthy_stack_is_all_right_and_a_reader_sees_it_at_once() {
    let report = report_of(&stand_in::healthy());
    assert_eq!(report.tally().exit_code(), ExitCode::SUCCESS);
    assert!(report.findings().all(|finding| finding.verdict == Verdict::Right));
    assert_snapshot!("healthy", text(&report, 80, false));
    assert_snapshot!("healthy-all", text(&report, 80, true));
}

#[test]
fn every_problem_is_listed_with_its_fix() {
    let report = report_of(&unhealthy());
    assert_eq!(report.tally().exit_code(), ExitCode::FAILURE);
    for finding in report.findings() {
        assert_eq!(finding.fix.is_empty(), finding.verdict == Verdict::Right, "{finding:?}");
    }
    for columns in [60, 80, 120] {
        let shown = text(&report, columns, false);
        assert!(shown.lines().all(|line| line.starts_with("export ") || line.chars().count() <= columns), "{shown}");
        assert_snapshot!(format!("unhealthy-{columns}"), shown);
    }
    assert_json_snapshot!("unhealthy-json", report.json());
}

fn wrong(report: &DoctorReport) -> Vec<&Finding> {
    report.findings().filter(|finding| finding.verdict != Verdict::Right).collect()
}

#[tokio::test]
async fn without_permissions_the_report_names_them_and_the_stack_does_not_count_as_healthy() {
    for action in [
        "cloudformation:ListStackResources",
        "lambda:GetFunctionConfiguration",
        "lambda:GetEventSourceMapping",
        "cloudwatch:DescribeAlarms",
        "lambda:GetAccountSettings",
        "sqs:GetQueueAttributes",
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:DescribeTable",
    ] {
        let account = StandIn { denied: vec![action], ..StandIn::default() };
        let report = examine(&account, "kakao-webhooks", None).await.unwrap();
        let wrong = wrong(&report);
        assert!(wrong.iter().any(|finding| finding.fix == format!("allow yourself {action}")), "{action}: {wrong:#?}");
        let is_known = |finding: &&Finding| finding.verdict != Verdict::Warning && finding.verdict != Verdict::Unknown;
        assert_eq!(wrong.iter().copied().filter(is_known).count(), 0, "{action}: {wrong:#?}");
        assert_eq!(report.tally().exit_code(), ExitCode::from(UNKNOWN), "{action}");
    }
}

#[tokio::test]
async fn without_reading_the_stack_nothing_can_be_determined() {
    let account = StandIn { denied: vec!["cloudformation:DescribeStacks"], ..StandIn::default() };
    let report = examine(&account, "kakao-webhooks", None).await.unwrap();
    assert_eq!(report.tally().exit_code(), ExitCode::from(UNKNOWN));
    assert_eq!(wrong(&report)[0].fix, "allow yourself cloudformation:DescribeStacks");
}

#[tokio::test]
async fn the_accounts_facts_reach_the_checks() {
    let report = examine(&StandIn::default(), "kakao-webhooks", None).await.unwrap();
    let all: Vec<_> = wrong(&report).iter().map(|finding| finding.check).collect();
    // The port of its key set is closed.
    assert_eq!(all, ["published"]);
    let mut older = function("unlink");
    older.code_sha256 = "older".to_owned();
    let report = examine(&StandIn { live: Some(older), ..StandIn::default() }, "kakao-webhooks", None).await.unwrap();
    assert!(wrong(&report).iter().any(|finding| finding.check == "alias live" && finding.verdict == Verdict::Mistake));
    assert_eq!(report.tally().exit_code(), ExitCode::FAILURE);
}

#[tokio::test]
async fn the_queues_of_deliveries_are_looked_at_where_the_stack_delivers() {
    let of_deliveries = async |delivers: bool| {
        let account = StandIn { delivers, ..StandIn::default() };
        let report = examine(&account, "kakao-webhooks", None).await.unwrap();
        let checks: Vec<_> = report.findings().map(|finding| finding.check).collect();
        checks.into_iter().filter(|check| ["deliveries", "undelivered"].contains(check)).collect::<Vec<_>>()
    };
    assert!(of_deliveries(false).await.is_empty());
    assert_eq!(of_deliveries(true).await, ["deliveries", "undelivered"]);
}

#[tokio::test]
async fn a_stack_without_an_address_is_looked_at_from_inside_and_one_with_an_address_from_both_sides() {
    let names = async |base_url: Option<String>| {
        let report = examine(&StandIn::default(), "kakao-webhooks", base_url).await.unwrap();
        report.sections.into_iter().map(|section| section.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None).await[0], "stack");
    // This port is closed, too.
    assert_eq!(names(Some("http://127.0.0.1:1".to_owned())).await[0], "outside http://127.0.0.1:1");
}

#[test]
fn a_stack_with_a_reconciler_has_a_section_for_it() {
    let report = report_of(&reconciled());
    assert_eq!(report.tally().exit_code(), ExitCode::SUCCESS);
    assert_snapshot!("reconciled-all", text(&report, 80, true));
}

#[tokio::test]
async fn the_reconcilers_keys_are_proven_at_kakao_and_never_shown() {
    let api = SimulatedApi::new(KakaoMembers::default());
    let server = ApiServer::start(api).await.unwrap();
    let examined = async || {
        let account = StandIn { reconciling: Some(server.url().to_owned()), ..StandIn::default() };
        let report = examine(&account, "kakao-webhooks", None).await.unwrap();
        let found = report.sections.iter().find(|section| section.name == "reconciler").unwrap().findings.clone();
        assert!(!format!("{report:?}").contains(READER_KEY) && report.hints.is_empty(), "{report:?}");
        found.into_iter().map(|finding| (finding.check, finding.verdict)).collect::<Vec<_>>()
    };
    let with_key = |verdict| {
        let right = Verdict::Right;
        vec![("index roster", right), ("apps", right), ("key", verdict), ("last run", right)]
    };
    assert_eq!(examined().await, with_key(Verdict::Mistake));
    server.api().add_key(READER_KEY, AdminKey::reader("123456"));
    assert_eq!(examined().await, with_key(Verdict::Right));
    // One call for one member.
    assert_eq!(server.usage().calls_of("123456", ApiCall::UserIds), 1);
}

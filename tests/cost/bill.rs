//! What was counted, and the amounts that follow from it.

use std::collections::BTreeSet;

use end_to_end::units::Units;

use crate::{
    delivering::Delivering,
    prices::{GB, Prices},
    reconcile::{MINUTES_BETWEEN_READS, Reconciling},
    service::{Recording, Use},
};

/// As CloudWatch and Lambda bill a month: 730 hours.
pub(crate) const MINUTES: f64 = 43_800.0;
/// The event source polls an empty queue with five concurrent calls of twenty seconds each.
pub(crate) const ASKED_A_MINUTE: f64 = 15.0;
/// How many departures, and links, are measured at once: fewer than the 114 that five minutes have where a month has a million.
pub(crate) const RECORDED: usize = 100;
/// The conditions of alarms that another parameter switches on.
const SWITCHED_ON: [&str; 6] = ["AnswersOnAws", "ChecksSource", "Delivers", "DeliversOnAws", "IsGradual", "Reconciles"];
/// The event source collects for five minutes.
const WINDOWS: f64 = MINUTES / 5.0;
const MEMBERS: f64 = 1e6;
const DAYS: f64 = MINUTES / 60.0 / 24.0;
const HOURS: f64 = MINUTES / 60.0;
/// template.yaml's MemorySize of the reconciler, in GB.
const RECONCILERS_MEMORY: f64 = 0.125;
/// Of a million members so many join, and as many leave, in a month.
const JOIN_A_MONTH: f64 = 10_000.0;

/// What was counted, with the prices and the template that its costs depend on.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) prices: Prices,
    pub(crate) template: String,
    /// One of each webhook, by the names of the page.
    pub(crate) webhooks: Vec<(&'static str, Use)>,
    /// An unlink where the table has the index of members.
    pub(crate) unlink_with_index: Use,
    /// The record of [`RECORDED`] departures, and links.
    pub(crate) recording: Recording,
    /// Five minutes without webhooks.
    pub(crate) five_minutes: Use,
    /// The metrics of each minute, and those of webhooks.
    pub(crate) metrics: [BTreeSet<String>; 2],
    pub(crate) reconciling: Reconciling,
    pub(crate) delivering: Delivering,
}

impl Measured {
    pub(crate) fn webhook(&self, name: &str) -> &Use {
        let (_, used) = self.webhooks.iter().find(|(measured, _)| *measured == name).unwrap();
        used
    }

    /// The same with another measurement of one webhook.
    pub(crate) fn with(&self, name: &str, used: Use) -> Self {
        let mut measured = self.clone();
        measured.webhooks.iter_mut().filter(|(other, _)| *other == name).for_each(|(_, one)| *one = used);
        measured
    }

    /// What a million of a webhook cost.
    pub(crate) fn million(&self, name: &str) -> f64 {
        self.prices.million(self.webhook(name)).iter().map(|(_, usd)| usd).sum()
    }

    /// Each alarm's condition, if it has one, with how many metrics it looks at.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = (Option<&str>, u32)> {
        self.template.split("\n    Type: ").skip(1).filter_map(|resource| {
            assert!(!resource.starts_with("AWS::CloudWatch::CompositeAlarm\n"), "its price is not in this bill");
            let condition = resource.split("\n    Condition: ").nth(1).and_then(|rest| rest.lines().next());
            // An alarm of an expression is billed by the metrics in it.
            let metrics = u32::try_from(resource.matches("MetricStat:").count().max(1)).unwrap();
            resource.starts_with("AWS::CloudWatch::Alarm\n").then_some((condition, metrics))
        })
    }

    /// How many metrics the alarms look at whose condition is one of these. `None`: those without a condition.
    pub(crate) fn alarm_metrics(&self, conditions: &[Option<&str>]) -> u32 {
        self.alarms().filter(|(condition, _)| conditions.contains(condition)).map(|(_, metrics)| metrics).sum()
    }
}

/// What a month without webhooks costs, by part.
pub(crate) struct Idle {
    pub(crate) alarms: u32,
    pub(crate) lean_alarms: u32,
    pub(crate) janitor: f64,
    pub(crate) queue: f64,
    /// With `KmsKeyArn`, and in none of the sums: what KMS is asked for the table's key by the connections of the janitor.
    pub(crate) key: f64,
    alarm: f64,
}

/// For a connection in use, DynamoDB asks KMS for the table's key at most once in so many minutes ("Encryption at rest: how
/// it works").
pub(crate) const MINUTES_OF_A_KEY: f64 = 5.0;

impl Idle {
    pub(crate) fn of(measured: &Measured) -> Self {
        let prices = &measured.prices;
        let lean_alarms = measured.alarm_metrics(&[None, Some("IsAws")]);
        // Not those of what is switched on by another parameter.
        let full = ["FullMonitoring", "IsAwsFull", "WatchesSilence", "WatchesUnavailability"].map(Some);
        let is_known = |one: &str| one == "IsAws" || full.contains(&Some(one)) || SWITCHED_ON.contains(&one);
        let unknown: Vec<_> =
            measured.alarms().filter_map(|(condition, _)| condition).filter(|one| !is_known(one)).collect();
        assert!(unknown.is_empty(), "alarms have conditions that are in no bill: {unknown:?}");
        Self {
            alarms: lean_alarms + measured.alarm_metrics(&full),
            lean_alarms,
            janitor: prices.million(&measured.five_minutes).iter().map(|(_, usd)| usd * MINUTES / 5.0 / 1e6).sum(),
            queue: prices.of("sqs_request", ASKED_A_MINUTE * MINUTES),
            key: prices.of("kms_request", f64::from(measured.five_minutes.at_once) * MINUTES / MINUTES_OF_A_KEY),
            alarm: prices.of("alarm_metric", 1.0),
        }
    }

    pub(crate) fn of_all_alarms(&self) -> f64 {
        f64::from(self.alarms) * self.alarm + self.janitor + self.queue
    }

    pub(crate) fn of_lean(&self) -> f64 {
        f64::from(self.lean_alarms) * self.alarm + self.janitor + self.queue
    }
}

/// What the record of departures costs a month.
pub(crate) struct Recorder {
    /// An invocation with its log line in every five minutes.
    pub(crate) invocations: f64,
    /// The writes of a million departures.
    pub(crate) writes_of_departures: f64,
    /// The writes of a million links.
    pub(crate) writes_of_links: f64,
    /// A write in every five minutes.
    pub(crate) single_writes: f64,
}

impl Recorder {
    pub(crate) fn of(Measured { prices, recording, .. }: &Measured) -> Self {
        let Recording { departures, links } = recording;
        assert!(departures.units.reads + links.units.reads == 0.0, "the recorder reads");
        let invocation = Use { units: Units::default(), ..*departures };
        let million = |used: &Use| prices.of("dynamodb_write", used.units.writes / RECORDED as f64 * 1e6);
        Self {
            invocations: prices.million(&invocation).iter().map(|(_, usd)| usd * WINDOWS / 1e6).sum(),
            writes_of_departures: million(departures),
            writes_of_links: million(links),
            single_writes: prices.of("dynamodb_write", WINDOWS),
        }
    }
}

/// What a million unlinks cost with all that docs/adopt.md switches on, by part.
pub(crate) fn unlinks_of_adopt(measured: &Measured) -> Vec<(String, f64)> {
    let (prices, recorder) = (&measured.prices, Recorder::of(measured));
    let writes = |units: f64| (units, prices.of("dynamodb_write", units * 1e6));
    let (of_index, index) = writes(measured.unlink_with_index.units.writes - measured.webhook("unlink").units.writes);
    let (of_note, note) = writes(measured.delivering.of_departure.writes);
    vec![
        ("the unlinks, as above".to_owned(), measured.million("unlink")),
        (format!("`KakaoReaderKeys`: {of_index} write unit each for the index of members"), index),
        ("the record of departures".to_owned(), recorder.invocations + recorder.writes_of_departures),
        ("`DeliveryUrl`: the delivery of the changes, each alone".to_owned(), measured.delivering.million(prices)),
        (format!("`DeliveryUrl`: {of_note} write unit each for the note that your service accepted it"), note),
    ]
}

/// What the reconciler costs in a month with a million members of one app, by part.
pub(crate) fn month_of_reconciling(measured: &Measured) -> Vec<(String, f64)> {
    let (prices, Reconciling { members, minutes, calls, run, idle_minute, bytes_of_index }) =
        (&measured.prices, measured.reconciling);
    let times = MEMBERS / members * DAYS;
    let working = (minutes * times).min(MINUTES);
    let waiting = calls * times * prices.assumed_milliseconds_of_kakao / 1_000.0;
    let seconds = waiting + MINUTES * prices.assumed_milliseconds / 1_000.0;
    let idle = MINUTES - working;
    let reads = |units: f64| prices.of("dynamodb_read", units);
    let writes = |units: f64| prices.of("dynamodb_write", units);
    assert!(idle_minute.writes == 0.0, "a minute without a run writes");
    let alarms = measured.alarm_metrics(&[Some("Reconciles")]);
    vec![
        ("the secret".to_owned(), prices.of("secret", 1.0)),
        (
            "reads of the secret, one in half an hour".to_owned(),
            prices.of("secret_request", MINUTES / MINUTES_BETWEEN_READS as f64),
        ),
        (format!("{alarms} metrics that alarms look at"), prices.of("alarm_metric", f64::from(alarms))),
        ("the metric `reconcile_finished`, in an hour a day".to_owned(), prices.of("metric", DAYS / HOURS)),
        (
            format!("an invocation each minute, with work in {:.0} of a day's", working / DAYS),
            prices.of("lambda_request", MINUTES) + prices.of("lambda_gb_second_arm64", seconds * RECONCILERS_MEMORY),
        ),
        (
            format!("a day's reads of the index: {:.0} thousand units", run.reads * times / DAYS / 1e3),
            reads(run.reads * times),
        ),
        ("reads of the run's record in all other minutes".to_owned(), reads(idle_minute.reads * idle)),
        (
            // How many depends on the time that a minute's work takes.
            "writes of the run's record".to_owned(),
            writes(run.writes * times),
        ),
        ("writes of the index, one for each who joins or leaves".to_owned(), writes(2.0 * JOIN_A_MONTH)),
        (
            format!("the index, {bytes_of_index:.0} bytes a member"),
            prices.of("dynamodb_gb", MEMBERS * bytes_of_index / GB),
        ),
    ]
}

/// The first run, if it finds a million members of whom nothing was heard: a million links from the queue on, a write
/// unit each for the index, and a read of each state.
pub(crate) fn first_run(measured: &Measured) -> f64 {
    let prices = &measured.prices;
    let link = measured.webhook("account status: linked");
    let behind_the_queue = Use { requests: 0, invocations: link.invocations - 1, ..*link };
    let million: f64 = prices.million(&behind_the_queue).iter().map(|(_, usd)| usd).sum();
    million + prices.of("dynamodb_write", MEMBERS) + prices.of("dynamodb_read", MEMBERS)
}

//! The tables in `docs/cost.md`, which the suite writes.

use std::{collections::BTreeSet, fmt::Write};

use end_to_end::{binaries::workspace, units::Units};

use crate::{
    prices::Prices,
    reconcile::{MINUTES_BETWEEN_READS, Reconciling},
    service::{Recording, Use},
};

const PAGE: &str = "docs/cost.md";
const BEGIN: &str = "<!-- measured: written by the suite -->\n";
const END: &str = "<!-- /measured -->\n";
const FIX: &str = "WRITE_DOCS=1 cargo test -p end-to-end --test cost";
/// Times in the log have more digits on a slow machine.
const TOLERANCE: f64 = 0.1;
/// As CloudWatch and Lambda bill a month: 730 hours.
const MINUTES: f64 = 43_800.0;
/// The event source polls an empty queue with five concurrent calls of twenty seconds each.
const ASKED_A_MINUTE: f64 = 15.0;

/// Writes the document's tables, or compares them.
pub(crate) fn check_or_write(
    prices: &Prices,
    measured: &[(&str, Use)],
    recording: &Recording,
    five_minutes: &Use,
    metrics: &[BTreeSet<String>; 2],
    reconciling: &Reconciling,
) {
    let path = workspace().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let recorder_costs = Recorder::of(prices, recording);
    check_budgets(prices, measured, &recorder_costs);
    let found = [
        counts(measured),
        bills(prices, measured),
        standing(prices, five_minutes, metrics),
        recorder(&recorder_costs, recording),
        reconciler(prices, reconciling, measured, &recorder_costs),
        answers(prices, measured),
        list(prices),
    ]
    .concat();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{found}{END}{after}")).unwrap();
        return;
    }
    let differing: Vec<_> = written.lines().zip(found.lines()).filter(|(old, new)| !is_like(old, new)).collect();
    assert!(
        differing.is_empty() && written.lines().count() == found.lines().count(),
        "{PAGE} differs from the measurement. To write it again: {FIX}\nwritten, and measured: {differing:#?}"
    );
}

/// Whether two lines are equal, amounts of dollars and kilobytes approximately.
fn is_like(old: &str, new: &str) -> bool {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let amount = |word: &str| word.strip_prefix('$').or(word.strip_suffix("KB"))?.parse::<f64>().ok();
    let is_near = |(old, new): (&String, &String)| match (amount(old), amount(new)) {
        (Some(old), Some(new)) => (old - new).abs() <= TOLERANCE * new.max(0.1),
        _ => old == new,
    };
    let (old, new) = (words(old), words(new));
    old.len() == new.len() && old.iter().zip(&new).all(is_near)
}

fn counts(measured: &[(&str, Use)]) -> String {
    let mut text = "\n### What one asks for\n\n| | API requests | invocations | messages | write units | read units | \
        changes | log |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (name, used) in measured {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {:.1}KB |",
            used.requests,
            used.invocations,
            used.messages,
            used.units.writes,
            used.units.reads,
            used.changes,
            used.log_bytes as f64 / 1024.0
        );
    }
    text
}

fn bills(prices: &Prices, measured: &[(&str, Use)]) -> String {
    let mut text = String::from("\n### What a million cost\n\n|");
    let parts = prices.million(&Use::default());
    for (part, _) in parts {
        let _ = write!(text, " | {part}");
    }
    let _ = writeln!(text, " | in all |\n|---|{}---|", "---|".repeat(parts.len()));
    for (name, used) in measured {
        let bill = prices.million(used);
        let cells: String = bill.iter().map(|(_, usd)| format!(" ${usd:.2} |")).collect();
        let _ = writeln!(text, "| {name} |{cells} ${:.2} |", bill.iter().map(|(_, usd)| usd).sum::<f64>());
    }
    text
}

fn standing(prices: &Prices, five_minutes: &Use, [of_minutes, of_webhooks]: &[BTreeSet<String>; 2]) -> String {
    let bill = Idle::of(prices, five_minutes);
    let (full, lean) = (bill.of_all_alarms(), bill.of_lean());
    let Idle { alarms, lean_alarms, janitor, queue, .. } = bill;
    let Units { reads, writes } = five_minutes.units;
    let rows = [
        (format!("{alarms} metrics that alarms look at"), prices.of("alarm_metric", f64::from(alarms))),
        (format!("the janitor ({reads} read units and {writes} write units in five minutes)"), janitor),
        ("Lambda polls an empty queue".to_owned(), queue),
        ("**in all**".to_owned(), full),
        (format!("**in all with `Monitoring` = `lean`** ({lean_alarms} metrics of alarms)"), lean),
        ("beside it: the dashboard, where the account has three others".to_owned(), prices.of("dashboard", 1.0)),
        (
            format!("beside it: {} metrics, if each of the above comes every hour", of_webhooks.len()),
            prices.of("metric", of_webhooks.len() as f64),
        ),
        ("beside it: `KmsKeyArn`, the key".to_owned(), prices.of("kms_key", 1.0)),
        ("beside it: a GB in the table".to_owned(), prices.of("dynamodb_gb", 1.0)),
        ("beside it: its backup (`TableRecoveryDays`)".to_owned(), prices.of("dynamodb_backup_gb", 1.0)),
    ];
    // The fixtures' webhooks came long ago; where none ever came, nothing is silent.
    let billed: Vec<_> = of_minutes.iter().filter(|name| !name.contains("days_silent")).collect();
    assert!(billed.is_empty(), "a minute without webhooks writes metrics, which are billed: {billed:?}");
    assert!(full <= MOST_IDLE && lean <= MOST_LEAN, "a stack without webhooks costs ${full:.2}, lean ${lean:.2}");
    let mut text = "\n### What a month costs without a webhook\n\n| | |\n|---|---|\n".to_owned();
    for (what, usd) in rows {
        let _ = writeln!(text, "| {what} | ${usd:.2} |");
    }
    text
}

/// What a month without webhooks costs, by part.
struct Idle {
    alarms: u32,
    lean_alarms: u32,
    janitor: f64,
    queue: f64,
    alarm: f64,
}

impl Idle {
    fn of(prices: &Prices, five_minutes: &Use) -> Self {
        let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
        let (mut alarms, mut lean_alarms) = (0, 0);
        for resource in template.split("\n    Type: ").skip(1) {
            let condition = resource.split("\n    Condition: ").nth(1).and_then(|rest| rest.lines().next());
            assert!(!resource.starts_with("AWS::CloudWatch::CompositeAlarm\n"), "its price is not in this bill");
            if !resource.starts_with("AWS::CloudWatch::Alarm\n") {
                continue;
            }
            // An alarm of an expression is billed by the metrics in it.
            let metrics = u32::try_from(resource.matches("MetricStat:").count().max(1)).unwrap();
            match condition {
                None | Some("IsAws") => (alarms, lean_alarms) = (alarms + metrics, lean_alarms + metrics),
                Some("FullMonitoring" | "IsAwsFull" | "WatchesSilence" | "WatchesUnavailability") => alarms += metrics,
                // Of what is switched on by another parameter.
                Some(_) => {}
            }
        }
        Self {
            alarms,
            lean_alarms,
            janitor: prices.million(five_minutes).iter().map(|(_, usd)| usd * MINUTES / 5.0 / 1e6).sum(),
            queue: prices.of("sqs_request", ASKED_A_MINUTE * MINUTES),
            alarm: prices.of("alarm_metric", 1.0),
        }
    }

    fn of_all_alarms(&self) -> f64 {
        f64::from(self.alarms) * self.alarm + self.janitor + self.queue
    }

    fn of_lean(&self) -> f64 {
        f64::from(self.lean_alarms) * self.alarm + self.janitor + self.queue
    }
}

/// What a month without webhooks may cost, in dollars, with all alarms and with those of `Monitoring` = `lean`.
const MOST_IDLE: f64 = 3.0;
const MOST_LEAN: f64 = 1.0;

/// What a million of each may cost, in dollars.
const MOST_A_MILLION: [(&str, f64); 5] = [
    ("unlink", 7.0),
    ("account status: linked", 7.0),
    ("account status: profile", 7.0),
    ("talk channel", 7.0),
    ("talk share, a user's first", 10.0),
];

/// How many write units a user's first share may take.
const MOST_WRITES_OF_A_FIRST_SHARE: f64 = 6.0;

/// Fails where a budget is not kept.
fn check_budgets(prices: &Prices, measured: &[(&str, Use)], recorder: &Recorder) {
    for (name, most) in MOST_A_MILLION {
        let (_, used) = measured.iter().find(|(measured, _)| *measured == name).unwrap();
        let recorded = match name {
            "unlink" => recorder.invocations + recorder.writes_of_departures,
            "account status: linked" => recorder.invocations + recorder.writes_of_links,
            _ => 0.0,
        };
        let usd: f64 = prices.million(used).iter().map(|(_, usd)| usd).sum::<f64>() + recorded;
        assert!(usd <= most, "a million of \"{name}\" cost ${usd:.2}, and may cost ${most:.2}");
    }
    let (_, share) = measured.iter().find(|(name, _)| *name == "talk share, a user's first").unwrap();
    assert!(share.units.writes <= MOST_WRITES_OF_A_FIRST_SHARE, "{} write units", share.units.writes);
}

/// How many departures, and links, are measured at once: fewer than the 114 that five minutes have where a month has a
/// million.
pub(crate) const RECORDED: usize = 100;
/// The event source collects for five minutes.
const WINDOWS: f64 = MINUTES / 5.0;

/// What the record of departures costs a month.
struct Recorder {
    /// An invocation with its log line in every five minutes.
    invocations: f64,
    /// The writes of a million departures.
    writes_of_departures: f64,
    /// The writes of a million links.
    writes_of_links: f64,
    /// A write in every five minutes.
    single_writes: f64,
}

impl Recorder {
    fn of(prices: &Prices, Recording { departures, links }: &Recording) -> Self {
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

fn recorder(costs: &Recorder, Recording { departures, links }: &Recording) -> String {
    let all = costs.invocations + costs.writes_of_departures + costs.writes_of_links;
    let rows = [
        ("an invocation in five minutes, with its log line".to_owned(), costs.invocations),
        (format!("writes: {} units for {RECORDED} departures", departures.units.writes), costs.writes_of_departures),
        (format!("writes: {} units for {RECORDED} links", links.units.writes), costs.writes_of_links),
        ("**in all**, beside a million unlinks and a million links".to_owned(), all),
        ("at most, with one of them in five minutes".to_owned(), costs.invocations + costs.single_writes),
    ];
    let mut text =
        "\n### What the record of departures costs\n\nA month with a million departures and a million links, of new \
        members and of those who come back; nothing where there is neither:\n\n| | |\n|---|---|\n"
            .to_owned();
    for (what, usd) in rows {
        let _ = writeln!(text, "| {what} | ${usd:.3} |");
    }
    text
}

/// What the reconciler may cost a month, in dollars, with a million members.
const MOST_RECONCILING: f64 = 1.0;
const MEMBERS: f64 = 1e6;
const DAYS: f64 = MINUTES / 60.0 / 24.0;
const HOURS: f64 = MINUTES / 60.0;
/// template.yaml's MemorySize of the reconciler, in GB.
const RECONCILERS_MEMORY: f64 = 0.125;
/// Of a million members so many join, and as many leave, in a month.
const JOIN_A_MONTH: f64 = 10_000.0;
const GB: f64 = 1_073_741_824.0;

fn reconciler(prices: &Prices, measured: &Reconciling, webhooks: &[(&str, Use)], recorder: &Recorder) -> String {
    let usual = usual_month(prices, measured);
    let all: f64 = usual.iter().map(|(_, usd)| usd).sum();
    assert!(all <= MOST_RECONCILING, "the reconciler costs ${all:.3} a month: {usual:#?}");
    let mut text =
        "\n### What the reconciler costs\n\nA month with a million members of one app, of whom 10,000 join and \
        10,000 leave:\n\n| | |\n|---|---|\n"
            .to_owned();
    for (what, usd) in usual {
        let _ = writeln!(text, "| {what} | ${usd:.3} |");
    }
    let _ = writeln!(text, "| **in all** | ${all:.2} |");
    let first = first_run(prices, webhooks) + recorder.writes_of_links;
    let _ =
        writeln!(text, "| once, if the first run finds a million members of whom nothing was heard | ${first:.2} |");
    text
}

fn usual_month(prices: &Prices, measured: &Reconciling) -> Vec<(String, f64)> {
    let times = MEMBERS / measured.members * DAYS;
    let working = (measured.minutes * times).min(MINUTES);
    let waiting = measured.calls * times * prices.assumed_milliseconds_of_kakao / 1_000.0;
    let seconds = waiting + MINUTES * prices.assumed_milliseconds / 1_000.0;
    let idle = MINUTES - working;
    let reads = |units: f64| prices.of("dynamodb_read", units);
    let writes = |units: f64| prices.of("dynamodb_write", units);
    assert!(measured.idle_minute.writes == 0.0, "a minute without a run writes");
    let alarms = alarms_of("Reconciles");
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
            format!("a day's reads of the index: {:.0} thousand units", measured.run.reads * times / DAYS / 1e3),
            reads(measured.run.reads * times),
        ),
        ("reads of the run's record in all other minutes".to_owned(), reads(measured.idle_minute.reads * idle)),
        (
            // How many depends on the time that a minute's work takes.
            "writes of the run's record".to_owned(),
            writes(measured.run.writes * times),
        ),
        ("writes of the index, one for each who joins or leaves".to_owned(), writes(2.0 * JOIN_A_MONTH)),
        (
            format!("the index, {:.0} bytes a member", measured.bytes_of_index),
            prices.of("dynamodb_gb", MEMBERS * measured.bytes_of_index / GB),
        ),
    ]
}

/// A million links from the queue on, a write unit each for the index, and a read of each state.
fn first_run(prices: &Prices, webhooks: &[(&str, Use)]) -> f64 {
    let (_, link) = webhooks.iter().find(|(name, _)| *name == "account status: linked").unwrap();
    let behind_the_queue = Use { requests: 0, invocations: link.invocations - 1, ..*link };
    let million: f64 = prices.million(&behind_the_queue).iter().map(|(_, usd)| usd).sum();
    million + prices.of("dynamodb_write", MEMBERS) + prices.of("dynamodb_read", MEMBERS)
}

/// template.yaml's MemorySize of skill and answerer, in GB.
const ANSWERERS_MEMORY: f64 = 0.25;
/// Sent, received, hidden until the end of its lease, and deleted.
const SQS_REQUESTS_OF_A_QUESTION: f64 = 4.0;
/// The claim.
const WRITES_OF_A_QUESTION: f64 = 1.0;
/// The event source polls as that of the event queue does, and a batch has at most so many questions.
const QUESTIONS_OF_A_BATCH: f64 = 100.0;

/// What a thousand answers cost besides their messages, and what stands ready for them.
fn answers(prices: &Prices, measured: &[(&str, Use)]) -> String {
    let (_, message) = measured.iter().find(|(name, _)| *name == "chatbot message").unwrap();
    let log = prices.of("log_gb", 1e3 * message.log_bytes as f64 / GB);
    let waited = |seconds: f64| prices.of("lambda_gb_second_arm64", 1e3 * seconds * ANSWERERS_MEMORY);
    let invoked = |times: f64| prices.of("lambda_request", 1e3 * times);
    let by_callback = |seconds: f64, at_once: f64| {
        let asked = prices.of("sqs_request", 1e3 * SQS_REQUESTS_OF_A_QUESTION);
        let claimed = prices.of("dynamodb_write", 1e3 * WRITES_OF_A_QUESTION);
        asked + claimed + log + invoked(1.0 / at_once) + waited(seconds / at_once)
    };
    // Both functions wait.
    let at_once = |seconds: f64| log + invoked(1.0) + 2.0 * waited(seconds);
    let polling = prices.of("sqs_request", ASKED_A_MINUTE * MINUTES);
    let alarms = alarms_of("AnswersOnAws");
    let rows = [
        ("by callback, after 20 s, each alone".to_owned(), by_callback(20.0, 1.0)),
        ("by callback, after 20 s, a hundred at once".to_owned(), by_callback(20.0, QUESTIONS_OF_A_BATCH)),
        ("without a callback, after 2 s".to_owned(), at_once(2.0)),
        ("a month: the secret, for an HTTPS answerer".to_owned(), prices.of("secret", 1.0)),
        ("a month: Lambda polls the empty queue".to_owned(), polling),
        (format!("a month: {alarms} metrics that alarms look at"), prices.of("alarm_metric", f64::from(alarms))),
    ];
    let mut text =
        "\n### What answers cost\n\nA thousand answers of `SkillAnswerer`, besides the messages themselves and the \
        answerer's own bill:\n\n| | |\n|---|---|\n"
            .to_owned();
    for (what, usd) in rows {
        let _ = writeln!(text, "| {what} | ${usd:.3} |");
    }
    text
}

/// How many metrics the alarms under a condition look at.
fn alarms_of(condition: &str) -> u32 {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let alarms = template.split("\n    Type: ").filter(|resource| resource.starts_with("AWS::CloudWatch::Alarm\n"));
    let of_condition = alarms.filter(|one| one.contains(&format!("\n    Condition: {condition}\n")));
    of_condition.map(|one| u32::try_from(one.matches("MetricStat:").count().max(1)).unwrap()).sum()
}

fn list(prices: &Prices) -> String {
    let mut text = format!("\n### The prices ({})\n\n| | | listed | source |\n|---|---|---|---|\n", prices.region);
    for price in prices.prices.values() {
        let (usd, per) = (price.usd, price.per);
        let many = if per > 1.0 { "a million" } else { "one" };
        let listed = price.listed.as_deref().unwrap_or("not looked up");
        let _ = writeln!(text, "| {} | {usd} USD for {many} | {listed} | {} |", price.of, price.source);
    }
    text + "\n"
}

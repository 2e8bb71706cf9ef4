//! The tables in `docs/cost.md`, which the suite writes.

use std::fmt::Write;

use end_to_end::{binaries::workspace, units::Units};

use crate::{
    bill::{
        ASKED_A_MINUTE, Idle, MINUTES, MINUTES_OF_A_KEY, Measured, RECORDED, Recorder, first_run, month_of_reconciling,
        unlinks_of_adopt,
    },
    prices::{GB, Prices},
    service::{Recording, Use},
};

const PAGE: &str = "docs/cost.md";
const BEGIN: &str = "<!-- measured: written by the suite -->\n";
const END: &str = "<!-- /measured -->\n";
const FIX: &str = "WRITE_DOCS=1 cargo test -p end-to-end --test cost";
/// Times in the log have more digits on a slow machine.
const TOLERANCE: f64 = 0.1;

/// Writes the document's tables, or compares them.
pub(crate) fn check_or_write(measured: &Measured) {
    let path = workspace().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let found = [
        counts(measured),
        bills(measured),
        standing(measured),
        recorder(measured),
        measured.delivering.table(measured),
        reconciler(measured),
        adopted(measured),
        answers(measured),
        list(&measured.prices),
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

fn counts(measured: &Measured) -> String {
    let mut text =
        "\n### What one asks for\n\n| | API requests | invocations | SQS requests | write units | read units | \
        round trips | changes | log |\n|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for (name, used) in &measured.webhooks {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {:.1}KB |",
            used.requests,
            used.invocations,
            used.sqs_requests,
            used.units.writes,
            used.units.reads,
            used.round_trips,
            used.changes,
            used.log_bytes as f64 / 1024.0
        );
    }
    text
}

fn bills(Measured { prices, webhooks, .. }: &Measured) -> String {
    let mut text = String::from("\n### What a million cost\n\n|");
    let parts = prices.million(&Use::default());
    for (part, _) in parts {
        let _ = write!(text, " | {part}");
    }
    let _ = writeln!(text, " | in all |\n|---|{}---|", "---|".repeat(parts.len()));
    for (name, used) in webhooks {
        let bill = prices.million(used);
        let cells: String = bill.iter().map(|(_, usd)| format!(" ${usd:.2} |")).collect();
        let _ = writeln!(text, "| {name} |{cells} ${:.2} |", bill.iter().map(|(_, usd)| usd).sum::<f64>());
    }
    text
}

fn standing(measured: &Measured) -> String {
    let Measured { prices, metrics: [of_minutes, of_webhooks], .. } = measured;
    let bill = Idle::of(measured);
    let (full, lean) = (bill.of_all_alarms(), bill.of_lean());
    let Idle { alarms, lean_alarms, janitor, queue, key, .. } = bill;
    let connections = measured.five_minutes.at_once;
    let Units { reads, writes } = measured.five_minutes.units;
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
        (
            format!(
                "beside it: its requests, one in {MINUTES_OF_A_KEY} minutes for each of the janitor's {connections} \
                connections to the table"
            ),
            key,
        ),
        ("beside it: a GB in the table".to_owned(), prices.of("dynamodb_gb", 1.0)),
        ("beside it: its backup (`TableRecoveryDays`)".to_owned(), prices.of("dynamodb_backup_gb", 1.0)),
    ];
    // The fixtures' webhooks came long ago; where none ever came, nothing is silent.
    let billed: Vec<_> = of_minutes.iter().filter(|name| !name.contains("days_silent")).collect();
    assert!(billed.is_empty(), "a minute without webhooks writes metrics, which are billed: {billed:?}");
    let mut text = "\n### What a month costs without a webhook\n\n| | |\n|---|---|\n".to_owned();
    for (what, usd) in rows {
        let _ = writeln!(text, "| {what} | ${usd:.2} |");
    }
    text
}

fn recorder(measured: &Measured) -> String {
    let costs = Recorder::of(measured);
    let Recording { departures, links } = &measured.recording;
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

fn reconciler(measured: &Measured) -> String {
    let usual = month_of_reconciling(measured);
    let all: f64 = usual.iter().map(|(_, usd)| usd).sum();
    let mut text =
        "\n### What the reconciler costs\n\nA month with a million members of one app, of whom 10,000 join and \
        10,000 leave:\n\n| | |\n|---|---|\n"
            .to_owned();
    for (what, usd) in usual {
        let _ = writeln!(text, "| {what} | ${usd:.3} |");
    }
    let _ = writeln!(text, "| **in all** | ${all:.2} |");
    let first = first_run(measured) + Recorder::of(measured).writes_of_links;
    let _ =
        writeln!(text, "| once, if the first run finds a million members of whom nothing was heard | ${first:.2} |");
    text
}

fn adopted(measured: &Measured) -> String {
    let parts = unlinks_of_adopt(measured);
    let all: f64 = parts.iter().map(|(_, usd)| usd).sum();
    let mut text =
        "\n### What a million unlinks cost with delivery and the reconciler\n\n| | |\n|---|---|\n".to_owned();
    for (what, usd) in parts {
        let _ = writeln!(text, "| {what} | ${usd:.2} |");
    }
    let _ = writeln!(text, "| **in all** | ${all:.2} |");
    text
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
fn answers(measured: &Measured) -> String {
    let (prices, message) = (&measured.prices, measured.webhook("chatbot message"));
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
    let alarms = measured.alarm_metrics(&[Some("AnswersOnAws")]);
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

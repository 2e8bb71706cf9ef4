//! The tables in `docs/cost.md`, which the suite writes.

use std::{collections::BTreeSet, fmt::Write};

use end_to_end::binaries::workspace;

use crate::{prices::Prices, service::Use};

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
pub(crate) fn check_or_write(prices: &Prices, measured: &[(&str, Use)], minute: &Use, metrics: &[BTreeSet<String>; 2]) {
    let path = workspace().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let found = [counts(measured), bills(prices, measured), standing(prices, minute, metrics), list(prices)].concat();
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
        changes told | log |\n|---|---|---|---|---|---|---|---|\n"
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

fn standing(prices: &Prices, minute: &Use, [of_minutes, of_webhooks]: &[BTreeSet<String>; 2]) -> String {
    let janitor: f64 = prices.million(minute).iter().map(|(_, usd)| usd * MINUTES / 1e6).sum();
    let (metrics, composite) = alarms();
    let rows = [
        (format!("{metrics} metrics that alarms look at"), prices.of("alarm_metric", f64::from(metrics))),
        (format!("{composite} composite alarm"), prices.of("composite_alarm", f64::from(composite))),
        (
            format!(
                "the janitor, each minute ({} read units, {} write units)",
                minute.units.reads, minute.units.writes
            ),
            janitor,
        ),
        (format!("{} metrics that the janitor writes", of_minutes.len()), prices.of("metric", of_minutes.len() as f64)),
        (
            format!("{} metrics of webhooks, if each of the above comes every hour", of_webhooks.len()),
            prices.of("metric", of_webhooks.len() as f64),
        ),
        ("Lambda asks an empty queue".to_owned(), prices.of("sqs_request", ASKED_A_MINUTE * MINUTES)),
        ("the dashboard".to_owned(), prices.of("dashboard", 1.0)),
        ("`KmsKeyArn`: the key".to_owned(), prices.of("kms_key", 1.0)),
        ("a GB in the table".to_owned(), prices.of("dynamodb_gb", 1.0)),
        ("its backup (`TableRecoveryDays`)".to_owned(), prices.of("dynamodb_backup_gb", 1.0)),
    ];
    let mut text = "\n### What a month costs without a webhook\n\n| | |\n|---|---|\n".to_owned();
    for (what, usd) in rows {
        let _ = writeln!(text, "| {what} | ${usd:.2} |");
    }
    text
}

/// How many metrics the stack's alarms look at by default, and how many composite alarms there are. An alarm of an
/// expression is billed by the metrics in it.
fn alarms() -> (u32, u32) {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let (mut metrics, mut composite) = (0, 0);
    for resource in template.split("\n    Type: ").skip(1) {
        let by_parameter = ["IsGradual", "Delivers", "DeliversOnAws"];
        let is_usual = !by_parameter.iter().any(|name| resource.contains(&format!("\n    Condition: {name}\n")));
        if resource.starts_with("AWS::CloudWatch::Alarm\n") && is_usual {
            metrics += u32::try_from(resource.matches("MetricStat:").count().max(1)).unwrap();
        }
        composite += u32::from(resource.starts_with("AWS::CloudWatch::CompositeAlarm\n"));
    }
    (metrics, composite)
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

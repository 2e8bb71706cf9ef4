//! What it asks of AWS to deliver a change to the service's endpoint, and what that costs.

use std::{fmt::Write, time::Duration};

use anyhow::{Result, ensure};
use end_to_end::{
    Pipeline,
    delivery::{Delivery, departure, event},
    lambda::Lambda,
    patience::becomes,
    units::Units,
};

use crate::{
    bill::{ASKED_A_MINUTE, MINUTES, Measured},
    meter::Meter,
    prices::{GB, Prices},
    service::OF_AN_EVENT,
};

/// template.yaml's MemorySize of the deliverer, in GB.
const DELIVERERS_MEMORY: f64 = 0.25;
/// What a batch has at most.
const BATCH: usize = 10;
/// EventBridge sends a change to the queue; it is received and deleted.
const SENDS: f64 = 1.0;
const RECEIVE_AND_DELETE: f64 = 2.0;
/// It is received, and hidden until its pause is over.
const RECEIVE_AND_HIDE: f64 = 2.0;
/// How long the endpoint is assumed to take, and how long the deliverer waits for one that hangs.
const ANSWER: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// The secret is read so many minutes after it was read.
const MINUTES_BETWEEN_READS: f64 = 5.0;

/// What an invocation logs, in bytes, and asks of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivering {
    pub(crate) alone: usize,
    pub(crate) in_a_batch: usize,
    /// To note that the endpoint accepted a departure.
    pub(crate) of_departure: Units,
}

impl Delivering {
    /// The real deliverer, and an endpoint that accepts every change.
    pub(crate) async fn measure() -> Result<Self> {
        let pipeline = Pipeline::start().await?;
        let (delivery, meter) = (Delivery::start(&pipeline).await?, Meter::before(&pipeline.table.endpoint()).await?);
        let table = ("AWS_ENDPOINT_URL_DYNAMODB", &*meter.url());
        let mut deliverer = delivery.start_deliverer(&pipeline, &[table]).await?;
        // The first is the cold start.
        let mut bytes = vec![];
        for (number, changes) in [1, 1, BATCH].into_iter().enumerate() {
            for change in 0..changes {
                delivery.queue.put(&event(&format!("90071992547{number:02}{change:02}")).to_string());
            }
            let failed = delivery.deliver(&mut deliverer).await?;
            ensure!(failed.is_empty(), "{failed:?}");
            becomes("lines of invocations", &(number + 1), async || lines(&deliverer).len()).await;
            bytes.push(lines(&deliverer).last().map_or(0, |line| line.len() + OF_AN_EVENT));
        }
        ensure!(meter.take().requests == 0, "a change that is no departure is noted in the table");
        delivery.queue.put(&departure("9007199254740993").to_string());
        let failed = delivery.deliver(&mut deliverer).await?;
        ensure!(failed.is_empty(), "{failed:?}");
        Ok(Self { alone: bytes[1], in_a_batch: bytes[2], of_departure: meter.take().units })
    }

    /// What a million changes cost, each alone, to an endpoint that accepts them soon.
    pub(crate) fn million(self, prices: &Prices) -> f64 {
        million(prices, SENDS + RECEIVE_AND_DELETE, ANSWER, self.alone)
    }

    /// The page's section.
    pub(crate) fn table(self, measured: &Measured) -> String {
        let (prices, alarms) = (&measured.prices, measured.alarm_metrics(&["Delivers", "DeliversOnAws"].map(Some)));
        let polling = prices.of("sqs_request", ASKED_A_MINUTE * MINUTES);
        let reads = prices.of("secret_request", MINUTES / MINUTES_BETWEEN_READS);
        let month = [
            ("a month: the secret".to_owned(), prices.of("secret", 1.0)),
            ("a month: reads of the secret, at most one in five minutes".to_owned(), reads),
            ("a month: Lambda polls the empty queue".to_owned(), polling),
            (format!("a month: {alarms} metrics that alarms look at"), prices.of("alarm_metric", f64::from(alarms))),
        ];
        let standing = ("**a month, in all**".to_owned(), month.iter().map(|(_, usd)| usd).sum());
        let attempt = |requests, waits, bytes| million(prices, requests, waits, bytes);
        let delivered = [
            ("a million changes, each alone", self.million(prices)),
            ("a million changes, ten at once", {
                let in_a_batch = attempt(RECEIVE_AND_DELETE, ANSWER, self.in_a_batch) / BATCH as f64;
                prices.of("sqs_request", SENDS * 1e6) + in_a_batch
            }),
            ("a million attempts that fail at once, each alone", attempt(RECEIVE_AND_HIDE, ANSWER, self.alone)),
            (
                "a million attempts at an endpoint that hangs, each alone",
                attempt(RECEIVE_AND_HIDE, LONGEST, self.alone),
            ),
        ];
        let mut text =
            "\n### What delivery costs\n\nWith `DeliveryUrl`, beside the changes themselves, to an endpoint that \
            answers within 0.1 s:\n\n| | |\n|---|---|\n"
                .to_owned();
        let delivered = delivered.into_iter().map(|(what, usd)| (what.to_owned(), usd));
        for (what, usd) in delivered.chain(month).chain([standing]) {
            let _ = writeln!(text, "| {what} | ${usd:.2} |");
        }
        text
    }
}

/// A million invocations with so many requests to the queue each.
fn million(prices: &Prices, requests: f64, waits: Duration, log_bytes: usize) -> f64 {
    let seconds = waits.as_secs_f64() + prices.assumed_milliseconds / 1_000.0;
    prices.of("sqs_request", requests * 1e6)
        + prices.of("lambda_request", 1e6)
        + prices.of("lambda_gb_second_arm64", 1e6 * seconds * DELIVERERS_MEMORY)
        + prices.of("log_gb", 1e6 * log_bytes as f64 / GB)
}

/// The lines of invocations that delivered something.
fn lines(deliverer: &Lambda) -> Vec<String> {
    let all = deliverer.raw_lines().into_iter().map(|line| line.to_string());
    all.filter(|line| line.contains(r#""delivered""#)).collect()
}

//! What AWS asks for it: `infra/prices.json`, a list with a date.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use end_to_end::binaries::workspace;
use serde::Deserialize;

use crate::service::Use;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) region: String,
    /// An estimate, which no list has: how long a warm invocation takes.
    pub(crate) assumed_milliseconds: f64,
    /// Another one: how long Kakao's REST API takes for a call.
    pub(crate) assumed_milliseconds_of_kakao: f64,
    pub(crate) prices: BTreeMap<String, Price>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    pub(crate) usd: f64,
    /// Of how many.
    pub(crate) per: f64,
    pub(crate) of: String,
    pub(crate) source: String,
    /// The date of AWS's price list for the region. Absent: not verified.
    pub(crate) listed: Option<String>,
}

/// template.yaml's MemorySize, in GB.
const MEMORY: f64 = 0.25;
/// A gigabyte of CloudWatch, and of DynamoDB.
pub(crate) const GB: f64 = 1_073_741_824.0;

/// A part of the bill.
pub(crate) type Part = (&'static str, f64);

impl Prices {
    pub(crate) fn load() -> Result<Self> {
        Ok(serde_json::from_str(&std::fs::read_to_string(workspace().join("infra/prices.json"))?)?)
    }

    pub(crate) fn of(&self, what: &str, many: f64) -> f64 {
        let price = self.prices.get(what).with_context(|| format!("infra/prices.json has no {what}")).unwrap();
        price.usd * many / price.per
    }

    /// What a million of these cost, by part.
    pub(crate) fn million(&self, used: &Use) -> [Part; 6] {
        let million = |many: f64| many * 1e6;
        let invocations = million(used.invocations as f64);
        let seconds = invocations * self.assumed_milliseconds / 1_000.0;
        [
            ("API Gateway", self.of("http_request", million(used.requests as f64))),
            ("Lambda", self.of("lambda_request", invocations) + self.of("lambda_gb_second_arm64", seconds * MEMORY)),
            ("SQS", self.of("sqs_request", million(used.sqs_requests as f64))),
            (
                "DynamoDB",
                self.of("dynamodb_write", million(used.units.writes))
                    + self.of("dynamodb_read", million(used.units.reads)),
            ),
            ("EventBridge", self.of("event", million(used.changes as f64))),
            ("logs", self.of("log_gb", million(used.log_bytes as f64) / GB)),
        ]
    }
}

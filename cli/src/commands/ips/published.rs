//! Kakao's list, read liberally: an address is one wherever it stands, and what it is for is said by the members
//! around it.
//!
//! Source: Kakao's REST API, "Retrieve Kakao IP list": `inbound` and `outbound` are lists of `service`, `ips` (CIDR),
//! `ports`, and changes to come (`addition`, `exclusion`); webhooks come from the inbound service `callback`.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use ipnet::IpNet;
use serde_json::Value;

/// What Kakao publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Published {
    /// By service and address, each once.
    pub(super) networks: Vec<Network>,
    /// What stands where an address should, and is none.
    pub(super) unreadable: Vec<String>,
}

/// A network that Kakao calls from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    /// What it is for.
    pub(super) service: Option<String>,
    pub(super) network: IpNet,
    /// What is planned with it.
    pub(super) change: PlannedChange,
}

/// What Kakao plans with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PlannedChange {
    None,
    Coming,
    Going,
}

impl PlannedChange {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Coming => "coming",
            Self::Going => "going",
        }
    }
}

/// The service that sends webhooks.
const WEBHOOKS: &str = "callback";
/// What Kakao is called at, and calls from never.
const OUTBOUND: &str = "outbound";
/// Members whose elements are addresses, or ought to be.
const OF_ADDRESSES: [&str; 7] = ["ips", "ip", "cidrs", "cidr", "addresses", "address", "inbound"];

/// What the members around a value say of it.
#[derive(Clone, Copy)]
struct Around<'v> {
    service: Option<&'v str>,
    change: PlannedChange,
    of_addresses: bool,
}

impl Published {
    /// Reads Kakao's answer.
    ///
    /// # Errors
    /// If it is not JSON or names no address.
    pub(super) fn read(answer: &str) -> Result<Self> {
        let answer: Value = serde_json::from_str(answer).context("Kakao's list is not JSON")?;
        let mut published = Self::default();
        published.collect(&answer, Around { service: None, change: PlannedChange::None, of_addresses: true });
        published.networks.sort();
        published.networks.dedup();
        ensure!(
            !published.of_webhooks().is_empty(),
            "Kakao's list has no address. Its form may have changed; do not change SourceCidrs"
        );
        Ok(published)
    }

    fn collect(&mut self, value: &Value, around: Around<'_>) {
        match value {
            Value::String(text) => self.take(text, around),
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element, around)),
            Value::Object(members) => {
                let service = members.get("service").and_then(Value::as_str).or(around.service);
                for (name, value) in members.iter().filter(|(name, _)| *name != OUTBOUND) {
                    let change = match name.as_str() {
                        "addition" => PlannedChange::Coming,
                        "exclusion" => PlannedChange::Going,
                        _ => around.change,
                    };
                    let of_addresses = OF_ADDRESSES.contains(&name.as_str());
                    self.collect(value, Around { service, change, of_addresses });
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, text: &str, around: Around<'_>) {
        let service = around.service.map(str::to_owned);
        match network(text.trim()) {
            Some(network) => {
                self.networks.push(Network { service, network, change: around.change });
            }
            None if around.of_addresses => self.unreadable.push(text.chars().take(100).collect()),
            None => {}
        }
    }

    /// Whether webhooks come from it. Where no service is called as we know it, from any.
    pub(super) fn is_of_webhooks(&self, network: &Network) -> bool {
        let is = |network: &Network| network.service.as_deref() == Some(WEBHOOKS);
        is(network) || !self.networks.iter().any(is)
    }

    /// The networks that webhooks come from, those to come included. One that goes is in the list until it is gone.
    pub(super) fn of_webhooks(&self) -> Vec<IpNet> {
        let is = |network: &&Network| network.change != PlannedChange::Going && self.is_of_webhooks(network);
        self.networks.iter().filter(is).map(|network| network.network).collect()
    }
}

/// A network in CIDR notation or a single address, without the bits that the prefix doesn't reach.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network: IpNet| network.trunc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_webhooks(answer: &Value) -> Vec<String> {
        let published = Published::read(&answer.to_string()).unwrap();
        published.of_webhooks().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn webhooks_come_from_the_inbound_service_callback() {
        let answer = json!({
            "inbound": [
                {"service": "callback", "ips": ["192.0.2.7/24", "2001:db8::1"], "ports": [80, 443], "updatedDate": "2025-01-01",
                    "addition": {"ips": ["198.51.100.0/24"], "date": "2025-02-01"},
                    "exclusion": {"ips": ["192.0.2.0/24", "203.0.113.9"]}},
                {"service": "scrap", "ips": ["198.51.100.200"]},
            ],
            "outbound": [{"service": "https://kapi.kakao.com", "ips": ["203.0.113.0/24"]}],
            "updatedDate": "2025-01-01",
        });
        assert_eq!(of_webhooks(&answer), ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::1/128"]);
    }

    #[test]
    fn other_forms_are_read_too() {
        for answer in [
            json!(["192.0.2.1", "2001:db8::/32"]),
            json!({"ips": ["192.0.2.1/32", "2001:db8::/32"]}),
            json!({"inbound": [{"service": "new name", "list": [{"ip": "192.0.2.1"}, {"cidr": "2001:db8::/32"}]}]}),
            json!({"inbound": {"any": {"v4": ["192.0.2.1"], "v6": ["2001:db8::/32"]}}, "outbound": ["203.0.113.1"]}),
        ] {
            assert_eq!(of_webhooks(&answer), ["192.0.2.1/32", "2001:db8::/32"], "{answer}");
        }
    }

    #[test]
    fn what_stands_for_an_address_and_is_none_is_not_passed_over() {
        let answer = json!({"inbound": [{"service": "callback", "ips": ["192.0.2.1", "192.0.2.5-192.0.2.9"]}]});
        let published = Published::read(&answer.to_string()).unwrap();
        assert_eq!(published.unreadable, ["192.0.2.5-192.0.2.9"]);
        assert_eq!(published.networks.len(), 1);
    }

    #[test]
    fn a_list_without_an_address_is_none() {
        for answer in ["", "{}", r#"{"inbound":[]}"#, r#"{"outbound":["192.0.2.1"]}"#, r#"{"msg":"ip mismatched"}"#] {
            assert!(Published::read(answer).is_err(), "{answer}");
        }
    }
}

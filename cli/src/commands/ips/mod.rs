//! `khook ips`: the networks that Kakao publishes, and how the configured ones differ from them.

mod difference;
mod kakao;
mod published;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use ipnet::IpNet;
use serde_json::{Value, json};

use crate::ui::output::{self, Cell};
use difference::Difference;
use published::{Network, PlannedChange, Published};

/// The networks that Kakao calls from.
#[derive(Debug, Args)]
pub struct Ips {
    /// What is configured (SourceCidrs), separated by commas; without it nothing is compared
    #[arg(long, env = "SOURCE_CIDRS", hide_env_values = true, value_name = "LIST")]
    cidrs: Option<String>,
    /// A file with one of the app's keys (a REST API key will do); else KAKAO_REST_API_KEY, else KAKAO_ADMIN_KEY
    #[arg(long, alias = "admin-key-file", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The address before /v1/system/ips; http:// only on this machine
    #[arg(long, value_name = "URL", default_value = "https://kapi.kakao.com")]
    url: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `khook ips --help` ends with.
pub(crate) const EXAMPLES: &str = "\
Keys are never arguments. The exit status is 0 if the configured networks are those that Kakao publishes (or none are \
configured), 1 if they differ, 2 if it could not be determined.

Examples:
  khook ips --key-file key.txt                        what Kakao publishes
  khook ips --key-file key.txt --cidrs 192.0.2.0/24   the differences
  SOURCE_CIDRS=192.0.2.0/24 khook ips --key-file key.txt --json | jq .missing";

/// As long as the template lets SourceCidrs be.
const LONGEST_LIST: usize = 600;

impl Ips {
    /// Runs it. The exit code says whether the same is configured as is published.
    ///
    /// # Errors
    /// None but a standard output that is closed: what went wrong is said here, since 1 says that something differs.
    pub async fn run(self) -> Result<ExitCode> {
        output::or_unknown(self.found().await)
    }

    async fn found(&self) -> Result<ExitCode> {
        let configured = self.cidrs.as_deref().filter(|list| !list.trim().is_empty()).map(configured).transpose()?;
        let key = kakao::key(self.key_file.as_ref())?;
        let published = Published::read(&kakao::ask(&self.url, &key).await?)?;
        let difference = configured.as_ref().map(|configured| Difference::of(&published.of_webhooks(), configured));
        let list = list(&published.of_webhooks());
        if self.json {
            output::json(&document(&published, configured.as_deref(), difference.as_ref(), &list))?;
        } else {
            print(&published, configured.as_deref(), difference.as_ref(), &list)?;
        }
        for text in &published.unreadable {
            output::warn(&format!(
                "Kakao publishes `{text}`, which is neither an address nor a network: it is in no list here"
            ));
        }
        if list.len() > LONGEST_LIST {
            output::warn(&format!("the list has {} characters; SourceCidrs may have {LONGEST_LIST}", list.len()));
        }
        let is_same = difference.is_none_or(|difference| difference.is_none());
        Ok(if is_same && published.unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn configured(list: &str) -> Result<Vec<IpNet>> {
    let elements = list.split(',').map(str::trim).filter(|element| !element.is_empty());
    let network = |(index, element): (usize, &str)| {
        published::network(element).with_context(|| {
            format!("element {} of SOURCE_CIDRS is neither an address nor a network (192.0.2.0/24)", index + 1)
        })
    };
    elements.enumerate().map(network).collect()
}

/// For SourceCidrs: as few networks as hold the same addresses.
fn list(networks: &[IpNet]) -> String {
    IpNet::aggregate(&networks.to_vec()).iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn texts(networks: &[IpNet]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

fn document(published: &Published, configured: Option<&[IpNet]>, difference: Option<&Difference>, list: &str) -> Value {
    let one = |network: &Network| {
        json!({
            "network": network.network.to_string(),
            "service": network.service,
            "change": network.change.name(),
            "webhooks": published.is_of_webhooks(network),
        })
    };
    json!({
        "published": published.networks.iter().map(one).collect::<Vec<_>>(),
        "unreadable": published.unreadable,
        "configured": configured.map(texts),
        "missing": difference.map(|difference| texts(&difference.missing)),
        "extra": difference.map(|difference| texts(&difference.extra)),
        "source_cidrs": list,
    })
}

fn print(
    published: &Published,
    configured: Option<&[IpNet]>,
    difference: Option<&Difference>,
    list: &str,
) -> Result<()> {
    let mut table = output::table(&["Network", "Service", "Change", "Configured"]);
    for network in &published.networks {
        let service = network.service.as_deref().unwrap_or("–");
        let change = match network.change {
            PlannedChange::None => "–",
            PlannedChange::Coming => "to be added",
            PlannedChange::Going => "to be removed",
        };
        table.add_row([
            Cell::new(network.network),
            Cell::new(service),
            Cell::new(change),
            state(published, configured, network),
        ]);
    }
    output::print_table(&table)?;
    if let Some(difference) = difference {
        output::line("")?;
        for network in &difference.missing {
            output::line(format!(
                "{network} is published, and not all of it is configured: refused under SourceCheck=enforce"
            ))?;
        }
        for network in &difference.extra {
            output::line(format!("{network} is configured, and not all of it is published"))?;
        }
        if difference.is_none() {
            output::line("The configured networks are those that Kakao publishes.")?;
        }
    }
    output::line("")?;
    output::line(format!("SourceCidrs={list}"))
}

fn state(published: &Published, configured: Option<&[IpNet]>, network: &Network) -> Cell {
    if !published.is_of_webhooks(network) {
        return output::faint_cell("sends no webhooks");
    }
    match configured {
        None => output::faint_cell("–"),
        Some(configured) if difference::covers(configured, &network.network) => output::verdict_cell("yes", true),
        // A range that Kakao gives up does no harm.
        Some(_) if network.change == PlannedChange::Going => output::faint_cell("no"),
        Some(_) => output::verdict_cell("no", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_is_read_as_the_functions_read_it() {
        let networks = configured(" 192.0.2.0/24, 198.51.100.7,2001:db8::/32,").unwrap();
        assert_eq!(texts(&networks), ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]);
        let error = configured("192.0.2.1, secret").unwrap_err().to_string();
        assert!(error.contains("element 2") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn the_list_is_as_short_as_it_can_be_and_reads_back() {
        let networks = configured("198.51.100.128/25,198.51.100.0/25,198.51.100.7,2001:db8::1").unwrap();
        let list = list(&networks);
        assert_eq!(list, "198.51.100.0/24,2001:db8::1/128");
        assert!(Difference::of(&networks, &configured(&list).unwrap()).is_none());
    }
}

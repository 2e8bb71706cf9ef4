//! What Kakao finds: `khook check` of each route, in one line where all is right.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    commands::check::{
        self,
        finding::{Finding, Judgement, Verdict},
        report::Checked,
    },
    ui::count::counted,
};

/// A service that answers slowly is found out long before.
const PATIENCE: Duration = Duration::from_secs(90);

/// What is found at a base.
///
/// # Errors
/// If it is not an address, or there can be no client on this machine.
pub(super) async fn findings(base: &str) -> anyhow::Result<Vec<Finding>> {
    match timeout(PATIENCE, check::quietly(base)).await {
        Ok(checked) => Ok(checked?.iter().flat_map(named).collect()),
        Err(_) => {
            let seen = format!("not all routes had answered within {} s", PATIENCE.as_secs());
            Ok(vec![Judgement::unknown(seen, "khook check, route by route").named("routes")])
        }
    }
}

/// A route: one line if all is right, else a line for each thing that isn't.
fn named(checked: &Checked) -> Vec<Finding> {
    let route = checked.route.name();
    let wrong = checked.findings.iter().filter(|finding| finding.verdict != Verdict::Right);
    let named: Vec<_> = wrong
        .map(|finding| Finding {
            check: route,
            seen: format!("{}: {}", finding.check, finding.seen),
            ..finding.clone()
        })
        .collect();
    if named.is_empty() {
        let times = checked.findings.iter().find(|finding| finding.check == "time");
        let time = times.map(|time| format!("; {}", time.seen)).unwrap_or_default();
        let count = checked.findings.iter().filter(|finding| finding.check != "time").count();
        return vec![Judgement::right(format!("{}{time}", counted(count, "check"))).named(route)];
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::route::Route;

    fn checked(findings: Vec<Finding>) -> Checked {
        Checked { route: Route::Unlink, url: "https://hooks.example.com/webhooks/unlink".parse().unwrap(), findings }
    }

    #[test]
    fn a_route_is_a_line_until_something_is_wrong_with_it() {
        let right = vec![Judgement::right("401").named("no key"), Judgement::right("median 3 ms").named("time")];
        let found = named(&checked(right.clone()));
        assert_eq!(found, [Judgement::right("1 check; median 3 ms").named("unlink")]);
        let wrong = Judgement::mistake("200", "refuse it").named("wrong key");
        let found = named(&checked([right, vec![wrong]].concat()));
        assert_eq!(found, [Judgement::mistake("wrong key: 200", "refuse it").named("unlink")]);
    }
}

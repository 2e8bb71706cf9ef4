//! The budgets of the cost page. Each is compared with what follows from the counted requests, units, bytes and
//! invocations, so a cost that is added anywhere breaks the budget that it belongs to.

use std::fmt;

use crate::bill::{Idle, Measured, Recorder, month_of_reconciling};

/// What a million of each may cost, in dollars, all that they cause included.
const MILLION: [(&str, f64); 9] = [
    ("unlink", 7.0),
    ("account status: linked", 7.0),
    ("account status: profile", 7.0),
    ("talk channel", 7.0),
    ("talk share, a user's first", 6.5),
    ("talk share, the user's next", 6.5),
    ("talk share without a user", 6.5),
    ("chatbot message", 6.5),
    ("chatbot message of a member", 6.5),
];

/// How many write units each may take.
const WRITE_UNITS: [(&str, f64); 5] = [
    ("talk share without a user", 1.0),
    ("talk share, a user's first", 4.0),
    ("talk share, the user's next", 4.0),
    ("chatbot message", 2.0),
    ("chatbot message of a member", 3.0),
];

/// For how many round trips of the table, one after the other, the processor may wait.
const ROUND_TRIPS: [(&str, u32); 8] = [
    ("talk share without a user", 1),
    ("unlink", 2),
    ("account status: linked", 2),
    ("account status: profile", 2),
    ("talk channel", 2),
    ("talk share, a user's first", 2),
    ("chatbot message", 2),
    ("chatbot message of a member", 2),
];

/// What a month without webhooks may cost, in dollars, with all alarms and with those of `Monitoring` = `lean`.
const IDLE: f64 = 3.0;
const IDLE_LEAN: f64 = 1.0;
/// How many connections to the table the janitor may use at once. With `KmsKeyArn`, each causes requests to KMS.
const CONNECTIONS: u32 = 26;
/// What a million members, compared every day, may cost a month, in dollars.
const RECONCILING: f64 = 1.0;

/// A limit and what was found.
pub(crate) struct Budget {
    what: String,
    found: f64,
    most: f64,
    is_money: bool,
}

impl Budget {
    fn usd(what: impl Into<String>, found: f64, most: f64) -> Self {
        Self { what: what.into(), found, most, is_money: true }
    }

    fn count(what: impl Into<String>, found: f64, most: f64) -> Self {
        Self { what: what.into(), found, most, is_money: false }
    }

    /// Also if nothing was measured: NaN is within no limit.
    pub(crate) fn is_broken(&self) -> bool {
        !matches!(self.found.partial_cmp(&self.most), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, most, is_money } = self;
        if *is_money {
            write!(f, "{what}: ${found:.3} of at most ${most:.2}")
        } else {
            write!(f, "{what}: {found} of at most {most}")
        }
    }
}

/// All budgets, with what was found.
pub(crate) fn budgets(measured: &Measured) -> Vec<Budget> {
    let idle = Idle::of(measured);
    let reconciling = month_of_reconciling(measured).iter().map(|(_, usd)| usd).sum();
    let million = MILLION.map(|(name, most)| {
        let recorder = Recorder::of(measured);
        let recorded = match name {
            "unlink" => recorder.invocations + recorder.writes_of_departures,
            "account status: linked" => recorder.invocations + recorder.writes_of_links,
            _ => 0.0,
        };
        Budget::usd(format!("a million of \"{name}\""), measured.million(name) + recorded, most)
    });
    let month = [
        Budget::usd("a month without webhooks", idle.of_all_alarms(), IDLE),
        Budget::usd("a month without webhooks, lean", idle.of_lean(), IDLE_LEAN),
        Budget::usd("a month of reconciling a million members", reconciling, RECONCILING),
    ];
    let writes = WRITE_UNITS.map(|(name, most)| {
        Budget::count(format!("write units of \"{name}\""), measured.webhook(name).units.writes, most)
    });
    let round_trips = ROUND_TRIPS.map(|(name, most)| {
        let found = measured.webhook(name).round_trips;
        Budget::count(format!("round trips of \"{name}\", one after the other"), f64::from(found), f64::from(most))
    });
    let connections = Budget::count(
        "connections of the janitor to the table",
        f64::from(measured.five_minutes.at_once),
        f64::from(CONNECTIONS),
    );
    million.into_iter().chain(month).chain([connections]).chain(writes).chain(round_trips).collect()
}

/// Prints all budgets, and fails where one is broken.
pub(crate) fn check(measured: &Measured) {
    let budgets = budgets(measured);
    budgets.iter().for_each(|budget| println!("{budget}"));
    let broken: Vec<_> = budgets.iter().filter(|budget| budget.is_broken()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "over budget: {broken:#?}");
}

/// The names of the budgets that are broken.
pub(crate) fn broken(measured: &Measured) -> Vec<String> {
    budgets(measured).into_iter().filter(Budget::is_broken).map(|budget| budget.what).collect()
}

#[cfg(test)]
mod tests {
    use end_to_end::units::Units;

    use super::*;
    use crate::{
        delivering::Delivering,
        prices::Prices,
        reconcile::Reconciling,
        service::{Recording, Use},
    };

    /// An alarm of the template, of one metric.
    fn alarm(condition: Option<&str>) -> String {
        let condition = condition.map(|name| format!("    Condition: {name}\n")).unwrap_or_default();
        format!("  Alarm:\n    Type: AWS::CloudWatch::Alarm\n{condition}    Properties:\n")
    }

    /// About what is measured.
    fn measured() -> Measured {
        let event = Use {
            requests: 1,
            invocations: 3,
            sqs_requests: 3,
            units: Units { reads: 1.0, writes: 2.0 },
            changes: 1,
            log_bytes: 1_600,
            round_trips: 2,
            at_once: 2,
        };
        let share =
            Use { invocations: 2, changes: 0, log_bytes: 900, units: Units { reads: 0.5, writes: 4.0 }, ..event };
        let nobodys_share = Use { units: Units { reads: 0.0, writes: 1.0 }, round_trips: 1, ..share };
        let message = Use { units: Units { reads: 1.0, writes: 2.0 }, log_bytes: 1_100, ..share };
        let of_member = Use { invocations: 3, units: Units { reads: 2.0, writes: 3.0 }, ..message };
        let of = |name: &'static str| match name {
            "chatbot message" => (name, message),
            "chatbot message of a member" => (name, of_member),
            "talk share without a user" => (name, nobodys_share),
            _ if name.starts_with("talk share") => (name, share),
            _ => (name, event),
        };
        let recorded =
            |writes| Use { invocations: 1, log_bytes: 300, units: Units { reads: 0.0, writes }, ..Use::default() };
        let alarms = [None, Some("IsAws"), Some("FullMonitoring"), Some("Reconciles"), Some("Delivers")].map(alarm);
        Measured {
            prices: Prices::load().unwrap(),
            template: alarms.concat(),
            webhooks: MILLION.map(|(name, _)| of(name)).into(),
            unlink_with_index: Use { units: Units { reads: 1.0, writes: 3.0 }, ..event },
            recording: Recording { departures: recorded(9.0), links: recorded(5.0) },
            five_minutes: Use {
                invocations: 5,
                log_bytes: 900,
                units: Units { reads: 56.0, writes: 5.0 },
                at_once: CONNECTIONS,
                ..Use::default()
            },
            metrics: Default::default(),
            reconciling: Reconciling {
                members: 18_400.0,
                minutes: 2.0,
                calls: 187.0,
                run: Units { reads: 240.0, writes: 15.0 },
                idle_minute: Units { reads: 1.0, writes: 0.0 },
                bytes_of_index: 179.0,
            },
            delivering: Delivering { alone: 500, in_a_batch: 2_000, of_departure: Units { reads: 0.0, writes: 1.0 } },
        }
    }

    /// Adds a cost to one webhook.
    fn planted(name: &str, plant: impl Fn(&mut Use)) -> Measured {
        let measured = measured();
        let mut used = *measured.webhook(name);
        plant(&mut used);
        measured.with(name, used)
    }

    #[test]
    fn what_is_measured_breaks_no_budget() {
        assert_eq!(broken(&measured()), Vec::<String>::new());
    }

    /// Each sort of cost that a change of the code can add: as much of it as just breaks the budget.
    #[test]
    fn every_sort_of_planted_cost_breaks_the_budget_of_its_webhook() {
        type Plant = fn(&mut Use);
        let sorts: [Plant; 7] = [
            |used| used.requests += 1,
            |used| used.invocations += 1,
            |used| used.sqs_requests += 1,
            |used| used.units.writes += 0.1,
            |used| used.units.reads += 0.1,
            |used| used.changes += 1,
            |used| used.log_bytes += 100,
        ];
        for (name, most) in MILLION {
            for plant in sorts {
                let mut used = *measured().webhook(name);
                let prices = measured().prices;
                let usd = |used: &Use| prices.million(used).iter().map(|(_, usd)| usd).sum::<f64>();
                while usd(&used) <= most {
                    plant(&mut used);
                }
                let broken = broken(&planted(name, |planted| *planted = used));
                assert!(broken.contains(&format!("a million of \"{name}\"")), "{broken:?}");
                let of_others = |what: &&String| !what.contains(&format!("\"{name}\""));
                assert!(!broken.iter().any(|what| of_others(&what)), "{broken:?}");
            }
        }
    }

    #[test]
    fn a_write_more_of_an_event_that_changes_a_state_breaks_its_budget() {
        for (name, _) in &MILLION[..4] {
            let broken = broken(&planted(name, |used| used.units.writes += 1.0));
            assert_eq!(broken, [format!("a million of \"{name}\"")]);
        }
    }

    #[test]
    fn a_write_unit_over_the_limit_breaks_its_own_budget_however_cheap_the_rest_is() {
        for (name, most) in WRITE_UNITS {
            let broken = broken(&planted(name, |used| used.units.writes = most + 1.0));
            assert!(broken.contains(&format!("write units of \"{name}\"")), "{broken:?}");
        }
    }

    #[test]
    fn a_round_trip_over_the_limit_breaks_its_budget() {
        for (name, most) in ROUND_TRIPS {
            let broken = broken(&planted(name, |used| used.round_trips = most + 1));
            assert_eq!(broken, [format!("round trips of \"{name}\", one after the other")]);
        }
    }

    #[test]
    fn the_record_of_departures_counts_among_the_costs_of_an_unlink() {
        let mut measured = measured();
        measured.recording.departures.units.writes += 100.0;
        assert_eq!(broken(&measured), ["a million of \"unlink\""]);
    }

    #[test]
    fn alarms_writes_and_log_lines_of_an_idle_stack_break_its_budgets() {
        let (full, lean) = ("a month without webhooks", "a month without webhooks, lean");
        let mut more_alarms = measured();
        more_alarms.template += &alarm(Some("FullMonitoring")).repeat(25);
        assert_eq!(broken(&more_alarms), [full]);
        let mut more_always = measured();
        more_always.template += &alarm(None).repeat(6);
        assert_eq!(broken(&more_always), [lean]);
        for plant in [
            (|used| used.units.writes += 100.0) as fn(&mut Use),
            |used| used.invocations += 300,
            |used| used.log_bytes += 100_000,
        ] {
            let mut busy = measured();
            plant(&mut busy.five_minutes);
            assert!(broken(&busy).contains(&lean.to_owned()));
        }
    }

    #[test]
    fn a_connection_more_of_the_janitor_breaks_its_budget() {
        let mut busy = measured();
        busy.five_minutes.at_once += 1;
        assert_eq!(broken(&busy), ["connections of the janitor to the table"]);
    }

    #[test]
    fn alarms_reads_and_writes_of_the_reconciler_break_its_budget() {
        let what = ["a month of reconciling a million members"];
        let mut more_alarms = measured();
        more_alarms.template += &alarm(Some("Reconciles")).repeat(4);
        assert_eq!(broken(&more_alarms), what);
        for plant in [
            (|found| found.run.writes += 400.0) as fn(&mut Reconciling),
            |found| found.run.reads *= 10.0,
            |found| found.idle_minute.reads += 70.0,
            |found| found.calls *= 20.0,
        ] {
            let mut busy = measured();
            plant(&mut busy.reconciling);
            assert_eq!(broken(&busy), what);
        }
    }
}

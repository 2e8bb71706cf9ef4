//! The processor's budgets: ratios within one run, and limits for requests and units, which are counted and therefore
//! the same in every run.

use super::{
    NAME,
    events::Kind,
    figures::{Beside, Case, Grown, Measured, PerEvent, Waited},
};
use crate::units::{digits, millis};

pub use crate::budget::Verdict;

/// The time of a batch of ten users to that of one user, where the table's latency dominates.
const TOGETHER: f64 = 1.5;
/// The time of nine users' events beside a tenth's that hang, to that beside a tenth's that do not.
const BESIDE: f64 = 1.2;
/// The time of an event in the fullest table to that in the emptiest.
const GROWTH: f64 = 1.25;
/// The same for the user's history, where one table is a hundred times larger than the other, which its own part of the
/// time shows. The counts show exactly that no history is read.
const GROWTH_WITH_HISTORY: f64 = 1.6;

/// The limits for an event of each kind, by [`Case`]: requests, read units, write units.
const COSTS: [(Kind, [[f64; 3]; 3]); 8] = {
    const STATE: [[f64; 3]; 3] = [[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [2.0, 1.0, 1.0]];
    [
        (Kind::Unlink, STATE),
        (Kind::Linked, STATE),
        (Kind::ScopeConsent, STATE),
        (Kind::Profile, STATE),
        // A transaction of its history and the counter, which is read first.
        (Kind::Share, [[2.0, 0.5, 4.0], [2.0, 0.5, 4.0], [2.0, 0.5, 4.0]]),
        (Kind::Channel, STATE),
        // Two states, the member's and the chatbot user's.
        (Kind::Message, [[5.0, 2.0, 3.0], [5.0, 2.0, 3.0], [3.0, 2.0, 1.0]]),
        // The user's shares are counted again.
        (Kind::Erased, [[6.0, 3.0, 3.0], [6.0, 3.0, 3.0], [3.0, 2.0, 1.0]]),
    ]
};

/// The verdicts on all budgets.
#[must_use]
pub fn verdicts(measured: &Measured) -> Vec<Verdict> {
    let mut verdicts = vec![together(measured.latency, &measured.waited), beside(&measured.beside)];
    verdicts.extend(growth("users in the table", &measured.users, GROWTH));
    verdicts.extend(growth("lines of the user's history", &measured.history, GROWTH_WITH_HISTORY));
    verdicts.extend(COSTS.into_iter().flat_map(|(kind, limits)| costs(measured, kind, limits)));
    verdicts
}

fn verdict(budget: String, found: String, against: String, used: f64) -> Verdict {
    Verdict { budget, function: NAME.to_owned(), found, against, used }
}

/// What was not measured does not keep its budget.
fn missing(budget: &str) -> Verdict {
    verdict(budget.to_owned(), "nothing".to_owned(), "nothing".to_owned(), f64::NAN)
}

/// Requests for different users must be made at once.
#[must_use]
pub fn together(latency: f64, waited: &[Waited]) -> Verdict {
    let of = |users| waited.iter().find(|waited| waited.users == users).map_or(f64::NAN, |waited| waited.took.median);
    let (ten, one) = (of(10), of(1));
    let budget = format!("a batch of 10 users, {latency} ms a request: at most {TOGETHER} × a batch of one");
    verdict(budget, millis(ten), millis(one), ten / (one * TOGETHER))
}

/// A user whose requests hang must not delay the others of the batch.
#[must_use]
pub fn beside(Beside { wait, without, with }: &Beside) -> Verdict {
    let (found, against) = (with.median, without.median);
    let budget = format!("nine users beside one whose requests hang for {wait} ms: at most {BESIDE} × without it");
    verdict(budget, millis(found), millis(against), found / (against * BESIDE))
}

/// The time, the requests and the units of an event in the fullest table, against those in the emptiest.
fn growth(of_what: &str, grown: &[Grown], limit: f64) -> Vec<Verdict> {
    let [least, .., most] = grown else { return vec![missing(of_what)] };
    let compared = |figure: &str, factor: f64, show: fn(f64) -> String, of: fn(&Grown) -> f64| {
        let (found, against) = (of(most), of(least));
        let budget = format!("{figure} an event, {} {of_what}: at most {factor} × with {}", most.size, least.size);
        verdict(budget, show(found), show(against), found / (against * factor))
    };
    vec![
        compared("time", limit, millis, |grown| grown.time.median),
        compared("requests", 1.0, digits, |grown| grown.asked.requests),
        compared("units", 1.0, digits, |grown| grown.asked.units.reads + grown.asked.units.writes),
    ]
}

fn costs(measured: &Measured, kind: Kind, limits: [[f64; 3]; 3]) -> Vec<Verdict> {
    let Some(cost) = measured.costs.iter().find(|cost| cost.kind == kind.name()) else {
        return vec![missing(kind.name())];
    };
    let cases = Case::ALL.into_iter().zip(cost.cases).zip(limits);
    cases.map(|((case, found), limit)| judge(kind, case, found, limit)).collect()
}

/// The most used of the three limits. All kinds share one budget, so that the page names only the tightest kind.
fn judge(kind: Kind, case: Case, PerEvent { requests, units }: PerEvent, limit: [f64; 3]) -> Verdict {
    let asked = [requests, units.reads, units.writes];
    // Zero of zero is within the limit; more than zero is not.
    let used = |(found, limit): (f64, f64)| if found <= limit && limit == 0.0 { 0.0 } else { found / limit };
    let text = |numbers: [f64; 3]| numbers.map(|number| number.to_string()).join(" + ");
    Verdict {
        budget: "requests, read and write units of an event: as recorded in the benchmark".to_owned(),
        function: format!("{NAME}, {}, {}", kind.name(), case.name()),
        found: text(asked),
        against: text(limit),
        // A figure that is not a number stays one.
        used: asked
            .into_iter()
            .zip(limit)
            .map(used)
            .fold(0.0, |most, used| if used <= most || most.is_nan() { most } else { used }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::example;

    fn broken(measured: &Measured) -> Vec<String> {
        verdicts(measured).iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect()
    }

    #[test]
    fn figures_at_their_budgets_break_none() {
        assert_eq!(broken(&example::measured()), Vec::<String>::new());
    }

    #[test]
    fn ten_users_one_after_the_other_break_the_budget_by_name() {
        let mut measured = example::measured();
        measured.waited[1].took.median *= 1.01;
        assert!(matches!(&broken(&measured)[..], [line] if line.contains("a batch of 10 users")));
        measured.waited[1].took.median = 180.0;
        assert_eq!(
            broken(&measured),
            [
                "processor: a batch of 10 users, 5 ms a request: at most 1.5 × a batch of one; it is 180.0 ms against 18.0 ms"
            ]
        );
    }

    #[test]
    fn users_who_wait_for_one_that_hangs_break_the_budget_by_name() {
        let mut measured = example::measured();
        measured.beside.with.median *= 1.01;
        assert!(matches!(&broken(&measured)[..], [line] if line.contains("nine users")));
        measured.beside.with.median = 218.0;
        assert_eq!(
            broken(&measured),
            [
                "processor: nine users beside one whose requests hang for 200 ms: at most 1.2 × without it; it is 218.0 ms \
                 against 10.0 ms"
            ]
        );
    }

    #[test]
    fn an_event_that_takes_longer_among_many_users_breaks_the_budget_by_name() {
        let mut measured = example::measured();
        measured.users[2].time.median *= 1.01;
        assert_eq!(
            broken(&measured),
            [
                "processor: time an event, 10000 users in the table: at most 1.25 × with 100; it is 1.26 ms against 1.00 ms"
            ]
        );
    }

    #[test]
    fn a_read_of_the_history_breaks_the_budget_by_name_however_fast_it_is() {
        let mut measured = example::measured();
        measured.history[1].asked.requests = 4.0;
        measured.history[1].asked.units.reads = 50.0;
        assert_eq!(
            broken(&measured),
            [
                "processor: requests an event, 1000 lines of the user's history: at most 1 × with 10; \
                 it is 4.00 against 3.00",
                "processor: units an event, 1000 lines of the user's history: at most 1 × with 10; it is 52.0 against 3.00",
            ]
        );
    }

    #[test]
    fn growth_of_any_figure_breaks_the_budget_by_name() {
        let breaks = |of_what: &str, fullest: fn(&mut Measured) -> &mut Grown| {
            let breaks = |figure: &str, change: fn(&mut Grown)| {
                let mut measured = example::measured();
                change(fullest(&mut measured));
                let broken = broken(&measured);
                let is_named = |line: &String| line.contains(figure) && line.contains(of_what);
                assert!(matches!(&broken[..], [line] if is_named(line)), "{figure}, {of_what}: {broken:?}");
            };
            breaks("time an event", |grown| grown.time.median *= 1.01);
            breaks("requests an event", |grown| grown.asked.requests += 0.1);
            breaks("units an event", |grown| grown.asked.units.reads += 0.5);
            breaks("units an event", |grown| grown.asked.units.writes += 1.0);
        };
        breaks("users in the table", |measured| &mut measured.users[2]);
        breaks("lines of the user's history", |measured| &mut measured.history[1]);
    }

    #[test]
    fn one_request_or_unit_more_of_any_kind_in_any_case_breaks_a_budget() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            for (of_case, case) in Case::ALL.into_iter().enumerate() {
                let changes: [fn(&mut PerEvent); 4] = [
                    |asked| asked.requests += 1.0,
                    |asked| asked.units.reads += 0.5,
                    |asked| asked.units.writes += 1.0,
                    |asked| asked.requests = f64::NAN,
                ];
                for change in changes {
                    let mut measured = example::measured();
                    change(&mut measured.costs[place].cases[of_case]);
                    let named = format!("processor, {}, {}: requests", kind.name(), case.name());
                    let broken = broken(&measured);
                    assert!(matches!(&broken[..], [line] if line.starts_with(&named)), "{broken:?}");
                }
            }
        }
    }

    #[test]
    fn a_figure_that_was_not_measured_breaks_its_budget() {
        let mut measured = example::measured();
        measured.waited.clear();
        measured.users.clear();
        measured.history.clear();
        measured.costs.clear();
        assert_eq!(broken(&measured).len(), 3 + Kind::ALL.len());
    }
}

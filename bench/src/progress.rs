//! What a long step is doing: a spinner on a terminal, plain lines elsewhere. Always on standard error, so that
//! standard output is data only.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A spinner that is replaced by what came of the step.
    Terminal,
    /// A line when a step ends, and now and then one between.
    Lines,
    /// Nowhere.
    Silent,
}

/// A note is no news twice within this time where each is a line of its own.
const BETWEEN_NOTES: Duration = Duration::from_secs(10);

impl Progress {
    /// Whatever suits standard error.
    #[must_use]
    pub fn of_stderr() -> Self {
        if console::Term::stderr().is_term() { Self::Terminal } else { Self::Lines }
    }

    /// Begins a step, named by what is being done.
    #[must_use]
    pub fn step(self, name: &str) -> Step {
        let bar = (self == Self::Terminal).then(|| spinner(name));
        if self == Self::Lines {
            say(&format!("{name} ..."));
        }
        let now = Instant::now();
        Step { name: name.to_owned(), progress: self, bar, begun: now, noted: now }
    }

    /// Says something between two steps.
    pub fn say(self, text: &str) {
        if self != Self::Silent {
            say(text);
        }
    }
}

fn spinner(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} {msg:.dim} {elapsed:.dim}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// Nobody may be left to read it, and that is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A step that has begun. Dropped without [`Step::done`], it was broken off.
#[derive(Debug)]
pub struct Step {
    name: String,
    progress: Progress,
    bar: Option<ProgressBar>,
    begun: Instant,
    noted: Instant,
}

impl Step {
    /// Says how far it is. The spinner turns only now: one that turned by itself would take part in what is measured.
    pub fn note(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.chars().take(60).collect::<String>());
            bar.tick();
        } else if self.progress == Progress::Lines && self.noted.elapsed() > BETWEEN_NOTES {
            self.noted = Instant::now();
            say(&format!("  {text}"));
        }
    }

    /// Ends it well, with what came of it.
    pub fn done(mut self, outcome: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let took = self.begun.elapsed().as_secs_f32();
        self.progress.say(&format!("{}: {outcome} ({took:.1} s)", self.name));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

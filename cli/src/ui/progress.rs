//! What a long step is doing: a spinner on a terminal, plain lines elsewhere. Always on standard error,
//! so that standard output is data only.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use console::Style;
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::output::{self, Text, visible};

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A spinner that is replaced by the result of the step.
    Terminal,
    /// A line when a step begins, and one when it ends.
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
        if output::is_watched() { Self::Terminal } else { Self::Lines }
    }

    /// Begins a step, named by what is being done.
    #[must_use]
    pub fn step(self, name: impl Into<Cow<'static, str>>) -> ProgressStep {
        let name = name.into();
        let bar = (self == Self::Terminal).then(|| spinner(&name));
        if self == Self::Lines {
            output::say(format!("{name} ..."));
        }
        let now = Instant::now();
        ProgressStep { name, progress: self, bar, begun: now, noted: now }
    }

    /// Prints a line between two steps.
    pub fn say(self, text: &str) {
        if self != Self::Silent {
            output::say(text);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "its texts are made visible here")]
fn spinner(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} {msg:.dim} {elapsed:.dim}") {
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
    bar.set_prefix(visible(name));
    bar.enable_steady_tick(Duration::from_millis(80));
    bar
}

/// A step that has begun. Dropped without [`ProgressStep::done`], it was interrupted.
#[derive(Debug)]
pub struct ProgressStep {
    name: Cow<'static, str>,
    progress: Progress,
    bar: Option<ProgressBar>,
    begun: Instant,
    noted: Instant,
}

impl ProgressStep {
    /// Says how far it is.
    pub fn note(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(visible(&text.chars().take(60).collect::<String>()));
        } else if self.progress == Progress::Lines && self.noted.elapsed() > BETWEEN_NOTES {
            self.noted = Instant::now();
            output::say(format!("  {text}"));
        }
    }

    /// Ends it successfully, with its result (may be empty).
    pub fn done(self, outcome: &str) {
        self.end(Style::new().green(), "✓ ", outcome);
    }

    /// Ends it without success.
    pub fn stopped(self, outcome: &str) {
        self.end(Style::new().red(), "✗ ", outcome);
    }

    fn end(mut self, style: Style, mark: &str, outcome: &str) {
        let took = self.begun.elapsed().as_secs_f32();
        let gap = if outcome.is_empty() { "" } else { ": " };
        let text = Text::default().styled(style, mark).and(format!("{}{gap}{outcome} ", self.name));
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.progress != Progress::Silent {
            output::say(text.styled(Style::new().dim(), format!("({took:.1} s)")));
        }
    }
}

impl Drop for ProgressStep {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

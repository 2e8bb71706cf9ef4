use std::{
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Longer than what an invocation usually says; a batch that says more is written in such pieces.
const MAX_GATHERED_BYTES: usize = 32 * 1024;

/// Lines on their way to standard output. A write for each would cost as much processor time as making it, so an
/// invocation's leave together at its end, before the answer does. Warnings and errors leave at once, with all before
/// them: whatever happens next, they are known. So does everything until the first invocation.
#[derive(Debug)]
pub(super) struct Lines {
    waiting: Mutex<Vec<u8>>,
    gathers: AtomicBool,
}

impl Lines {
    pub(super) const fn new() -> Self {
        Self { waiting: Mutex::new(Vec::new()), gathers: AtomicBool::new(false) }
    }

    /// Writes all to `output`, and behind it what belongs to an invocation's end.
    pub(super) fn leave(&self, last: &[u8], output: impl Write) -> io::Result<()> {
        self.gathers.store(true, Ordering::Relaxed);
        self.add(last, true, output)
    }

    fn add(&self, line: &[u8], is_urgent: bool, output: impl Write) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend_from_slice(line);
        if is_urgent || waiting.len() > MAX_GATHERED_BYTES || !self.gathers.load(Ordering::Relaxed) {
            write(&mut waiting, output)?;
        }
        Ok(())
    }
}

/// In one piece, and only once: what couldn't be written isn't tried again with the next.
fn write(waiting: &mut Vec<u8>, mut output: impl Write) -> io::Result<()> {
    let written = output.write_all(waiting).and_then(|()| output.flush());
    waiting.clear();
    written
}

/// One event's line.
pub(super) struct Line<'l> {
    lines: &'l Lines,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.is_urgent, io::stdout()).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for &'static Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Self::Writer {
        Line { lines: self, is_urgent: true }
    }

    fn make_writer_for(&'l self, metadata: &Metadata<'_>) -> Self::Writer {
        Line { lines: self, is_urgent: *metadata.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Output(Vec<Vec<u8>>);

    impl Write for &mut Output {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.push(text.to_vec());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_invocations_lines_leave_together_with_its_metrics() {
        let (lines, mut output) = (Lines::new(), Output::default());
        lines.add(b"started\n", false, &mut output).unwrap();
        lines.leave(b"", &mut output).unwrap();
        lines.add(b"kept\n", false, &mut output).unwrap();
        lines.add(b"answered\n", false, &mut output).unwrap();
        lines.leave(b"metrics\n", &mut output).unwrap();
        assert_eq!(output.0, [b"started\n".to_vec(), b"kept\nanswered\nmetrics\n".to_vec()]);
    }

    #[test]
    fn a_warning_leaves_at_once_with_all_before_it_and_so_does_more_than_fits() {
        let (lines, mut output) = (Lines::new(), Output::default());
        lines.leave(b"", &mut output).unwrap();
        lines.add(b"kept\n", false, &mut output).unwrap();
        lines.add(b"refused\n", true, &mut output).unwrap();
        let much = vec![b'x'; MAX_GATHERED_BYTES + 1];
        lines.add(&much, false, &mut output).unwrap();
        assert_eq!(output.0, [b"kept\nrefused\n".to_vec(), much]);
    }
}

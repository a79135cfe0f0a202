//! What happens, as it happens: on a terminal one moving line below what is done, elsewhere plain
//! lines. All of it goes to standard error, the log's own lines too, so that neither breaks the
//! other and standard output holds results alone.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::terminal::{Style, Terminal};

/// Between two pictures of the moving line.
const TICK: Duration = Duration::from_millis(100);
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// Columns of the moving line on a terminal that does not say how wide it is.
const COLUMNS: usize = 80;

/// Where progress is shown. Cheap to clone.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Screen>>);

struct Screen {
    /// Whether there is a terminal with a moving line.
    live: bool,
    terminal: Terminal,
    steps: Vec<Active>,
    next: u64,
    frame: usize,
    drawn: bool,
}

struct Active {
    id: u64,
    what: String,
    detail: String,
    since: Instant,
}

/// Something under way. Dropped without a word, it leaves no trace.
pub(super) struct Step {
    progress: Progress,
    id: u64,
    what: String,
    since: Instant,
    /// Whether a line of its own tells of nothing but the end.
    brief: bool,
}

impl Progress {
    /// Shows progress on standard error. Needs a tokio runtime.
    pub(super) fn start() -> Self {
        let live =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let screen = Screen {
            live,
            terminal: Terminal::stderr(),
            steps: Vec::new(),
            next: 0,
            frame: 0,
            drawn: false,
        };
        let shared = Arc::new(Mutex::new(screen));
        if live {
            tokio::spawn(tick(Arc::downgrade(&shared)));
        }
        Self(shared)
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a step: `build HelloFunction`.
    pub(super) fn step(&self, what: impl Into<String>) -> Step {
        let (what, since) = (what.into(), Instant::now());
        let mut screen = self.screen();
        let id = screen.next;
        screen.next += 1;
        screen.steps.push(Active { id, what: what.clone(), detail: String::new(), since });
        drop(screen);
        Step { progress: self.clone(), id, what, since, brief: false }
    }

    /// A step that is told of in one line.
    pub(super) fn step_briefly(&self, what: impl Into<String>) -> Step {
        let mut step = self.step(what);
        step.brief = true;
        step
    }

    /// What a step came to so long after it was asked for, to the millisecond.
    pub(super) fn reloaded(&self, step: Step, what: &str, took: Duration) {
        drop(step);
        let mut screen = self.screen();
        let mark = screen.terminal.paint(Style::Green, "✓");
        let took = screen.terminal.paint(Style::Dim, &format!("({} ms)", took.as_millis()));
        screen.print(&format!("{mark} {what} {took}"));
    }

    /// A line of its own.
    pub(super) fn line(&self, style: Option<Style>, text: &str) {
        let mut screen = self.screen();
        let painted = style.map_or(text.to_owned(), |style| screen.terminal.paint(style, text));
        screen.print(&painted);
    }

    /// Whether there is a moving line, which can tell what is only just under way.
    pub(super) fn is_live(&self) -> bool {
        self.screen().live
    }
}

impl Step {
    /// What of it is being done: `npm ci`.
    pub(super) fn now(&self, detail: &str) {
        let mut screen = self.progress.screen();
        if !screen.live && !self.brief {
            let line = format!("  {}: {detail}", self.what);
            screen.print(&line);
        }
        if let Some(active) = screen.steps.iter_mut().find(|active| active.id == self.id) {
            detail.clone_into(&mut active.detail);
        }
    }

    /// It is done.
    pub(super) fn done(self, result: &str) {
        self.end(Style::Green, "✓", result);
    }

    /// It did not work out. The reason follows where the error is shown.
    pub(super) fn failed(self) {
        self.end(Style::Red, "✗", "failed");
    }

    fn end(self, style: Style, mark: &str, result: &str) {
        let took = elapsed(self.since.elapsed());
        let mut screen = self.progress.screen();
        screen.steps.retain(|active| active.id != self.id);
        let mark = screen.terminal.paint(style, mark);
        let took = screen.terminal.paint(Style::Dim, &format!("({took})"));
        let result = if result.is_empty() { String::new() } else { format!(": {result}") };
        let line = format!("{mark} {}{result} {took}", self.what);
        screen.print(&line);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let mut screen = self.progress.screen();
        screen.steps.retain(|active| active.id != self.id);
        screen.redraw();
    }
}

impl Screen {
    fn print(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(io::stderr(), "{line}");
        self.redraw();
    }

    fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
            self.drawn = false;
        }
    }

    fn redraw(&mut self) {
        if !self.live {
            return;
        }
        self.clear();
        let Some(oldest) = self.steps.first() else { return };
        let took = elapsed(oldest.since.elapsed());
        let what = self.steps.iter().map(|step| match step.detail.as_str() {
            "" => step.what.clone(),
            detail => format!("{}: {detail}", step.what),
        });
        let text: String = what.collect::<Vec<_>>().join(", ");
        let room = columns().saturating_sub(took.len() + 6);
        let text: String = text.chars().take(room).collect();
        let frame = FRAMES.get(self.frame % FRAMES.len()).copied().unwrap_or("-");
        let frame = self.terminal.paint(Style::Cyan, frame);
        let took = self.terminal.paint(Style::Dim, &took);
        let mut stderr = io::stderr();
        let _ = write!(stderr, "{frame} {text}  {took}").and_then(|()| stderr.flush());
        self.drawn = true;
    }
}

async fn tick(screen: Weak<Mutex<Screen>>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(screen) = screen.upgrade() else { return };
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        screen.frame += 1;
        screen.redraw();
    }
}

/// How wide the terminal at standard error is.
fn columns() -> usize {
    rustix::termios::tcgetwinsize(io::stderr())
        .map(|size| usize::from(size.ws_col))
        .ok()
        .filter(|columns| *columns > 0)
        .unwrap_or(COLUMNS)
}

/// A time as a person says it.
pub(super) fn elapsed(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 60.. => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A number of bytes as a person says it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
        1_000.. => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{bytes} bytes"),
    }
}

/// The log writes between two pictures of the moving line.
impl<'a> MakeWriter<'a> for Progress {
    type Writer = Between<'a>;

    fn make_writer(&'a self) -> Between<'a> {
        let mut screen = self.screen();
        screen.clear();
        Between(screen)
    }
}

/// Standard error, with the moving line out of the way.
pub(super) struct Between<'a>(MutexGuard<'a, Screen>);

impl Write for Between<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Drop for Between<'_> {
    fn drop(&mut self) {
        self.0.redraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_a_persons() {
        assert_eq!(elapsed(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(elapsed(Duration::from_secs(63)), "1 min 3 s");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(12_345), "12.3 kB");
        assert_eq!(size(2_500_000), "2.5 MB");
    }
}

//! What a function writes, line by line, bounded in size and rate, each line with its request.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cumulet_base::{Clock, Timestamp};
use tokio::io::unix::AsyncFd;

use crate::platform_log::{PlatformEvent, PlatformLog};
use crate::watch;

/// Bytes of one line; a longer one is cut into several. CloudWatch Logs took 256 KB events for
/// most of its life, and Lambda cuts there.
pub const LINE_LIMIT: usize = 256 << 10;
/// Bytes of the log that an invocation may carry home (`X-Amz-Log-Type: Tail`).
const TAIL_LIMIT: usize = 4 << 10;
/// Bytes that a sandbox may write at once, and each second from then on. What is over is dropped
/// and counted: a runaway loop must fill neither memory nor disk.
const BURST: u64 = 16 << 20;
const RATE: u64 = 4 << 20;
/// Bytes taken in one go, so that a writer that never stops cannot hold a thread.
const PUMP_LIMIT: usize = 2 << 20;

/// One log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read.
    pub at: Timestamp,
    /// The log stream, one for each sandbox: `2026/11/21/[$LATEST]0123…`.
    pub stream: Arc<str>,
    /// The invocation under way when it was written; `None` during initialisation.
    pub request_id: Option<Arc<str>>,
    /// The text, without its line end. May hold line ends inside.
    pub text: String,
}

/// Where log lines go.
pub trait LogSink: Send + Sync + 'static {
    /// Takes a line. Is called on async threads: it must not block, and drops what it cannot hold.
    fn line(&self, line: LogLine);
}

/// The output of one sandbox.
pub(crate) struct Output {
    pipe: AsyncFd<OwnedFd>,
    lines: Mutex<Lines>,
    platform: PlatformLog,
}

impl Output {
    /// Takes the reading end of a pipe. Needs a tokio runtime.
    pub(crate) fn new(
        pipe: OwnedFd,
        stream: Arc<str>,
        sink: Arc<dyn LogSink>,
        clock: Arc<dyn Clock>,
        platform: PlatformLog,
    ) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let lines = Mutex::new(Lines::new(stream, sink, clock));
        Ok(Self { pipe: watch::readable(pipe)?, lines, platform })
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until every writer has gone.
    pub(crate) async fn follow(&self) {
        while let Ok(mut guard) = self.pipe.readable().await {
            match self.pump() {
                Pumped::Empty => guard.clear_ready(),
                Pumped::Some => tokio::task::yield_now().await,
                Pumped::Ended => return,
            }
        }
    }

    /// Takes what was written so far, so that it lands in the request under way. Asks the pipe
    /// itself: the reactor may not have heard yet of what was written a moment ago.
    pub(crate) fn drain(&self) {
        self.pump();
    }

    fn pump(&self) -> Pumped {
        let mut lines = self.lock();
        let mut buffer = [0_u8; 16 << 10];
        let mut taken = 0;
        while taken < PUMP_LIMIT {
            match rustix::io::read(self.pipe.get_ref(), &mut buffer) {
                Ok(0) => {
                    lines.finish_partial();
                    return Pumped::Ended;
                }
                Ok(count) => {
                    taken += count;
                    lines.write(buffer.get(..count).unwrap_or_default());
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Pumped::Empty,
                Err(_) => return Pumped::Ended,
            }
        }
        Pumped::Some
    }

    /// What the platform itself says, such as START. Not counted against the function's rate.
    pub(crate) fn platform(&self, event: &PlatformEvent<'_>) {
        let mut lines = self.lock();
        lines.finish_partial();
        for text in self.platform.lines(lines.clock.now(), event) {
            lines.emit(text);
        }
    }

    /// From here on, lines belong to this invocation.
    pub(crate) fn begin(&self, request_id: Arc<str>) {
        let mut lines = self.lock();
        lines.finish_partial();
        lines.request_id = Some(request_id);
        lines.tail.clear();
    }

    /// The invocation is over; its last 4 KB.
    pub(crate) fn end(&self) -> Vec<u8> {
        let mut lines = self.lock();
        lines.finish_partial();
        lines.request_id = None;
        std::mem::take(&mut lines.tail).into_tail()
    }
}

enum Pumped {
    /// Nothing is left for now.
    Empty,
    /// More may be there.
    Some,
    /// Nobody can write any more.
    Ended,
}

struct Lines {
    stream: Arc<str>,
    sink: Arc<dyn LogSink>,
    clock: Arc<dyn Clock>,
    request_id: Option<Arc<str>>,
    partial: Vec<u8>,
    tail: Tail,
    budget: Budget,
}

impl Lines {
    fn new(stream: Arc<str>, sink: Arc<dyn LogSink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            stream,
            sink,
            clock,
            request_id: None,
            partial: Vec::new(),
            tail: Tail::default(),
            budget: Budget::new(Instant::now()),
        }
    }

    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = LINE_LIMIT - self.partial.len();
            let window = bytes.get(..bytes.len().min(room)).unwrap_or_default();
            if let Some(end) = window.iter().position(|&byte| byte == b'\n') {
                self.partial.extend_from_slice(window.get(..end).unwrap_or_default());
                bytes = bytes.get(end + 1..).unwrap_or_default();
                self.finish_line();
            } else {
                self.partial.extend_from_slice(window);
                bytes = bytes.get(window.len()..).unwrap_or_default();
                if self.partial.len() == LINE_LIMIT {
                    self.finish_line();
                }
            }
        }
    }

    fn finish_partial(&mut self) {
        if !self.partial.is_empty() {
            self.finish_line();
        }
    }

    fn finish_line(&mut self) {
        let size = self.partial.len() as u64 + 1;
        match self.budget.take(size, Instant::now()) {
            Allowed::No => self.partial.clear(),
            Allowed::Yes { dropped } => {
                if dropped > 0 {
                    self.emit(format!("{dropped} log lines dropped: the function wrote too fast"));
                }
                // Runtime clients send a message of several lines with CR inside, so that it
                // stays one event.
                let text = String::from_utf8_lossy(&self.partial);
                let text = text.trim_end_matches('\r').replace('\r', "\n");
                self.partial.clear();
                self.emit(text);
            }
        }
        // One long line must not keep its memory for ever.
        self.partial.shrink_to(4 << 10);
    }

    fn emit(&mut self, text: String) {
        if self.request_id.is_some() {
            self.tail.push(&text);
        }
        self.sink.line(LogLine {
            at: self.clock.now(),
            stream: Arc::clone(&self.stream),
            request_id: self.request_id.clone(),
            text,
        });
    }
}

/// The last bytes of a log.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn clear(&mut self) {
        self.0.clear();
    }

    fn push(&mut self, line: &str) {
        let line = line.as_bytes();
        self.0.extend_from_slice(
            line.get(line.len().saturating_sub(TAIL_LIMIT)..).unwrap_or_default(),
        );
        self.0.push(b'\n');
        if self.0.len() > 4 * TAIL_LIMIT {
            self.0.drain(..self.0.len() - TAIL_LIMIT);
        }
    }

    fn into_tail(mut self) -> Vec<u8> {
        let mut from = self.0.len().saturating_sub(TAIL_LIMIT);
        // Not within a character: continuation bytes of UTF-8 begin with the bits 10.
        while self.0.get(from).is_some_and(|byte| byte & 0xc0 == 0x80) {
            from += 1;
        }
        self.0.drain(..from);
        self.0
    }
}

/// A token bucket that counts bytes.
struct Budget {
    left: u64,
    filled: Instant,
    dropped: u64,
}

enum Allowed {
    /// After so many lines that were not.
    Yes {
        dropped: u64,
    },
    No,
}

impl Budget {
    fn new(now: Instant) -> Self {
        Self { left: BURST, filled: now, dropped: 0 }
    }

    fn take(&mut self, size: u64, now: Instant) -> Allowed {
        if self.left < size {
            let earned =
                now.saturating_duration_since(self.filled).as_millis() as u64 * RATE / 1000;
            if earned > 0 {
                self.left = (self.left + earned).min(BURST);
                self.filled = now;
            }
        }
        if self.left < size {
            self.dropped += 1;
            return Allowed::No;
        }
        self.left -= size;
        Allowed::Yes { dropped: std::mem::take(&mut self.dropped) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cumulet_base::SystemClock;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<LogLine>>);

    impl LogSink for Kept {
        fn line(&self, line: LogLine) {
            self.0.lock().unwrap().push(line);
        }
    }

    fn lines() -> (Arc<Kept>, Lines) {
        let kept = Arc::new(Kept::default());
        let sink: Arc<dyn LogSink> = kept.clone();
        (kept, Lines::new("stream".into(), sink, Arc::new(SystemClock)))
    }

    fn texts(kept: &Kept) -> Vec<String> {
        kept.0.lock().unwrap().iter().map(|line| line.text.clone()).collect()
    }

    #[test]
    fn lines_are_cut_at_line_ends_and_cr_stays_inside() {
        let (kept, mut lines) = lines();
        for part in ["one\ntw", "o\r  deeper\n", "", "\n", "crlf\r\n", "half"] {
            lines.write(part.as_bytes());
        }
        lines.finish_partial();
        lines.finish_partial();
        assert_eq!(texts(&kept), ["one", "two\n  deeper", "", "crlf", "half"]);
    }

    #[test]
    fn long_lines_are_cut_and_nothing_is_lost() {
        let (kept, mut lines) = lines();
        let long = vec![b'x'; LINE_LIMIT * 2 + 5];
        lines.write(&long);
        lines.write(b"\n");
        let lengths: Vec<_> = texts(&kept).iter().map(String::len).collect();
        assert_eq!(lengths, [LINE_LIMIT, LINE_LIMIT, 5]);
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!(matches!(budget.take(BURST, start), Allowed::Yes { dropped: 0 }));
        assert!(matches!(budget.take(100, start), Allowed::No));
        assert!(matches!(budget.take(100, start), Allowed::No));
        let later = start + Duration::from_secs(1);
        assert!(matches!(budget.take(100, later), Allowed::Yes { dropped: 2 }));
        assert!(matches!(budget.take(RATE, later), Allowed::No));
    }

    #[test]
    fn the_tail_is_the_last_4_kb_in_whole_characters() {
        let mut tail = Tail::default();
        for number in 0..5000 {
            tail.push(&format!("é line {number}"));
        }
        let bytes = tail.into_tail();
        assert!(bytes.len() <= TAIL_LIMIT && bytes.len() > TAIL_LIMIT - 4);
        assert!(String::from_utf8(bytes).unwrap().ends_with("é line 4999\n"));
        let mut tail = Tail::default();
        tail.push(&"é".repeat(TAIL_LIMIT));
        assert!(String::from_utf8(tail.into_tail()).is_ok());
    }

    #[test]
    fn any_bytes_in_any_pieces_give_the_same_lines() {
        bolero::check!().with_type::<Vec<Vec<u8>>>().with_iterations(2000).for_each(|parts| {
            let (pieces, mut cut) = lines();
            for part in parts {
                cut.write(part);
            }
            cut.finish_partial();
            let (whole, mut all) = lines();
            all.write(&parts.concat());
            all.finish_partial();
            assert_eq!(texts(&pieces), texts(&whole));
        });
    }
}

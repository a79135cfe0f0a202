//! A connection's bytes, framed into requests on their way to hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Duration, Instant, Sleep, sleep_until};

use super::buffer::Buffer;
use super::chunked::Chunks;
use super::flow::{Flow, Note};
use super::head::{Framing, Refusal, check};

/// Bytes a connection's buffer has at first, and keeps.
const BUFFER: usize = 4 << 10;
/// Bytes of a chunked body that are read at once.
const CHUNKED_BUFFER: usize = 16 << 10;
/// Empty lines that may come before a request (RFC 9112 section 2.2 asks for one).
const EMPTY_LINES: u8 = 4;
/// How long, and how many bytes, a request is still read after the last answer was sent, so that
/// the client gets to read the answer before the connection is reset.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// What hyper gets to see in place of a head that is refused. The service answers it.
const REFUSED_HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// The bounds of reading requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameLimits {
    /// Bytes of a head.
    pub(crate) head: usize,
    /// From a head's first byte to its last.
    pub(crate) head_timeout: Duration,
    /// Between requests, between two bytes of a body, and for a client that reads no answer.
    pub(crate) idle_timeout: Duration,
}

/// A connection that gives one head at a time, checked, with the body that belongs to it.
#[derive(Debug)]
pub(crate) struct Framed<S> {
    io: S,
    flow: Arc<Flow>,
    limits: FrameLimits,
    buffer: Buffer,
    /// Bytes at the front of `buffer` that hyper may have.
    cleared: usize,
    /// Bytes that hyper gets before those, and how many of them it has.
    replaced: (Vec<u8>, usize),
    state: State,
    heads: u64,
    /// Since when a head, or the next bytes of a body, are waited for.
    since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    closing: bool,
    lingered: usize,
}

#[derive(Debug)]
enum State {
    /// In a head, or before one. `scanned` bytes hold no end of it.
    Head {
        scanned: usize,
        empty_lines: u8,
    },
    Length(u64),
    Chunked(Chunks),
    /// Nothing more is read as requests.
    Over,
}

const NEXT_HEAD: State = State::Head { scanned: 0, empty_lines: 0 };

impl<S: AsyncRead + AsyncWrite + Unpin> Framed<S> {
    pub(crate) fn new(io: S, flow: Arc<Flow>, limits: FrameLimits) -> Self {
        Self {
            io,
            flow,
            limits,
            buffer: Buffer::default(),
            cleared: 0,
            replaced: (Vec::new(), 0),
            state: NEXT_HEAD,
            heads: 0,
            since: None,
            timer: Box::pin(sleep_until(Instant::now() + limits.idle_timeout)),
            write_timer: None,
            closing: false,
            lingered: 0,
        }
    }

    /// Hands `out` what is cleared; false where nothing is.
    fn hand_over(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let (bytes, done) = &mut self.replaced;
        if let Some(rest) = bytes.get(*done..).filter(|rest| !rest.is_empty()) {
            *done += put(rest, out);
            return true;
        }
        if self.cleared == 0 {
            return false;
        }
        let front = self.buffer.filled().get(..self.cleared).unwrap_or_default();
        let taken = put(front, out);
        self.buffer.consume(taken);
        self.cleared -= taken;
        true
    }

    /// Looks for a head in the buffer. True where there was one, or a reason to refuse it.
    fn take_head(&mut self) -> bool {
        let State::Head { scanned, empty_lines } = &mut self.state else { return false };
        while self.buffer.filled().starts_with(b"\r\n") && *empty_lines < EMPTY_LINES {
            self.buffer.consume(2);
            (*scanned, *empty_lines) = (0, *empty_lines + 1);
        }
        let bytes = self.buffer.filled();
        let Some(end) = end_of_head(bytes, *scanned) else {
            *scanned = bytes.len().saturating_sub(3);
            if bytes.len() > self.limits.head {
                self.refuse(Refusal::HEAD_TOO_LARGE);
                return true;
            }
            return false;
        };
        if end > self.limits.head {
            self.refuse(Refusal::HEAD_TOO_LARGE);
            return true;
        }
        match check(bytes.get(..end).unwrap_or_default()) {
            Ok(head) => {
                // What is there of the body goes along, so that hyper reads once.
                let there = bytes.len() - end;
                self.cleared = end;
                self.state = match head.framing {
                    Framing::Length(length) if length <= there as u64 => {
                        self.cleared += length as usize;
                        NEXT_HEAD
                    }
                    Framing::Length(length) => {
                        self.cleared += there;
                        State::Length(length - there as u64)
                    }
                    Framing::Chunked => State::Chunked(Chunks::new(self.limits.head)),
                };
                if let Some((bytes, target)) = head.rewritten {
                    self.flow.note(self.heads, Note::Target(target));
                    self.replaced = (bytes, 0);
                    self.buffer.consume(end);
                    self.cleared -= end;
                }
                self.heads += 1;
                self.since = None;
            }
            Err(refusal) => self.refuse(refusal),
        }
        true
    }

    /// Lets the service answer what comes here with `refusal`, as the last request.
    fn refuse(&mut self, refusal: Refusal) {
        self.flow.note(self.heads, Note::Refused(refusal));
        self.heads += 1;
        self.replaced = (REFUSED_HEAD.to_vec(), 0);
        self.state = State::Over;
    }

    /// Reads more of a head. `None` where the state has changed, else what hyper is told.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<()>>> {
        match self.buffer.poll_fill(&mut self.io, cx, BUFFER, self.limits.head + 1) {
            Poll::Ready(Ok(0)) => Poll::Ready(Some(Ok(()))),
            Poll::Ready(Ok(_)) => {
                self.since.get_or_insert_with(Instant::now);
                Poll::Ready(None)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
            Poll::Pending => match self.since {
                Some(since) => {
                    ready!(self.poll_until(cx, since + self.limits.head_timeout));
                    self.refuse(Refusal::TOO_SLOW);
                    Poll::Ready(None)
                }
                None => self.poll_idle(cx).map(|()| Some(Ok(()))),
            },
        }
    }

    /// Ready when the connection has stood idle for too long.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let since = self.flow.idle_since();
            ready!(
                self.poll_until(cx, since.unwrap_or_else(Instant::now) + self.limits.idle_timeout)
            );
            if since.is_some() && since == self.flow.idle_since() {
                return Poll::Ready(());
            }
        }
    }

    /// Ready from `at` on. Resets the timer only where it would wake too late, so that requests
    /// following each other leave it alone.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        if self.timer.deadline() > at {
            self.timer.as_mut().reset(at);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.timer.deadline() >= at {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(at);
        }
        Poll::Pending
    }

    /// What reading a body gave, bounded in time.
    fn poll_body<T>(
        &mut self,
        cx: &mut Context<'_>,
        read: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if read.is_ready() {
            self.since = None;
            return read;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        ready!(self.poll_until(cx, since + self.limits.idle_timeout));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the body stopped arriving")))
    }

    fn poll_length(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        left: u64,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let read = if left >= out.remaining() as u64 {
            Pin::new(&mut self.io).poll_read(cx, out)
        } else {
            // No byte of the request after this one.
            let mut part = ReadBuf::new(out.initialize_unfilled_to(left as usize));
            let read = Pin::new(&mut self.io).poll_read(cx, &mut part);
            let count = part.filled().len();
            out.advance(count);
            read
        };
        let left = left - (out.filled().len() - before) as u64;
        self.state = if left == 0 { NEXT_HEAD } else { State::Length(left) };
        self.poll_body(cx, read)
    }

    fn poll_chunked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.filled().is_empty() {
            let read = self.buffer.poll_fill(&mut self.io, cx, CHUNKED_BUFFER, CHUNKED_BUFFER);
            if ready!(self.poll_body(cx, read))? == 0 {
                return Poll::Ready(Ok(0));
            }
        }
        let State::Chunked(chunks) = &mut self.state else { return Poll::Ready(Ok(0)) };
        match chunks.advance(self.buffer.filled()) {
            Ok((used, done)) => {
                if done {
                    self.state = NEXT_HEAD;
                }
                self.cleared = used;
                Poll::Ready(Ok(used))
            }
            Err(refusal) => {
                self.state = State::Over;
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal.why)))
            }
        }
    }

    /// Reads and drops what the client still sends, for a bounded while.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        loop {
            self.buffer.clear();
            match self.buffer.poll_fill(&mut self.io, cx, CHUNKED_BUFFER, CHUNKED_BUFFER) {
                Poll::Ready(Ok(count)) if count > 0 && self.lingered < LINGER_BYTES => {
                    self.lingered += count;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.poll_until(cx, since + LINGER),
            }
        }
    }

    /// A client that does not read its answer loses its connection.
    fn poll_write_done<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.write_timer = None;
            return write;
        }
        let at = || Box::pin(sleep_until(Instant::now() + self.limits.idle_timeout));
        ready!(self.write_timer.get_or_insert_with(at).as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client stopped reading")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Framed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.hand_over(out) {
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::Head { .. } => {
                    if this.take_head() {
                        continue;
                    }
                    if let Some(end) = ready!(this.poll_head(cx)) {
                        return Poll::Ready(end);
                    }
                }
                State::Length(left) => {
                    let here = left.min(this.buffer.filled().len() as u64);
                    if here == 0 {
                        return this.poll_length(cx, out, left);
                    }
                    this.cleared = here as usize;
                    this.state = if here == left { NEXT_HEAD } else { State::Length(left - here) };
                }
                State::Chunked(_) => {
                    if ready!(this.poll_chunked(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                // hyper closes once the last answer is sent: an end of file here would cut it off.
                State::Over => return Poll::Pending,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let write = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.poll_write_done(cx, write)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let write = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.poll_write_done(cx, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flush = Pin::new(&mut this.io).poll_flush(cx);
        this.poll_write_done(cx, flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closing {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.closing = true;
            this.since = None;
        }
        let between = matches!(this.state, State::Head { .. }) && this.buffer.filled().is_empty();
        if !between {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

fn put(bytes: &[u8], out: &mut ReadBuf<'_>) -> usize {
    let count = bytes.len().min(out.remaining());
    out.put_slice(bytes.get(..count).unwrap_or_default());
    count
}

/// Where the head that `bytes` begin with ends, its empty line included. An empty line of a bare
/// LF counts too: `check` then refuses the head instead of waiting for its end.
fn end_of_head(bytes: &[u8], scanned: usize) -> Option<usize> {
    let mut at = scanned;
    loop {
        at += memchr(b'\n', bytes.get(at..)?)? + 1;
        match bytes.get(at..)? {
            [b'\r', b'\n', ..] => return Some(at + 2),
            [b'\n', ..] => return Some(at + 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMITS: FrameLimits = FrameLimits {
        head: 300,
        head_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_secs(5),
    };

    /// What hyper would read, where the client's bytes come in pieces of `piece` and are taken in
    /// pieces of `taken`.
    fn through(sent: &[u8], piece: usize, taken: usize) -> (Vec<u8>, io::Result<()>, Arc<Flow>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(piece.max(1));
            let flow = Flow::new();
            let mut framed = Framed::new(server, Arc::clone(&flow), LIMITS);
            let sending = async move {
                let _ = client.write_all(sent).await;
            };
            let reading = async move {
                let mut all = Vec::new();
                let mut part = vec![0; taken.max(1)];
                loop {
                    match framed.read(&mut part).await {
                        Ok(0) => return (all, Ok(())),
                        Ok(count) => all.extend_from_slice(&part[..count]),
                        Err(error) => return (all, Err(error)),
                    }
                    // After this, reading would wait for hyper to close.
                    if all.ends_with(REFUSED_HEAD) {
                        return (all, Ok(()));
                    }
                }
            };
            let ((), (all, end)) = tokio::join!(sending, reading);
            (all, end, flow)
        })
    }

    #[test]
    fn requests_come_out_as_they_went_in_however_they_are_cut() {
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<(Vec<(u8, u16, bool)>, u16, u16)>()
            .for_each(|(requests, piece, taken)| {
                let (mut sent, mut seen) = (Vec::new(), Vec::new());
                let mut odd = 0;
                for (kind, size, named) in requests.iter().take(20) {
                    let size = usize::from(*size) % 9000;
                    let framing = match kind % 3 {
                        0 => String::new(),
                        1 => format!("Content-Length: {size}\r\n"),
                        _ => "Transfer-Encoding: chunked\r\n".to_owned(),
                    };
                    let mut body = Vec::new();
                    match kind % 3 {
                        0 => {}
                        1 => body.resize(size, b'\n'),
                        _ => {
                            body.extend_from_slice(format!("{:x}\r\n", size + 1).as_bytes());
                            body.resize(body.len() + size + 1, b'\r');
                            body.extend_from_slice(b"\r\n0\r\n\r\n");
                        }
                    }
                    let head =
                        |target| format!("PUT /{target} HTTP/1.1\r\nHost: h\r\n{framing}\r\n");
                    sent.extend_from_slice(head(if *named { "<#" } else { "a" }).as_bytes());
                    seen.extend_from_slice(head(if *named { "%3C%23" } else { "a" }).as_bytes());
                    sent.extend_from_slice(&body);
                    seen.extend_from_slice(&body);
                    odd += usize::from(*named);
                }
                let (all, end, flow) = through(&sent, usize::from(*piece), usize::from(*taken));
                assert!(end.is_ok() && all == seen);
                let notes = requests.iter().take(20).filter(|_| flow.begin().1.is_some());
                assert_eq!(notes.count(), odd);
            });
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_nothing_follows_a_refusal() {
        bolero::check!().with_iterations(2_000).for_each(|bytes: &[u8]| {
            let start = b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
            for sent in [bytes.to_vec(), [start, bytes].concat()] {
                let (all, _, _) = through(&sent, 16, 512);
                assert!(all.len() <= sent.len() + REFUSED_HEAD.len());
            }
        });
    }
}

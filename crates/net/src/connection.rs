//! One connection: what it speaks, and its life until it closes.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cumulet_base::Limits;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ProtocolVersion;

use crate::http1::{Flow, FrameLimits, Framed};
use crate::service::Conversation;
use crate::socket::{Replay, Socket};
use crate::{Handler, Peer, TlsInfo};

/// The first byte of a TLS handshake record (RFC 8446 section 5.1), which no HTTP method has.
const TLS_HANDSHAKE: u8 = 0x16;
/// RFC 9113 section 3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Requests of one connection that are reset before hyper has begun with them (CVE-2023-44487).
const RESET_BEFORE_BEGUN: usize = 20;
/// Streams of one connection that this server had to reset for the client's errors.
const RESET_FOR_ERRORS: usize = 128;
/// Bytes of one stream's answer that wait for the client to read them.
const HTTP2_SEND_BUFFER: usize = 256 << 10;
/// How long a client may leave a ping unanswered.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks at whether requests are still under way.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// What hyper buffers of an HTTP/1 request's head comes from `Framed`, and fits.
const HTTP1_BUFFER: usize = 64 << 10;

/// What every connection of one listener has in common.
pub(crate) struct Shared {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) tls: TlsAcceptor,
    pub(crate) limits: Limits,
}

/// Serves `socket` until it closes. `draining` turning true asks it to.
pub(crate) async fn serve(
    socket: Socket,
    mut peer: Peer,
    shared: Arc<Shared>,
    draining: watch::Receiver<bool>,
) -> io::Result<()> {
    let limit = shared.limits.head_timeout;
    let opened = timeout(limit, open(socket, &mut peer, &shared.tls));
    let (io, is_http2) = tokio::select! {
        opened = opened => opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
        // Nothing is under way here yet.
        () = drained(draining.clone()) => return Ok(()),
    };
    let flow = Flow::new();
    let handler = Arc::clone(&shared.handler);
    let conversation = Arc::new(Conversation { handler, peer, flow });
    let served = if is_http2 {
        serve_http2(io, conversation, &shared.limits, draining).await
    } else {
        serve_http1(io, conversation, &shared.limits, draining).await
    };
    served.map_err(io::Error::other)
}

/// Resolves when the listener asks its connections to close, or is gone.
async fn drained(mut draining: watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await;
}

/// Finds out what the client speaks: TLS or not, HTTP/2 (true) or HTTP/1.
async fn open(
    mut socket: Socket,
    peer: &mut Peer,
    tls: &TlsAcceptor,
) -> io::Result<(Replay, bool)> {
    let ahead = read_some(&mut socket, BytesMut::new()).await?;
    if ahead.first() != Some(&TLS_HANDSHAKE) {
        return sniff(socket, ahead).await;
    }
    let stream = tls.accept(Replay::new(ahead.freeze(), socket)).await?;
    let (_, session) = stream.get_ref();
    let alpn = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    let is_http2 = alpn.as_deref() == Some("h2");
    let without_alpn = alpn.is_none();
    let sni = session.server_name().map(str::to_ascii_lowercase);
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => Some("1.2"),
        Some(ProtocolVersion::TLSv1_3) => Some("1.3"),
        _ => None,
    };
    peer.tls = Some(Arc::new(TlsInfo { sni, alpn, version }));
    let socket: Socket = Box::pin(stream);
    if without_alpn {
        return sniff(socket, BytesMut::new()).await;
    }
    Ok((Replay::new(Bytes::new(), socket), is_http2))
}

/// Tells HTTP/2's preface from an HTTP/1 request, reading no more than that takes.
async fn sniff(mut socket: Socket, mut ahead: BytesMut) -> io::Result<(Replay, bool)> {
    loop {
        let common = ahead.len().min(HTTP2_PREFACE.len());
        if ahead.get(..common) != HTTP2_PREFACE.get(..common) {
            return Ok((Replay::new(ahead.freeze(), socket), false));
        }
        if common == HTTP2_PREFACE.len() {
            return Ok((Replay::new(ahead.freeze(), socket), true));
        }
        ahead = read_some(&mut socket, ahead).await?;
    }
}

async fn read_some(socket: &mut Socket, mut ahead: BytesMut) -> io::Result<BytesMut> {
    ahead.reserve(1024);
    match socket.read_buf(&mut ahead).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(ahead),
    }
}

async fn serve_http1(
    io: Replay,
    conversation: Arc<Conversation>,
    limits: &Limits,
    draining: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let frames = FrameLimits {
        head: limits.head,
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
    };
    let framed = Framed::new(io, Arc::clone(&conversation.flow), frames);
    let service = service_fn(move |request| Arc::clone(&conversation).answer(request));
    let connection = http1::Builder::new()
        // `Framed` knows a slow head from an idle connection; hyper does not.
        .header_read_timeout(None)
        // Escaping can make a target three times as long.
        .max_buf_size(HTTP1_BUFFER.max(limits.head.saturating_mul(4)))
        .serve_connection(TokioIo::new(framed), service);
    let mut connection = pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = drained(draining) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn serve_http2(
    io: Replay,
    conversation: Arc<Conversation>,
    limits: &Limits,
    draining: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let flow = Arc::clone(&conversation.flow);
    let service = service_fn(move |request| Arc::clone(&conversation).answer(request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESET_BEFORE_BEGUN)
        .max_local_error_reset_streams(RESET_FOR_ERRORS)
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .adaptive_window(false)
        .keep_alive_interval(limits.idle_timeout / 2)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = drained(draining) => {}
        () = idle(&flow, limits.idle_timeout) => {}
    }
    connection.as_mut().graceful_shutdown();
    // hyper waits for the client to confirm, which a client that is gone does not.
    let unconfirmed = async {
        sleep(limits.head_timeout).await;
        idle(&flow, Duration::ZERO).await;
    };
    tokio::select! {
        done = connection.as_mut() => done,
        () = unconfirmed => Ok(()),
    }
}

/// Resolves when no request has been under way for `limit`.
async fn idle(flow: &Flow, limit: Duration) {
    loop {
        let since = flow.idle_since();
        let pause = limit.max(LEAST_PAUSE);
        sleep_until(since.unwrap_or_else(Instant::now) + pause).await;
        if since.is_some() && since == flow.idle_since() {
            return;
        }
    }
}

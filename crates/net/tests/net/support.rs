//! A server to test against, and a client that sends exactly the bytes it is told.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cumulet_base::{Body, Limits};
use cumulet_net::{Certificates, Handler, Listener, NoCertificates, Peer, raw_target};
use futures_util::stream;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than any step of a test takes, so that a hang is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What happened inside the handler.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) begun: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) produced: AtomicUsize,
}

/// Answers with what it was asked, except at a few paths.
#[derive(Debug, Default)]
pub(crate) struct Echo(pub(crate) Arc<Events>);

struct CountDrop(Arc<Events>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler for Echo {
    fn handle(
        &self,
        peer: Peer,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send + '_>> {
        Box::pin(async move {
            self.0.begun.fetch_add(1, Ordering::SeqCst);
            match request.uri().path() {
                "/ignore" => Response::new(Body::from("ignored")),
                "/panic" => panic!("as asked"),
                "/slow" => {
                    let _drop = CountDrop(Arc::clone(&self.0));
                    tokio::time::sleep(Duration::from_millis(400)).await;
                    Response::new(Body::from("slow"))
                }
                "/never" => {
                    let _drop = CountDrop(Arc::clone(&self.0));
                    std::future::pending().await
                }
                "/endless" => {
                    let drop = CountDrop(Arc::clone(&self.0));
                    let events = Arc::clone(&self.0);
                    Response::new(Body::stream(
                        stream::repeat_with(move || {
                            let _ = &drop;
                            events.produced.fetch_add(1, Ordering::SeqCst);
                            Ok(Bytes::from_static(&[b'x'; 16 << 10]))
                        }),
                        None,
                    ))
                }
                _ => echo(&peer, request).await,
            }
        })
    }
}

async fn echo(peer: &Peer, request: Request<Body>) -> Response<Body> {
    let mut text = String::new();
    let raw = String::from_utf8_lossy(&raw_target(&request)).into_owned();
    writeln!(
        text,
        "{} {raw} = {} loopback={}",
        request.method(),
        request.uri(),
        peer.is_loopback()
    )
    .unwrap();
    if let Some(tls) = &peer.tls {
        writeln!(text, "tls: {:?} {:?}", tls.sni, tls.alpn).unwrap();
    }
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes())).unwrap();
    }
    match request.into_body().collect(64 << 20).await {
        Ok(body) => {
            let shown = &body[..body.len().min(100)];
            writeln!(text, "body {}: {}", body.len(), String::from_utf8_lossy(shown)).unwrap();
            Response::new(Body::from(text))
        }
        Err(error) => {
            let mut response = Response::new(Body::from(error.to_string()));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

/// A listener that serves `Echo` until `stop`.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) events: Arc<Events>,
    stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default(), Arc::new(NoCertificates))
    }

    pub(crate) fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        Self::with(limits, Arc::new(NoCertificates))
    }

    pub(crate) fn with(limits: Limits, certificates: Arc<dyn Certificates>) -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self::on(listener, limits, certificates)
    }

    pub(crate) fn on(
        listener: Listener,
        limits: Limits,
        certificates: Arc<dyn Certificates>,
    ) -> Self {
        let addr = listener.local_addr().unwrap_or_else(|| "0.0.0.0:0".parse().unwrap());
        let events = Arc::new(Events::default());
        let echo = Arc::new(Echo(Arc::clone(&events)));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            listener.serve(echo, certificates, limits, shutdown).await.unwrap();
        });
        Self { addr, events, stop, task }
    }

    /// Asks the server to stop, without waiting for it.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.task
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends `bytes` and reads until the server closes.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }
}

/// All that still comes.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes").unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `end` has come.
pub(crate) async fn until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut all = String::new();
    let mut buffer = [0; 4096];
    while !all.contains(end) {
        let count = timeout(PATIENCE, stream.read(&mut buffer))
            .await
            .unwrap_or_else(|_| panic!("{end:?} comes after {all:?}"))
            .unwrap();
        assert!(count > 0, "the server closed after {all:?}");
        all.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    all
}

/// Waits for a condition that soon holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came true");
}

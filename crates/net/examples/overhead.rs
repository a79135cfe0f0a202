//! What `Listener` costs over bare hyper: `cargo run --release -p cumulet-net --example overhead`.
//!
//! Each server runs in a process of its own with one thread, so that its CPU time is its own; the
//! clients send and receive raw bytes over 8 connections that stay open.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement")]

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cumulet_base::{Body, Limits};
use cumulet_net::{Handler, Listener, NoCertificates, Peer};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};

const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 8;

struct Echo;

impl Handler for Echo {
    fn handle(
        &self,
        _: Peer,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send + '_>> {
        Box::pin(async move {
            Response::new(Body::from(request.into_body().collect(1 << 20).await.unwrap()))
        })
    }
}

async fn bare_echo(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::new(body)))
}

#[tokio::main(flavor = "current_thread")]
async fn serve(net: bool) {
    if net {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        println!("{}", listener.local_addr().unwrap());
        let shutdown = std::future::pending();
        let served =
            listener.serve(Arc::new(Echo), Arc::new(NoCertificates), Limits::default(), shutdown);
        return served.await.unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), hyper::service::service_fn(bare_echo));
        tokio::spawn(connection);
    }
}

struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    fn start(kind: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, addr: line.trim().parse().unwrap() }
    }

    /// CPU time so far, user and system, in microseconds (proc(5): clock ticks of 10 ms).
    fn cpu(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10_000
    }

    /// Requests per second, and microseconds of the server's CPU for each.
    fn round(&self, request: &[u8]) -> (f64, f64) {
        let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let (began, cpu) = (Instant::now(), self.cpu());
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| exchange(self.addr, request, &stop, &done));
            }
            std::thread::sleep(ROUND);
            stop.store(true, Ordering::Relaxed);
        });
        let done = done.load(Ordering::Relaxed) as f64;
        (done / began.elapsed().as_secs_f64(), (self.cpu() - cpu) as f64 / done)
    }
}

fn exchange(addr: SocketAddr, request: &[u8], stop: &AtomicBool, done: &AtomicU64) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = vec![0; 64 << 10];
    stream.write_all(request).unwrap();
    // The first answer tells how long each is.
    let mut length = stream.read(&mut answer).unwrap();
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let body = request.len() - request.windows(4).position(|w| w == b"\r\n\r\n").unwrap() - 4;
    stream.read_exact(&mut answer[length..head + body]).unwrap();
    length = head + body;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request).unwrap();
        stream.read_exact(&mut answer[..length]).unwrap();
        done.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("net") => return serve(true),
        Some("bare") => return serve(false),
        _ => {}
    }
    let head = "Host: localhost:4566\r\nUser-Agent: aws-sdk-js/3.1000.0\r\nAccept: */*\r\n\
        X-Amz-Date: 20261121T010203Z\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\n\
        Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/eu-west-1/\
        dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00112233\r\n";
    let get = format!("GET /a/b?c=d HTTP/1.1\r\n{head}\r\n");
    let post = format!("POST / HTTP/1.1\r\n{head}Content-Length: 1024\r\n\r\n{}", "x".repeat(1024));
    for (name, request) in [("GET", get), ("POST of 1 KB", post)] {
        let (bare, net) = (Server::start("bare"), Server::start("net"));
        let mut figures = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            // Turn by turn, so that both meet the same machine.
            figures[0].push(bare.round(request.as_bytes()));
            figures[1].push(net.round(request.as_bytes()));
        }
        for (kind, rounds) in ["bare hyper", "Listener"].into_iter().zip(figures) {
            // The best round of each: what else the machine does only ever adds.
            let rate = rounds.iter().map(|round| round.0).fold(0.0, f64::max);
            let cpu = rounds.iter().map(|round| round.1).fold(f64::MAX, f64::min);
            println!("{name:13} {kind:11} {rate:8.0} requests/s {cpu:6.2} us CPU a request");
        }
        for mut server in [bare, net] {
            server.child.kill().unwrap();
            server.child.wait().unwrap();
        }
    }
}

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use cumulet_base::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, Server, eventually, rest};

pub(crate) async fn client<S>(stream: S) -> SendRequest<Body>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, driver) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    sender
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn prior_knowledge_targets_and_bodies() {
    let server = Server::start();
    let mut sender = client(server.connect().await).await;
    for (target, line) in [
        ("//a/../b?a&b=", "GET //a/../b?a&b= = //a/../b?a&b= "),
        ("/a%2Fb?x=%7E", "GET /a%2Fb?x=%7E = /a%2Fb?x=%7E "),
        ("/ä", "GET /ä = /%C3%A4 "),
    ] {
        let answer = sender.send_request(get(&format!("http://h:1{target}"))).await.unwrap();
        assert_eq!(answer.version(), http::Version::HTTP_2);
        assert!(answer.headers().contains_key("date"));
        let answer = text(answer).await;
        assert!(answer.contains(line) && answer.contains("host: h:1\n"), "{answer}");
    }
    let body = Body::from(Bytes::from(vec![b'x'; 2_000_000]));
    let request = Request::put("http://h/").body(body).unwrap();
    let answer = text(sender.send_request(request).await.unwrap()).await;
    assert!(answer.contains("body 2000000: "), "{answer}");
    let request = Request::head("http://h/ignore").body(Body::empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.headers().get("content-length").unwrap(), "7");
    assert_eq!(text(answer).await, "");
}

#[tokio::test]
async fn hosts_that_differ_are_refused() {
    let server = Server::start();
    let mut sender = client(server.connect().await).await;
    for (host, expected) in [("h", StatusCode::OK), ("other", StatusCode::BAD_REQUEST)] {
        let request = Request::get("http://h/").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn many_streams_at_once_and_one_that_panics() {
    let server = Server::limited(|limits| limits.streams = 10);
    let mut sender = client(server.connect().await).await;
    // Until the server's settings have arrived, the client does not know the limit.
    assert!(sender.send_request(get("http://h/")).await.unwrap().status().is_success());
    let answers = (0..100).map(|index| {
        let mut sender = sender.clone();
        async move {
            sender.ready().await.unwrap();
            let path = if index == 50 { "panic".to_owned() } else { index.to_string() };
            let answer = sender.send_request(get(&format!("http://h/{path}"))).await.unwrap();
            (index, answer.status(), text(answer).await)
        }
    });
    for (index, status, answer) in futures_util::future::join_all(answers).await {
        if index == 50 {
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        } else {
            assert!(answer.contains(&format!("GET /{index} ")), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_reset_stream_drops_its_request_and_no_other() {
    let server = Server::start();
    let mut sender = client(server.connect().await).await;
    let never = timeout(Duration::from_millis(200), sender.send_request(get("http://h/never")));
    assert!(never.await.is_err());
    eventually("the drop", || server.events.dropped.load(Ordering::SeqCst) == 1).await;
    assert_eq!(sender.send_request(get("http://h/")).await.unwrap().status(), StatusCode::OK);
    drop(sender.send_request(get("http://h/endless")).await.unwrap());
    eventually("the drop", || server.events.dropped.load(Ordering::SeqCst) == 2).await;

    let mut other = client(server.connect().await).await;
    let never = tokio::spawn(async move { other.send_request(get("http://h/never")).await });
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 4).await;
    let events = Arc::clone(&server.events);
    drop(never);
    server.task.abort();
    eventually("the drop", || events.dropped.load(Ordering::SeqCst) == 3).await;
}

#[tokio::test]
async fn draining_says_goaway_and_finishes() {
    let server = Server::start();
    let mut sender = client(server.connect().await).await;
    let mut other = sender.clone();
    let slow = tokio::spawn(async move { other.send_request(get("http://h/slow")).await });
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 1).await;
    let task = server.stop();
    assert_eq!(text(slow.await.unwrap().unwrap()).await, "slow");
    assert!(sender.send_request(get("http://h/")).await.is_err());
    timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_are_ended() {
    let server = Server::limited(|limits| {
        limits.idle_timeout = Duration::from_millis(200);
        limits.head_timeout = Duration::from_millis(100);
    });
    let mut stream = server.connect().await;
    stream.write_all(PREFACE).await.unwrap();
    let mut frames = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut frames)).await.unwrap().unwrap();
    assert!(frames.windows(4).any(|window| window == [8, 7, 0, 0]), "GOAWAY in {frames:?}");
}

/// The preface and empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// `:method GET`, `:scheme http`, `:authority h`, `:path` as given (RFC 7541).
fn headers(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x01, 1, b'h', 0x04, u8::try_from(path.len()).unwrap()];
    block.extend_from_slice(path.as_bytes());
    block
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let server = Server::start();
    let mut stream = server.connect().await;
    let mut attack = PREFACE.to_vec();
    for index in 0..5000 {
        let id = index * 2 + 1;
        attack.extend(frame(1, 5, id, &headers("/never")));
        attack.extend(frame(3, 0, id, &8_u32.to_be_bytes()));
    }
    let (mut reader, mut writer) = stream.split();
    let _ = writer.write_all(&attack).await;
    let mut frames = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut frames)).await.expect("it is closed");
    // GOAWAY with ENHANCE_YOUR_CALM.
    assert!(frames.ends_with(b"too_many_resets") || frames.len() < 1000, "{frames:?}");
    let begun = server.events.begun.load(Ordering::SeqCst);
    assert!(begun < 500, "{begun}");
    eventually("the drops", || {
        server.events.dropped.load(Ordering::SeqCst) == server.events.begun.load(Ordering::SeqCst)
    })
    .await;
}

#[tokio::test]
async fn floods_of_header_continuations_end_the_connection() {
    let server = Server::limited(|limits| limits.head = 4096);
    let mut stream = server.connect().await;
    let mut attack = PREFACE.to_vec();
    attack.extend(frame(1, 1, 1, &headers("/")));
    for _ in 0..2000 {
        // A literal header of 1,000 bytes, never the last.
        let mut block = vec![0x00, 1, b'x', 0x7f, 0xe9, 0x06];
        block.resize(block.len() + 1000, b'y');
        attack.extend(frame(9, 0, 1, &block));
    }
    let (mut reader, mut writer) = stream.split();
    let _ = writer.write_all(&attack).await;
    let mut frames = Vec::new();
    let _ = timeout(PATIENCE, reader.read_to_end(&mut frames)).await.expect("it is closed");
    assert_eq!(server.events.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_preface_in_pieces_and_one_that_is_none() {
    let server = Server::start();
    let mut stream = server.connect().await;
    for byte in PREFACE {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.write_all(&frame(1, 5, 1, &headers("/ignore"))).await.unwrap();
    let mut frames = vec![0; 200];
    let mut all = Vec::new();
    while !all.ends_with(b"ignored") {
        let count = timeout(PATIENCE, stream.read(&mut frames)).await.unwrap().unwrap();
        assert!(count > 0);
        all.extend_from_slice(&frames[..count]);
    }
    let answer = server.exchange("PRI * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("PRI * = * "), "{answer}");
    let mut short = TcpStream::connect(server.addr).await.unwrap();
    short.write_all(b"PRI * HT").await.unwrap();
    short.shutdown().await.unwrap();
    assert_eq!(rest(&mut short).await, "");
}

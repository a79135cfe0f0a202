use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cumulet_base::{Body, BodyError, Limits};
use cumulet_net::{AllowAll, Client, ClientLimits, DestinationPolicy, FetchError, PublicOnly};
use futures_util::stream;
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Server, until};
use crate::tls::local_ca;

fn client() -> Client {
    Client::new(ClientLimits::default(), &[]).unwrap()
}

fn get(uri: impl AsRef<str>) -> Request<Body> {
    Request::get(uri.as_ref()).body(Body::empty()).unwrap()
}

async fn text(body: Body) -> String {
    String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

/// Allows all, and counts how often it was asked.
#[derive(Default)]
struct Counting(AtomicUsize);

impl DestinationPolicy for Counting {
    fn allows(&self, _: SocketAddr) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst);
        true
    }
}

#[tokio::test]
async fn sends_what_it_is_given_and_reuses_connections() {
    let server = Server::limited(|limits| limits.connections = 1);
    let client = client();
    for index in 0..5 {
        let chunks = stream::iter([Ok(Bytes::from("he")), Ok(Bytes::from("llo"))]);
        let request = Request::put(format!("http://{}//a/{index}?b&c=", server.addr))
            .header("x-a", "1")
            .header("x-a", "2")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("transfer-encoding", "gzip")
            .header("content-length", "99")
            .body(Body::stream(chunks, (index % 2 == 0).then_some(5)))
            .unwrap();
        let answer = client.fetch(request, &AllowAll).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer = text(answer.into_body()).await;
        assert!(answer.contains(&format!("PUT //a/{index}?b&c= ")), "{answer}");
        assert!(answer.contains("x-a: 1\nx-a: 2\n") && !answer.contains("x-hop"), "{answer}");
        assert!(answer.contains(&format!("host: {}\n", server.addr)), "{answer}");
        assert!(answer.contains("body 5: hello"), "{answer}");
    }
}

#[tokio::test]
async fn policies_see_the_address_that_is_dialled() {
    let server = Server::start();
    let port = server.addr.port();
    let client = client();
    // Leaves a pooled connection, which a stricter policy must not get.
    let answer = client.fetch(get(format!("http://localhost:{port}/")), &AllowAll).await.unwrap();
    text(answer.into_body()).await;
    for host in
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"]
    {
        let error =
            client.fetch(get(format!("http://{host}:{port}/")), &PublicOnly).await.unwrap_err();
        // Whether odd spellings are addresses is the resolver's to say.
        let odd = host.starts_with(['2', '0']);
        assert!(
            matches!(error, FetchError::Refused(..))
                || odd && matches!(error, FetchError::Resolve(..)),
            "{host}: {error}"
        );
    }
    let policy = Counting::default();
    let answer = client.fetch(get(format!("http://localhost:{port}/")), &policy).await.unwrap();
    text(answer.into_body()).await;
    assert!(policy.0.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    for uri in ["/path", "ftp://h/", "http://user:secret@h/"] {
        let error = client().fetch(get(uri), &AllowAll).await.unwrap_err();
        assert!(matches!(error, FetchError::Address(_)), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client().fetch(get(format!("http://{closed}/")), &AllowAll).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(addr, _) if addr == closed), "{error}");
}

#[tokio::test]
async fn https_with_an_extra_root_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let ca = local_ca(folder.path());
    let server = Server::with(Limits::default(), ca.clone());
    let trusting = Client::new(ClientLimits::default(), &[ca.ca_pem()]).unwrap();
    let port = server.addr.port();
    for host in ["localhost", "127.0.0.1"] {
        let uri = format!("https://{host}:{port}/t");
        let answer = trusting.fetch(get(&uri), &AllowAll).await.unwrap();
        assert!(text(answer.into_body()).await.contains("GET /t"));
        let error = client().fetch(get(&uri), &AllowAll).await.unwrap_err();
        assert!(matches!(error, FetchError::Tls(..)), "{error}");
    }
    assert!(Client::new(ClientLimits::default(), &["-----BEGIN CERTIFICATE-----\n!"]).is_err());
}

#[tokio::test]
async fn redirects_are_answers_and_closed_connections_are_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            until(&mut stream, "\r\n\r\n").await;
            let answer = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let client = client();
    for _ in 0..3 {
        let answer = client.fetch(get(format!("http://{addr}/")), &AllowAll).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert_eq!(text(answer.into_body()).await, "ok");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn answers_that_take_too_long_or_are_too_large() {
    let limits = ClientLimits {
        head: Duration::from_millis(100),
        total: Duration::from_millis(300),
        ..ClientLimits::default()
    };
    let client = Client::new(limits, &[]).unwrap();
    let server = Server::start();
    let began = Instant::now();
    let never = get(format!("http://{}/never", server.addr));
    let error = client.fetch(never, &AllowAll).await.unwrap_err();
    assert!(matches!(error, FetchError::TimedOut("head")), "{error}");
    assert!(began.elapsed() < Duration::from_millis(250));
    let endless = get(format!("http://{}/endless", server.addr));
    let answer = client.fetch(endless, &AllowAll).await.unwrap();
    let error = answer.into_body().collect(1 << 20).await.unwrap_err();
    assert!(matches!(error, BodyError::TooLarge(_)), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let held = Arc::new(tokio::sync::Notify::new());
    let release = Arc::clone(&held);
    let half = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await.unwrap();
        release.notified().await;
        let (mut stream, _) = listener.accept().await.unwrap();
        until(&mut stream, "\r\n\r\n").await;
        let large = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(300_000));
        let _ = stream.write_all(large.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let answer = client.fetch(get(format!("http://{addr}/")), &AllowAll).await.unwrap();
    let error = answer.into_body().collect(100).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    held.notify_one();
    let error = client.fetch(get(format!("http://{addr}/")), &AllowAll).await.unwrap_err();
    assert!(matches!(error, FetchError::Broken(_)), "{error}");
    half.await.unwrap();
}

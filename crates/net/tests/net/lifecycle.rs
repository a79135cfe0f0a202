use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cumulet_base::Limits;
use cumulet_net::{BindError, Listener, NoCertificates};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};

use crate::support::{PATIENCE, Server, eventually, rest, until};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test]
async fn draining_finishes_what_is_under_way_and_takes_nothing_new() {
    let server = Server::start();
    let addr = server.addr;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut idle = server.connect().await;
    idle.write_all(GET).await.unwrap();
    until(&mut idle, "body 0").await;
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HT").await.unwrap();
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 2).await;
    // What the listener has not accepted yet is reset with it.
    sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let task = server.stop();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    let _ = rest(&mut half).await;
    assert!(began.elapsed() < Duration::from_millis(300), "{:?}", began.elapsed());
    assert!(TcpStream::connect(addr).await.is_err());
    assert!(rest(&mut busy).await.ends_with("slow"));
    timeout(PATIENCE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn draining_ends_after_its_limit() {
    let server = Server::limited(|limits| limits.drain = Duration::from_millis(100));
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 1).await;
    let events = Arc::clone(&server.events);
    timeout(Duration::from_secs(1), server.stop()).await.unwrap().unwrap();
    eventually("the drop", || events.dropped.load(Ordering::SeqCst) == 1).await;
    assert_eq!(rest(&mut stuck).await, "");
}

#[tokio::test]
async fn over_the_limit_connections_wait() {
    let server = Server::limited(|limits| limits.connections = 2);
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for stream in [&mut first, &mut second] {
        stream.write_all(GET).await.unwrap();
        until(stream, "body 0").await;
    }
    let mut third = server.connect().await;
    third.write_all(GET).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(server.events.begun.load(Ordering::SeqCst), 2);
    drop(first);
    until(&mut third, "body 0").await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = Server::start();
    let error = Listener::bind(server.addr).unwrap_err();
    assert!(matches!(&error, BindError::InUse(name) if *name == server.addr.to_string()));
    assert!(error.to_string().contains("choose another address"), "{error}");
}

#[tokio::test]
async fn ipv6_and_sockets_born_elsewhere() {
    if let Ok(listener) = Listener::bind("[::1]:0".parse().unwrap()) {
        let server = Server::on(listener, Limits::default(), Arc::new(NoCertificates));
        assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.contains("loopback=true"));
    }
    let born = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = Listener::from_std(born).unwrap();
    let server = Server::on(listener, Limits::default(), Arc::new(NoCertificates));
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn unix_sockets_replace_stale_files_and_remove_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::bind_unix(&path).await.unwrap();
    assert!(matches!(Listener::bind_unix(&path).await, Err(BindError::InUse(_))));
    let server = Server::on(listener, Limits::default(), Arc::new(NoCertificates));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"GET /u HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.contains("GET /u = /u loopback=true"));
    timeout(PATIENCE, server.stop()).await.unwrap().unwrap();
    assert!(!path.exists());
}

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::support::{Server, eventually, rest, until};

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

#[tokio::test]
async fn targets_arrive_byte_for_byte() {
    let server = Server::start();
    for (target, uri) in [
        ("//a/../b", "//a/../b"),
        ("/a%2Fb?x=%7E", "/a%2Fb?x=%7E"),
        ("/?a&b=", "/?a&b="),
        ("/a?", "/a?"),
        ("/a+b%20c;d=e", "/a+b%20c;d=e"),
        ("/%", "/%"),
        ("/{proxy+}?{}|^\\`", "/{proxy+}?{}|^\\`"),
        ("/a<b>`#c\"?\"d#e", "/a%3Cb%3E%60%23c\"?%22d%23e"),
        ("/ä/日本?ü=ß", "/%C3%A4/%E6%97%A5%E6%9C%AC?%C3%BC=%C3%9F"),
        ("*", "*"),
    ] {
        let answer = server
            .exchange(format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
            .await;
        assert!(answer.contains(&format!("GET {target} = {uri} ")), "{target}: {answer}");
    }
    let answer = server.exchange(b"GET /\xff\xfe HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("= /%FF%FE "), "{answer}");
}

#[tokio::test]
async fn absolute_targets_replace_the_host() {
    let server = Server::start();
    for (target, line, host) in [
        ("http://Other:80/p?q", "GET /p?q = /p?q ", "host: Other:80"),
        ("http://other", "GET / = / ", "host: other"),
        ("http://other?a#b", "GET /?a#b = /?a%23b ", "host: other"),
        ("HTTPS://other/<", "GET /< = /%3C ", "host: other"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request).await;
        assert!(answer.contains(line) && answer.contains(host), "{target}: {answer}");
        assert!(!answer.contains("host: h\n"), "{answer}");
    }
    let answer = server.exchange("GET http://user@other/ HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(status(&answer), "400");
}

#[tokio::test]
async fn headers_keep_their_values_and_duplicates() {
    let server = Server::start();
    let answer = server
        .exchange(
            "GET / HTTP/1.1\r\nhOsT: h\r\nX-A: 1\r\nx-b:  two  words \r\nx-a: 2\r\nX-U: ü\r\n\
             Connection: close\r\n\r\n",
        )
        .await;
    for line in ["host: h\n", "x-a: 1\n", "x-a: 2\n", "x-b: two  words\n", "x-u: ü\n"] {
        assert!(answer.contains(line), "{line:?} in {answer}");
    }
}

#[tokio::test]
async fn ambiguous_requests_are_refused_and_the_connection_closed() {
    let server = Server::start();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    for (fields, expected) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"),
        ("Content-Length: 3\r\nContent-Length: 0\r\n\r\n", "400"),
        ("Content-Length : 3\r\n\r\n", "400"),
        ("Transfer-Encoding: xchunked\r\n\r\n", "501"),
        ("Transfer-Encoding: chunked, identity\r\n\r\n", "501"),
        ("X: y\n\r\n", "400"),
        ("X: y\r\n folded\r\n\r\n", "400"),
        ("Host: twice\r\n\r\n", "400"),
        ("no colon\r\n\r\n", "400"),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}{smuggled}");
        let answer = server.exchange(request).await;
        assert_eq!(status(&answer), expected, "{fields:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(server.events.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn bad_chunks_end_the_body_and_the_connection() {
    let server = Server::start();
    for body in ["5\r\nhello0\r\n\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5\nhello", "1;\n", "x"]
    {
        let answer = server
            .exchange(format!(
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}\
                 GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
            ))
            .await;
        assert_eq!(status(&answer), "400", "{body:?}: {answer}");
        assert!(!answer.contains("smuggled"), "{answer}");
    }
}

#[tokio::test]
async fn bodies_by_length_and_by_chunks_in_any_pieces() {
    let server = Server::start();
    let mut stream = server.connect().await;
    let requests = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\
         POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Checksum: ignored\r\n\r\n\
         \r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    for part in requests.as_bytes().chunks(7) {
        stream.write_all(part).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("body 5: hello").count(), 2, "{answers}");
    assert!(answers.contains("GET /3") && !answers.contains("x-checksum: "), "{answers}");
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    let server = Server::start();
    let size = 3_000_000;
    let mut plain = format!(
        "PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    plain.resize(plain.len() + size, b'\r');
    assert!(server.exchange(plain).await.contains(&format!("body {size}: ")));
    let mut chunked =
        b"PUT /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            .to_vec();
    for _ in 0..30 {
        chunked.extend_from_slice(b"186a0\r\n");
        chunked.resize(chunked.len() + 100_000, b'\n');
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert!(server.exchange(chunked).await.contains(&format!("body {size}: ")));
}

#[tokio::test]
async fn continue_is_sent_when_the_body_is_read_and_only_then() {
    let server = Server::start();
    let head = |path| {
        format!(
            "PUT {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let mut stream = server.connect().await;
    stream.write_all(head("/").as_bytes()).await.unwrap();
    assert_eq!(until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let answer = until(&mut stream, "body 5: hello").await;
    assert_eq!(status(&answer), "200");

    let answer = server.exchange(head("/ignore")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("100 Continue"), "{answer}");
}

#[tokio::test]
async fn an_answer_before_the_body_reaches_a_client_still_sending() {
    let server = Server::start();
    let mut request = b"PUT /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n".to_vec();
    request.resize(request.len() + 900_000, b'x');
    let answer = server.exchange(request).await;
    assert!(answer.ends_with("ignored"), "{answer}");
}

#[tokio::test]
async fn heads_over_the_limit() {
    let server = Server::limited(|limits| limits.head = 2000);
    for request in [
        format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(2000)),
        format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "a".repeat(5000)),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "x:y\r\n".repeat(120)),
    ] {
        assert_eq!(status(&server.exchange(request).await), "431");
    }
    let fits = format!("GET /{} HTTP/1.0\r\n\r\n", "<".repeat(1900));
    assert_eq!(status(&server.exchange(fits).await), "200");
}

#[tokio::test]
async fn slow_heads_idle_connections_and_stalled_bodies_are_ended() {
    let server = Server::limited(|limits| {
        limits.head_timeout = Duration::from_millis(150);
        limits.idle_timeout = Duration::from_millis(400);
    });
    let began = Instant::now();
    // One byte at a time, for as long as the server listens.
    let mut slow = server.connect().await;
    let (mut reader, mut writer) = slow.split();
    let trickle = async {
        for byte in b"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".iter().cycle() {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let answer = tokio::select! {
        () = trickle => panic!("ended without an answer"),
        answer = until(&mut reader, "\r\n\r\n") => answer,
    };
    assert_eq!(status(&answer), "408", "{answer}");
    assert!(began.elapsed() < Duration::from_millis(390), "{:?}", began.elapsed());

    let mut silent = server.connect().await;
    assert_eq!(rest(&mut silent).await, "");

    let mut idle = server.connect().await;
    idle.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    until(&mut idle, "slow").await;
    let answered = Instant::now();
    assert_eq!(rest(&mut idle).await, "");
    assert!(answered.elapsed() > Duration::from_millis(350), "{:?}", answered.elapsed());

    let stalled = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
    assert_eq!(status(&server.exchange(stalled).await), "400");
}

#[tokio::test]
async fn a_long_pipeline_is_answered_in_order() {
    let server = Server::start();
    let mut stream = server.connect().await;
    let count = 2000;
    let (mut reader, mut writer) = stream.split();
    let sending = async {
        for index in 0..count {
            // Every third with a target that is rewritten on its way.
            let odd = if index % 3 == 0 { "<" } else { "" };
            let close = if index == count - 1 { "Connection: close\r\n" } else { "" };
            let request = format!(
                "POST /{index}{odd} HTTP/1.1\r\nHost: h\r\n{close}Content-Length: 2\r\n\r\nok"
            );
            writer.write_all(request.as_bytes()).await.unwrap();
        }
    };
    let ((), answers) = tokio::join!(sending, rest(&mut reader));
    let lines: Vec<&str> = answers.lines().filter_map(|line| line.strip_prefix("POST /")).collect();
    assert_eq!(lines.len(), count);
    for (index, line) in lines.iter().enumerate() {
        let (odd, seen) = if index % 3 == 0 { ("<", "%3C") } else { ("", "") };
        assert_eq!(*line, format!("{index}{odd} = /{index}{seen} loopback=true"));
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_along() {
    let server = Server::start();
    let mut stream = server.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 1).await;
    drop(stream);
    eventually("the drop", || server.events.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_producer_back() {
    let server = Server::limited(|limits| limits.idle_timeout = Duration::from_millis(500));
    let mut stream = server.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    eventually("the request", || server.events.begun.load(Ordering::SeqCst) == 1).await;
    sleep(Duration::from_millis(200)).await;
    let produced = server.events.produced.load(Ordering::SeqCst);
    sleep(Duration::from_millis(100)).await;
    // The kernel's buffers hold a few megabytes, and then nothing more is made.
    assert_eq!(server.events.produced.load(Ordering::SeqCst), produced);
    assert!((1..2000).contains(&produced), "{produced}");
    // It goes on when the client does, and ends when the client stops for good.
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..20 {
        stream.read_exact(&mut buffer).await.unwrap();
    }
    assert!(server.events.produced.load(Ordering::SeqCst) > produced);
    eventually("the drop", || server.events.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_connection_lives() {
    let server = Server::start();
    let answers = server
        .exchange(
            "GET /panic HTTP/1.1\r\nHost: h\r\n\r\nGET /ok HTTP/1.1\r\nHost: h\r\n\
             Connection: close\r\n\r\n",
        )
        .await;
    assert_eq!(status(&answers), "500", "{answers}");
    assert!(answers.contains("GET /ok"), "{answers}");
}

#[tokio::test]
async fn head_has_a_length_and_no_body_and_dates_are_exact() {
    let server = Server::start();
    for _ in 0..2 {
        let before = cumulet_base::Timestamp::from_millis(
            SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64,
        );
        let answer = server.exchange("HEAD /ignore HTTP/1.0\r\n\r\n").await;
        assert!(answer.contains("content-length: 7\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        let after = before.after(Duration::from_secs(1));
        let dates = [before.http_date(), after.http_date()];
        assert!(dates.iter().any(|date| answer.contains(&format!("date: {date}\r\n"))), "{answer}");
        sleep(Duration::from_millis(1100)).await;
    }
}

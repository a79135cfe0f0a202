use std::time::Duration;

use cumulet_base::Timestamp;

use super::*;
use crate::launch::{BoxFuture, Exit};
use crate::outcome::Invocation;

#[test]
fn routes() {
    let base = "/2018-06-01/runtime";
    let check = |method: &str, path: &str, want: Call<'_>| {
        assert_eq!(route(method, &format!("{base}{path}")), want, "{method} {path}");
    };
    check("GET", "/invocation/next", Call::Next);
    check("GET", "/invocation/next?x=y", Call::Next);
    check("POST", "/invocation/a-1/response", Call::Response("a-1"));
    check("POST", "/invocation/a-1/error", Call::Error("a-1"));
    check("POST", "/init/error", Call::InitError);
    check("POST", "/invocation/next", Call::Unknown);
    check("GET", "/invocation/a-1/response", Call::Unknown);
    check("POST", "/invocation/a/b/response", Call::Unknown);
    check("GET", "/restore/next", Call::Unknown);
    assert_eq!(route("GET", "/2020-01-01/extension/event/next"), Call::Unknown);
}

/// A process that every connection belongs to and that never ends.
struct Everybody;

impl Process for Everybody {
    fn exited(&self) -> BoxFuture<'_, Exit> {
        Box::pin(std::future::pending())
    }
    fn has_exited(&self) -> bool {
        false
    }
    fn kill(&self) {}
    fn memory(&self) -> u64 {
        0
    }
    fn owns(&self, _: SocketAddr, _: SocketAddr) -> bool {
        true
    }
}

/// Sends `bytes` to a session that has one invocation, `a`, to give, and then nothing more. What
/// comes back, up to the end that the server makes.
async fn talk(bytes: &[u8]) -> (Vec<u8>, Option<Reply>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = listener.local_addr().unwrap();
    let (session, _events) = Session::new();
    let session = Arc::new(session);
    let invocation = Invocation { request_id: "a".to_owned(), ..Invocation::default() };
    session.offer(Delivery::new(&invocation, Timestamp::from_millis(0), None));
    let server = tokio::spawn(serve(listener, Arc::new(Everybody), Arc::clone(&session)));
    let mut client = TcpStream::connect(api).await.unwrap();
    let mut answer = Vec::new();
    let talk = async {
        // The server may hang up before it has read everything.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(Duration::from_secs(5), talk).await.expect("the connection ends");
    assert!(!server.is_finished(), "the server lives on");
    server.abort();
    (answer, session.take_reply())
}

const NEXT: &str = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n";

#[tokio::test]
async fn requests_sent_in_one_breath_are_answered_in_order() {
    let post = "POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\n";
    let text =
        format!("{NEXT}{post}Content-Length: 2\r\n\r\n42{post}Content-Length: 0\r\n\r\n{NEXT}");
    let (answer, reply) = talk(text.as_bytes()).await;
    let answer = String::from_utf8(answer).unwrap();
    let status: Vec<_> = answer.split("HTTP/1.1 ").skip(1).map(|one| &one[..3]).collect();
    assert_eq!(status, ["200", "202", "400"]);
    assert!(answer.contains("Lambda-Runtime-Aws-Request-Id: a\r\n"), "{answer}");
    assert!(matches!(reply, Some(Reply::Payload(payload)) if payload == "42"));
}

#[tokio::test]
async fn chunks_with_error_trailers_are_a_failure() {
    let error = STANDARD.encode(r#"{"errorType":"E"}"#);
    let text = format!(
        "{NEXT}POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\n\
         Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\n42\r\n0\r\nLambda-Runtime-Function-Error-Type: E\r\n\
         Lambda-Runtime-Function-Error-Body: {error}\r\n\r\n"
    );
    let (_, reply) = talk(text.as_bytes()).await;
    let Some(Reply::Failed(failure)) = reply else { panic!("{reply:?}") };
    assert_eq!(
        (failure.error_type.as_str(), &failure.body[..]),
        ("E", &br#"{"errorType":"E"}"#[..])
    );
}

#[test]
fn nonsense_in_any_order_ends_the_connection_and_nothing_else() {
    const PIECES: [&str; 12] = [
        NEXT,
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n",
        "POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\n",
        "POST /2018-06-01/runtime/invocation/a/error HTTP/1.1\r\n",
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n",
        "Expect: 100-continue\r\n",
        "\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    bolero::check!().with_type::<Vec<(u8, Vec<u8>)>>().with_iterations(1000).for_each(|script| {
        let mut bytes = Vec::new();
        for (choice, raw) in script {
            match PIECES.get(usize::from(*choice % 16)) {
                Some(piece) => bytes.extend_from_slice(piece.as_bytes()),
                None => bytes.extend_from_slice(raw),
            }
        }
        let (answer, _) = runtime.block_on(talk(&bytes));
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "));
    });
}

//! The Runtime API, version 2018-06-01, over one sandbox's connections.
//!
//! Source: "Using the Lambda runtime API" in the Lambda developer guide, and what AWS's own
//! runtime clients send.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http1::{BodyReader, Fields, Head, Length, Malformed, Step, take_head};
use crate::launch::Process;
use crate::outcome::{FunctionError, PAYLOAD_LIMIT, STREAM_LIMIT, StreamPart};
use crate::session::{Answer, Delivery, Refusal, Reply, Session};

/// Connections of one sandbox at a time. A runtime client uses one or two.
const CONNECTION_LIMIT: usize = 32;
/// Bytes of a refused body that are read and thrown away so that the client hears the refusal.
const DISCARD_LIMIT: u64 = 64 << 20;
/// Bytes read at once.
const READ_SIZE: usize = 64 << 10;
/// Bytes of an error's JSON.
const ERROR_LIMIT: usize = 256 << 10;

/// Serves the Runtime API until dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    process: Arc<dyn Process>,
    session: Arc<Session>,
) -> io::Result<()> {
    let api = listener.local_addr()?;
    // Dropping the set ends its connections.
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = listener.accept().await?;
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTION_LIMIT {
            continue;
        }
        let (process, session) = (Arc::clone(&process), Arc::clone(&session));
        connections.spawn(async move {
            if is_own(process, peer, api).await
                && let Err(error) = Connection::new(stream).run(&session).await
            {
                tracing::debug!(%error, "a Runtime API connection broke");
            }
        });
    }
}

/// Any local process can reach a loopback port, so each connection is served only after it is known
/// to come from the sandbox: otherwise a neighbour could read its events and answer for it.
async fn is_own(process: Arc<dyn Process>, peer: SocketAddr, api: SocketAddr) -> bool {
    if process.is_alone() {
        return true;
    }
    let own = tokio::task::spawn_blocking(move || process.owns(peer, api)).await.unwrap_or(false);
    if !own {
        tracing::warn!(%peer, "a stranger's connection to a Runtime API was refused");
    }
    own
}

/// What a request line asks.
#[derive(Debug, PartialEq, Eq)]
enum Call<'a> {
    Next,
    Response(&'a str),
    Error(&'a str),
    InitError,
    Unknown,
}

fn route<'a>(method: &str, target: &'a str) -> Call<'a> {
    let path = target.split('?').next().unwrap_or_default();
    let Some(path) = path.strip_prefix("/2018-06-01/runtime/") else { return Call::Unknown };
    match (method, path) {
        ("GET", "invocation/next") => Call::Next,
        ("POST", "init/error") => Call::InitError,
        ("POST", path) => match path.strip_prefix("invocation/").and_then(|p| p.split_once('/')) {
            Some((id, "response")) => Call::Response(id),
            Some((id, "error")) => Call::Error(id),
            _ => Call::Unknown,
        },
        _ => Call::Unknown,
    }
}

/// What is sent back to a runtime's POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Accepted,
    RequestId,
    State,
    TooLarge,
    Unknown,
    Malformed,
}

impl Answered {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Accepted => ("202 Accepted", r#"{"status":"OK"}"#),
            Self::RequestId => (
                "400 Bad Request",
                r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#,
            ),
            Self::State => (
                "403 Forbidden",
                "{\"errorMessage\":\"State transition is not allowed\",\
                 \"errorType\":\"InvalidStateTransition\"}",
            ),
            Self::TooLarge => (
                "413 Request Entity Too Large",
                "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\
                 \"errorType\":\"RequestEntityTooLarge\"}",
            ),
            Self::Unknown => {
                ("404 Not Found", r#"{"errorMessage":"Not found","errorType":"NotFound"}"#)
            }
            Self::Malformed => (
                "400 Bad Request",
                r#"{"errorMessage":"Malformed request","errorType":"BadRequest"}"#,
            ),
        }
    }
}

impl From<Refusal> for Answered {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::RequestId => Self::RequestId,
            Refusal::State => Self::State,
        }
    }
}

/// Why a connection ends.
enum Broken {
    Io(io::Error),
    Malformed(Malformed),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Malformed> for Broken {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    async fn run(mut self, session: &Arc<Session>) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        loop {
            match self.exchange(session).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(Broken::Io(error)) => return Err(error),
                Err(Broken::Malformed(why)) => {
                    tracing::debug!(?why, "a malformed Runtime API request");
                    return self.send(Answered::Malformed).await;
                }
            }
        }
    }

    /// One request and its response; `false` where the connection is to be closed.
    async fn exchange(&mut self, session: &Arc<Session>) -> Result<bool, Broken> {
        let Some(head) = self.read_head().await? else { return Ok(false) };
        if head.expects_continue {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let mut body = BodyReader::new(head.length);
        let answered = match route(&head.method, &head.target) {
            Call::Next if head.length == Length::Known(0) => {
                return Ok(self.next(session).await? && !head.close);
            }
            Call::Next => return Err(Malformed::Length.into()),
            Call::Response(id) => match session.answer(id) {
                Ok(answer) => self.take_response(&head, &mut body, answer).await?,
                Err(refusal) => refusal.into(),
            },
            Call::Error(id) => match session.answer(id) {
                Ok(answer) => {
                    let error = self.read_error(&head.fields, &mut body).await?;
                    answer.finish(Reply::Failed(error));
                    Answered::Accepted
                }
                Err(refusal) => refusal.into(),
            },
            Call::InitError => {
                let error = self.read_error(&head.fields, &mut body).await?;
                session.init_failed(error).map_or_else(Answered::from, |()| Answered::Accepted)
            }
            Call::Unknown => Answered::Unknown,
        };
        if !self.discard(&mut body).await? {
            return Ok(false);
        }
        self.send(answered).await?;
        Ok(!head.close)
    }

    async fn next(&mut self, session: &Session) -> io::Result<bool> {
        let delivery = tokio::select! {
            biased;
            delivery = session.next() => delivery,
            gone = closed(&mut self.stream, &mut self.buffer) => return gone.map(|()| false),
        };
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(refusal) => {
                self.send(refusal.into()).await?;
                return Ok(true);
            }
        };
        if let Err(error) = self.send_delivery(&delivery).await {
            session.undelivered(delivery);
            return Err(error);
        }
        Ok(true)
    }

    async fn send_delivery(&mut self, delivery: &Delivery) -> io::Result<()> {
        let length = delivery.payload.len();
        let mut out = Vec::with_capacity(512 + length.min(READ_SIZE));
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
        out.extend_from_slice(delivery.headers.as_bytes());
        out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        // A small event goes out in one packet with its head; a large one is not copied.
        if length <= READ_SIZE {
            out.extend_from_slice(&delivery.payload);
            return self.stream.write_all(&out).await;
        }
        self.stream.write_all(&out).await?;
        self.stream.write_all(&delivery.payload).await
    }

    async fn send(&mut self, answered: Answered) -> io::Result<()> {
        let (status, body) = answered.parts();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n\
             {body}",
            body.len()
        );
        self.stream.write_all(text.as_bytes()).await
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ_SIZE);
        self.stream.read_buf(&mut self.buffer).await
    }

    async fn read_head(&mut self) -> Result<Option<Head>, Broken> {
        loop {
            if let Some(head) = take_head(&mut self.buffer)? {
                return Ok(Some(head));
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next bytes of a body; `None` at its end.
    async fn read_body(&mut self, body: &mut BodyReader) -> Result<Option<Bytes>, Broken> {
        loop {
            match body.step(&mut self.buffer)? {
                Step::Data(data) => return Ok(Some(data)),
                Step::End => return Ok(None),
                Step::More => {
                    if self.fill().await? == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                    }
                }
            }
        }
    }

    /// Reads a body to its end; `false` where it is too long for that.
    async fn discard(&mut self, body: &mut BodyReader) -> Result<bool, Broken> {
        let mut left = DISCARD_LIMIT;
        while let Some(data) = self.read_body(body).await? {
            left = left.saturating_sub(data.len() as u64);
            if left == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A whole body of at most `limit` bytes; `None` where it is longer.
    async fn collect(
        &mut self,
        body: &mut BodyReader,
        limit: usize,
    ) -> Result<Option<Bytes>, Broken> {
        let Some(first) = self.read_body(body).await? else { return Ok(Some(Bytes::new())) };
        let mut all = BytesMut::from(first);
        while let Some(data) = self.read_body(body).await? {
            if all.len() + data.len() > limit {
                return Ok(None);
            }
            all.extend_from_slice(&data);
        }
        Ok((all.len() <= limit).then(|| all.freeze()))
    }

    async fn read_error(
        &mut self,
        fields: &Fields,
        body: &mut BodyReader,
    ) -> Result<FunctionError, Broken> {
        let error_type = fields.get(ERROR_TYPE);
        Ok(match self.collect(body, ERROR_LIMIT).await? {
            Some(json) => FunctionError::reported(error_type, json),
            None => FunctionError::platform(
                error_type.unwrap_or("Runtime.Unknown"),
                "The error's description is too long to be shown",
            ),
        })
    }

    async fn take_response(
        &mut self,
        head: &Head,
        body: &mut BodyReader,
        answer: Answer,
    ) -> Result<Answered, Broken> {
        let streaming = head
            .fields
            .get("lambda-runtime-function-response-mode")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("streaming"));
        let content_type = head.fields.get("content-type").map(str::to_owned);
        let whole = match &answer.stream {
            Some(sender) if streaming => {
                let _ = sender.send(StreamPart::Start { content_type }).await;
                if !self.pass_on(body, &answer).await? {
                    answer.finish(Reply::Failed(FunctionError::too_large()));
                    return Ok(Answered::TooLarge);
                }
                None
            }
            _ => {
                let Some(whole) = self.collect(body, PAYLOAD_LIMIT).await? else {
                    answer.finish(Reply::Failed(FunctionError::too_large()));
                    return Ok(Answered::TooLarge);
                };
                Some(whole)
            }
        };
        let failure = match body {
            BodyReader::Done(trailers) if streaming => trailer_error(trailers),
            _ => None,
        };
        let reply = match (failure, whole, &answer.stream) {
            (Some(error), ..) => Reply::Failed(error),
            (None, Some(whole), None) => Reply::Payload(whole),
            (None, None, _) => Reply::Streamed,
            // The caller asked for a stream, but the function answers in one piece.
            (None, Some(whole), Some(sender)) => {
                let content_type = head.fields.get("content-type").map(str::to_owned);
                let _ = sender.send(StreamPart::Start { content_type }).await;
                if !whole.is_empty() {
                    let _ = sender.send(StreamPart::Data(whole)).await;
                }
                Reply::Streamed
            }
        };
        answer.finish(reply);
        Ok(Answered::Accepted)
    }

    /// Hands a body on as it arrives; `false` where it exceeds what may be streamed.
    async fn pass_on(&mut self, body: &mut BodyReader, answer: &Answer) -> Result<bool, Broken> {
        let Some(sender) = &answer.stream else { return Ok(true) };
        let mut left = STREAM_LIMIT;
        while let Some(data) = self.read_body(body).await? {
            let Some(rest) = left.checked_sub(data.len() as u64) else { return Ok(false) };
            left = rest;
            // A reader that went away does not stop the function.
            let _ = sender.send(StreamPart::Data(data)).await;
        }
        Ok(true)
    }
}

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// A failure after the response had begun, told in trailers: the type, and its JSON in base64.
fn trailer_error(trailers: &Fields) -> Option<FunctionError> {
    let error_type = trailers.get(ERROR_TYPE)?;
    let encoded = trailers.get("lambda-runtime-function-error-body").unwrap_or_default();
    let body = STANDARD.decode(encoded).unwrap_or_default();
    Some(FunctionError::reported(Some(error_type), Bytes::from(body)))
}

/// Completes when the client has closed its end. What it sends meanwhile stays in `buffer`.
async fn closed(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    loop {
        if buffer.len() > READ_SIZE {
            // It sends more while it waits for an answer: no client does, so hear no more of it.
            return std::future::pending().await;
        }
        buffer.reserve(READ_SIZE);
        if stream.read_buf(buffer).await? == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;

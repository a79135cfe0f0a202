//! What one sandbox's runtime may say next: the state behind the Runtime API.
//!
//! ```text
//! Starting ──next──▶ Idle ──(offer)──▶ Running ──response | error──▶ Answering ──▶ Answered
//!    │                ▲                                                              │
//!    └─init error─▶ InitFailed                          └────────────next────────────┘
//! ```
//! Everything else is refused: an answer to another request's id, a second one, a late one.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cumulet_base::Timestamp;
use tokio::sync::{Notify, mpsc};

use crate::outcome::{FunctionError, Invocation, StreamSender};

/// An invocation, ready to be sent to the runtime.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) request_id: Arc<str>,
    /// Header lines, each with its CRLF.
    pub(crate) headers: String,
    pub(crate) payload: Bytes,
    pub(crate) stream: Option<StreamSender>,
}

impl Delivery {
    pub(crate) fn new(
        invocation: &Invocation,
        deadline: Timestamp,
        stream: Option<StreamSender>,
    ) -> Self {
        let id = &invocation.request_id;
        let mut headers = format!(
            "Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: {}\r\n",
            deadline.millis(),
            header_text(&invocation.function_arn),
        );
        let mut optional = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(headers, "{name}: {value}\r\n");
            }
        };
        optional("Lambda-Runtime-Trace-Id", invocation.trace.as_deref().map(header_text));
        optional(
            "Lambda-Runtime-Client-Context",
            invocation.client_context.as_deref().map(header_json),
        );
        optional(
            "Lambda-Runtime-Cognito-Identity",
            invocation.cognito_identity.as_deref().map(header_json),
        );
        let request_id = id.as_str().into();
        Self { request_id, headers, payload: invocation.payload.clone(), stream }
    }
}

/// A text as a header's value: what could end a line, or is not ASCII, becomes a space.
fn header_text(text: &str) -> String {
    text.chars().map(|c| if (' '..='~').contains(&c) { c } else { ' ' }).collect()
}

/// JSON as a header's value. Outside strings line ends are white space; inside them JSON allows
/// none. Characters beyond ASCII stand only in strings, where an escape means the same.
fn header_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            ' '..='~' => out.push(c),
            '\0'..' ' | '\x7f' => out.push(' '),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

/// What the runtime's calls tell the sandbox.
#[derive(Debug)]
pub(crate) enum Event {
    /// It asked for the next invocation: initialisation, or the last invocation, is complete.
    Ready,
    /// It reported that it cannot start.
    InitFailed(FunctionError),
}

/// How an invocation was answered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The whole response.
    Payload(Bytes),
    /// It was passed on piece by piece.
    Streamed,
    /// The handler failed.
    Failed(FunctionError),
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id is not that of the invocation under way, or it is answered already.
    RequestId,
    /// The call does not fit the state.
    State,
}

/// The state, shared by the connections of one sandbox.
pub(crate) struct Session {
    state: Mutex<State>,
    offered: Notify,
    events: mpsc::Sender<Event>,
}

struct State {
    phase: Phase,
    offer: Option<Delivery>,
    reply: Option<Reply>,
}

enum Phase {
    Starting,
    InitFailed,
    Idle,
    Running { request_id: Arc<str>, stream: Option<StreamSender> },
    Answering,
    Answered,
}

impl Session {
    /// A session, and where its events arrive. At most two are under way at a time: a sandbox
    /// reads one before it offers the next invocation.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(4);
        let state = Mutex::new(State { phase: Phase::Starting, offer: None, reply: None });
        (Self { state, offered: Notify::new(), events }, receiver)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an invocation where the runtime's `next` finds it.
    pub(crate) fn offer(&self, delivery: Delivery) {
        self.lock().offer = Some(delivery);
        self.offered.notify_one();
    }

    /// Takes an invocation back that no `next` has fetched.
    pub(crate) fn withdraw(&self) -> Option<Delivery> {
        self.lock().offer.take()
    }

    /// The answer to the last invocation, where there was one.
    pub(crate) fn take_reply(&self) -> Option<Reply> {
        self.lock().reply.take()
    }

    /// `GET /runtime/invocation/next`: waits for an invocation. May be dropped while it waits.
    pub(crate) async fn next(&self) -> Result<Delivery, Refusal> {
        self.ready()?;
        loop {
            if let Some(delivery) = self.fetch() {
                return Ok(delivery);
            }
            self.offered.notified().await;
        }
    }

    fn ready(&self) -> Result<(), Refusal> {
        let mut state = self.lock();
        match state.phase {
            Phase::Starting | Phase::Answered => {
                state.phase = Phase::Idle;
                let _ = self.events.try_send(Event::Ready);
                Ok(())
            }
            // A second connection may wait too; one of them gets the invocation.
            Phase::Idle => Ok(()),
            Phase::InitFailed | Phase::Running { .. } | Phase::Answering => Err(Refusal::State),
        }
    }

    fn fetch(&self) -> Option<Delivery> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Idle) {
            return None;
        }
        let delivery = state.offer.take()?;
        state.phase = Phase::Running {
            request_id: Arc::clone(&delivery.request_id),
            stream: delivery.stream.clone(),
        };
        Some(delivery)
    }

    /// The connection broke before the invocation was on its way: the next one gets it.
    pub(crate) fn undelivered(&self, delivery: Delivery) {
        let mut state = self.lock();
        let Phase::Running { request_id, .. } = &state.phase else { return };
        if *request_id == delivery.request_id {
            state.phase = Phase::Idle;
            state.offer = Some(delivery);
            self.offered.notify_one();
        }
    }

    /// `POST /runtime/init/error`.
    pub(crate) fn init_failed(&self, error: FunctionError) -> Result<(), Refusal> {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Starting) {
            return Err(Refusal::State);
        }
        state.phase = Phase::InitFailed;
        let _ = self.events.try_send(Event::InitFailed(error));
        Ok(())
    }

    /// A response or an error begins to arrive. Only one ever does for an invocation.
    pub(crate) fn answer(self: &Arc<Self>, id: &str) -> Result<Answer, Refusal> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Answering) {
            Phase::Running { request_id, stream } if *request_id == *id => {
                Ok(Answer { session: Arc::clone(self), stream, done: false })
            }
            other => {
                state.phase = other;
                Err(Refusal::RequestId)
            }
        }
    }
}

/// An answer that is arriving. Dropped before its end, it counts as cut off.
pub(crate) struct Answer {
    session: Arc<Session>,
    /// Where a streamed response goes.
    pub(crate) stream: Option<StreamSender>,
    done: bool,
}

impl Answer {
    /// The answer is complete.
    pub(crate) fn finish(mut self, reply: Reply) {
        self.set(reply);
    }

    fn set(&mut self, reply: Reply) {
        self.done = true;
        let mut state = self.session.lock();
        state.phase = Phase::Answered;
        state.reply = Some(reply);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.done {
            self.set(Reply::Failed(FunctionError::truncated()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str) -> Delivery {
        let invocation = Invocation { request_id: id.to_owned(), ..Invocation::default() };
        Delivery::new(&invocation, Timestamp::from_millis(5), None)
    }

    #[tokio::test]
    async fn one_invocation_after_the_other() {
        let (session, mut events) = Session::new();
        let session = Arc::new(session);
        for id in ["a", "b"] {
            session.offer(delivery(id));
            assert_eq!(session.next().await.unwrap().request_id.as_ref(), id);
            assert!(matches!(events.try_recv(), Ok(Event::Ready)));
            assert_eq!(session.next().await.unwrap_err(), Refusal::State);
            assert!(session.answer("other").is_err());
            let answer = session.answer(id).unwrap();
            assert!(session.answer(id).is_err(), "twice at once");
            answer.finish(Reply::Payload(Bytes::from_static(b"1")));
            assert!(session.answer(id).is_err(), "twice");
            assert!(matches!(session.take_reply(), Some(Reply::Payload(_))));
            assert!(session.take_reply().is_none());
        }
        assert!(session.answer("b").is_err(), "late");
        assert_eq!(
            session.init_failed(FunctionError::truncated()),
            Err(Refusal::State),
            "an error of initialisation after it"
        );
    }

    #[tokio::test]
    async fn a_broken_connection_loses_no_invocation() {
        let (session, _events) = Session::new();
        session.offer(delivery("a"));
        let lost = session.next().await.unwrap();
        session.undelivered(lost);
        assert_eq!(session.next().await.unwrap().request_id.as_ref(), "a");
        assert!(session.withdraw().is_none());
    }

    #[tokio::test]
    async fn a_failed_start_is_final_and_an_answer_cut_off_is_an_error() {
        let (session, mut events) = Session::new();
        session.init_failed(FunctionError::truncated()).unwrap();
        assert!(matches!(events.try_recv(), Ok(Event::InitFailed(_))));
        assert_eq!(session.next().await.unwrap_err(), Refusal::State);

        let (session, _events) = Session::new();
        let session = Arc::new(session);
        session.offer(delivery("a"));
        session.next().await.unwrap();
        drop(session.answer("a").unwrap());
        let Some(Reply::Failed(error)) = session.take_reply() else { panic!() };
        assert_eq!(error.error_type, "Runtime.TruncatedResponse");
    }

    #[test]
    fn header_values_cannot_break_out() {
        let invocation = Invocation {
            request_id: "a".to_owned(),
            trace: Some("Root=1\r\nX: y".to_owned()),
            client_context: Some("{\n\"k\":\"é😀\"}".to_owned()),
            ..Invocation::default()
        };
        let headers = Delivery::new(&invocation, Timestamp::from_millis(5), None).headers;
        assert!(headers.contains("Lambda-Runtime-Deadline-Ms: 5\r\n"));
        assert!(headers.contains("Trace-Id: Root=1  X: y\r\n"));
        assert!(headers.contains(r#"Client-Context: { "k":"\u00e9\ud83d\ude00"}"#));
        assert_eq!(headers.matches("\r\n").count(), 5);
    }
}

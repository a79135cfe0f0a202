//! Bodies between hyper and the house.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cumulet_base::{Body, BodyError};
use futures_util::Stream;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use crate::http1::Exchange;

/// A body that arrives. Nothing is read from the connection, and no `100 Continue` is sent, before
/// somebody asks for its bytes.
pub(crate) fn from_hyper(incoming: Incoming) -> Body {
    if incoming.is_end_stream() {
        return Body::empty();
    }
    let length = incoming.size_hint().exact();
    Body::stream(Arriving(incoming), length)
}

struct Arriving(Incoming);

impl Stream for Arriving {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                // What is no data is a trailer, which nobody here uses.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Some(Ok(data)),
                    Err(_) => continue,
                },
                Some(Err(error)) => Some(Err(BodyError::Broken(error.into()))),
                None => None,
            });
        }
    }
}

/// A body on its way to a client, which keeps its request counted as under way.
pub(crate) struct Answer {
    body: Body,
    _exchange: Exchange,
}

impl Answer {
    pub(crate) fn new(body: Body, exchange: Exchange) -> Self {
        Self { body, _exchange: exchange }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

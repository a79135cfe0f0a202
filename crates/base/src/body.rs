//! The one type for the body of an HTTP request or response, whoever made it.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Frame, SizeHint};

/// Bytes that are there already, or that arrive.
pub struct Body(Inner);

enum Inner {
    Full(Option<Bytes>),
    Stream {
        /// Never locked: the mutex makes a body that can only be sent one that can be shared, so
        /// that inputs which carry one can be looked at across an `await`.
        stream: Mutex<Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>>,
        len: Option<u64>,
    },
}

/// Why a body ended before its end.
#[derive(Debug)]
pub enum BodyError {
    /// It is longer than the reader's limit (bytes).
    TooLarge(usize),
    /// The connection, the file or the producer failed.
    Broken(Box<dyn Error + Send + Sync>),
    /// The bytes are not what was promised: a hash, a chunk signature or a checksum differs.
    Refused(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "the body is longer than {limit} bytes"),
            Self::Broken(why) => write!(f, "the body broke off: {why}"),
            Self::Refused(why) => write!(f, "the body is not what was promised: {why}"),
        }
    }
}

impl Error for BodyError {}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Inner::Full(None))
    }

    /// A body whose bytes arrive one by one. `len` is the total where it is known.
    pub fn stream<S>(stream: S, len: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    {
        Self(Inner::Stream { stream: Mutex::new(Box::pin(stream)), len })
    }

    /// The total length in bytes, where it is known before the end.
    pub fn len(&self) -> Option<u64> {
        match &self.0 {
            Inner::Full(bytes) => Some(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Inner::Stream { len, .. } => *len,
        }
    }

    /// All bytes, where they are there already.
    pub fn whole(&self) -> Option<&[u8]> {
        match &self.0 {
            Inner::Full(bytes) => Some(bytes.as_deref().unwrap_or_default()),
            Inner::Stream { .. } => None,
        }
    }

    /// Whether there is certainly nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The next bytes; `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        match &mut self.0 {
            Inner::Full(bytes) => bytes.take().map(Ok),
            Inner::Stream { stream, .. } => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                poll_fn(|cx| stream.as_mut().poll_next(cx)).await
            }
        }
    }

    /// All bytes, `limit` at most. Refuses a longer body as soon as that is known.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        if self.len().is_some_and(|len| len > limit as u64) {
            return Err(BodyError::TooLarge(limit));
        }
        let Some(first) = self.chunk().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await.transpose()? else {
            return if first.len() > limit { Err(BodyError::TooLarge(limit)) } else { Ok(first) };
        };
        let mut all = BytesMut::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if all.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge(limit));
            }
            all.extend_from_slice(&chunk);
            next = self.chunk().await.transpose()?;
        }
        Ok(all.freeze())
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Inner::Full(Some(bytes.into()).filter(|b: &Bytes| !b.is_empty())))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Inner::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Inner::Stream { stream, .. } => {
                let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
                stream.as_mut().poll_next(cx).map(|next| next.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

//! From stored bytes to an answer's body.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use cumulet_base::{Body, BodyError};
use cumulet_service::{Cx, Error, Result};
use cumulet_store::{Blob, BlobError, Blobs, Read};
use futures_util::stream;

use crate::error::blob;
use crate::model::{Data, PartsRecord, VersionRecord};
use crate::store::{Place, inline};

/// Why a body could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The object was replaced between the look at its record and this: look again.
    Replaced,
    Other(Error),
}

impl<E: Into<Error>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// The parts of an object that was uploaded in parts.
pub(crate) async fn parts(
    read: &impl Read,
    place: &Place,
    version: &VersionRecord,
) -> Result<PartsRecord> {
    let Data::Parts(id) = &version.data else { return Ok(PartsRecord { parts: Vec::new() }) };
    let found = read.get_record(&place.data(id)).await?;
    found.ok_or_else(|| Error::internal("the parts of an object are gone"))
}

/// `range` of a version's bytes. `read` must be the snapshot that the version came from.
pub(crate) async fn open(
    cx: &Cx,
    read: &impl Read,
    place: &Place,
    version: &VersionRecord,
    range: Range<u64>,
) -> Result<Body, OpenError> {
    match &version.data {
        Data::Empty => Ok(Body::empty()),
        Data::Inline(_) => {
            let bytes = inline(read, place, &version.data).await?;
            Ok(slice(&bytes, &range).into())
        }
        Data::Blob(found) => {
            let whole = range == (0..found.len);
            let body = cx.blobs().read(found, (!whole).then_some(range)).await;
            body.map_err(|error| match error {
                BlobError::Missing(_) => OpenError::Replaced,
                other => OpenError::Other(blob(&other)),
            })
        }
        Data::Parts(_) => {
            let record = parts(read, place, version).await?;
            let mut pieces = VecDeque::new();
            let mut start = 0;
            for part in record.parts {
                let (from, end) = (start, start + part.size);
                start = end;
                let (low, high) = (range.start.max(from), range.end.min(end));
                if low >= high {
                    continue;
                }
                let within = low - from..high - from;
                pieces.push_back(match part.data {
                    Data::Blob(blob) => Piece::Blob(blob, within),
                    data => Piece::Bytes(slice(&inline(read, place, &data).await?, &within)),
                });
            }
            Ok(joined(cx.blobs().clone(), pieces, range.end - range.start))
        }
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let len = bytes.len();
    let at = |n: u64| usize::try_from(n).unwrap_or(len).min(len);
    let (start, end) = (at(range.start), at(range.end));
    bytes.slice(start.min(end)..end)
}

enum Piece {
    Bytes(Bytes),
    Blob(Blob, Range<u64>),
}

/// Several files as one body; each is opened when its turn comes.
fn joined(blobs: Blobs, pieces: VecDeque<Piece>, len: u64) -> Body {
    let state = (blobs, pieces, Body::empty());
    let chunks = stream::try_unfold(state, |(blobs, mut pieces, mut open)| async move {
        loop {
            if let Some(chunk) = open.chunk().await {
                return Ok(Some((chunk?, (blobs, pieces, open))));
            }
            open = match pieces.pop_front() {
                None => return Ok::<_, BodyError>(None),
                Some(Piece::Bytes(bytes)) => bytes.into(),
                Some(Piece::Blob(blob, range)) => {
                    let whole = range == (0..blob.len);
                    let body = blobs.read(&blob, (!whole).then_some(range)).await;
                    body.map_err(|why| BodyError::Broken(Box::new(why)))?
                }
            };
        }
    });
    Body::stream(chunks, Some(len))
}

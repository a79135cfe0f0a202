//! From a request's body to stored bytes.
//!
//! Nothing is published here: what is received lies in memory or in an announced file until a
//! transaction makes an object or a part of it. A body that is not what was promised ends with an
//! error, and what came of it is swept.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use cumulet_auth::sigv4::{ChecksumAlgorithm, Family, Sum};
use cumulet_base::Body;
use cumulet_service::{Cx, Error, Result};
use cumulet_store::{Blob, BlobWriter, Tx, WriteBodyError};
use md5::{Digest as _, Md5};

use crate::error::{S3Error, blob, upload};
use crate::garbage::{Announced, Garbage, keep};
use crate::model::Data;
use crate::store::Place;

/// Bytes that are stored beside the records and not as a file.
const INLINE: usize = 16 << 10;
/// Bytes of one upload ("Amazon S3 multipart upload limits": 5 GiB a part or object).
pub(crate) const MOST: u64 = 5 << 30;

/// Bytes that arrived whole, and what they turned out to be.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// The checksum that was asked for, raw.
    pub(crate) checksum: Vec<u8>,
    bytes: Bytes,
    file: Option<(Blob, Announced)>,
    /// The id under which small data is stored.
    id: String,
}

/// What a request says of its body.
#[derive(Debug)]
pub(crate) struct Promise {
    /// The algorithm of the checksum to compute.
    pub(crate) algorithm: ChecksumAlgorithm,
    /// Base64, where the request says what it must be.
    pub(crate) value: Option<String>,
    /// Base64: Content-MD5.
    pub(crate) md5: Option<String>,
}

impl Received {
    /// The MD5 in hexadecimal digits.
    pub(crate) fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// The checksum in base64.
    pub(crate) fn checksum64(&self) -> String {
        STANDARD.encode(&self.checksum)
    }

    /// Within a transaction: keeps the bytes, and says where they are.
    pub(crate) fn keep(&self, tx: &Tx, place: &Place) -> Data {
        if let Some((blob, _)) = &self.file {
            keep(tx, blob);
            return Data::Blob(blob.clone());
        }
        if self.bytes.is_empty() {
            return Data::Empty;
        }
        tx.put(place.data(&self.id), self.bytes.clone());
        Data::Inline(self.id.clone())
    }
}

/// Reads `body` to its verified end.
pub(crate) async fn receive(
    cx: &Cx,
    garbage: &Arc<Garbage>,
    mut body: Body,
    promise: &Promise,
) -> Result<Received> {
    if let Some(size) = body.len().filter(|len| *len > MOST) {
        return Err(S3Error::EntityTooLarge { size, most: MOST }.into());
    }
    let (mut md5, mut sum) = (Md5::new(), Sum::new(promise.algorithm));
    let (mut size, mut small) = (0_u64, BytesMut::new());
    let mut file: Option<(BlobWriter, Announced)> = None;
    while let Some(chunk) = body.chunk().await {
        let chunk = chunk.map_err(|error| Error::body(&error, Family::S3))?;
        size += chunk.len() as u64;
        if size > MOST {
            return Err(S3Error::EntityTooLarge { size, most: MOST }.into());
        }
        md5.update(&chunk);
        sum.update(&chunk);
        if file.is_none() {
            small.extend_from_slice(&chunk);
            if small.len() > INLINE {
                let mut begun = begin(cx, garbage).await?;
                write(&mut begun.0, &small).await?;
                small.clear();
                file = Some(begun);
            }
        } else if let Some((writer, _)) = &mut file {
            write(writer, &chunk).await?;
        }
    }
    let (md5, checksum): ([u8; 16], _) = (md5.finalize().into(), sum.finish());
    check(promise, &md5, &checksum)?;
    let file = match file {
        Some((writer, announced)) => {
            Some((writer.finish().await.map_err(|why| blob(&why))?, announced))
        }
        None => None,
    };
    let id = cx.ids().text(24, "0123456789abcdefghijklmnopqrstuvwxyz");
    Ok(Received { size, md5, checksum, bytes: small.freeze(), file, id })
}

async fn begin(cx: &Cx, garbage: &Arc<Garbage>) -> Result<(BlobWriter, Announced)> {
    let writer = cx.blobs().create().await.map_err(|why| blob(&why))?;
    let id = writer.id().ok_or_else(|| Error::internal("a new blob without a name"))?;
    let announced = garbage.announce(cx, id).await?;
    Ok((writer, announced))
}

async fn write(writer: &mut BlobWriter, bytes: &[u8]) -> Result<()> {
    let written = writer.write(bytes).await;
    written.map_err(|why| upload(&WriteBodyError::Blob(why)))
}

/// The gateway has checked what came over the wire; a neighbour's promises are checked here.
fn check(promise: &Promise, md5: &[u8], checksum: &[u8]) -> Result<(), S3Error> {
    let differs = |said: &Option<String>, computed: &[u8]| {
        said.as_ref().is_some_and(|said| {
            let said = STANDARD.decode(said).unwrap_or_default();
            verify_slices_are_equal(&said, computed).is_err()
        })
    };
    if differs(&promise.md5, md5) {
        return Err(S3Error::BadDigest { algorithm: "Content-MD5" });
    }
    if differs(&promise.value, checksum) {
        return Err(S3Error::BadDigest { algorithm: promise.algorithm.as_str() });
    }
    Ok(())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

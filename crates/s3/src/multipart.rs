//! What the operations on uploads in parts have in common.
//!
//! Source: "Amazon S3 multipart upload limits" and "Checking object integrity" in the S3 user
//! guide.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_auth::sigv4::ChecksumAlgorithm;
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Read, Tx};
use md5::{Digest as _, Md5};

use crate::checksum::{composite, full_object};
use crate::error::{S3Error, TxError};
use crate::garbage::discard;
use crate::model::{PartRecord, StoredChecksum, UploadRecord};
use crate::receive::hex;
use crate::store::{Bucket, Place};

/// Bytes of every part but the last.
pub(crate) const LEAST_PART: u64 = 5 << 20;
/// Parts of one upload.
pub(crate) const MOST_PARTS: u64 = 10_000;

/// A part that becomes part of an object.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) number: u64,
    pub(crate) record: PartRecord,
}

/// A part's number, checked.
pub(crate) fn part_number(number: i32) -> Result<u64, S3Error> {
    u64::try_from(number).ok().filter(|n| (1..=MOST_PARTS).contains(n)).ok_or_else(|| {
        S3Error::InvalidArgument {
            message: "Part number must be an integer between 1 and 10000, inclusive",
            name: "partNumber",
            value: number.to_string(),
        }
    })
}

/// The unfinished upload `id` of `key`.
pub(crate) async fn find(
    read: &impl Read,
    place: &Place,
    key: &str,
    id: &str,
) -> Result<UploadRecord, TxError> {
    let missing = || S3Error::NoSuchUpload(id.to_owned());
    let at = place.upload(key, id).ok_or_else(missing)?;
    Ok(read.get_record(&at).await?.ok_or_else(missing)?)
}

/// An upload's algorithm.
pub(crate) fn algorithm(upload: &UploadRecord) -> ChecksumAlgorithm {
    ChecksumAlgorithm::of_name(&upload.algorithm).unwrap_or(ChecksumAlgorithm::Crc64Nvme)
}

/// The entity tag of an object in parts: the MD5 of the parts' MD5s, and their number.
pub(crate) fn etag(parts: &[Chosen]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(unhex(&part.record.etag));
    }
    let digest: [u8; 16] = md5.finalize().into();
    format!("{}-{}", hex(&digest), parts.len())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks_exact(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|t| u8::from_str_radix(t, 16).ok());
    digits.filter_map(byte).collect()
}

/// The checksum of an object in parts.
pub(crate) fn checksum(upload: &UploadRecord, parts: &[Chosen]) -> Option<StoredChecksum> {
    let algorithm = algorithm(upload);
    let raw = |part: &Chosen| STANDARD.decode(&part.record.checksum).unwrap_or_default();
    let value = if upload.composite {
        composite(algorithm, &parts.iter().map(raw).collect::<Vec<_>>())
    } else {
        let sums: Vec<_> = parts.iter().map(|part| (raw(part), part.record.size)).collect();
        full_object(algorithm, &sums)?
    };
    let composite = upload.composite;
    Some(StoredChecksum { algorithm: upload.algorithm.clone(), value, composite })
}

/// Ends an upload within a transaction: removes its records, and the data of parts that are not
/// among `kept` (their numbers, ascending).
pub(crate) async fn end(
    tx: &Tx,
    place: &Place,
    key: &str,
    id: &str,
    kept: &[u64],
    now: i64,
) -> Result<(), TxError> {
    if let Some(at) = place.upload(key, id) {
        tx.delete(at);
    }
    let mut rest = Some(place.parts(id).prefix());
    while let Some(range) = rest {
        let page = tx.range_records::<PartRecord>(&range, Direction::Forward, usize::MAX).await?;
        for (at, part) in page.items {
            let number = number_of(&at);
            if number.is_none_or(|number| kept.binary_search(&number).is_err()) {
                discard(tx, place, &part.data, now).await?;
            }
            tx.delete(at);
        }
        rest = page.rest;
    }
    Ok(())
}

/// The number in a part's key.
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    cumulet_store::Key::components(key)?.last()?.as_u64()
}

/// Aborts every upload of a bucket that is about to go.
pub(crate) async fn abort_all(cx: &Cx, bucket: &Bucket) -> Result<()> {
    let place = &bucket.place;
    let range = place.uploads().prefix();
    loop {
        let read = cx.store().snapshot();
        let page = read.range(&range, Direction::Forward, 100).await?;
        if page.items.is_empty() {
            return Ok(());
        }
        for (at, _) in &page.items {
            let parts = cumulet_store::Key::components(at).unwrap_or_default();
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.as_text()).collect();
            let [.., key, id] = texts.as_slice() else { continue };
            let now = cx.now().millis();
            let done: Result<(), TxError> = cx
                .store()
                .transact(|tx| async move { end(&tx, place, key, id, &[], now).await })
                .await;
            done?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Data;

    #[test]
    fn tags_of_parts() {
        let part = |number, etag: &str| Chosen {
            number,
            record: PartRecord {
                size: 1,
                etag: etag.to_owned(),
                modified: 0,
                checksum: String::new(),
                data: Data::Empty,
            },
        };
        // MD5 of the 32 bytes of both digests, computed apart.
        let parts = [
            part(1, "0cc175b9c0f1b6a831c399e269772661"),
            part(2, "92eb5ffee6ae2fec3ad71c777531578f"),
        ];
        assert_eq!(etag(&parts), "96e024ba2074fe77e8e965ba43a704be-2");
    }

    #[test]
    fn part_numbers() {
        assert_eq!(part_number(1), Ok(1));
        assert_eq!(part_number(10_000), Ok(10_000));
        for wrong in [0, -1, 10_001] {
            assert!(part_number(wrong).is_err());
        }
    }
}

//! UploadPart: stores one part of an unfinished object; a part of the same number is replaced.
//!
//! Promises: the part is there whole and durable when the answer goes out. Refuses part numbers
//! outside 1 to 10,000, and a checksum of another algorithm than the one that the upload asked for.

use cumulet_api_s3::ops::{UploadPart, UploadPartOutput, UploadPartRequest};
use cumulet_auth::sigv4::ChecksumAlgorithm;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Read as _;

use crate::access::on_object;
use crate::conditions::quoted;
use crate::error::{S3Error, TxError};
use crate::garbage::discard;
use crate::model::{PartRecord, UploadRecord};
use crate::receive::{Promise, Received, receive};
use crate::store::{Place, bucket};
use crate::{S3, checksum, multipart};

impl Handle<UploadPart> for S3 {
    async fn access(&self, cx: &Cx, input: &UploadPartRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = on_object(cx, &input.bucket, &input.key, expected, "s3:PutObject").await?;
        let no = || vec!["false".to_owned()];
        Ok(accesses.into_iter().map(|it| it.with("s3:ObjectCreationOperation", no())).collect())
    }

    async fn handle(&self, cx: &Cx, input: UploadPartRequest) -> Result<UploadPartOutput> {
        let number = multipart::part_number(input.part_number)?;
        if checksum::unknown_claimed!(input) || input.sse_customer_algorithm.is_some() {
            return Err(S3Error::NotImplemented.into());
        }
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let place = &bucket.place;
        let read = cx.store().snapshot();
        let upload = multipart::find(&read, place, &input.key, &input.upload_id).await?;
        let algorithm = multipart::algorithm(&upload);
        let claimed = checksum::claimed!(input);
        refuse_other(&upload, algorithm, claimed.as_ref().map(|(algorithm, _)| *algorithm))?;
        let value = claimed.filter(|(own, _)| *own == algorithm).map(|(_, value)| value);
        let promise = Promise { algorithm, value, md5: input.content_md5 };
        let body = input.body.unwrap_or_default().0;
        let received = receive(cx, &self.garbage, body, &promise).await?;
        let part = store(cx, place, (&input.key, &input.upload_id, number), &received).await?;
        self.garbage.wake();
        let mut output = UploadPartOutput {
            e_tag: Some(quoted(&part.etag)),
            server_side_encryption: Some("AES256".to_owned()),
            ..UploadPartOutput::default()
        };
        if upload.asked {
            checksum::show!(output, upload.algorithm.as_str(), part.checksum);
        }
        Ok(output)
    }
}

/// An upload that asked for an algorithm takes no other; one that did not takes any, which was
/// checked on the way in.
fn refuse_other(
    upload: &UploadRecord,
    own: ChecksumAlgorithm,
    claimed: Option<ChecksumAlgorithm>,
) -> Result<(), S3Error> {
    match claimed {
        Some(other) if upload.asked && other != own => Err(S3Error::InvalidRequest(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            own.as_str().to_ascii_lowercase(),
            other.as_str().to_ascii_lowercase()
        ))),
        _ => Ok(()),
    }
}

/// Makes what was received a part.
pub(crate) async fn store(
    cx: &Cx,
    place: &Place,
    (key, upload, number): (&str, &str, u64),
    received: &Received,
) -> Result<PartRecord, TxError> {
    let now = cx.now();
    cx.store()
        .transact(|tx| async move {
            multipart::find(&tx, place, key, upload).await?;
            let at = place.part(upload, number);
            if let Some(old) = tx.get_record::<PartRecord>(&at).await? {
                discard(&tx, place, &old.data, now.millis()).await?;
            }
            let part = PartRecord {
                size: received.size,
                etag: received.etag(),
                modified: now.secs(),
                checksum: received.checksum64(),
                data: received.keep(&tx, place),
            };
            tx.put_record(at, &part);
            Ok(part)
        })
        .await
}

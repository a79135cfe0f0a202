//! CompleteMultipartUpload: makes an object of uploaded parts.
//!
//! Promises: the object appears whole in one transaction, in which the upload and the parts that
//! the request leaves out end; the bytes are not copied. A repeated completion of the upload that
//! made the current object succeeds again. Refuses unknown or differing parts, parts out of order,
//! parts under 5 MiB other than the last, and checksums or a size that differ.

use cumulet_api_s3::ops::{
    CompleteMultipartUpload, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest,
};
use cumulet_api_s3::types::CompletedPart;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Read as _, Tx};

use crate::access::on_object;
use crate::conditions::{WriteCondition, quoted, unquoted};
use crate::error::{S3Error, TxError};
use crate::model::{Data, PartData, PartRecord, PartsRecord, UploadRecord, VersionRecord};
use crate::multipart::{self, Chosen, LEAST_PART};
use crate::object::random_tail;
use crate::store::{Place, bucket};
use crate::versions::{Moment, publish};
use crate::{S3, checksum};

impl Handle<CompleteMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &CompleteMultipartUploadRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        let accesses =
            on_object(cx, &input.bucket, &input.key, expected, "s3:PutObject").await?.into_iter();
        let with = |access: Access| {
            access
                .with_some("s3:if-none-match", input.if_none_match.as_deref())
                .with_some("s3:if-match", input.if_match.as_deref())
                .with("s3:ObjectCreationOperation", vec!["true".to_owned()])
        };
        Ok(accesses.map(with).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CompleteMultipartUploadRequest,
    ) -> Result<CompleteMultipartUploadOutput> {
        if checksum::unknown_claimed!(input) {
            return Err(S3Error::NotImplemented.into());
        }
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let condition = WriteCondition::new(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let (now, random) = (cx.now().millis(), random_tail(cx));
        let moment = Moment { now, random: &random };
        let manifest = cx.ids().text(24, "0123456789abcdefghijklmnopqrstuvwxyz");
        let (place, asked, condition, manifest) = (&bucket.place, &input, &condition, &manifest);
        let stored: Result<VersionRecord, TxError> = cx
            .store()
            .transact(
                |tx| async move { complete(&tx, place, asked, condition, manifest, moment).await },
            )
            .await;
        let stored = stored?;
        self.garbage.wake();
        let endpoint = &cx.request().endpoint;
        let key = crate::listing::spell(&input.key, true);
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("{endpoint}/{}/{key}", input.bucket)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(quoted(&stored.etag)),
            server_side_encryption: Some("AES256".to_owned()),
            version_id: stored.version.clone(),
            ..CompleteMultipartUploadOutput::default()
        };
        if let Some(sum) = &stored.checksum {
            checksum::show!(output, sum.algorithm.as_str(), sum.value);
            output.checksum_type = Some(crate::fetch::checksum_type(sum));
        }
        Ok(output)
    }
}

async fn complete(
    tx: &Tx,
    place: &Place,
    input: &CompleteMultipartUploadRequest,
    condition: &WriteCondition,
    manifest: &str,
    moment: Moment<'_>,
) -> Result<VersionRecord, TxError> {
    let (key, id) = (input.key.as_str(), input.upload_id.as_str());
    let upload = match multipart::find(tx, place, key, id).await {
        Ok(upload) => upload,
        Err(error) => {
            let current = tx.get_record::<VersionRecord>(&place.object(key)).await?;
            let same = current.filter(|current| current.upload.as_deref() == Some(id));
            return same.ok_or(error);
        }
    };
    let listed = input.multipart_upload.as_ref().and_then(|list| list.parts.as_deref());
    let parts = choose(tx, place, id, &upload, listed.unwrap_or_default()).await?;
    let size: u64 = parts.iter().map(|part| part.record.size).sum();
    let sum = multipart::checksum(&upload, &parts);
    check_promises(input, size, sum.as_ref())?;
    let kept: Vec<u64> = parts.iter().map(|part| part.number).collect();
    let etag = multipart::etag(&parts);
    let data = parts.into_iter().map(|part| PartData {
        number: part.number,
        size: part.record.size,
        checksum: upload.asked.then_some(part.record.checksum),
        data: part.record.data,
    });
    tx.put_record(place.data(manifest), &PartsRecord { parts: data.collect() });
    multipart::end(tx, place, key, id, &kept, moment.now).await?;
    let new = VersionRecord {
        seq: 0,
        version: None,
        modified: moment.now.div_euclid(1000),
        marker: false,
        size,
        etag,
        headers: upload.headers,
        tags: upload.tags,
        checksum: sum,
        parts: kept.len() as u32,
        upload: Some(id.to_owned()),
        data: Data::Parts(manifest.to_owned()),
        older_null: None,
    };
    publish(tx, place, key, new, condition, moment).await
}

/// The parts that the request lists, as they were uploaded.
async fn choose(
    tx: &Tx,
    place: &Place,
    id: &str,
    upload: &UploadRecord,
    listed: &[CompletedPart],
) -> Result<Vec<Chosen>, TxError> {
    if listed.is_empty() || listed.len() as u64 > multipart::MOST_PARTS {
        return Err(S3Error::MalformedXml.into());
    }
    let mut parts: Vec<Chosen> = Vec::with_capacity(listed.len());
    for part in listed {
        let number = multipart::part_number(part.part_number.unwrap_or_default())?;
        let etag = part.e_tag.as_deref().map(unquoted).unwrap_or_default();
        let wrong =
            || S3Error::InvalidPart { upload: id.to_owned(), number, etag: etag.to_owned() };
        if let Some(last) = parts.last() {
            if number <= last.number {
                return Err(S3Error::InvalidPartOrder(id.to_owned()).into());
            }
            if last.record.size < LEAST_PART {
                let Chosen { number, record } = last.clone();
                return Err(S3Error::EntityTooSmall {
                    size: record.size,
                    number,
                    etag: record.etag,
                }
                .into());
            }
        }
        let record = tx.get_record::<PartRecord>(&place.part(id, number)).await?;
        let record = record.filter(|record| record.etag == etag).ok_or_else(wrong)?;
        let said = checksum::claimed!(part);
        let same = |(algorithm, value): &(cumulet_auth::sigv4::ChecksumAlgorithm, String)| {
            algorithm.as_str() != upload.algorithm || *value == record.checksum
        };
        if !said.as_ref().is_none_or(same) {
            return Err(wrong().into());
        }
        parts.push(Chosen { number, record });
    }
    let consecutive = parts.iter().zip(1..).all(|(part, number)| part.number == number);
    if upload.asked && upload.composite && !consecutive {
        let why = "The upload was created using a checksum type that needs consecutive part \
                   numbers beginning with 1.";
        return Err(S3Error::InvalidRequest(why.to_owned()).into());
    }
    Ok(parts)
}

/// What the request says of the whole object.
fn check_promises(
    input: &CompleteMultipartUploadRequest,
    size: u64,
    sum: Option<&crate::model::StoredChecksum>,
) -> Result<(), S3Error> {
    if input.mpu_object_size.is_some_and(|said| u64::try_from(said) != Ok(size)) {
        let why =
            "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
        return Err(S3Error::InvalidRequest(why.to_owned()));
    }
    let Some((algorithm, value)) = checksum::claimed!(input) else { return Ok(()) };
    // A composite checksum may be said without the number of parts.
    let same = sum.is_some_and(|sum| {
        let bare = sum.value.split('-').next();
        sum.algorithm == algorithm.as_str() && (sum.value == value || bare == Some(value.as_str()))
    });
    if same { Ok(()) } else { Err(S3Error::BadDigest { algorithm: algorithm.as_str() }) }
}

//! PutObject: stores an object under a key, replacing what was there, or as its newest version.
//!
//! Promises: the object is there whole and durable, with what the request says of it, when the
//! answer goes out; its entity tag is the MD5 of its bytes; `If-None-Match: *` and `If-Match`
//! decide in the same transaction that writes. Refuses what is larger than 5 GiB, bodies that are
//! not what they were promised to be, ACLs that differ from what "bucket owner enforced" means, and
//! encryption with other keys than S3's own.

use cumulet_api_s3::ops::{PutObject, PutObjectOutput, PutObjectRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::access::on;
use crate::asked::{object_keys, with_all};
use crate::conditions::{WriteCondition, quoted};
use crate::error::{S3Error, TxError};
use crate::model::VersionRecord;
use crate::object::{algorithm, check_headers, full, headers, random_tail, refuse_unsupported};
use crate::receive::{Promise, receive};
use crate::store::bucket;
use crate::versions::{Moment, publish};
use crate::{S3, checksum, tags};

impl Handle<PutObject> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectRequest) -> Result<Vec<Access>> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let arn = bucket.place.object_arn(&input.key);
        let access = on(cx, &bucket, "s3:PutObject", arn.clone()).await?;
        let access = with_all(access, object_keys!(input))
            .with_some("s3:if-none-match", input.if_none_match.as_deref())
            .with_some("s3:if-match", input.if_match.as_deref())
            .with("s3:ObjectCreationOperation", vec!["true".to_owned()]);
        tags::accesses(cx, &bucket, access, arn, input.tagging.as_deref()).await
    }

    async fn handle(&self, cx: &Cx, input: PutObjectRequest) -> Result<PutObjectOutput> {
        crate::names::check_key(&input.key)?;
        refuse_unsupported!(input);
        if checksum::unknown_claimed!(input) || input.write_offset_bytes.is_some() {
            return Err(S3Error::NotImplemented.into());
        }
        let headers = check_headers(headers!(input))?;
        let tags = tags::parse_header(input.tagging.as_deref())?;
        let condition = WriteCondition::new(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let claimed = checksum::claimed!(input);
        let algorithm = algorithm(claimed.as_ref(), input.checksum_algorithm)?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let body = input.body.unwrap_or_default().0;
        let value = claimed.map(|(_, value)| value);
        let promise = Promise { algorithm, value, md5: input.content_md5 };
        let received = receive(cx, &self.garbage, body, &promise).await?;

        let (now, random) = (cx.now().millis(), random_tail(cx));
        let new = VersionRecord {
            seq: 0,
            version: None,
            modified: now.div_euclid(1000),
            marker: false,
            size: received.size,
            etag: received.etag(),
            headers,
            tags,
            checksum: Some(full(algorithm, received.checksum64())),
            parts: 0,
            upload: None,
            data: crate::model::Data::Empty,
            older_null: None,
        };
        let (place, key) = (&bucket.place, &input.key);
        let (new, received, condition) = (&new, &received, &condition);
        let moment = Moment { now, random: &random };
        let stored: Result<VersionRecord, TxError> = cx
            .store()
            .transact(|tx| async move {
                let data = received.keep(&tx, place);
                let new = VersionRecord { data, ..new.clone() };
                publish(&tx, place, key, new, condition, moment).await
            })
            .await;
        let stored = stored?;
        self.garbage.wake();
        let mut output = PutObjectOutput {
            e_tag: Some(quoted(&stored.etag)),
            server_side_encryption: Some("AES256".to_owned()),
            version_id: stored.version.clone(),
            ..PutObjectOutput::default()
        };
        if let Some(sum) = &stored.checksum {
            checksum::show!(output, sum.algorithm.as_str(), sum.value);
            output.checksum_type = Some(crate::fetch::checksum_type(sum));
        }
        Ok(output)
    }
}

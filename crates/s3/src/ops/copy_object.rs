//! CopyObject: makes an object of another one's bytes.
//!
//! Promises: the copy is one object with the MD5 of its bytes for a tag, however its source was
//! uploaded; metadata and tags come from the source or, with the directive REPLACE, from the
//! request; storage class and website redirect always from the request. Refuses sources over 5 GB,
//! and to copy an object onto itself without changing anything.

use cumulet_api_s3::ops::{CopyObject, CopyObjectOutput, CopyObjectRequest};
use cumulet_api_s3::types::{CopyObjectResult, MetadataDirective, TaggingDirective};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::access::on;
use crate::asked::{object_keys, with_all};
use crate::conditions::{WriteCondition, copy_condition, quoted};
use crate::error::{S3Error, TxError};
use crate::model::{Headers, VersionRecord};
use crate::object::{check_headers, full, headers, random_tail, refuse_unsupported, shown_version};
use crate::ops::copy_source::{self, Source};
use crate::receive::{Promise, receive};
use crate::send::open;
use crate::store::bucket;
use crate::versions::{Moment, publish};
use crate::{S3, checksum, tags};

impl Handle<CopyObject> for S3 {
    async fn access(&self, cx: &Cx, input: &CopyObjectRequest) -> Result<Vec<Access>> {
        let source = Source::parse(&input.copy_source)?;
        let expected = input.expected_source_bucket_owner.as_deref();
        let mut accesses = copy_source::access(cx, &source, expected).await?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let arn = bucket.place.object_arn(&input.key);
        let access = on(cx, &bucket, "s3:PutObject", arn.clone()).await?;
        let directive = input.metadata_directive.map(|directive| directive.as_str());
        let access = with_all(access, object_keys!(input))
            .with_some("s3:if-none-match", input.if_none_match.as_deref())
            .with_some("s3:if-match", input.if_match.as_deref())
            .with_some("s3:x-amz-copy-source", Some(source.named()))
            .with_some("s3:x-amz-metadata-directive", directive)
            .with("s3:ObjectCreationOperation", vec!["true".to_owned()]);
        accesses.extend(tags::accesses(cx, &bucket, access, arn, input.tagging.as_deref()).await?);
        Ok(accesses)
    }

    async fn handle(&self, cx: &Cx, input: CopyObjectRequest) -> Result<CopyObjectOutput> {
        crate::names::check_key(&input.key)?;
        refuse_unsupported!(input);
        let source = Source::parse(&input.copy_source)?;
        let own = check_headers(headers!(input))?;
        let replaces = input.metadata_directive == Some(MetadataDirective::Replace);
        refuse_itself(&input, &source, replaces, &own)?;
        let condition = WriteCondition::new(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let expected = input.expected_source_bucket_owner.as_deref();
        let (from, read, version) =
            copy_source::find(cx, &source, expected, &copy_condition!(input)).await?;
        let tags = if input.tagging_directive == Some(TaggingDirective::Replace) {
            tags::parse_header(input.tagging.as_deref())?
        } else {
            version.tags.clone()
        };
        let kept = Headers {
            storage_class: own.storage_class.clone(),
            website_redirect: own.website_redirect.clone(),
            ..version.headers.clone()
        };
        let algorithm = copy_source::algorithm(&version, input.checksum_algorithm)?;
        let body = open(cx, &read, &from.place, &version, 0..version.size).await;
        let body = body.map_err(copy_source::broken)?;
        let promise = Promise { algorithm, value: None, md5: None };
        let received = receive(cx, &self.garbage, body, &promise).await;
        let received = received.map_err(copy_source::inward)?;

        let (now, random) = (cx.now().millis(), random_tail(cx));
        let new = VersionRecord {
            modified: now.div_euclid(1000),
            size: received.size,
            etag: received.etag(),
            headers: if replaces { own } else { kept },
            tags,
            checksum: Some(full(algorithm, received.checksum64())),
            parts: 0,
            upload: None,
            ..version.clone()
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
        Ok(CopyObjectOutput {
            copy_object_result: Some(show(&stored)),
            copy_source_version_id: shown_version(&from, &version),
            version_id: stored.version.clone(),
            server_side_encryption: Some("AES256".to_owned()),
            ..CopyObjectOutput::default()
        })
    }
}

fn show(copy: &VersionRecord) -> CopyObjectResult {
    let mut result = CopyObjectResult {
        e_tag: Some(quoted(&copy.etag)),
        last_modified: Some(Timestamp::from_secs(copy.modified)),
        ..CopyObjectResult::default()
    };
    if let Some(sum) = &copy.checksum {
        checksum::show!(result, sum.algorithm.as_str(), sum.value);
        result.checksum_type = Some(crate::fetch::checksum_type(sum));
    }
    result
}

fn refuse_itself(
    input: &CopyObjectRequest,
    source: &Source,
    replaces: bool,
    own: &Headers,
) -> Result<(), S3Error> {
    let changes = replaces
        || source.version.is_some()
        || own.storage_class.is_some()
        || own.website_redirect.is_some()
        || input.server_side_encryption.is_some();
    if source.bucket == input.bucket && source.key == input.key && !changes {
        return Err(S3Error::InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without \
             changing the object's metadata, storage class, website redirect location or \
             encryption attributes."
                .to_owned(),
        ));
    }
    Ok(())
}

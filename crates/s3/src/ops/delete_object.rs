//! DeleteObject: removes an object, puts a delete marker over it where the bucket is versioned, or
//! removes one version for good. That there is nothing to delete is no error.

use cumulet_api_s3::ops::{DeleteObject, DeleteObjectOutput, DeleteObjectRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::conditions::WriteCondition;
use crate::error::{S3Error, TxError};
use crate::object::random_tail;
use crate::store::{Place, bucket};
use crate::versions::{Moment, Removed, remove, remove_version};
use crate::{S3, fetch};

impl Handle<DeleteObject> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteObjectRequest) -> Result<Vec<Access>> {
        let object = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let actions = ("s3:DeleteObject", "s3:DeleteObjectVersion");
        let expected = input.expected_bucket_owner.as_deref();
        let accesses = fetch::access(cx, object, expected, actions).await?.into_iter();
        let with = |access: Access| access.with_some("s3:if-match", input.if_match.as_deref());
        Ok(accesses.map(with).collect())
    }

    async fn handle(&self, cx: &Cx, input: DeleteObjectRequest) -> Result<DeleteObjectOutput> {
        if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
            // Of directory buckets only.
            return Err(S3Error::NotImplemented.into());
        }
        crate::names::check_key(&input.key)?;
        fetch::check_version(input.version_id.as_deref())?;
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let condition = WriteCondition::new(input.if_match.as_ref(), None)?;
        let version = input.version_id.as_deref();
        let removed = delete(cx, &bucket.place, &input.key, version, &condition).await?;
        self.garbage.wake();
        let output = DeleteObjectOutput::default();
        let delete_marker = removed.marker.then_some(true);
        Ok(DeleteObjectOutput { delete_marker, version_id: removed.version, ..output })
    }
}

/// Deletes in a transaction of its own.
pub(crate) async fn delete(
    cx: &Cx,
    place: &Place,
    key: &str,
    version: Option<&str>,
    condition: &WriteCondition,
) -> Result<Removed, TxError> {
    let (now, random) = (cx.now().millis(), random_tail(cx));
    let moment = Moment { now, random: &random };
    cx.store()
        .transact(|tx| async move {
            match version {
                None => remove(&tx, place, key, condition, moment).await,
                Some(version) => remove_version(&tx, place, key, version, condition, now).await,
            }
        })
        .await
}

//! DeleteBucket: gives a name back. Refuses while there are objects, versions or delete markers;
//! unfinished uploads end with it.

use cumulet_api_s3::ops::{DeleteBucket, DeleteBucketOutput, DeleteBucketRequest};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _, Tx, names};

use crate::access::on_bucket;
use crate::error::{S3Error, TxError};
use crate::store::{NAMES, Place, WEBSITE_NAMES, bucket};
use crate::{S3, multipart};

impl Handle<DeleteBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:DeleteBucket").await
    }

    async fn handle(&self, cx: &Cx, input: DeleteBucketRequest) -> Result<DeleteBucketOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let place = &bucket.place;
        let objects = place.objects().prefix();
        let some = cx.store().snapshot().range(&objects, Direction::Forward, 1).await?;
        if !some.items.is_empty() {
            return Err(S3Error::BucketNotEmpty(place.name.clone()).into());
        }
        multipart::abort_all(cx, &bucket).await?;
        let done: Result<(), TxError> =
            cx.store().transact(|tx| async move { delete(&tx, place).await }).await;
        done?;
        self.garbage.wake();
        Ok(DeleteBucketOutput {})
    }
}

async fn delete(tx: &Tx, place: &Place) -> Result<(), TxError> {
    if tx.get(&place.bucket()).await?.is_none() {
        return Err(S3Error::NoSuchBucket(place.name.clone()).into());
    }
    // Older versions have a current one; an upload that began just now counts too.
    for range in [place.objects().prefix(), place.uploads().prefix()] {
        if !tx.range(&range, Direction::Forward, 1).await?.items.is_empty() {
            return Err(S3Error::BucketNotEmpty(place.name.clone()).into());
        }
    }
    tx.delete(place.bucket());
    tx.delete(place.listed());
    tx.delete_range(&place.configs()).await?;
    names::release(tx, NAMES, &place.name, &place.owner()).await?;
    names::release(tx, WEBSITE_NAMES, &place.name, &place.owner()).await?;
    Ok(())
}

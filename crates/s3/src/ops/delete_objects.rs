//! DeleteObjects: up to 1,000 deletions, each with its own leave and its own answer.

use cumulet_api_s3::ops::{DeleteObjects, DeleteObjectsOutput, DeleteObjectsRequest};
use cumulet_api_s3::types::{DeletedObject, Error as Failed, ObjectIdentifier};
use cumulet_service::{Access, Cx, Error, Handle, Result};
use futures_util::{StreamExt as _, stream};

use super::delete_object::delete;
use crate::conditions::WriteCondition;
use crate::error::S3Error;
use crate::store::{Bucket, bucket};
use crate::{S3, fetch};

/// Objects of one request.
const MOST: usize = 1000;
/// Deletions under way at once.
const AT_ONCE: usize = 32;

impl Handle<DeleteObjects> for S3 {
    /// None here: leave is asked for object by object.
    async fn access(&self, _: &Cx, _: &DeleteObjectsRequest) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(&self, cx: &Cx, input: DeleteObjectsRequest) -> Result<DeleteObjectsOutput> {
        if !(1..=MOST).contains(&input.delete.objects.len()) {
            return Err(S3Error::MalformedXml.into());
        }
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let quiet = input.delete.quiet.unwrap_or_default();
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        // Side by side, so that they share the disk's syncs; answered in the order asked.
        let each = input.delete.objects.into_iter().map(|object| async {
            let done = one(cx, &bucket, &object).await;
            (object, done)
        });
        let mut each = std::pin::pin!(stream::iter(each).buffered(AT_ONCE));
        while let Some((object, done)) = each.next().await {
            match done {
                Ok(done) if !quiet => deleted.push(done),
                Ok(_) => {}
                // A broken store is no answer for one key.
                Err(error) if error.status >= 500 && error.status != 501 => return Err(error),
                Err(error) => errors.push(Failed {
                    key: Some(object.key),
                    version_id: object.version_id,
                    code: Some(code(&error)),
                    message: Some(error.message),
                }),
            }
        }
        self.garbage.wake();
        let output = DeleteObjectsOutput::default();
        Ok(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..output })
    }
}

async fn one(cx: &Cx, bucket: &Bucket, object: &ObjectIdentifier) -> Result<DeletedObject> {
    let version = object.version_id.as_deref();
    let actions = ("s3:DeleteObject", "s3:DeleteObjectVersion");
    let access = fetch::access_in(cx, bucket, &object.key, version, actions).await?;
    cx.authorize(&access.with_some("s3:if-match", object.e_tag.as_deref())).await?;
    crate::names::check_key(&object.key)?;
    fetch::check_version(version)?;
    let condition = WriteCondition::new(object.e_tag.as_ref(), None)?;
    let removed = delete(cx, &bucket.place, &object.key, version, &condition).await?;
    let marker = removed.marker.then(|| removed.version.clone()).flatten();
    Ok(DeletedObject {
        key: Some(object.key.clone()),
        version_id: object.version_id.clone(),
        delete_marker: removed.marker.then_some(true),
        delete_marker_version_id: marker,
    })
}

/// The framework's name for a refusal as S3 spells it.
fn code(error: &Error) -> String {
    match error.code.as_ref() {
        "AccessDeniedException" => "AccessDenied".to_owned(),
        code => code.to_owned(),
    }
}

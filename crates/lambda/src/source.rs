//! Where a package comes from: the request itself, or an object in S3.

use bytes::Bytes;
use cumulet_service::{Cx, Error as ServiceError, Result};

use crate::error::Error;

/// What a request says of a package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) operation: &'static str,
    pub(crate) zip: Option<&'a Bytes>,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
}

/// The package's bytes.
pub(crate) async fn fetch(_cx: &Cx, source: Source<'_>) -> Result<Bytes> {
    let Source { operation, zip, bucket, key, image } = source;
    if image.is_some() {
        return Err(ServiceError::not_implemented("lambda", &format!("{operation} with ImageUri")));
    }
    match (zip, bucket, key) {
        (Some(zip), None, None) => {
            if zip.is_empty() {
                return Err(Error::Invalid("Uploaded file must be a non-empty zip".into()).into());
            }
            Ok(zip.clone())
        }
        (None, Some(_), Some(_)) => {
            Err(ServiceError::not_implemented("lambda", &format!("{operation} with S3Bucket")))
        }
        _ => Err(Error::Invalid(
            "Please provide a source for function code: a ZipFile, or an S3Bucket with an S3Key."
                .to_owned(),
        )
        .into()),
    }
}

//! Where a package comes from: the request itself, or an object in S3.

use bytes::Bytes;
use cumulet_api_s3::ops::{GetObject, GetObjectRequest};
use cumulet_service::{Cx, Error as ServiceError, Result};

use crate::error::Error;
use crate::package::{MAX_DIRECT, MAX_UNZIPPED};

/// What a request says of a package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) operation: &'static str,
    pub(crate) zip: Option<&'a Bytes>,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) object_version: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
}

/// The package's bytes.
pub(crate) async fn fetch(cx: &Cx, source: Source<'_>) -> Result<Bytes> {
    let Source { operation, zip, bucket, key, object_version, image } = source;
    if image.is_some() {
        return Err(ServiceError::not_implemented("lambda", &format!("{operation} with ImageUri")));
    }
    match (zip, bucket, key) {
        (Some(zip), None, None) => {
            if zip.is_empty() {
                return Err(Error::Invalid("Uploaded file must be a non-empty zip".into()).into());
            }
            if zip.len() > MAX_DIRECT {
                return Err(Error::Invalid(format!(
                "The package has {} bytes: a zip in a request has at most {MAX_DIRECT}. Upload it \
                 to S3 and name the object.",
                zip.len()
            ))
            .into());
            }
            Ok(zip.clone())
        }
        (None, Some(bucket), Some(key)) => object(cx, bucket, key, object_version).await,
        _ => Err(Error::Invalid(
            "Please provide a source for function code: a ZipFile, or an S3Bucket with an S3Key."
                .to_owned(),
        )
        .into()),
    }
}

/// An object in S3, read as the caller: "the user needs permission to read the object".
async fn object(cx: &Cx, bucket: &str, key: &str, version: Option<&str>) -> Result<Bytes> {
    let input = GetObjectRequest {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
        ..GetObjectRequest::default()
    };
    let refused = |error: ServiceError| {
        // What is not yet here says so itself.
        if error.status >= 500 {
            return error;
        }
        ServiceError::from(Error::Invalid(format!(
            "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
            error.code, error.message
        )))
    };
    let output = cx.call::<GetObject>(input).await.map_err(refused)?;
    // A zip is never larger than what may come out of it.
    let limit = usize::try_from(MAX_UNZIPPED).unwrap_or(usize::MAX);
    let body = output.body.map(|body| body.0).unwrap_or_default();
    let too_large = |_| {
        Error::Invalid(format!("Unzipped size must be smaller than {MAX_UNZIPPED} bytes")).into()
    };
    body.collect(limit).await.map_err(too_large)
}

//! The header `x-amz-copy-source`: where CopyObject and UploadPartCopy take their bytes from.

use cumulet_auth::sigv4::ChecksumAlgorithm;
use cumulet_service::{Access, Cx, Error, Result};
use cumulet_store::Snapshot;
use percent_encoding::percent_decode_str;

use crate::conditions::ReadCondition;
use crate::error::S3Error;
use crate::fetch;
use crate::model::VersionRecord;
use crate::receive::MOST;
use crate::send::OpenError;
use crate::store::{Bucket, bucket};

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

impl Source {
    /// As the request names it, decoded and without version: `/bucket/key`.
    pub(crate) fn named(&self) -> String {
        format!("/{}/{}", self.bucket, self.key)
    }

    /// Reads `[/]bucket/key[?versionId=…]`, percent-encoded once.
    pub(crate) fn parse(header: &str) -> Result<Self, S3Error> {
        let wrong = || S3Error::InvalidArgument {
            message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            name: "x-amz-copy-source",
            value: header.to_owned(),
        };
        let (path, version) = match header.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (header, None),
        };
        let path = percent_decode_str(path).decode_utf8().map_err(|_| wrong())?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').ok_or_else(wrong)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(wrong());
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), version })
    }
}

/// The leave to read it.
pub(crate) async fn access(
    cx: &Cx,
    source: &Source,
    expected: Option<&str>,
) -> Result<Vec<Access>> {
    let object = (source.bucket.as_str(), source.key.as_str(), source.version.as_deref());
    fetch::tagged_access(cx, object, expected, ("s3:GetObject", "s3:GetObjectVersion")).await
}

/// Finds it, where the conditions hold.
pub(crate) async fn find(
    cx: &Cx,
    source: &Source,
    expected: Option<&str>,
    condition: &ReadCondition,
) -> Result<(Bucket, Snapshot, VersionRecord)> {
    let bucket = bucket(cx, &source.bucket, expected).await?;
    let found = fetch::existing(cx, &bucket, &source.key, source.version.as_deref()).await;
    let (read, version) = found.map_err(|error| {
        if error.code == "MethodNotAllowed" {
            let why = "The source of a copy request may not specifically refer to a delete marker \
                       by version id.";
            return S3Error::InvalidRequest(why.to_owned()).into();
        }
        error
    })?;
    condition.check_source(&version)?;
    Ok((bucket, read, version))
}

/// The algorithm of a copy's checksum: the one asked for, else the source's.
pub(crate) fn algorithm(
    version: &VersionRecord,
    named: Option<cumulet_api_s3::types::ChecksumAlgorithm>,
) -> Result<ChecksumAlgorithm> {
    if version.size > MOST {
        let why = "The specified copy source is larger than the maximum allowable size for a copy \
                   source: 5368709120";
        return Err(S3Error::InvalidRequest(why.to_owned()).into());
    }
    let own = version.checksum.as_ref().and_then(|sum| ChecksumAlgorithm::of_name(&sum.algorithm));
    match (named, own) {
        (None, Some(own)) => Ok(own),
        (named, _) => Ok(crate::object::algorithm(None, named)?),
    }
}

/// A source that was replaced just now: the caller tries again.
pub(crate) fn broken(error: OpenError) -> Error {
    match error {
        OpenError::Replaced => Error::unavailable("the source was replaced"),
        OpenError::Other(error) => error,
    }
}

/// A source that breaks off is this cloud's fault, not the caller's.
pub(crate) fn inward(error: Error) -> Error {
    if error.code == "IncompleteBody" { Error::unavailable(error) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let source = |bucket: &str, key: &str, version: Option<&str>| {
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            Ok(Source { bucket, key, version: version.map(str::to_owned) })
        };
        assert_eq!(Source::parse("b/k"), source("b", "k", None));
        assert_eq!(Source::parse("/b/a%20b/%3Fc%2Bd"), source("b", "a b/?c+d", None));
        assert_eq!(Source::parse("b/k?versionId=v"), source("b", "k", Some("v")));
        assert_eq!(Source::parse("b//k/"), source("b", "/k/", None));
        for wrong in ["", "b", "/b", "b/", "/", "b/%FF"] {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
    }
}

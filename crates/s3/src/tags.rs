//! Tags of buckets and objects.
//!
//! Source: "Categorizing your objects using tags" in the S3 user guide.

use std::collections::HashSet;

use cumulet_api_s3::types::Tag;
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Result};
use cumulet_store::Read as _;
use percent_encoding::percent_decode_str;

use crate::error::{S3Error, TxError};
use crate::model::VersionRecord;
use crate::store::{Bucket, find_version};

/// Tags of an object.
const OF_OBJECT: usize = 10;
/// Tags of a bucket.
const OF_BUCKET: usize = 50;

/// The kind of configuration that a bucket's tags are.
pub(crate) const TAGS: &str = "tagging";

/// Names and values.
pub(crate) type Tags = Vec<(String, String)>;

/// The header `x-amz-tagging`: a form's pairs.
pub(crate) fn parse_header(header: Option<&str>) -> Result<Tags, S3Error> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned);
        decoded.map_err(|_| S3Error::InvalidArgument {
            message: "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL \
                      query parameters without tag name duplicates.",
            name: "x-amz-tagging",
            value: text.clone(),
        })
    };
    let pairs = header.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let tags = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    });
    of_object(tags.collect::<Result<_, S3Error>>()?)
}

/// An object's tags, checked.
pub(crate) fn of_object(tags: Tags) -> Result<Tags, S3Error> {
    if tags.len() > OF_OBJECT { Err(S3Error::TooManyTags) } else { check(tags) }
}

/// A bucket's tags, checked.
pub(crate) fn of_bucket(tags: Tags) -> Result<Tags, S3Error> {
    if tags.len() > OF_BUCKET {
        return Err(S3Error::InvalidTag("Bucket tag count cannot be greater than 50"));
    }
    check(tags)
}

fn check(tags: Tags) -> Result<Tags, S3Error> {
    let mut seen = HashSet::new();
    for (name, value) in &tags {
        let allowed = |text: &str| {
            text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
        };
        if !(1..=128).contains(&name.chars().count()) || !allowed(name) {
            return Err(S3Error::InvalidTag("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 || !allowed(value) {
            return Err(S3Error::InvalidTag("The TagValue you have provided is invalid"));
        }
        if name.starts_with("aws:") {
            return Err(S3Error::InvalidTag("System tags cannot be added/updated by requester"));
        }
        if !seen.insert(name) {
            return Err(S3Error::InvalidTag("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

/// `write`, which makes the object `arn`, with the tags of its header; and leave to set those.
pub(crate) async fn accesses(
    cx: &Cx,
    bucket: &Bucket,
    write: Access,
    arn: Arn,
    header: Option<&str>,
) -> Result<Vec<Access>> {
    if header.is_none() {
        return Ok(vec![write]);
    }
    // A header that cannot be read is refused later, before anything is done.
    let tags = parse_header(header).unwrap_or_default();
    let tag = crate::access::on(cx, bucket, "s3:PutObjectTagging", arn).await?;
    Ok(vec![requested(write, &tags), requested(tag, &tags)])
}

/// With the tags that a request gives an object.
pub(crate) fn requested(access: Access, tags: &Tags) -> Access {
    if tags.is_empty() {
        return access;
    }
    let keys = tags.iter().map(|(key, _)| key.clone()).collect();
    tags.iter().fold(access.with("s3:RequestObjectTagKeys", keys), |access, (key, value)| {
        access.with(format!("s3:RequestObjectTag/{key}"), vec![value.clone()])
    })
}

/// From the wire.
pub(crate) fn read(tags: Vec<Tag>) -> Tags {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// To the wire.
pub(crate) fn show(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Gives a version these tags and no others, and returns it.
pub(crate) async fn put(
    cx: &Cx,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
    tags: &Tags,
) -> Result<VersionRecord> {
    let (_, found) = crate::fetch::existing(cx, bucket, key, version).await?;
    let (place, id) = (&bucket.place, found.version.as_deref().unwrap_or("null"));
    let done: Result<VersionRecord, TxError> = cx
        .store()
        .transact(|tx| async move {
            let found = find_version(&tx, place, key, Some(id)).await?;
            let missing = || S3Error::NoSuchKey { key: key.to_owned(), marker: None };
            let mut found = found.filter(|found| !found.marker).ok_or_else(missing)?;
            found.tags.clone_from(tags);
            let current = tx.get_record::<VersionRecord>(&place.object(key)).await?;
            let at = match current {
                Some(current) if current.seq == found.seq => place.object(key),
                _ => place.version(key, found.seq),
            };
            tx.put_record(at, &found);
            Ok(found)
        })
        .await;
    Ok(done?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let tags = parse_header(Some("a=1&b+c=%C3%A9&d")).unwrap();
        let expect = [("a", "1"), ("b c", "é"), ("d", "")];
        assert_eq!(tags, expect.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(parse_header(None), Ok(vec![]));
        for bad in ["a=1&a=2", "=1", "aws:x=1", "a=%FF", "a=<"] {
            assert!(parse_header(Some(bad)).is_err(), "{bad}");
        }
        let many = (0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
        assert_eq!(parse_header(Some(&many)), Err(S3Error::TooManyTags));
    }
}

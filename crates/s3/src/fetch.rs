//! What GetObject and HeadObject have in common: which version, which bytes, under what conditions.

use std::ops::Range;

use cumulet_service::{Access, Cx, Principal, Result};
use cumulet_store::Snapshot;

use crate::access::{is_unlimited, missing, on};
use crate::conditions::ReadCondition;
use crate::error::S3Error;
use crate::model::{StoredChecksum, VersionRecord};
use crate::store::{Bucket, bucket, find_version, version_seq};

/// What a read asks for.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) expected: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
    pub(crate) part: Option<i32>,
    pub(crate) condition: ReadCondition,
    pub(crate) checksum: bool,
    /// Whether it says what headers the answer shall have.
    pub(crate) overrides: bool,
}

/// What a read finds.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) bucket: Bucket,
    pub(crate) version: VersionRecord,
    /// The state that the version was found in.
    pub(crate) read: Snapshot,
    pub(crate) range: Range<u64>,
    /// `Content-Range`, where only a part was asked for.
    pub(crate) content_range: Option<String>,
    /// `x-amz-mp-parts-count`.
    pub(crate) parts: Option<i32>,
    pub(crate) checksum: Option<StoredChecksum>,
}

/// Reads what a read asks for from an input.
macro_rules! wanted {
    ($input:expr) => {
        $crate::fetch::Wanted {
            bucket: &$input.bucket,
            key: &$input.key,
            expected: $input.expected_bucket_owner.as_deref(),
            version: $input.version_id.as_deref(),
            range: $input.range.as_deref(),
            part: $input.part_number,
            condition: $crate::conditions::read_condition!($input),
            checksum: $input.checksum_mode.is_some(),
            overrides: $input.response_cache_control.is_some()
                || $input.response_content_disposition.is_some()
                || $input.response_content_encoding.is_some()
                || $input.response_content_language.is_some()
                || $input.response_content_type.is_some()
                || $input.response_expires.is_some(),
        }
    };
}

/// Sets the fields of an output that show what was found.
macro_rules! show_found {
    ($output:expr, $input:expr, $found:expr) => {{
        $crate::object::show_headers!($output, $found.version);
        $output.content_length = i64::try_from($found.range.end - $found.range.start).ok();
        $output.content_range = $found.content_range.clone();
        $output.parts_count = $found.parts;
        $output.version_id = $crate::object::shown_version(&$found.bucket, &$found.version);
        if let Some(checksum) = &$found.checksum {
            $crate::checksum::show!($output, checksum.algorithm.as_str(), checksum.value);
            $output.checksum_type = Some($crate::fetch::checksum_type(checksum));
        }
        let fields = [
            ($input.response_cache_control, &mut $output.cache_control),
            ($input.response_content_disposition, &mut $output.content_disposition),
            ($input.response_content_encoding, &mut $output.content_encoding),
            ($input.response_content_language, &mut $output.content_language),
            ($input.response_content_type, &mut $output.content_type),
            ($input.response_expires.map(|date| date.http_date()), &mut $output.expires),
        ];
        for (said, field) in fields {
            if said.is_some() {
                *field = said;
            }
        }
    }};
}

pub(crate) use {show_found, wanted};

/// How a checksum was made.
pub(crate) fn checksum_type(checksum: &StoredChecksum) -> cumulet_api_s3::types::ChecksumType {
    use cumulet_api_s3::types::ChecksumType;
    if checksum.composite { ChecksumType::Composite } else { ChecksumType::FullObject }
}

/// Leave for the first of two actions on an object, or for the second where a version is named.
pub(crate) async fn access(
    cx: &Cx,
    (bucket, key, version): (&str, &str, Option<&str>),
    expected: Option<&str>,
    actions: (&'static str, &'static str),
) -> Result<Vec<Access>> {
    let bucket = crate::store::bucket(cx, bucket, expected).await?;
    Ok(vec![access_in(cx, &bucket, key, version, actions).await?])
}

/// The same in a bucket that was looked up.
pub(crate) async fn access_in(
    cx: &Cx,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
    actions: (&'static str, &'static str),
) -> Result<Access> {
    let action = if version.is_some() { actions.1 } else { actions.0 };
    let access = on(cx, bucket, action, bucket.place.object_arn(key)).await?;
    Ok(access.with_some("s3:versionid", version))
}

/// The same with the tags that the object has: `s3:ExistingObjectTag/…`.
pub(crate) async fn tagged_access(
    cx: &Cx,
    (bucket, key, version): (&str, &str, Option<&str>),
    expected: Option<&str>,
    actions: (&'static str, &'static str),
) -> Result<Vec<Access>> {
    let bucket = crate::store::bucket(cx, bucket, expected).await?;
    let access = access_in(cx, &bucket, key, version, actions).await?;
    if is_unlimited(cx, &access) {
        return Ok(vec![access]);
    }
    let found = find_version(&cx.store().snapshot(), &bucket.place, key, version).await?;
    let tags = found.map(|found| found.tags).unwrap_or_default();
    Ok(vec![tags.into_iter().fold(access, |access, (key, value)| {
        access.with(format!("s3:ExistingObjectTag/{key}"), vec![value])
    })])
}

/// Finds it.
pub(crate) async fn find(cx: &Cx, wanted: &Wanted<'_>) -> Result<Found> {
    if wanted.overrides && *cx.principal() == Principal::Anonymous {
        let message =
            "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(S3Error::InvalidRequest(message.to_owned()).into());
    }
    let bucket = bucket(cx, wanted.bucket, wanted.expected).await?;
    let (read, version) = existing(cx, &bucket, wanted.key, wanted.version).await?;
    wanted.condition.check(&version)?;
    let (range, content_range, parts) = match wanted.part {
        None => {
            let range = crate::range::parse(wanted.range, version.size)?;
            let shown = range.as_ref().map(|range| content_range(range, version.size));
            (range.unwrap_or(0..version.size), shown, None)
        }
        Some(_) if wanted.range.is_some() => {
            let message = "Cannot specify both Range header and partNumber query parameter.";
            return Err(S3Error::InvalidRequest(message.to_owned()).into());
        }
        Some(number) => {
            let range = part(&read, &bucket, &version, number).await?;
            let shown = (!range.is_empty()).then(|| content_range(&range, version.size));
            let count = i32::try_from(version.parts).ok().filter(|count| *count > 0);
            (range, shown, count)
        }
    };
    let whole = content_range.is_none();
    let checksum = version.checksum.clone().filter(|_| wanted.checksum && whole);
    Ok(Found { bucket, version, read, range, content_range, parts, checksum })
}

/// A version that is there and no delete marker.
pub(crate) async fn existing(
    cx: &Cx,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
) -> Result<(Snapshot, VersionRecord)> {
    crate::names::check_key(key)?;
    check_version(version)?;
    let read = cx.store().snapshot();
    let found = find_version(&read, &bucket.place, key, version).await?;
    let (error, named) = match (&found, version) {
        (Some(found), _) if !found.marker => return Ok((read, found.clone())),
        (Some(marker), Some(version)) => {
            let modified = cumulet_base::Timestamp::from_secs(marker.modified).http_date();
            (S3Error::MarkerNotAllowed { version: version.to_owned(), modified }, true)
        }
        (None, Some(version)) => {
            let version = version.to_owned();
            (S3Error::NoSuchVersion { key: key.to_owned(), version }, false)
        }
        (marker, None) => {
            let marker = marker
                .as_ref()
                .map(|marker| marker.version.clone().unwrap_or_else(|| "null".to_owned()));
            (S3Error::NoSuchKey { key: key.to_owned(), marker }, false)
        }
    };
    // Who names a marker's version knows it already.
    if named { Err(error.into()) } else { Err(missing(cx, bucket, error).await) }
}

/// A version's id, checked as far as that can be done without looking.
pub(crate) fn check_version(version: Option<&str>) -> Result<(), S3Error> {
    match version {
        Some(id) if id != "null" && version_seq(id).is_none() => Err(S3Error::InvalidArgument {
            message: "Invalid version id specified",
            name: "versionId",
            value: id.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// The bytes of part `number`.
async fn part(
    read: &Snapshot,
    bucket: &Bucket,
    version: &VersionRecord,
    number: i32,
) -> Result<Range<u64>> {
    crate::multipart::part_number(number)?;
    let record = crate::send::parts(read, &bucket.place, version).await?;
    let count = (record.parts.len() as u64).max(1);
    let index = usize::try_from(number - 1).unwrap_or_default();
    if index as u64 >= count {
        return Err(S3Error::InvalidPartNumber { asked: number, parts: count }.into());
    }
    let Some(size) = record.parts.get(index).map(|part| part.size) else {
        return Ok(0..version.size);
    };
    let start = record.parts.iter().take(index).map(|part| part.size).sum();
    Ok(start..start + size)
}

//! What the operations that write objects have in common: the headers they keep, the ones they
//! refuse.

use cumulet_auth::sigv4::ChecksumAlgorithm;
use cumulet_service::Cx;

use crate::error::S3Error;
use crate::model::{Headers, StoredChecksum, VersionRecord};

/// Bytes of user metadata, names and values.
pub(crate) const MAX_METADATA: usize = 2 << 10;
/// Bytes of the other headers that are kept.
const MAX_HEADERS: usize = 8 << 10;

const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// Reads the headers that an object keeps from an input.
macro_rules! headers {
    ($input:expr) => {
        $crate::model::Headers {
            content_type: $input.content_type.clone(),
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_language: $input.content_language.clone(),
            expires: $input.expires.clone(),
            website_redirect: $input.website_redirect_location.clone(),
            storage_class: $input.storage_class.clone(),
            metadata: $input.metadata.clone().unwrap_or_default(),
        }
    };
}

/// Refuses what a header asks for and S3's buckets of today, or this cloud, do not have.
macro_rules! refuse_unsupported {
    ($input:expr) => {{
        use cumulet_api_s3::types::ObjectCannedACL as Canned;
        let grants = [
            &$input.grant_full_control,
            &$input.grant_read,
            &$input.grant_read_acp,
            &$input.grant_write_acp,
        ];
        // "Bucket owner enforced": a canned ACL may only say what holds anyway.
        let acl =
            !matches!($input.acl, None | Some(Canned::Private | Canned::BucketOwnerFullControl));
        if acl || grants.iter().any(|grant| grant.is_some()) {
            return Err($crate::error::S3Error::AccessControlListNotSupported.into());
        }
        if $input.object_lock_mode.is_some()
            || $input.object_lock_legal_hold_status.is_some()
            || $input.object_lock_retain_until_date.is_some()
        {
            let message = "Bucket is missing Object Lock Configuration".to_owned();
            return Err($crate::error::S3Error::InvalidRequest(message).into());
        }
        if $input.sse_customer_algorithm.is_some() || $input.ssekms_key_id.is_some() {
            return Err($crate::error::S3Error::NotImplemented.into());
        }
        $crate::object::check_encryption($input.server_side_encryption.as_deref())?;
    }};
}

/// Sets the fields that show an object's headers.
macro_rules! show_headers {
    ($output:expr, $version:expr) => {{
        let headers = &$version.headers;
        $output.content_type = Some($crate::object::content_type(headers));
        $output.cache_control = headers.cache_control.clone();
        $output.content_disposition = headers.content_disposition.clone();
        $output.content_encoding = headers.content_encoding.clone();
        $output.content_language = headers.content_language.clone();
        $output.expires = headers.expires.clone();
        $output.website_redirect_location = headers.website_redirect.clone();
        $output.storage_class = headers.storage_class.clone();
        $output.metadata = Some($crate::object::show_metadata(headers));
        $output.accept_ranges = Some("bytes".to_owned());
        $output.e_tag = Some($crate::conditions::quoted(&$version.etag));
        $output.last_modified = Some(cumulet_base::Timestamp::from_secs($version.modified));
        $output.tag_count = i32::try_from($version.tags.len()).ok().filter(|count| *count > 0);
        $output.server_side_encryption = Some("AES256".to_owned());
    }};
}

pub(crate) use {headers, refuse_unsupported, show_headers};

/// Whether the encryption asked for is there: SSE-S3 only.
pub(crate) fn check_encryption(algorithm: Option<&str>) -> Result<(), S3Error> {
    match algorithm {
        None | Some("AES256") => Ok(()),
        Some("aws:kms" | "aws:kms:dsse") => Err(S3Error::NotImplemented),
        Some(other) => Err(S3Error::InvalidArgument {
            message: "The encryption method specified is not supported",
            name: "x-amz-server-side-encryption",
            value: other.to_owned(),
        }),
    }
}

/// Checks and cleans what a client says of an object's content.
pub(crate) fn check_headers(mut headers: Headers) -> Result<Headers, S3Error> {
    if let Some(class) = headers.storage_class.take() {
        if !STORAGE_CLASSES.contains(&class.as_str()) {
            return Err(S3Error::InvalidStorageClass(class));
        }
        headers.storage_class = Some(class).filter(|class| class != "STANDARD");
    }
    if let Some(coding) = headers.content_encoding.take() {
        // How the request came, not how the object is coded.
        let kept = coding.split(',').map(str::trim).filter(|token| *token != "aws-chunked");
        let kept: Vec<&str> = kept.filter(|token| !token.is_empty()).collect();
        headers.content_encoding = Some(kept.join(",")).filter(|coding| !coding.is_empty());
    }
    let metadata = std::mem::take(&mut headers.metadata).into_iter();
    headers.metadata = metadata.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let size = headers.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA {
        return Err(S3Error::MetadataTooLarge(size));
    }
    let others = [
        &headers.content_type,
        &headers.cache_control,
        &headers.content_disposition,
        &headers.content_encoding,
        &headers.content_language,
        &headers.expires,
        &headers.website_redirect,
    ];
    let size: usize = others.into_iter().flatten().map(String::len).sum();
    if size > MAX_HEADERS {
        return Err(S3Error::MetadataTooLarge(size));
    }
    if let Some(location) = &headers.website_redirect
        && !["/", "http://", "https://"].iter().any(|start| location.starts_with(start))
    {
        return Err(S3Error::InvalidArgument {
            message: "The website redirect location must have a prefix of 'http://' or 'https://' \
                      or '/'.",
            name: "x-amz-website-redirect-location",
            value: location.clone(),
        });
    }
    Ok(headers)
}

/// The content type that an object is given back with.
pub(crate) fn content_type(headers: &Headers) -> String {
    headers.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

/// User metadata as headers can carry it: what is not ASCII as an encoded word (RFC 2047).
pub(crate) fn show_metadata(headers: &Headers) -> std::collections::BTreeMap<String, String> {
    use base64::Engine as _;
    let show = |value: &String| {
        if value.is_ascii() {
            return value.clone();
        }
        format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(value))
    };
    headers.metadata.iter().map(|(name, value)| (name.clone(), show(value))).collect()
}

/// The algorithm of an object's checksum: the one that the request names, or CRC64NVME.
pub(crate) fn algorithm(
    claimed: Option<&(ChecksumAlgorithm, String)>,
    named: Option<cumulet_api_s3::types::ChecksumAlgorithm>,
) -> Result<ChecksumAlgorithm, S3Error> {
    if let Some((algorithm, _)) = claimed {
        return Ok(*algorithm);
    }
    let Some(named) = named else { return Ok(ChecksumAlgorithm::Crc64Nvme) };
    ChecksumAlgorithm::of_name(named.as_str()).ok_or(S3Error::NotImplemented)
}

/// A checksum of the whole object.
pub(crate) fn full(algorithm: ChecksumAlgorithm, value: String) -> StoredChecksum {
    StoredChecksum { algorithm: algorithm.as_str().to_owned(), value, composite: false }
}

/// 16 random characters for a version's id.
pub(crate) fn random_tail(cx: &Cx) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    cx.ids().text(16, LETTERS)
}

/// The id by which S3 names an account: 64 hexadecimal digits.
pub(crate) fn canonical_user(account: &str) -> String {
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        format!("s3 canonical user {account}").as_bytes(),
    );
    crate::receive::hex(digest.as_ref())
}

/// The version that a header shows; `None` in a bucket that was never versioned.
pub(crate) fn shown_version(
    bucket: &crate::store::Bucket,
    version: &VersionRecord,
) -> Option<String> {
    bucket.record.versioning?;
    Some(version.version.clone().unwrap_or_else(|| "null".to_owned()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Data;

    /// A version with this tag, written so many seconds after the epoch.
    pub(crate) fn version(etag: &str, modified: i64) -> VersionRecord {
        VersionRecord {
            seq: 1,
            version: None,
            modified,
            marker: false,
            size: 0,
            etag: etag.to_owned(),
            headers: Headers::default(),
            tags: Vec::new(),
            checksum: None,
            parts: 0,
            upload: None,
            data: Data::Empty,
            older_null: None,
        }
    }

    #[test]
    fn headers_are_checked_and_cleaned() {
        let headers = Headers {
            content_encoding: Some("aws-chunked, gzip".into()),
            storage_class: Some("STANDARD".into()),
            metadata: [("Name".to_owned(), "é".to_owned())].into(),
            ..Headers::default()
        };
        let clean = check_headers(headers).unwrap();
        assert_eq!(clean.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(clean.storage_class, None);
        assert_eq!(show_metadata(&clean), [("name".into(), "=?UTF-8?B?w6k=?=".into())].into());
        let chunked =
            Headers { content_encoding: Some("aws-chunked".into()), ..Headers::default() };
        assert_eq!(check_headers(chunked).unwrap().content_encoding, None);
        let class = Headers { storage_class: Some("FAST".into()), ..Headers::default() };
        assert_eq!(check_headers(class), Err(S3Error::InvalidStorageClass("FAST".into())));
        let metadata = [("a".to_owned(), "b".repeat(2048))].into();
        let long = Headers { metadata, ..Headers::default() };
        assert_eq!(check_headers(long), Err(S3Error::MetadataTooLarge(2049)));
    }
}

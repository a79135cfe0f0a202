//! What the lists of objects, versions and uploads have in common.

use cumulet_api_s3::types::{ChecksumAlgorithm, Object, Owner};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Result};

use crate::access::on_bucket;
use crate::conditions::quoted;
use crate::listing::spell;
use crate::model::{StoredChecksum, VersionRecord};
use crate::object::canonical_user;
use crate::store::Bucket;

/// What policies may make depend.
pub(crate) struct Asked<'a> {
    pub(crate) prefix: Option<&'a str>,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) max_keys: Option<i32>,
}

/// The leave to list, with the condition keys of what is asked.
pub(crate) async fn access(
    cx: &Cx,
    bucket: &str,
    expected: Option<&str>,
    action: &'static str,
    asked: &Asked<'_>,
) -> Result<Vec<Access>> {
    let keys = [
        ("s3:prefix", asked.prefix.map(str::to_owned)),
        ("s3:delimiter", asked.delimiter.map(str::to_owned)),
        ("s3:max-keys", asked.max_keys.map(|max| max.to_string())),
    ];
    let accesses = on_bucket(cx, bucket, expected, action).await?.into_iter();
    let with = |access: Access| {
        let said = keys.iter().filter_map(|(name, value)| Some((*name, value.clone()?)));
        said.fold(access, |access, (name, value)| access.with(name, vec![value]))
    };
    Ok(accesses.map(with).collect())
}

/// The owner of a bucket and of all in it.
pub(crate) fn owner(bucket: &Bucket) -> Owner {
    Owner { id: Some(canonical_user(bucket.place.account.as_str())), ..Owner::default() }
}

/// The storage class that lists show.
pub(crate) fn storage_class(version: &VersionRecord) -> String {
    version.headers.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
}

/// An algorithm as the wire has it.
pub(crate) fn algorithm(name: &str) -> Option<ChecksumAlgorithm> {
    Some(match name {
        "CRC32" => ChecksumAlgorithm::Crc32,
        "CRC32C" => ChecksumAlgorithm::Crc32c,
        "CRC64NVME" => ChecksumAlgorithm::Crc64nvme,
        "SHA1" => ChecksumAlgorithm::Sha1,
        "SHA256" => ChecksumAlgorithm::Sha256,
        _ => return None,
    })
}

/// The algorithm of a stored checksum, as lists show it.
pub(crate) fn algorithms(checksum: Option<&StoredChecksum>) -> Option<Vec<ChecksumAlgorithm>> {
    algorithm(&checksum?.algorithm).map(|algorithm| vec![algorithm])
}

/// An entry of a list.
pub(crate) fn show_object(
    key: &str,
    version: &VersionRecord,
    encoded: bool,
    owner: Option<Owner>,
) -> Object {
    Object {
        key: Some(spell(key, encoded)),
        last_modified: Some(Timestamp::from_secs(version.modified)),
        e_tag: Some(quoted(&version.etag)),
        checksum_algorithm: algorithms(version.checksum.as_ref()),
        checksum_type: version.checksum.as_ref().map(crate::fetch::checksum_type),
        size: i64::try_from(version.size).ok(),
        storage_class: Some(storage_class(version)),
        owner,
        ..Object::default()
    }
}

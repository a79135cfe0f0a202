//! Condition keys of what a request says in its headers.
//!
//! Source: "Actions, resources, and condition keys for Amazon S3". They are called by the headers,
//! and several requests have the same headers; each has a type of its own.

use cumulet_service::Access;

/// With the keys that have a value.
pub(crate) fn with_all<const N: usize>(
    access: Access,
    keys: [(&'static str, Option<String>); N],
) -> Access {
    keys.into_iter().fold(access, |access, (key, value)| access.with_some(key, value))
}

/// The keys of a request that sets an access control list. Objects have no `x-amz-grant-write` but
/// in PutObjectAcl.
macro_rules! acl_keys {
    ($input:expr) => {
        [
            ("s3:x-amz-acl", $input.acl.map(|acl| acl.as_str().to_owned())),
            ("s3:x-amz-grant-full-control", $input.grant_full_control.clone()),
            ("s3:x-amz-grant-read", $input.grant_read.clone()),
            ("s3:x-amz-grant-read-acp", $input.grant_read_acp.clone()),
            ("s3:x-amz-grant-write", $input.grant_write.clone()),
            ("s3:x-amz-grant-write-acp", $input.grant_write_acp.clone()),
        ]
    };
}

/// The keys of a request that makes an object.
macro_rules! object_keys {
    ($input:expr) => {
        [
            ("s3:x-amz-acl", $input.acl.map(|acl| acl.as_str().to_owned())),
            ("s3:x-amz-grant-full-control", $input.grant_full_control.clone()),
            ("s3:x-amz-grant-read", $input.grant_read.clone()),
            ("s3:x-amz-grant-read-acp", $input.grant_read_acp.clone()),
            ("s3:x-amz-grant-write-acp", $input.grant_write_acp.clone()),
            ("s3:x-amz-server-side-encryption", $input.server_side_encryption.clone()),
            (
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                $input.ssekms_key_id.as_ref().map(ToString::to_string),
            ),
            (
                "s3:x-amz-server-side-encryption-customer-algorithm",
                $input.sse_customer_algorithm.clone(),
            ),
            ("s3:x-amz-storage-class", $input.storage_class.clone()),
            ("s3:x-amz-website-redirect-location", $input.website_redirect_location.clone()),
            ("s3:object-lock-mode", $input.object_lock_mode.map(|mode| mode.as_str().to_owned())),
            (
                "s3:object-lock-legal-hold",
                $input.object_lock_legal_hold_status.map(|hold| hold.as_str().to_owned()),
            ),
            (
                "s3:object-lock-retain-until-date",
                $input.object_lock_retain_until_date.map(|date| date.iso8601(false)),
            ),
        ]
    };
}

pub(crate) use {acl_keys, object_keys};

//! What buckets and keys may be called.
//!
//! Source: "General purpose bucket naming rules" and "Naming Amazon S3 objects" in the S3 user
//! guide.

use std::net::Ipv4Addr;

use crate::error::S3Error;

/// Bytes of a key.
pub(crate) const MAX_KEY: usize = 1024;

const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const SUFFIXES: [&str; 6] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"];

/// Whether a new bucket may be called `name`.
pub(crate) fn check_bucket(name: &str) -> Result<(), S3Error> {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let fits = (3..=63).contains(&name.len())
        && bytes.iter().all(|&b| alphanumeric(b) || b == b'.' || b == b'-')
        && bytes.first().is_some_and(|&b| alphanumeric(b))
        && bytes.last().is_some_and(|&b| alphanumeric(b))
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if fits { Ok(()) } else { Err(S3Error::InvalidBucketName(name.to_owned())) }
}

/// Whether an object may be called `key`.
pub(crate) fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() > MAX_KEY { Err(S3Error::KeyTooLong(key.len())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        for good in ["abc", "my-bucket.2", "0ab", "a.b.c", &"a".repeat(63)] {
            assert_eq!(check_bucket(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-abc",
            "abc-s3alias",
            "abc--x-s3",
            "abc\n",
            &"a".repeat(64),
        ] {
            assert!(check_bucket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_bounded_in_bytes() {
        assert_eq!(check_key(&"é".repeat(512)), Ok(()));
        assert_eq!(check_key(&"é".repeat(513)), Err(S3Error::KeyTooLong(1026)));
    }
}

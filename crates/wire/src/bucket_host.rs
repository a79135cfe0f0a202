//! S3's virtual-host addressing: the bucket that a host name begins with.
//!
//! Source: "Virtual hosting of general purpose buckets" in the S3 user guide.

/// The bucket in `host` (lower case, without port): what stands before `s3.<region>.<domain>`,
/// `s3-<region>.<domain>`, `s3.<domain>`, or, in development, before `localhost`. Website hosts
/// (`s3-website`) are no such endpoint.
pub fn bucket_of_host(host: &str) -> Option<&str> {
    // The last such label counts: a bucket's own name may contain dots and be anything.
    let mut found = None;
    let mut at = 0;
    for label in host.split('.') {
        let endpoint = label == "s3" || label.starts_with("s3-");
        let behind = host.get(at + label.len() + 1..).unwrap_or_default();
        if endpoint && !behind.is_empty() {
            found = Some((at, label));
        }
        at += label.len() + 1;
    }
    if let Some((at, label)) = found {
        let website = label.starts_with("s3-website");
        return host.get(..at.saturating_sub(1)).filter(|b| !b.is_empty() && !website);
    }
    host.strip_suffix(".localhost").filter(|bucket| !bucket.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_their_buckets() {
        for (host, expect) in [
            ("b.s3.us-east-1.amazonaws.com", Some("b")),
            ("b.s3.amazonaws.com", Some("b")),
            ("b.s3-eu-west-1.amazonaws.com", Some("b")),
            ("b.s3.dualstack.eu-west-1.amazonaws.com", Some("b")),
            ("b.s3-accelerate.amazonaws.com", Some("b")),
            ("my.s3.bucket.s3.eu-west-1.localhost", Some("my.s3.bucket")),
            ("b.localhost", Some("b")),
            ("my.bucket.localhost", Some("my.bucket")),
            ("s3.us-east-1.amazonaws.com", None),
            ("s3.localhost", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("b.s3-website.us-east-1.localhost", None),
            ("b.s3-website-us-east-1.amazonaws.com", None),
            ("s3", None),
            ("b.s3", None),
            ("", None),
            (".localhost", None),
        ] {
            assert_eq!(bucket_of_host(host), expect, "{host}");
        }
    }

    #[test]
    fn any_host_is_read() {
        bolero::check!().with_type::<String>().with_iterations(3_000).for_each(|host| {
            if let Some(bucket) = bucket_of_host(host) {
                assert!(host.starts_with(bucket) && bucket.len() < host.len());
            }
        });
    }
}

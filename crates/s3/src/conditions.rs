//! Conditions of reads (RFC 9110 section 13) and of writes.

use cumulet_base::Timestamp;

use crate::error::S3Error;
use crate::model::VersionRecord;

/// What a read depends on.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_field_names)] // the headers' names
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// Reads the fields `if_*` of an input.
macro_rules! read_condition {
    ($input:expr) => {
        $crate::conditions::ReadCondition {
            if_match: $input.if_match.clone(),
            if_none_match: $input.if_none_match.clone(),
            if_modified_since: $input.if_modified_since,
            if_unmodified_since: $input.if_unmodified_since,
        }
    };
}

/// Reads the fields `copy_source_if_*` of an input.
macro_rules! copy_condition {
    ($input:expr) => {
        $crate::conditions::ReadCondition {
            if_match: $input.copy_source_if_match.clone(),
            if_none_match: $input.copy_source_if_none_match.clone(),
            if_modified_since: $input.copy_source_if_modified_since,
            if_unmodified_since: $input.copy_source_if_unmodified_since,
        }
    };
}

pub(crate) use {copy_condition, read_condition};

impl ReadCondition {
    /// Whether the version may be read, in RFC 9110's order (section 13.2.2): an entity tag makes
    /// its date not count.
    pub(crate) fn check(&self, version: &VersionRecord) -> Result<(), S3Error> {
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !names(tags, &version.etag) => {
                return Err(S3Error::PreconditionFailed("If-Match"));
            }
            (None, Some(date)) if version.modified > date.secs() => {
                return Err(S3Error::PreconditionFailed("If-Unmodified-Since"));
            }
            _ => {}
        }
        let unchanged = match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => names(tags, &version.etag),
            (None, Some(date)) => version.modified <= date.secs(),
            (None, None) => false,
        };
        if unchanged {
            return Err(S3Error::NotModified {
                etag: quoted(&version.etag),
                modified: Timestamp::from_secs(version.modified).http_date(),
            });
        }
        Ok(())
    }

    /// The same of a copy's source, which is never "not modified" but always fails.
    pub(crate) fn check_source(&self, version: &VersionRecord) -> Result<(), S3Error> {
        self.check(version).map_err(|error| match error {
            S3Error::NotModified { .. } if self.if_none_match.is_some() => {
                S3Error::PreconditionFailed("x-amz-copy-source-If-None-Match")
            }
            S3Error::NotModified { .. } => {
                S3Error::PreconditionFailed("x-amz-copy-source-If-Modified-Since")
            }
            S3Error::PreconditionFailed("If-Match") => {
                S3Error::PreconditionFailed("x-amz-copy-source-If-Match")
            }
            S3Error::PreconditionFailed(_) => {
                S3Error::PreconditionFailed("x-amz-copy-source-If-Unmodified-Since")
            }
            other => other,
        })
    }
}

/// What a write depends on ("Add preconditions to S3 operations with conditional requests").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WriteCondition {
    if_match: Option<String>,
    if_none_match: bool,
}

impl WriteCondition {
    /// Reads the two headers; what S3 does not offer is answered 501.
    pub(crate) fn new(
        if_match: Option<&String>,
        if_none_match: Option<&String>,
    ) -> Result<Self, S3Error> {
        match (if_match, if_none_match.map(|tags| tags.trim())) {
            (None, Some("*")) => Ok(Self { if_match: None, if_none_match: true }),
            (_, Some(_)) => Err(S3Error::NotImplemented),
            (if_match, None) => Ok(Self { if_match: if_match.cloned(), if_none_match: false }),
        }
    }

    /// Whether it holds for what is there.
    pub(crate) fn check(&self, key: &str, current: Option<&VersionRecord>) -> Result<(), S3Error> {
        let there = current.filter(|current| !current.marker);
        if self.if_none_match && there.is_some() {
            return Err(S3Error::PreconditionFailed("If-None-Match"));
        }
        let Some(tags) = &self.if_match else { return Ok(()) };
        let missing = || S3Error::NoSuchKey { key: key.to_owned(), marker: None };
        if names(tags, &there.ok_or_else(missing)?.etag) {
            Ok(())
        } else {
            Err(S3Error::PreconditionFailed("If-Match"))
        }
    }
}

/// Whether a list of entity tags has this one. S3 takes tags without quotes, and `W/` for nothing.
fn names(tags: &str, etag: &str) -> bool {
    tags.split(',').any(|tag| {
        let tag = tag.trim();
        tag == "*" || unquoted(tag.strip_prefix("W/").unwrap_or(tag)) == etag
    })
}

/// An entity tag without its quotes, if it has them.
pub(crate) fn unquoted(etag: &str) -> &str {
    etag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(etag)
}

/// An entity tag as it stands in headers and lists.
pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::tests::version;

    fn read(
        if_match: Option<&str>,
        unmodified: Option<i64>,
        none_match: Option<&str>,
        modified: Option<i64>,
    ) -> &'static str {
        let condition = ReadCondition {
            if_match: if_match.map(str::to_owned),
            if_none_match: none_match.map(str::to_owned),
            if_modified_since: modified.map(Timestamp::from_secs),
            if_unmodified_since: unmodified.map(Timestamp::from_secs),
        };
        match condition.check(&version("abc", 1000)) {
            Ok(()) => "ok",
            Err(S3Error::NotModified { .. }) => "304",
            Err(S3Error::PreconditionFailed(name)) => name,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn reads_in_the_order_of_the_rfc() {
        assert_eq!(read(None, None, None, None), "ok");
        assert_eq!(read(Some("\"abc\""), None, None, None), "ok");
        assert_eq!(read(Some("abc"), None, None, None), "ok");
        assert_eq!(read(Some("*"), None, None, None), "ok");
        assert_eq!(read(Some("\"x\", \"abc\""), None, None, None), "ok");
        assert_eq!(read(Some("\"x\""), None, None, None), "If-Match");
        assert_eq!(read(None, Some(999), None, None), "If-Unmodified-Since");
        assert_eq!(read(None, Some(1000), None, None), "ok");
        assert_eq!(read(Some("abc"), Some(1), None, None), "ok");
        assert_eq!(read(None, None, Some("W/\"abc\""), None), "304");
        assert_eq!(read(None, None, Some("\"x\""), Some(2000)), "ok");
        assert_eq!(read(None, None, None, Some(1000)), "304");
        assert_eq!(read(None, None, None, Some(999)), "ok");
        assert_eq!(read(Some("\"x\""), None, Some("\"abc\""), None), "If-Match");
    }

    #[test]
    fn writes() {
        let (star, etag) = ("*".to_owned(), "\"abc\"".to_owned());
        let there = version("abc", 1);
        let gone = VersionRecord { marker: true, ..version("", 1) };
        let create = WriteCondition::new(None, Some(&star)).unwrap();
        assert_eq!(create.check("k", None), Ok(()));
        assert_eq!(create.check("k", Some(&gone)), Ok(()));
        assert_eq!(
            create.check("k", Some(&there)),
            Err(S3Error::PreconditionFailed("If-None-Match"))
        );
        let update = WriteCondition::new(Some(&etag), None).unwrap();
        assert_eq!(update.check("k", Some(&there)), Ok(()));
        let other = version("x", 1);
        assert_eq!(update.check("k", Some(&other)), Err(S3Error::PreconditionFailed("If-Match")));
        assert!(matches!(update.check("k", None), Err(S3Error::NoSuchKey { .. })));
        assert_eq!(WriteCondition::new(None, Some(&etag)), Err(S3Error::NotImplemented));
        assert_eq!(WriteCondition::new(Some(&etag), Some(&star)), Err(S3Error::NotImplemented));
    }
}

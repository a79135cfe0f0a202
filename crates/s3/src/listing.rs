//! Walking along a bucket's keys.
//!
//! Keys come in UTF-8 byte order. A key or a common prefix counts one each.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cumulet_store::{Direction, Key, Range, Read, StoreError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::S3Error;
use crate::model::VersionRecord;
use crate::store::{Place, beginning_with, open, text_after};

/// Entries of one answer.
pub(crate) const MOST: usize = 1000;

/// What to list.
#[derive(Debug, Clone)]
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    /// Keys that share what lies before it, behind the prefix, count as one.
    pub(crate) delimiter: Option<&'a str>,
    /// Where to go on.
    pub(crate) after: Option<After>,
    pub(crate) limit: usize,
}

/// A place between two entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// Behind this key.
    Key(String),
    /// Behind every key that begins so.
    Prefix(String),
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Object(String, Box<VersionRecord>),
    Prefix(String),
}

impl After {
    /// Behind `marker`, which is a key, or the common prefix that the last answer ended with.
    pub(crate) fn marker(marker: &str, prefix: &str, delimiter: Option<&str>) -> Self {
        match common(marker, prefix, delimiter) {
            Some(common) if common == marker => Self::Prefix(marker.to_owned()),
            _ => Self::Key(marker.to_owned()),
        }
    }

    /// Behind this entry.
    pub(crate) fn entry(entry: &Entry) -> Self {
        match entry {
            Entry::Object(key, _) => Self::Key(key.clone()),
            Entry::Prefix(prefix) => Self::Prefix(prefix.clone()),
        }
    }

    /// The opaque form of it.
    pub(crate) fn token(&self) -> String {
        let (kind, text) = match self {
            Self::Key(key) => ('k', key),
            Self::Prefix(prefix) => ('p', prefix),
        };
        URL_SAFE_NO_PAD.encode(format!("{kind}{text}"))
    }

    /// What [`Self::token`] made.
    pub(crate) fn of_token(token: &str) -> Result<Self, S3Error> {
        let text =
            URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let after = text.as_deref().and_then(|text| match text.split_at_checked(1)? {
            ("k", key) => Some(Self::Key(key.to_owned())),
            ("p", prefix) => Some(Self::Prefix(prefix.to_owned())),
            _ => None,
        });
        after.ok_or_else(|| S3Error::InvalidArgument {
            message: "The continuation token provided is incorrect",
            name: "continuation-token",
            value: token.to_owned(),
        })
    }
}

/// The common prefix that `key` counts under.
pub(crate) fn common<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let behind = key.strip_prefix(prefix)?;
    let at = behind.find(delimiter)?;
    key.get(..prefix.len() + at + delimiter.len())
}

/// The range of a bucket's current versions that a listing has still to look at.
pub(crate) fn range(place: &Place, query: &Query<'_>) -> Range {
    let base = place.objects();
    let range = beginning_with(&base, query.prefix);
    match &query.after {
        None => range,
        // A marker before the prefix changes nothing.
        Some(After::Key(key)) => later(range, Bound::Excluded(place.object(key).into())),
        Some(After::Prefix(prefix)) => later(range, behind(&base, prefix)),
    }
}

/// Behind every key that begins with `prefix`.
pub(crate) fn behind(base: &Key, prefix: &str) -> Bound<Bytes> {
    match Range::prefix(&open(base, prefix)).to {
        Bound::Excluded(end) => Bound::Included(end),
        other => other,
    }
}

/// `range` from `from` on, where that lies later.
pub(crate) fn later(mut range: Range, from: Bound<Bytes>) -> Range {
    let at = |bound: &Bound<Bytes>| match bound {
        Bound::Included(key) | Bound::Excluded(key) => key.clone(),
        Bound::Unbounded => Bytes::new(),
    };
    if at(&from) > at(&range.from) {
        range.from = from;
    }
    range
}

/// The objects of a bucket, and whether there are more.
pub(crate) async fn list(
    read: &impl Read,
    place: &Place,
    query: &Query<'_>,
) -> Result<(Vec<Entry>, bool), StoreError> {
    let mut entries = Vec::new();
    if query.limit == 0 {
        return Ok((entries, false));
    }
    let base = place.objects();
    let mut rest = Some(range(place, query)).filter(|range| !range.is_empty());
    while let Some(range) = rest {
        let wanted = (query.limit - entries.len() + 1).max(16);
        let page = read.range_records::<VersionRecord>(&range, Direction::Forward, wanted).await?;
        rest = page.rest;
        for (encoded, record) in page.items {
            let Some(key) = text_after(&base, &encoded).filter(|_| !record.marker) else {
                continue;
            };
            if entries.len() == query.limit {
                return Ok((entries, true));
            }
            let Some(prefix) = common(&key, query.prefix, query.delimiter) else {
                entries.push(Entry::Object(key, Box::new(record)));
                continue;
            };
            // All others below it are jumped over.
            let from = behind(&base, prefix);
            entries.push(Entry::Prefix(prefix.to_owned()));
            rest = Some(later(range, from)).filter(|range| !range.is_empty());
            break;
        }
    }
    Ok((entries, false))
}

/// How many entries are asked for.
pub(crate) fn limit(asked: Option<i32>, name: &'static str) -> Result<usize, S3Error> {
    match usize::try_from(asked.unwrap_or(MOST as i32)) {
        Ok(limit) => Ok(limit.min(MOST)),
        Err(_) => Err(S3Error::InvalidArgument {
            message: "Argument maxKeys must be an integer between 0 and 2147483647",
            name,
            value: asked.unwrap_or_default().to_string(),
        }),
    }
}

/// What stands as it is where keys are encoded.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A key or prefix as the answer spells it.
pub(crate) fn spell(text: &str, encoded: bool) -> String {
    if encoded { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_prefixes() {
        assert_eq!(common("a/b/c", "", Some("/")), Some("a/"));
        assert_eq!(common("a/b/c", "a/", Some("/")), Some("a/b/"));
        assert_eq!(common("a/b", "a/", Some("/")), None);
        assert_eq!(common("aXXb", "a", Some("XX")), Some("aXX"));
        assert_eq!(common("a/b", "", None), None);
        assert_eq!(common("a/b", "", Some("")), None);
    }

    #[test]
    fn tokens() {
        for after in
            [After::Key("é/\0".into()), After::Prefix("a/".into()), After::Key(String::new())]
        {
            assert_eq!(After::of_token(&after.token()), Ok(after));
        }
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|token| {
            let _ = After::of_token(token);
        });
        assert!(After::of_token("nonsense!").is_err());
    }

    #[test]
    fn spelling() {
        assert_eq!(spell("a b+c/é%", true), "a%20b%2Bc/%C3%A9%25");
        assert_eq!(spell("a b", false), "a b");
    }
}

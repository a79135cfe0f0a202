//! The header `Range` (RFC 9110 section 14).

use std::ops::Range;

use crate::error::S3Error;

/// The bytes that `header` asks for of an object of `size` bytes. `None`: all of them, since there
/// is no header, or one that S3 does not follow (several ranges, other units, no range at all).
pub(crate) fn parse(header: Option<&str>, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some(header) = header else { return Ok(None) };
    let Some((first, last)) = split(header) else { return Ok(None) };
    let unsatisfiable = || S3Error::InvalidRange { asked: header.to_owned(), size };
    match (first, last) {
        (Some(first), Some(last)) if first > last => Ok(None),
        (Some(first), last) => {
            if first >= size {
                return Err(unsatisfiable());
            }
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            Ok(Some(first..end))
        }
        (None, Some(suffix)) => {
            if suffix == 0 || size == 0 {
                return Err(unsatisfiable());
            }
            Ok(Some(size.saturating_sub(suffix)..size))
        }
        (None, None) => Ok(None),
    }
}

/// UploadPartCopy's range: `bytes=first-last`, both there and within the source.
pub(crate) fn parse_copy(header: &str, size: u64) -> Result<Range<u64>, S3Error> {
    let (first, last) = match split(header) {
        Some((Some(first), Some(last))) if first <= last => (first, last),
        _ => {
            return Err(S3Error::InvalidArgument {
                message: "The x-amz-copy-source-range value must be of the form bytes=first-last \
                          where first and last are the zero-based offsets of the first and last \
                          bytes to copy",
                name: "x-amz-copy-source-range",
                value: header.to_owned(),
            });
        }
    };
    if last >= size {
        return Err(S3Error::InvalidArgument {
            message: "Range specified is not valid for source object",
            name: "x-amz-copy-source-range",
            value: header.to_owned(),
        });
    }
    Ok(first..last + 1)
}

fn split(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let ranges = header.trim().strip_prefix("bytes=")?;
    let (first, last) = ranges.split_once('-')?;
    let number = |text: &str| {
        let text = text.trim();
        if text.is_empty() {
            return Some(None);
        }
        // A number too large for 64 bits is beyond every object.
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, expect) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-4", Some(2..5)),
            ("bytes=8-", Some(8..10)),
            ("bytes=8-99", Some(8..10)),
            ("bytes=0-99999999999999999999999", Some(0..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-99", Some(0..10)),
            ("bytes=4-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("items=0-1", None),
            ("", None),
        ] {
            assert_eq!(parse(Some(header), 10), Ok(expect), "{header}");
        }
        for header in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"] {
            assert!(
                matches!(parse(Some(header), 10), Err(S3Error::InvalidRange { .. })),
                "{header}"
            );
        }
        assert!(parse(Some("bytes=0-"), 0).is_err());
        assert_eq!(parse(None, 10), Ok(None));
    }

    #[test]
    fn copied_ranges_are_exact() {
        assert_eq!(parse_copy("bytes=0-9", 10), Ok(0..10));
        for header in ["bytes=0-10", "bytes=0-", "bytes=-1", "0-1", "bytes=3-2"] {
            assert!(parse_copy(header, 10).is_err(), "{header}");
        }
    }

    #[test]
    fn any_range_lies_within() {
        bolero::check!().with_type::<(String, u64)>().with_iterations(3_000).for_each(
            |(text, size)| {
                if let Ok(Some(range)) = parse(Some(&format!("bytes={text}")), *size) {
                    assert!(range.start < range.end && range.end <= *size);
                }
            },
        );
    }
}

//! Lists that come in pages: `Marker`, `MaxItems`, `NextMarker`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use cumulet_service::Result;
use cumulet_store::{Direction, Key, Read, Record};

use crate::error::Error;

/// Items of a page at most: 50 of functions, 10,000 are taken as a wish.
pub(crate) const PAGE: usize = 50;

/// A page of the records that begin with `all`, and the marker of the next one. A marker is the
/// last record's key, relative to `all`.
pub(crate) async fn page<R: Record>(
    read: &impl Read,
    all: Key,
    marker: Option<&str>,
    max: Option<i32>,
) -> Result<(Vec<R>, Option<String>)> {
    let limit = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let mut range = all.prefix();
    if let Some(marker) = marker.filter(|marker| !marker.is_empty()) {
        let invalid = |_| Error::Invalid("Invalid Marker.".to_owned());
        let rest = URL_SAFE_NO_PAD.decode(marker).map_err(invalid)?;
        range = range.after(&[all.as_bytes(), &rest].concat());
    }
    let page = read.range_records::<R>(&range, Direction::Forward, limit).await?;
    let last = page.items.last().filter(|_| page.rest.is_some());
    let next = last.and_then(|(key, _)| key.get(all.as_bytes().len()..));
    // A page may end where the list does.
    let more = match &page.rest {
        Some(rest) => !read.range(rest, Direction::Forward, 1).await?.items.is_empty(),
        None => false,
    };
    let next = next.filter(|_| more).map(|rest| URL_SAFE_NO_PAD.encode(rest));
    Ok((page.items.into_iter().map(|(_, record)| record).collect(), next))
}

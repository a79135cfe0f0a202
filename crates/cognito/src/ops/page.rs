//! Pages of lists, and what names a pool by its ARN.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cumulet_base::Arn;
use cumulet_service::{Cx, Result};
use cumulet_store::{Key, Range};

use crate::error::Error;
use crate::pool::Place;

/// The last component of a key, which is the name of what lies under it.
pub(super) fn last_text(key: &[u8]) -> Option<String> {
    let last = Key::components(key)?.pop()?;
    last.as_text().map(str::to_owned)
}

/// The token of the next page, where there is one.
pub(super) fn token(last: Option<&Bytes>, more: bool) -> Option<String> {
    let last = last.filter(|_| more).and_then(|key| last_text(key))?;
    Some(URL_SAFE_NO_PAD.encode(last))
}

/// The rest of what lies below `key` for a page's token. A token can only say where to go on.
pub(super) fn from(key: &Key, token: Option<&str>) -> Result<Range> {
    let range = key.prefix();
    let Some(token) = token else { return Ok(range) };
    let last = URL_SAFE_NO_PAD.decode(token).ok().and_then(|text| String::from_utf8(text).ok());
    let last = last.ok_or_else(|| Error::invalid("Invalid pagination token."))?;
    Ok(range.after(&key.clone().text(&last)))
}

/// Where the pool of this ARN lies; one of another account or region is none that is found here.
pub(super) fn pool_arn(cx: &Cx, arn: &str) -> Result<Place> {
    let missing = || Error::ResourceNotFound(format!("Resource {arn} does not exist."));
    let parsed: Arn = arn.parse().map_err(|_| missing())?;
    let id = parsed.resource().strip_prefix("userpool/").ok_or_else(missing)?;
    let place = Place::of(cx, id);
    if place.arn().as_str() == arn { Ok(place) } else { Err(missing().into()) }
}

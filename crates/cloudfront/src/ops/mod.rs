//! The operations.

mod cache_policy;
mod create_distribution;
mod delete_distribution;
mod get_distribution;
mod invalidation;
mod list_distributions;
mod origin_access_control;
mod origin_request_policy;
mod policy;
mod response_headers_policy;
mod shown;
mod tags;
mod update_distribution;

use cumulet_base::{Arn, Ids};
use cumulet_service::{Access, Cx};

use crate::error::Error;
use crate::store::{Place, SERVICE};

/// Items of a page where the caller says nothing, and at most.
const PAGE: usize = 100;

/// The account's place in the store.
fn place(cx: &Cx) -> Place {
    Place(cx.account().clone())
}

/// Leave for `action` on a resource of the account: `distribution/E1`.
fn access(cx: &Cx, action: &'static str, resource: &str) -> Vec<Access> {
    vec![Access::on(cx, action, Arn::global(SERVICE, cx.account(), resource))]
}

/// A new id or version: `E` and 13 more.
fn id(ids: &dyn Ids, first: char) -> String {
    format!("{first}{}", ids.text(13, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
}

/// The caller must know the version that he changes.
fn check_version(if_match: Option<&str>, etag: &str) -> Result<(), Error> {
    match if_match {
        None | Some("") => Err(Error::InvalidIfMatchVersion),
        Some(given) if given.trim_matches('"') == etag => Ok(()),
        Some(_) => Err(Error::PreconditionFailed),
    }
}

/// How many items a page has.
fn page(max_items: Option<&str>) -> Result<usize, Error> {
    let Some(text) = max_items else { return Ok(PAGE) };
    let number = text.parse::<usize>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| Error::argument("MaxItems is a number from 1 on."))?;
    Ok(number.min(PAGE))
}

/// The number of items, as the wire has it.
fn count(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

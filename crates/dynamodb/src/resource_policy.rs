//! Policies that are attached to tables: who else may do what with them.
//!
//! Source: "Using resource-based policies for DynamoDB" in the developer guide.

use std::sync::Arc;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Cx, Error as ServiceError, Result};

use crate::error::Error;
use crate::model::{PolicyRecord, TableRecord};
use crate::tables::TableName;

/// Bytes of a policy, white space included.
const MAX_POLICY: usize = 20 << 10;
/// An expected revision that only a table without a policy has.
const NO_POLICY: &str = "NO_POLICY";

/// The record of a policy. AWS's texts for policies that are none are not known: these are IAM's.
pub(crate) fn record(
    text: &str,
    revision: String,
) -> std::result::Result<(PolicyRecord, Document), Error> {
    if text.len() > MAX_POLICY {
        return Err(Error::Validation("Policy document is too large.".to_owned()));
    }
    let document = Document::parse(text, Grammar::Resource)
        .map_err(|error| Error::Validation(format!("Invalid policy document: {error}")))?;
    Ok((PolicyRecord { text: text.to_owned(), revision }, document))
}

/// The table whose policy is meant. Streams have policies of their own, which are not here (501).
pub(crate) fn table(cx: &Cx, operation: &str, resource: &str) -> Result<TableName> {
    let parsed = resource.parse::<Arn>().ok();
    if parsed.is_some_and(|arn| arn.resource().contains("/stream/")) {
        let what = format!("{operation} of a stream");
        return Err(ServiceError::not_implemented("dynamodb", &what));
    }
    TableName::parse(cx, resource)
}

/// Refuses to go on where the policy is not the one that the caller has seen.
pub(crate) fn check_revision(
    table: &TableRecord,
    expected: Option<&str>,
) -> std::result::Result<(), Error> {
    let current = table.policy.as_ref().map(|policy| policy.revision.as_str());
    match expected {
        None => Ok(()),
        Some(NO_POLICY) if current.is_none() => Ok(()),
        Some(expected) if current == Some(expected) => Ok(()),
        Some(_) => Err(Error::NoPolicy),
    }
}

/// A stored policy, compiled.
pub(crate) fn compile(record: &PolicyRecord) -> Option<Arc<Document>> {
    // It was read once before it was stored.
    Document::parse(&record.text, Grammar::Resource).ok().map(Arc::new)
}

//! TagResource: adds tags to a function or an event source mapping. A function's versions have
//! none.

use std::collections::BTreeMap;

use cumulet_api_lambda::ops::{TagResource, TagResourceOutput, TagResourceRequest};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_whole;
use crate::error::Error;
use crate::mapping::MappingName;
use crate::mapping::access::on_mapping;
use crate::name::FunctionName;

/// Tags of one resource ("Using tags on Lambda functions").
const MOST: usize = 50;

impl Handle<TagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>> {
        let access = on_tagged(cx, "lambda:TagResource", &input.resource).await?;
        Ok(vec![access.tagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: TagResourceRequest) -> Result<TagResourceOutput> {
        let new = &input.tags;
        change(cx, &input.resource, |tags| {
            tags.extend(new.clone());
            check(tags)
        })
        .await?;
        Ok(TagResourceOutput::default())
    }
}

/// Leave for `action` on what has tags: a function as a whole, or a mapping.
pub(crate) async fn on_tagged(cx: &Cx, action: &'static str, resource: &str) -> Result<Access> {
    match MappingName::parse(resource) {
        Some(mapping) => on_mapping(cx, action, &mapping).await,
        None => on_whole(cx, action, &FunctionName::unqualified(cx, resource)?).await,
    }
}

/// Changes the tags of a resource in a transaction. `edit` may run several times.
pub(crate) async fn change<F>(cx: &Cx, resource: &str, edit: F) -> Result<()>
where
    F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync,
{
    let edit = &edit;
    if let Some(mapping) = &MappingName::parse(resource) {
        let body = |tx: Tx| async move {
            let mut record = mapping.load(&tx).await?;
            edit(&mut record.tags)?;
            tx.put_record(mapping.key(), &record);
            Ok::<_, ServiceError>(())
        };
        return cx.store().transact(body).await;
    }
    let name = FunctionName::unqualified(cx, resource)?;
    name.change(cx, None, |_, mut function| async move {
        edit(&mut function.tags)?;
        Ok((function, ()))
    })
    .await
    .map(drop)
}

/// Refuses too many tags and AWS's own.
pub(crate) fn check(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > MOST {
        return Err(Error::Invalid(format!("A resource has at most {MOST} tags.")));
    }
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(key) => {
            Err(Error::Invalid(format!("{key}: the prefix aws: is reserved for tags of AWS.")))
        }
        None => Ok(()),
    }
}

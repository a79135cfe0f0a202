//! TagResource: adds tags to a function. Only functions have tags here, their versions none.

use std::collections::BTreeMap;

use cumulet_api_lambda::ops::{TagResource, TagResourceOutput, TagResourceRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::error::Error;
use crate::name::FunctionName;

/// Tags of one function ("Using tags on Lambda functions").
const MOST: usize = 50;

impl Handle<TagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        Ok(vec![on_whole(cx, "lambda:TagResource", &name).await?.tagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: TagResourceRequest) -> Result<TagResourceOutput> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        let tags = &input.tags;
        name.change(cx, None, |_, mut function| async move {
            function.tags.extend(tags.clone());
            check(&function.tags)?;
            Ok((function, ()))
        })
        .await?;
        Ok(TagResourceOutput::default())
    }
}

/// Refuses too many tags and AWS's own.
pub(crate) fn check(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > MOST {
        return Err(Error::Invalid(format!("A function has at most {MOST} tags.")));
    }
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(key) => {
            Err(Error::Invalid(format!("{key}: the prefix aws: is reserved for tags of AWS.")))
        }
        None => Ok(()),
    }
}

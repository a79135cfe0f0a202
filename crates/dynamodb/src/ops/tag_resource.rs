//! TagResource: gives a table tags, or tags other values.
//!
//! Promises: the tags are durable with the answer.
//! Refuses: a table that is not there, no tag at all, more than 50 tags on a table.

use cumulet_api_dynamodb::ops::{TagResource, TagResourceInput, TagResourceOutput};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::ops::table_rules::{TAGS, tags};
use crate::tables::TableName;

impl Handle<TagResource> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &TagResourceInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.resource_arn)?;
        let access = self.on_table(cx, "dynamodb:TagResource", &name).await?;
        let tags = input.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
        Ok(vec![access.tagging(tags)])
    }

    async fn handle(&self, cx: &Cx, input: TagResourceInput) -> Result<TagResourceOutput> {
        if input.tags.is_empty() {
            let text = "Atleast one Tag needs to be provided as Input.";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let name = TableName::parse(cx, &input.resource_arn)?;
        let new = tags(&input.tags)?;
        self.change(cx, &name, |record| {
            record.tags.extend(new.clone());
            if record.tags.len() > TAGS {
                return Err(Error::Validation(format!(
                    "Too many tags: at most {TAGS} tags per resource"
                )));
            }
            Ok(Vec::new())
        })
        .await
        .map_err(|error| not_found(error, &input.resource_arn))?;
        Ok(TagResourceOutput {})
    }
}

/// Of tags AWS says in other words that there is no such table.
pub(super) fn not_found(error: ServiceError, arn: &str) -> ServiceError {
    if error.code == "ResourceNotFoundException" {
        return Error::NoResource(arn.to_owned()).into();
    }
    error
}

//! UntagResource: takes tags from a table.
//!
//! Promises: the tags are gone, durably, with the answer; one that was not there is no error.
//! Refuses: a table that is not there, no key at all.

use cumulet_api_dynamodb::ops::{UntagResource, UntagResourceInput, UntagResourceOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use super::tag_resource::not_found;
use crate::DynamoDb;
use crate::error::Error;
use crate::tables::TableName;

impl Handle<UntagResource> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &UntagResourceInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.resource_arn)?;
        let access = self.on_table(cx, "dynamodb:UntagResource", &name).await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceInput) -> Result<UntagResourceOutput> {
        if input.tag_keys.is_empty() {
            let text = "Atleast one Tag Key needs to be provided as Input.";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let name = TableName::parse(cx, &input.resource_arn)?;
        self.change(cx, &name, |record| {
            record.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(Vec::new())
        })
        .await
        .map_err(|error| not_found(error, &input.resource_arn))?;
        Ok(UntagResourceOutput {})
    }
}

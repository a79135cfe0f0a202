//! ListTagsOfResource: a table's tags.
//!
//! Promises: all of them, at most 50, in one answer, in the order of their keys.
//! Refuses: a table that is not there, a token, since there is never a second page.

use cumulet_api_dynamodb::ops::{
    ListTagsOfResource, ListTagsOfResourceInput, ListTagsOfResourceOutput,
};
use cumulet_api_dynamodb::types::Tag;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::tables::TableName;

impl Handle<ListTagsOfResource> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &ListTagsOfResourceInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.resource_arn)?;
        Ok(vec![self.on_table(cx, "dynamodb:ListTagsOfResource", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsOfResourceInput,
    ) -> Result<ListTagsOfResourceOutput> {
        if input.next_token.is_some() {
            return Err(Error::Validation("Invalid NextToken".to_owned()).into());
        }
        let name = TableName::parse(cx, &input.resource_arn)?;
        let table = self.named(&name).await?;
        let table = table.ok_or(Error::NoResource(input.resource_arn))?;
        let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
        let tags = table.record.tags.iter().map(tag).collect();
        Ok(ListTagsOfResourceOutput { tags: Some(tags), next_token: None })
    }
}

//! UpdateTimeToLive: lets items of a table end at the moment that an attribute names, or no more.
//!
//! Promises: the setting is durable with the answer and at work within a minute.
//! Refuses: a table that is not there, a setting that is so already, another attribute than that
//! which is on. AWS's limit of one change an hour is not enforced.

use cumulet_api_dynamodb::ops::{UpdateTimeToLive, UpdateTimeToLiveInput, UpdateTimeToLiveOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::model::TtlRecord;
use crate::tables::TableName;
use crate::ttl;

impl Handle<UpdateTimeToLive> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &UpdateTimeToLiveInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:UpdateTimeToLive", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateTimeToLiveInput,
    ) -> Result<UpdateTimeToLiveOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let wanted = &input.time_to_live_specification;
        let now = cx.now();
        self.change(cx, &name, |record| {
            let current = record.ttl.as_ref().filter(|ttl| ttl.enabled);
            let refuse = |text: String| Err(Error::Validation(text));
            match (current, wanted.enabled) {
                (None, false) => return refuse("TimeToLive is already disabled".to_owned()),
                (Some(ttl), true) if ttl.attribute == wanted.attribute_name => {
                    return refuse("TimeToLive is already enabled".to_owned());
                }
                (Some(ttl), _) if ttl.attribute != wanted.attribute_name => {
                    return refuse(format!(
                        "TimeToLive is active on a different AttributeName: current \
                         AttributeName is {}",
                        ttl.attribute
                    ));
                }
                _ => {}
            }
            let (attribute, enabled) = (wanted.attribute_name.clone(), wanted.enabled);
            record.ttl = Some(TtlRecord { attribute, enabled });
            Ok(Vec::from_iter(enabled.then(|| ttl::job(&name, &record.id, now))))
        })
        .await?;
        Ok(UpdateTimeToLiveOutput {
            time_to_live_specification: Some(input.time_to_live_specification),
        })
    }
}

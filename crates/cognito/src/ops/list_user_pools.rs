//! ListUserPools: pools of the account in the region, by id.

use cumulet_api_cognito_idp::ops::{ListUserPools, ListUserPoolsRequest, ListUserPoolsResponse};
use cumulet_api_cognito_idp::types::{UserPoolDescriptionType, UserPoolType};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Key, Read as _};

use super::page;
use crate::model::PoolRecord;

use crate::Cognito;
use crate::document;

impl Handle<ListUserPools> for Cognito {
    async fn access(&self, cx: &Cx, _: &ListUserPoolsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "cognito-idp:ListUserPools")])
    }

    async fn handle(&self, cx: &Cx, input: ListUserPoolsRequest) -> Result<ListUserPoolsResponse> {
        let all = Key::new("cognito", cx.account(), cx.region()).text("pool");
        let range = page::from(&all, input.next_token.as_deref())?;
        let limit = usize::try_from(input.max_results).unwrap_or(60).clamp(1, 60);
        let mut page = cx
            .store()
            .snapshot()
            .range_records::<PoolRecord>(&range, Direction::Forward, limit + 1)
            .await?;
        // One more was read, to know whether there is one.
        page.items.truncate(limit);
        let next_token = page::token(page.items.last().map(|(key, _)| key), page.rest.is_some());
        let mut pools = Vec::with_capacity(page.items.len());
        for (key, record) in page.items {
            let settings: UserPoolType = document::read(&record.settings)?;
            pools.push(UserPoolDescriptionType {
                id: page::last_text(&key),
                name: settings.name,
                lambda_config: settings.lambda_config,
                status: None,
                last_modified_date: Some(Timestamp::from_millis(record.modified)),
                creation_date: Some(Timestamp::from_millis(record.created)),
                replica_regions: None,
            });
        }
        Ok(ListUserPoolsResponse { user_pools: Some(pools), next_token })
    }
}

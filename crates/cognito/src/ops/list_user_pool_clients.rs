//! ListUserPoolClients: clients of a pool, by id.

use cumulet_api_cognito_idp::ops::{
    ListUserPoolClients, ListUserPoolClientsRequest, ListUserPoolClientsResponse,
};
use cumulet_api_cognito_idp::types::{UserPoolClientDescription, UserPoolClientType};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use super::page;
use crate::model::ClientRecord;

use crate::Cognito;
use crate::document;
use crate::users::{on_pool, pool_of};

impl Handle<ListUserPoolClients> for Cognito {
    async fn access(&self, cx: &Cx, input: &ListUserPoolClientsRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:ListUserPoolClients", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListUserPoolClientsRequest,
    ) -> Result<ListUserPoolClientsResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let range = page::from(&pool.place.key("client"), input.next_token.as_deref())?;
        let limit = usize::try_from(input.max_results.unwrap_or(60)).unwrap_or(60).clamp(1, 60);
        let mut page = cx
            .store()
            .snapshot()
            .range_records::<ClientRecord>(&range, Direction::Forward, limit + 1)
            .await?;
        // One more was read, to know whether there is one.
        page.items.truncate(limit);
        let next_token = page::token(page.items.last().map(|(key, _)| key), page.rest.is_some());
        let mut clients = Vec::with_capacity(page.items.len());
        for (key, record) in page.items {
            let settings: UserPoolClientType = document::read(&record.settings)?;
            clients.push(UserPoolClientDescription {
                client_id: page::last_text(&key),
                user_pool_id: settings.user_pool_id,
                client_name: settings.client_name,
            });
        }
        Ok(ListUserPoolClientsResponse { user_pool_clients: Some(clients), next_token })
    }
}

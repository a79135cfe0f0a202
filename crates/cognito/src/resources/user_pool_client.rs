//! AWS::Cognito::UserPoolClient.

use cumulet_api_cognito_idp::ops::{
    CreateUserPoolClient, CreateUserPoolClientRequest, DeleteUserPoolClient,
    DeleteUserPoolClientRequest, DescribeUserPoolClient, DescribeUserPoolClientRequest,
    ListUserPoolClients, ListUserPoolClientsRequest, ListUserPools, ListUserPoolsRequest,
    UpdateUserPoolClient, UpdateUserPoolClientRequest,
};
use cumulet_api_cognito_idp::types::UserPoolClientType;
use cumulet_service::{
    Actual, BoxFuture, Changed, Cx, Desired, Error as ServiceError, Resource, Result,
};
use serde_json::json;

use super::user_pool::gone;
use crate::document;

/// The type. A client that the template gives no name is found again by a second try; one that it
/// names may be made twice if the first try was cut short, as clients of a pool may share names.
#[derive(Debug)]
pub(super) struct UserPoolClient;

impl Resource for UserPoolClient {
    fn type_name(&self) -> &'static str {
        "AWS::Cognito::UserPoolClient"
    }

    fn replaces(&self, property: &str) -> bool {
        ["GenerateSecret", "UserPoolId"].contains(&property)
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let mut properties = desired.properties.clone();
            let named = properties.contains_key("ClientName");
            properties.entry("ClientName").or_insert_with(|| json!(desired.name));
            let input: CreateUserPoolClientRequest = document::from_template(&properties)?;
            if !named && let Some(made) = find(cx, &input.user_pool_id, desired.name).await? {
                return actual(&made);
            }
            let made = cx.call::<CreateUserPoolClient>(input).await?;
            actual(&made.user_pool_client.unwrap_or_default())
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let mut properties = changed.after.properties.clone();
            properties.insert("ClientId".to_owned(), json!(changed.physical_id));
            let input: UpdateUserPoolClientRequest = document::from_template(&properties)?;
            let made = cx.call::<UpdateUserPoolClient>(input).await?;
            actual(&made.user_pool_client.unwrap_or_default())
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(pool) = pool_of(cx, physical_id).await? else { return Ok(()) };
            let input = DeleteUserPoolClientRequest {
                user_pool_id: pool,
                client_id: physical_id.to_owned(),
            };
            gone(cx.call::<DeleteUserPoolClient>(input).await.map(drop))
        })
    }
}

/// The pool's client of this name.
async fn find(cx: &Cx, pool: &str, name: &str) -> Result<Option<UserPoolClientType>> {
    let mut next_token = None;
    loop {
        let input = ListUserPoolClientsRequest {
            user_pool_id: pool.to_owned(),
            max_results: Some(60),
            next_token,
            client_type: None,
        };
        let page = cx.call::<ListUserPoolClients>(input).await?;
        let mut clients = page.user_pool_clients.into_iter().flatten();
        if let Some(found) = clients.find(|client| client.client_name.as_deref() == Some(name)) {
            let input = DescribeUserPoolClientRequest {
                user_pool_id: pool.to_owned(),
                client_id: found.client_id.unwrap_or_default(),
            };
            return Ok(cx.call::<DescribeUserPoolClient>(input).await?.user_pool_client);
        }
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(None);
        }
    }
}

/// The pool that has this client: its physical id does not say.
async fn pool_of(cx: &Cx, client: &str) -> Result<Option<String>> {
    let mut next_token = None;
    loop {
        let input = ListUserPoolsRequest { max_results: 60, next_token };
        let page = cx.call::<ListUserPools>(input).await?;
        for pool in page.user_pools.into_iter().flatten().filter_map(|pool| pool.id) {
            let input = DescribeUserPoolClientRequest {
                user_pool_id: pool.clone(),
                client_id: client.to_owned(),
            };
            match cx.call::<DescribeUserPoolClient>(input).await {
                Ok(_) => return Ok(Some(pool)),
                Err(error) if error.code == "ResourceNotFoundException" => {}
                Err(error) => return Err(error),
            }
        }
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(None);
        }
    }
}

fn actual(client: &UserPoolClientType) -> Result<Actual> {
    let id = client.client_id.clone();
    let id = id.ok_or_else(|| ServiceError::internal("a client without an id"))?;
    let mut attributes = serde_json::Map::new();
    attributes.insert("ClientId".to_owned(), json!(id));
    attributes.insert("Name".to_owned(), json!(client.client_name));
    if let Some(secret) = &client.client_secret {
        attributes.insert("ClientSecret".to_owned(), json!(secret));
    }
    Ok(Actual { physical_id: id, attributes })
}

//! AWS::Cognito::UserPoolClient.

use cumulet_api_cognito_idp::ops::{
    CreateUserPoolClient, CreateUserPoolClientRequest, DeleteUserPoolClient,
    DeleteUserPoolClientRequest, DescribeUserPoolClient, DescribeUserPoolClientRequest,
    ListUserPools, ListUserPoolsRequest, UpdateUserPoolClient, UpdateUserPoolClientRequest,
};
use cumulet_api_cognito_idp::types::UserPoolClientType;
use cumulet_service::{
    Actual, BoxFuture, Changed, Cx, Desired, Error as ServiceError, Made, Resource, Result,
};
use serde_json::json;

use super::user_pool::gone;
use crate::document;

/// The type.
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
            properties.entry("ClientName").or_insert_with(|| json!(desired.name));
            let input: CreateUserPoolClientRequest = document::from_template(&properties)?;
            let user_pool_id = input.user_pool_id.clone();
            let client = match cx.make_once::<CreateUserPoolClient>(input).await? {
                Made::Now(made) => made.user_pool_client,
                Made::Before(client_id) => {
                    let input = DescribeUserPoolClientRequest { user_pool_id, client_id };
                    cx.call::<DescribeUserPoolClient>(input).await?.user_pool_client
                }
            };
            actual(&client.unwrap_or_default())
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

//! AWS::Cognito::UserPool.

use std::collections::BTreeMap;

use cumulet_api_cognito_idp::ops::{
    CreateUserPool, CreateUserPoolRequest, DeleteUserPool, DeleteUserPoolRequest, DescribeUserPool,
    DescribeUserPoolRequest, UpdateUserPool, UpdateUserPoolRequest,
};
use cumulet_api_cognito_idp::types::UserPoolType;
use cumulet_service::{
    Actual, BoxFuture, Changed, Cx, Desired, Error as ServiceError, Made, Resource, Result,
};
use serde_json::{Map, Value, json};

use crate::document;
use crate::error::Error;

/// The type.
#[derive(Debug)]
pub(super) struct UserPool;

impl Resource for UserPool {
    fn type_name(&self) -> &'static str {
        "AWS::Cognito::UserPool"
    }

    fn replaces(&self, property: &str) -> bool {
        ["AliasAttributes", "UsernameAttributes", "UsernameConfiguration"].contains(&property)
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let properties = renamed(desired, true);
            let mut input: CreateUserPoolRequest = document::from_template(&properties)?;
            input.user_pool_tags = Some(tags(desired, input.user_pool_tags));
            let pool = match cx.make_once::<CreateUserPool>(input).await? {
                Made::Now(made) => made.user_pool,
                Made::Before(id) => describe(cx, &id).await?,
            };
            actual(&pool.unwrap_or_default())
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let desired = changed.after;
            if changed.before.get("Schema") != desired.properties.get("Schema") {
                let what = "a change of a user pool's Schema";
                return Err(ServiceError::not_implemented("cognito-idp", what));
            }
            let mut properties = renamed(desired, false);
            properties.insert("UserPoolId".to_owned(), json!(changed.physical_id));
            let mut input: UpdateUserPoolRequest = document::from_template(&properties)?;
            input.user_pool_tags = Some(tags(desired, input.user_pool_tags));
            cx.call::<UpdateUserPool>(input).await?;
            let pool = describe(cx, changed.physical_id).await?;
            actual(&pool.ok_or_else(|| Error::no_pool(changed.physical_id))?)
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let input = DeleteUserPoolRequest { user_pool_id: physical_id.to_owned() };
            gone(cx.call::<DeleteUserPool>(input).await.map(drop))
        })
    }
}

/// That something is gone already is no error.
pub(super) fn gone(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.code == "ResourceNotFoundException" => Ok(()),
        other => other,
    }
}

/// The properties under the API's names.
fn renamed(desired: Desired<'_>, new: bool) -> Map<String, Value> {
    let mut properties = desired.properties.clone();
    let name = properties.remove("UserPoolName");
    // On an update, a pool without a name in the template keeps the one it was given.
    if let Some(name) = name.or_else(|| new.then(|| json!(desired.name))) {
        properties.insert("PoolName".to_owned(), name);
    }
    properties
}

fn tags(desired: Desired<'_>, own: Option<BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<String, String> = desired.tags.iter().cloned().collect();
    tags.extend(own.unwrap_or_default());
    tags
}

async fn describe(cx: &Cx, id: &str) -> Result<Option<UserPoolType>> {
    let input = DescribeUserPoolRequest { user_pool_id: id.to_owned() };
    match cx.call::<DescribeUserPool>(input).await {
        Ok(answer) => Ok(answer.user_pool),
        Err(error) if error.code == "ResourceNotFoundException" => Ok(None),
        Err(error) => Err(error),
    }
}

fn actual(pool: &UserPoolType) -> Result<Actual> {
    let (Some(id), Some(arn)) = (&pool.id, &pool.arn) else {
        return Err(ServiceError::internal("a pool without an id"));
    };
    let region = id.split_once('_').map_or("", |(region, _)| region);
    let provider = format!("cognito-idp.{region}.amazonaws.com/{id}");
    let attributes = json!({
        "Arn": arn,
        "ProviderName": provider,
        "ProviderURL": format!("https://{provider}"),
        "UserPoolId": id,
    });
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    Ok(Actual { physical_id: id.clone(), attributes })
}

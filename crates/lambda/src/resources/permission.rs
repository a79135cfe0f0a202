//! AWS::Lambda::Permission.
//!
//! `Ref` gives the function's name and the statement's id. "Update requires: Replacement" for
//! everything.

use cumulet_api_lambda::ops::{
    AddPermission, AddPermissionRequest, RemovePermission, RemovePermissionRequest,
};
use cumulet_api_lambda::types::FunctionUrlAuthType;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};

use super::properties::Properties;
use super::{joined, split, unless_gone};

/// The resource type.
#[derive(Debug)]
pub(crate) struct Permission;

impl Resource for Permission {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::Permission"
    }

    fn replaces(&self, _: &str) -> bool {
        true
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, changed.after))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (function_name, statement_id) = split(physical_id);
            let input = RemovePermissionRequest {
                function_name,
                statement_id,
                ..RemovePermissionRequest::default()
            };
            unless_gone(cx.call::<RemovePermission>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let function = properties.needed("FunctionName")?;
    // Statement ids have 100 characters at most; the random end of the name must stay.
    let skipped = desired.name.chars().count().saturating_sub(100);
    let statement_id: String = desired.name.chars().skip(skipped).collect();
    let input = AddPermissionRequest {
        function_name: function.clone(),
        statement_id: statement_id.clone(),
        action: properties.needed("Action")?,
        principal: properties.needed("Principal")?,
        source_arn: properties.text("SourceArn")?,
        source_account: properties.text("SourceAccount")?,
        event_source_token: properties.text("EventSourceToken")?,
        principal_org_id: properties.text("PrincipalOrgID")?,
        function_url_auth_type: properties
            .one_of("FunctionUrlAuthType", FunctionUrlAuthType::from_wire)?,
        invoked_via_function_url: properties.boolean("InvokedViaFunctionUrl")?,
        ..AddPermissionRequest::default()
    };
    cx.make_once::<AddPermission>(input).await?;
    Ok(Actual { physical_id: joined(&function, &statement_id), ..Actual::default() })
}

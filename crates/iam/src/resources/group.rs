//! AWS::IAM::Group. `Ref` gives its name; attribute `Arn`.

use cumulet_api_iam::ops::{
    CreateGroup, CreateGroupRequest, DeleteGroup, DeleteGroupRequest, GetGroup, GetGroupRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::json;

use super::holder::{self, OfGroup};
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct Group;

impl Group {
    async fn make(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
        let group_name = properties::name(&desired, "GroupName", 128)?;
        let path = properties::text(desired.properties, "Path")?;
        let input = CreateGroupRequest { path, group_name: group_name.clone() };
        cx.make_once::<CreateGroup>(input).await?;
        Self::sync(cx, group_name, &Properties::new(), desired.properties).await
    }

    async fn sync(
        cx: &Cx,
        group_name: String,
        before: &Properties,
        after: &Properties,
    ) -> Result<Actual> {
        holder::sync::<OfGroup>(cx, &group_name, before, after).await?;
        let input =
            GetGroupRequest { group_name: group_name.clone(), ..GetGroupRequest::default() };
        let arn = cx.call::<GetGroup>(input).await?.group.arn;
        let attributes = json!({ "Arn": arn }).as_object().cloned().unwrap_or_default();
        Ok(Actual { physical_id: group_name, attributes })
    }

    async fn unmake(cx: &Cx, name: &str) -> Result<()> {
        holder::strip::<OfGroup>(cx, name).await?;
        let input = DeleteGroupRequest { group_name: name.to_owned() };
        holder::gone(cx.call::<DeleteGroup>(input).await.map(drop))
    }
}

impl Resource for Group {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::Group"
    }

    // AWS changes the path in place, by UpdateGroup, which this cloud does not have.
    fn replaces(&self, property: &str) -> bool {
        matches!(property, "GroupName" | "Path")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::make(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        let name = changed.physical_id.to_owned();
        Box::pin(Self::sync(cx, name, changed.before, changed.after.properties))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(Self::unmake(cx, physical_id))
    }
}

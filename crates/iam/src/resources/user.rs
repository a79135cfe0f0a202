//! AWS::IAM::User. `Ref` gives its name; attribute `Arn`. `LoginProfile` is refused: there is no
//! console to log in to.

use std::collections::BTreeSet;

use cumulet_api_iam::ops::{
    AddUserToGroup, AddUserToGroupRequest, CreateUser, CreateUserRequest, DeleteUser,
    DeleteUserPermissionsBoundary, DeleteUserPermissionsBoundaryRequest, DeleteUserRequest,
    GetUser, GetUserRequest, ListGroupsForUser, ListGroupsForUserRequest,
    PutUserPermissionsBoundary, PutUserPermissionsBoundaryRequest, RemoveUserFromGroup,
    RemoveUserFromGroupRequest, TagUser, TagUserRequest, UntagUser, UntagUserRequest, UpdateUser,
    UpdateUserRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::json;

use super::holder::{self, OfUser};
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct User;

impl User {
    async fn make(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
        let properties = desired.properties;
        refuse_login(properties)?;
        let user_name = properties::name(&desired, "UserName", 64)?;
        let input = CreateUserRequest {
            user_name: user_name.clone(),
            path: properties::text(properties, "Path")?,
            permissions_boundary: properties::text(properties, "PermissionsBoundary")?,
            tags: Some(properties::tags(&desired)?).filter(|tags| !tags.is_empty()),
        };
        cx.make_once::<CreateUser>(input).await?;
        Self::sync(cx, &user_name, &Properties::new(), properties).await?;
        Self::actual(cx, user_name).await
    }

    async fn actual(cx: &Cx, user_name: String) -> Result<Actual> {
        let input = GetUserRequest { user_name: Some(user_name.clone()) };
        let user = cx.call::<GetUser>(input).await?.user;
        let attributes = json!({ "Arn": user.arn }).as_object().cloned().unwrap_or_default();
        Ok(Actual { physical_id: user_name, attributes })
    }

    async fn sync(cx: &Cx, name: &str, before: &Properties, after: &Properties) -> Result<()> {
        holder::sync::<OfUser>(cx, name, before, after).await?;
        let groups = |of: &Properties| {
            properties::texts(of, "Groups").map(|names| names.into_iter().collect::<BTreeSet<_>>())
        };
        let (had, has) = (groups(before)?, groups(after)?);
        for group_name in has.difference(&had).cloned() {
            let input = AddUserToGroupRequest { group_name, user_name: name.to_owned() };
            cx.call::<AddUserToGroup>(input).await?;
        }
        for group_name in had.difference(&has).cloned() {
            let input = RemoveUserFromGroupRequest { group_name, user_name: name.to_owned() };
            holder::gone(cx.call::<RemoveUserFromGroup>(input).await.map(drop))?;
        }
        Ok(())
    }

    async fn change(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
        let (user_name, before) = (changed.physical_id.to_owned(), changed.before);
        let after = changed.after.properties;
        refuse_login(after)?;
        let differs = |name: &str| before.get(name) != after.get(name);
        if differs("Path") {
            let new_path = Some(properties::text(after, "Path")?.unwrap_or_else(|| "/".to_owned()));
            let user_name = user_name.clone();
            let input = UpdateUserRequest { user_name, new_path, ..UpdateUserRequest::default() };
            cx.call::<UpdateUser>(input).await?;
        }
        if differs("PermissionsBoundary") {
            Self::bound(cx, &user_name, properties::text(after, "PermissionsBoundary")?).await?;
        }
        Self::sync(cx, &user_name, before, after).await?;
        Self::tag(cx, &user_name, before, &changed.after).await?;
        Self::actual(cx, user_name).await
    }

    async fn bound(cx: &Cx, name: &str, boundary: Option<String>) -> Result<()> {
        let user_name = name.to_owned();
        let Some(permissions_boundary) = boundary else {
            let input = DeleteUserPermissionsBoundaryRequest { user_name };
            let done = cx.call::<DeleteUserPermissionsBoundary>(input).await;
            return holder::gone(done.map(drop));
        };
        let input = PutUserPermissionsBoundaryRequest { user_name, permissions_boundary };
        cx.call::<PutUserPermissionsBoundary>(input).await.map(drop)
    }

    async fn tag(cx: &Cx, name: &str, before: &Properties, after: &Desired<'_>) -> Result<()> {
        let tags = properties::tags(after)?;
        let left: Vec<String> = properties::own_tags(before)?
            .into_keys()
            .filter(|key| !tags.iter().any(|tag| tag.key == *key))
            .collect();
        if !left.is_empty() {
            let input = UntagUserRequest { user_name: name.to_owned(), tag_keys: left };
            cx.call::<UntagUser>(input).await?;
        }
        if !tags.is_empty() {
            cx.call::<TagUser>(TagUserRequest { user_name: name.to_owned(), tags }).await?;
        }
        Ok(())
    }

    async fn unmake(cx: &Cx, name: &str) -> Result<()> {
        holder::strip::<OfUser>(cx, name).await?;
        let user_name = name.to_owned();
        // Ten groups at most: one page.
        let input = ListGroupsForUserRequest { user_name, ..ListGroupsForUserRequest::default() };
        let groups = match cx.call::<ListGroupsForUser>(input).await {
            Err(error) if error.code == "NoSuchEntity" => return Ok(()),
            found => found?.groups,
        };
        for group in groups {
            let (group_name, user_name) = (group.group_name, name.to_owned());
            let input = RemoveUserFromGroupRequest { group_name, user_name };
            holder::gone(cx.call::<RemoveUserFromGroup>(input).await.map(drop))?;
        }
        let input = DeleteUserRequest { user_name: name.to_owned() };
        holder::gone(cx.call::<DeleteUser>(input).await.map(drop))
    }
}

fn refuse_login(properties: &Properties) -> Result<()> {
    if properties.contains_key("LoginProfile") {
        return Err(Error::not_implemented("iam", "CreateLoginProfile"));
    }
    Ok(())
}

impl Resource for User {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::User"
    }

    fn replaces(&self, property: &str) -> bool {
        property == "UserName"
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::make(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::change(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(Self::unmake(cx, physical_id))
    }
}

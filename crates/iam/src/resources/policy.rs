//! AWS::IAM::Policy: an inline policy of the roles, users and groups that it names. `Ref` gives the
//! name that the stack made; the policy's own name is `PolicyName`.

use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::Map;

use super::holder::{Calls, OfGroup, OfRole, OfUser};
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct Policy;

/// Gives the policy to the holders of one kind.
async fn put<C: Calls>(cx: &Cx, property: &str, after: &Properties) -> Result<()> {
    let name = properties::required(after, "PolicyName")?;
    let text = properties::document(after, "PolicyDocument")?;
    for holder in properties::texts(after, property)? {
        C::put(cx, &holder, &name, &text).await?;
    }
    Ok(())
}

/// Takes the policy from the holders of one kind who have it by `before` and not by `after`.
async fn take<C: Calls>(
    cx: &Cx,
    property: &str,
    before: &Properties,
    after: &Properties,
) -> Result<()> {
    let name = properties::required(before, "PolicyName")?;
    let renamed = properties::text(after, "PolicyName")?.as_ref() != Some(&name);
    let keep = properties::texts(after, property)?;
    for holder in properties::texts(before, property)? {
        if renamed || !keep.contains(&holder) {
            C::delete(cx, &holder, &name).await?;
        }
    }
    Ok(())
}

async fn put_all(cx: &Cx, after: &Properties) -> Result<()> {
    let any = ["Roles", "Users", "Groups"].into_iter().any(|name| after.contains_key(name));
    if !any {
        let message = "At least one of [Groups,Roles,Users] must be non-empty.";
        return Err(Error::validation(message));
    }
    put::<OfRole>(cx, "Roles", after).await?;
    put::<OfUser>(cx, "Users", after).await?;
    put::<OfGroup>(cx, "Groups", after).await
}

async fn take_all(cx: &Cx, before: &Properties, after: &Properties) -> Result<()> {
    take::<OfRole>(cx, "Roles", before, after).await?;
    take::<OfUser>(cx, "Users", before, after).await?;
    take::<OfGroup>(cx, "Groups", before, after).await
}

fn actual(id: &str) -> Actual {
    let attributes = Map::from_iter([("Id".to_owned(), id.into())]);
    Actual { physical_id: id.to_owned(), attributes }
}

impl Resource for Policy {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::Policy"
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn is_noted(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            put_all(cx, desired.properties).await?;
            Ok(actual(desired.name))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            put_all(cx, changed.after.properties).await?;
            take_all(cx, changed.before, changed.after.properties).await?;
            Ok(actual(changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        let cause = format!("the id {physical_id} does not say who has the policy: use remove");
        Box::pin(std::future::ready(Err(Error::internal(cause))))
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        _: &'a str,
        before: &'a Properties,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { take_all(cx, before, &Properties::new()).await })
    }
}

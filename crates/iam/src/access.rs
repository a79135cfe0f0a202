//! What IAM's operations need leave for, with the condition keys of the service authorization
//! reference ("Actions, resources, and condition keys for AWS IAM").

use std::collections::BTreeMap;

use cumulet_api_iam::types::Tag;
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error, Result};

use crate::store::{self, Entity};

/// Leave for `action` on the entity called `name`, with its tags. One that is not there has none,
/// and counts as having the path `/`.
pub(crate) async fn on<E: Entity>(
    cx: &Cx,
    action: &'static str,
    name: &str,
) -> Result<Vec<Access>> {
    Ok(vec![of::<E>(cx, action, name).await?.0])
}

/// The same for what changes an entity's permissions: with the boundary that it has.
pub(crate) async fn on_bounded<E: Entity>(
    cx: &Cx,
    action: &'static str,
    name: &str,
) -> Result<Vec<Access>> {
    let (access, entity) = of::<E>(cx, action, name).await?;
    let boundary = entity.as_ref().and_then(Entity::grants).and_then(|it| it.boundary.clone());
    Ok(vec![bounded(access, boundary)])
}

async fn of<E: Entity>(cx: &Cx, action: &'static str, name: &str) -> Result<(Access, Option<E>)> {
    let entity: Option<E> = store::find(&cx.store().snapshot(), cx.account(), name).await?;
    let arn = match &entity {
        Some(entity) => entity.arn(cx.account()),
        None => Arn::global("iam", cx.account(), &format!("{}/{name}", E::KIND)),
    };
    let mut access = Access::on(cx, action, arn);
    for (key, value) in entity.as_ref().and_then(Entity::tags).into_iter().flatten() {
        access = access
            .with(format!("aws:ResourceTag/{key}"), vec![value.clone()])
            .with(format!("iam:ResourceTag/{key}"), vec![value.clone()]);
    }
    Ok((access, entity))
}

/// Leave for `action` on an entity that is yet to be made.
pub(crate) fn new<E: Entity>(
    cx: &Cx,
    action: &'static str,
    path: Option<&str>,
    name: &str,
) -> Access {
    let path = path.unwrap_or("/");
    Access::on(cx, action, Arn::global("iam", cx.account(), &format!("{}{path}{name}", E::KIND)))
}

/// With `iam:PermissionsBoundary`.
pub(crate) fn bounded(access: Access, boundary: Option<String>) -> Access {
    access.with_some("iam:PermissionsBoundary", boundary)
}

/// The same for what attaches or detaches a managed policy.
pub(crate) fn of_policy(accesses: Vec<Access>, policy: &str) -> Vec<Access> {
    let with = |access: Access| access.with("iam:PolicyARN", vec![policy.to_owned()]);
    accesses.into_iter().map(with).collect()
}

/// With the tags that a request brings.
pub(crate) fn tagging(access: Access, tags: &[Tag]) -> Access {
    access.tagging(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())))
}

/// Leave for `action` on the managed policy `arn`, with its tags.
pub(crate) async fn on_policy(cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
    let parsed: Arn = arn.parse().map_err(|_| invalid_arn(arn))?;
    let owner = parsed.account().parse().unwrap_or_else(|_| cx.account().clone());
    let access = Access { owner, ..Access::on(cx, action, parsed) };
    Ok(vec![access.tagged(tags_of(cx, arn).await?)])
}

async fn tags_of(cx: &Cx, arn: &str) -> Result<BTreeMap<String, String>> {
    let Some((account, name)) = store::customer_policy(arn) else { return Ok(BTreeMap::new()) };
    let snapshot = cx.store().snapshot();
    let found = store::find::<crate::model::Policy>(&snapshot, &account, &name).await?;
    Ok(found.map(|policy| policy.tags).unwrap_or_default())
}

fn invalid_arn(arn: &str) -> Error {
    Error::validation(format!("ARN {arn} is not valid."))
}

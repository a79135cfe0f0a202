//! Managed policies: the customer's with their versions, and AWS's own, which are as they are.

use cumulet_api_iam::ops::{ListPoliciesRequest, ListPoliciesResponse};
use cumulet_api_iam::types::{self, PolicyScopeType, PolicyUsageType};
use cumulet_service::Cx;
use cumulet_store::Tx;

use crate::attached::{self, Usage};
use crate::error::{Error, Result};
use crate::managed::{self, Managed};
use crate::model::{Policy, PolicyVersion};
use crate::page::{Page, Paging};
use crate::store::{self, Entity as _};
use crate::wire::{self, Detail};

/// Versions of one policy ("IAM and AWS STS quotas").
const MOST: usize = 5;

/// The request's account's own policy `arn`; NoSuchEntity where there is none.
pub(crate) async fn own(cx: &Cx, arn: &str) -> Result<Policy> {
    let name = own_name(cx, arn)?;
    let policy = store::find::<Policy>(&cx.store().snapshot(), cx.account(), &name).await?;
    policy.filter(|policy| is_called(policy, cx, arn)).ok_or_else(|| missing(arn))
}

fn own_name(cx: &Cx, arn: &str) -> Result<String> {
    if managed::find(arn).is_some() {
        let message = format!("Policy {arn} is managed by AWS and cannot be changed.");
        return Err(Error::UnmodifiableEntity(message));
    }
    let name = store::customer_policy(arn).filter(|(account, _)| account == cx.account());
    name.map(|(_, name)| name).ok_or_else(|| missing(arn))
}

fn is_called(policy: &Policy, cx: &Cx, arn: &str) -> bool {
    policy.arn(cx.account()).as_str() == arn
}

fn missing(arn: &str) -> Error {
    Error::NoSuchEntity(format!("Policy {arn} was not found."))
}

/// Changes the account's own policy `arn`.
async fn change(
    cx: &Cx,
    arn: &str,
    edit: impl Fn(&mut Policy) -> Result<()> + Send + Sync,
) -> Result<()> {
    let name = own_name(cx, arn)?;
    let edit = |policy: &mut Policy| {
        if !is_called(policy, cx, arn) {
            return Err(missing(arn));
        }
        edit(policy)
    };
    store::change(cx, &name, edit).await.map_err(|error| match error {
        Error::NoSuchEntity(message) if message.starts_with("The policy with name") => missing(arn),
        other => other,
    })
}

/// How many have `arn` attached, and how many as their boundary.
async fn uses(cx: &Cx, arn: &str) -> Result<(usize, usize)> {
    let uses = attached::uses(&cx.store().snapshot(), cx.account(), arn).await?;
    let attached = uses.iter().filter(|it| it.usage == Usage::Attached).count();
    Ok((attached, uses.len() - attached))
}

/// The policy `arn` as GetPolicy answers it.
pub(crate) async fn describe(cx: &Cx, arn: &str) -> Result<types::Policy> {
    let uses = uses(cx, arn).await?;
    match managed::find(arn) {
        Some(policy) => Ok(policy.describe(uses)),
        None => Ok(wire::policy(cx.account(), &own(cx, arn).await?, uses, Detail::Full)),
    }
}

/// The number in `v3`.
fn number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.parse().ok()
}

fn missing_version(arn: &str, version: &str) -> Error {
    Error::NoSuchEntity(format!(
        "Policy {arn} version {version} does not exist or is not attachable."
    ))
}

/// The version `version` of `arn`, with its text.
pub(crate) async fn version(cx: &Cx, arn: &str, version: &str) -> Result<types::PolicyVersion> {
    if let Some(policy) = managed::find(arn) {
        let found = policy.version(Detail::Full);
        return Some(found)
            .filter(|found| found.version_id.as_deref() == Some(version))
            .ok_or_else(|| missing_version(arn, version));
    }
    let policy = own(cx, arn).await?;
    let found = number(version).and_then(|n| policy.versions.get(&n).map(|text| (n, text)));
    let (n, text) = found.ok_or_else(|| missing_version(arn, version))?;
    Ok(wire::version(&policy, n, text, Detail::Full))
}

/// A page of the versions of `arn`, the newest first.
pub(crate) async fn versions(
    cx: &Cx,
    arn: &str,
    paging: &Paging,
) -> Result<Page<types::PolicyVersion>> {
    // What pages are cut by must rise while version numbers fall.
    let rank = |version: &types::PolicyVersion| {
        let number = version.version_id.as_deref().and_then(number).unwrap_or_default();
        format!("{:010}", u32::MAX - number)
    };
    if let Some(policy) = managed::find(arn) {
        return Ok(paging.cut([policy.version(Detail::Listed)], rank));
    }
    let policy = own(cx, arn).await?;
    let versions = policy.versions.iter().rev();
    Ok(paging.cut(versions.map(|(n, it)| wire::version(&policy, *n, it, Detail::Listed)), rank))
}

/// Adds a version with `text` to `arn`.
pub(crate) async fn add_version(
    cx: &Cx,
    arn: &str,
    text: &str,
    default: bool,
) -> Result<types::PolicyVersion> {
    let created = cx.now();
    let edit = |policy: &mut Policy| {
        if policy.versions.len() >= MOST {
            let message = format!(
                "A managed policy can have up to {MOST} versions. Before you create a new \
                 version, you must delete an existing version."
            );
            return Err(Error::LimitExceeded(message));
        }
        let version = PolicyVersion { text: text.to_owned(), created: created.millis() };
        policy.versions.insert(policy.next, version);
        if default {
            policy.default = policy.next;
        }
        policy.next += 1;
        policy.updated = created.millis();
        Ok(())
    };
    change(cx, arn, edit).await?;
    // The newest is this one, or that of somebody who was faster, with the same right to be told.
    let policy = own(cx, arn).await?;
    let newest = policy.versions.iter().rev().find(|(_, version)| version.text == text);
    let (number, version) = newest.ok_or_else(|| missing(arn))?;
    Ok(wire::version(&policy, *number, version, Detail::Listed))
}

/// Lets the version `version` of `arn` count.
pub(crate) async fn set_default(cx: &Cx, arn: &str, version: &str) -> Result<()> {
    let edit = |policy: &mut Policy| {
        let known = number(version).filter(|number| policy.versions.contains_key(number));
        policy.default = known.ok_or_else(|| missing_version(arn, version))?;
        Ok(())
    };
    change(cx, arn, edit).await
}

/// Removes the version `version` of `arn`.
pub(crate) async fn delete_version(cx: &Cx, arn: &str, version: &str) -> Result<()> {
    let edit = |policy: &mut Policy| {
        let known = number(version).filter(|number| policy.versions.contains_key(number));
        let number = known.ok_or_else(|| missing_version(arn, version))?;
        if number == policy.default {
            return Err(Error::DeleteConflict("Cannot delete the default version of a policy."));
        }
        policy.versions.remove(&number);
        Ok(())
    };
    change(cx, arn, edit).await
}

/// Removes the policy `arn`.
pub(crate) async fn delete(cx: &Cx, arn: &str) -> Result<()> {
    let (name, account) = (own_name(cx, arn)?, cx.account());
    let name = name.as_str();
    cx.store()
        .transact(async |tx: Tx| {
            let policy = store::find::<Policy>(&tx, account, name).await?;
            let policy = policy.filter(|policy| is_called(policy, cx, arn));
            let policy = policy.ok_or_else(|| missing(arn))?;
            if !attached::uses(&tx, account, arn).await?.is_empty() {
                return Err(Error::DeleteConflict("Cannot delete a policy attached to entities."));
            }
            if policy.versions.len() > 1 {
                return Err(Error::DeleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must \
                     delete the policy's versions. The default version is deleted with the policy.",
                ));
            }
            tx.delete(store::key::<Policy>(account, name));
            Ok(())
        })
        .await
}

/// A page of the account's policies and of AWS's, as the request narrows them.
pub(crate) async fn list(cx: &Cx, input: &ListPoliciesRequest) -> Result<ListPoliciesResponse> {
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let scope = input.scope.unwrap_or_default();
    let path = input.path_prefix.as_deref().unwrap_or("/");
    let mut found = Vec::new();
    if scope != PolicyScopeType::Aws {
        // Attachments narrow the list after it is read, so all of it is: 1,500 a account at AWS.
        let all = Paging { after: None, limit: usize::MAX };
        for policy in store::list(cx, &all, |it: &Policy| it.path.starts_with(path)).await?.items {
            let arn = policy.arn(cx.account());
            let uses = uses(cx, arn.as_str()).await?;
            found.push(wire::policy(cx.account(), &policy, uses, Detail::Listed));
        }
    }
    if scope != PolicyScopeType::Local {
        for policy in managed::all().iter().filter(|policy| policy.path.starts_with(path)) {
            found.push(policy.describe(uses(cx, &policy.arn()).await?));
        }
    }
    found.retain(|policy| is_wanted(policy, input));
    let order = |policy: &types::Policy| {
        let aws = policy.arn.as_deref().is_some_and(|arn| arn.starts_with(Managed::PREFIX));
        format!("{}{}", u8::from(aws), policy.arn.as_deref().unwrap_or_default())
    };
    found.sort_by_key(order);
    let (policies, is_truncated, marker) = paging.cut(found, order).answer(|policy| policy);
    Ok(ListPoliciesResponse { policies: Some(policies), is_truncated, marker })
}

fn is_wanted(policy: &types::Policy, input: &ListPoliciesRequest) -> bool {
    let attached = policy.attachment_count.unwrap_or_default() > 0;
    let boundary = policy.permissions_boundary_usage_count.unwrap_or_default() > 0;
    let only_attached = input.only_attached.unwrap_or_default();
    match input.policy_usage_filter {
        None => !only_attached || attached,
        Some(PolicyUsageType::PermissionsPolicy) => attached,
        Some(PolicyUsageType::PermissionsBoundary) => boundary,
    }
}

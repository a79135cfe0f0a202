//! Managed policies on users, groups and roles, and as their boundaries; and who has a policy.

use cumulet_api_iam::types::AttachedPolicy;
use cumulet_base::AccountId;
use cumulet_service::Cx;
use cumulet_store::{Component, Direction, Key, Read, Tx};

use crate::error::{Error, Result};
use crate::managed;
use crate::model::Policy;
use crate::page::{Page, Paging};
use crate::store::{self, Entity, Holder};

/// Managed policies that one user, group or role can have ("IAM and AWS STS quotas").
const MOST: usize = 10;

/// How an entity uses a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Attached,
    Boundary,
}

/// Who uses a policy, and how.
#[derive(Debug)]
pub(crate) struct Use {
    pub usage: Usage,
    /// `user`, `group` or `role`.
    pub kind: String,
    pub name: String,
}

fn uses_key(account: &AccountId, arn: &str) -> Key {
    Key::of_account("iam", account).text("holder").text(arn)
}

fn use_key<H: Holder>(account: &AccountId, arn: &str, usage: Usage, holder: &str) -> Key {
    let usage = if usage == Usage::Attached { "attached" } else { "boundary" };
    uses_key(account, arn).text(usage).text(H::KIND).text(holder)
}

/// Attaches `arn` to `holder`. Doing so again changes nothing.
pub(crate) async fn attach<H: Holder>(cx: &Cx, holder: &str, arn: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let mut entity: H = store::get(&tx, account, holder).await?;
            if !exists(&tx, account, arn).await? {
                let message = format!("Policy {arn} does not exist or is not attachable.");
                return Err(Error::NoSuchEntity(message));
            }
            let attached = &mut entity.grants_mut().attached;
            attached.insert(arn.to_owned());
            if attached.len() > MOST {
                let of = match H::KIND {
                    "user" => "User",
                    "group" => "Group",
                    _ => "Role",
                };
                let message = format!("Cannot exceed quota for PoliciesPer{of}: {MOST}");
                return Err(Error::LimitExceeded(message));
            }
            store::put(&tx, account, &entity);
            tx.put(use_key::<H>(account, arn, Usage::Attached, holder), "");
            Ok(())
        })
        .await
}

/// Takes `arn` from `holder`.
pub(crate) async fn detach<H: Holder>(cx: &Cx, holder: &str, arn: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let mut entity: H = store::get(&tx, account, holder).await?;
            if !entity.grants_mut().attached.remove(arn) {
                return Err(Error::NoSuchEntity(format!("Policy {arn} was not found.")));
            }
            store::put(&tx, account, &entity);
            tx.delete(use_key::<H>(account, arn, Usage::Attached, holder));
            Ok(())
        })
        .await
}

/// A page of the policies attached to `holder` whose path begins with `path`.
pub(crate) async fn list<H: Holder>(
    cx: &Cx,
    holder: &str,
    path: Option<&str>,
    paging: &Paging,
) -> Result<Page<AttachedPolicy>> {
    let mut entity: H = store::read(cx, holder).await?;
    let attached = std::mem::take(&mut entity.grants_mut().attached);
    let under = |arn: &String| {
        let of_policy = arn.split_once(":policy").map_or("/", |(_, rest)| rest);
        of_policy.starts_with(path.unwrap_or("/"))
    };
    let page = paging.cut(attached.into_iter().filter(under), Clone::clone);
    let wire = |arn: String| {
        let name = arn.rsplit('/').next().map(str::to_owned);
        AttachedPolicy { policy_name: name, policy_arn: Some(arn) }
    };
    Ok(Page { items: page.items.into_iter().map(wire).collect(), next: page.next })
}

/// Sets `holder`'s boundary, or removes it; NoSuchEntity where there is none to remove.
pub(crate) async fn bound<H: Holder>(cx: &Cx, holder: &str, arn: Option<&str>) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let mut entity: H = store::get(&tx, account, holder).await?;
            let before = entity.grants_mut().boundary.take();
            match arn {
                Some(arn) => check_boundary(&tx, account, arn).await?,
                None if before.is_none() => {
                    let message = format!("{holder} does not have permissions boundary.");
                    return Err(Error::NoSuchEntity(message));
                }
                None => {}
            }
            if let Some(before) = before {
                tx.delete(use_key::<H>(account, &before, Usage::Boundary, holder));
            }
            entity.grants_mut().boundary = arn.map(str::to_owned);
            note_boundary(&tx, account, &entity);
            store::put(&tx, account, &entity);
            Ok(())
        })
        .await
}

/// Stores a new user or role with the boundary that it has.
pub(crate) async fn create_bounded<H: Holder>(cx: &Cx, entity: &H) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            if tx.get(&store::key::<H>(account, entity.name())).await?.is_some() {
                return Err(store::taken::<H>(entity.name()));
            }
            if let Some(arn) = entity.grants().and_then(|grants| grants.boundary.as_deref()) {
                check_boundary(&tx, account, arn).await?;
            }
            note_boundary(&tx, account, entity);
            store::put(&tx, account, entity);
            cx.note_made(&tx, entity.name());
            Ok(())
        })
        .await
}

/// Refuses a boundary that is no managed policy.
async fn check_boundary(tx: &Tx, account: &AccountId, arn: &str) -> Result<()> {
    if exists(tx, account, arn).await? {
        return Ok(());
    }
    let message = format!("Scope ARN: {arn} does not exist or is not attachable.");
    Err(Error::NoSuchEntity(message))
}

/// Notes that `holder` uses its boundary.
fn note_boundary<H: Holder>(tx: &Tx, account: &AccountId, holder: &H) {
    if let Some(arn) = holder.grants().and_then(|grants| grants.boundary.as_deref()) {
        tx.put(use_key::<H>(account, arn, Usage::Boundary, holder.name()), "");
    }
}

/// Notes that `holder` uses its policies and boundary, or uses them no more.
pub(crate) fn note_all<H: Holder>(tx: &Tx, account: &AccountId, holder: &H, used: bool) {
    let Some(grants) = holder.grants() else { return };
    let attached = grants.attached.iter().map(|arn| (arn, Usage::Attached));
    let boundary = grants.boundary.iter().map(|arn| (arn, Usage::Boundary));
    for (arn, usage) in attached.chain(boundary) {
        let key = use_key::<H>(account, arn, usage, holder.name());
        if used {
            tx.put(key, "");
        } else {
            tx.delete(key);
        }
    }
}

/// Whether `arn` is a managed policy that can be attached in `account`.
async fn exists(tx: &Tx, account: &AccountId, arn: &str) -> Result<bool> {
    if managed::find(arn).is_some() {
        return Ok(true);
    }
    let Some((owner, name)) = store::customer_policy(arn) else { return Ok(false) };
    let policy = store::find::<Policy>(tx, &owner, &name).await?;
    Ok(owner == *account && policy.is_some_and(|policy| policy.arn(&owner).as_str() == arn))
}

/// Everyone who uses `arn` in `account`: attached uses first, then by kind and name.
pub(crate) async fn uses(read: &impl Read, account: &AccountId, arn: &str) -> Result<Vec<Use>> {
    let mut scan = read.scan(uses_key(account, arn).prefix(), Direction::Forward);
    let mut uses = Vec::new();
    while let Some((key, _)) = scan.next().await? {
        let parts = Key::components(&key).unwrap_or_default();
        let texts: Vec<&str> = parts.iter().filter_map(Component::as_text).collect();
        if let [.., usage, kind, name] = texts.as_slice() {
            let usage = if *usage == "attached" { Usage::Attached } else { Usage::Boundary };
            uses.push(Use { usage, kind: (*kind).to_owned(), name: (*name).to_owned() });
        }
    }
    Ok(uses)
}

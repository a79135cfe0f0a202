//! Trust policies. The users and roles that one names are meant as they are when it is written: who
//! is made anew under the name of one that was deleted is somebody else ("AWS JSON policy elements:
//! Principal", IAM user guide: IAM stores the unique id, and shows it where the ARN is gone).

use std::collections::BTreeMap;

use cumulet_auth::policy::{Grammar, size};
use cumulet_base::{AccountId, Arn};
use cumulet_service::Cx;
use cumulet_store::Read;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{Role, User};
use crate::store::{self, Entity, Holder};
use crate::text;

/// Characters of a trust policy that a role has without a raised quota ("IAM and AWS STS quotas").
const MOST: usize = 2048;

/// Refuses what is no trust policy, and one that names users or roles of this account that there
/// are not. Gives the unique ids of those that there are, by ARN.
pub(crate) async fn check(cx: &Cx, text: &str) -> Result<BTreeMap<String, String>> {
    if size(text) > MOST {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {MOST}");
        return Err(Error::LimitExceeded(message));
    }
    text::parse(text, Grammar::Trust)?;
    let snapshot = cx.store().snapshot();
    let mut trusted = BTreeMap::new();
    for arn in named(text) {
        let Some((kind, name)) = own(cx.account(), &arn) else { continue };
        let id = unique_id(&snapshot, cx.account(), kind, &name, &arn).await?;
        let missing = || {
            let message = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
            Error::MalformedPolicyDocument(message)
        };
        trusted.insert(arn.clone(), id.ok_or_else(missing)?);
    }
    Ok(trusted)
}

/// Puts unique ids into the role's trust policy in the place of those who are gone.
pub(crate) async fn refresh(read: &impl Read, account: &AccountId, role: &mut Role) -> Result<()> {
    let mut gone = BTreeMap::new();
    for (arn, id) in &role.trusted {
        let Some((kind, name)) = own(account, arn) else { continue };
        if unique_id(read, account, kind, &name, arn).await?.as_ref() != Some(id) {
            gone.insert(arn.clone(), id.clone());
        }
    }
    if !gone.is_empty()
        && let Ok(mut document) = serde_json::from_str(&role.trust)
    {
        for_each_principal(&mut document, &mut |arn| {
            if let Some(id) = gone.get(arn.as_str()) {
                arn.clone_from(id);
            }
        });
        role.trust = document.to_string();
    }
    Ok(())
}

/// The ARNs that `Principal` elements name.
fn named(text: &str) -> Vec<String> {
    let mut arns = Vec::new();
    if let Ok(mut document) = serde_json::from_str(text) {
        for_each_principal(&mut document, &mut |arn| arns.push(arn.clone()));
    }
    arns
}

/// Visits what stands under `AWS` in each statement's `Principal`.
fn for_each_principal(document: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    let Some(statements) = document.get_mut("Statement") else { return };
    for statement in one_or_many(statements) {
        let named = statement.get_mut("Principal").and_then(|it| it.get_mut("AWS"));
        for value in named.into_iter().flat_map(one_or_many) {
            if let Value::String(text) = value {
                visit(text);
            }
        }
    }
}

fn one_or_many(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_mut(one),
    }
}

/// Kind and name of a user or role of `account`.
fn own(account: &AccountId, arn: &str) -> Option<(&'static str, String)> {
    let arn: Arn = arn.parse().ok()?;
    let (kind, rest) = arn.resource().split_once('/')?;
    let name = rest.rsplit('/').next()?.to_owned();
    let kind = [User::KIND, Role::KIND].into_iter().find(|known| *known == kind)?;
    (arn.service() == "iam" && arn.account() == account.as_str()).then_some((kind, name))
}

async fn unique_id(
    read: &impl Read,
    account: &AccountId,
    kind: &str,
    name: &str,
    arn: &str,
) -> Result<Option<String>> {
    if kind == User::KIND {
        return Ok(id_of(account, arn, store::find::<User>(read, account, name).await?));
    }
    Ok(id_of(account, arn, store::find::<Role>(read, account, name).await?))
}

/// The id of an entity that has this very ARN, path included.
fn id_of<H: Holder>(account: &AccountId, arn: &str, found: Option<H>) -> Option<String> {
    let found = found.filter(|entity| entity.arn(account).as_str() == arn)?;
    Some(found.id().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_found_wherever_they_may_stand() {
        let text = r#"{"Statement": [
            {"Principal": {"AWS": ["arn:a", "arn:b"], "Service": "s"}},
            {"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:c"}}},
            {"Principal": {"AWS": "arn:d"}}]}"#;
        assert_eq!(named(text), ["arn:a", "arn:b", "arn:d"]);
        assert_eq!(named(r#"{"Statement": {"Principal": {"AWS": "arn:e"}}}"#), ["arn:e"]);
        assert!(named("[]").is_empty() && named("x").is_empty());
    }

    #[test]
    fn only_users_and_roles_of_the_account_are_its_own() {
        let account = AccountId::DEFAULT;
        let name = |arn: &str| own(&account, arn).map(|(kind, name)| format!("{kind} {name}"));
        assert_eq!(name("arn:aws:iam::000000000000:user/a/b").as_deref(), Some("user b"));
        assert_eq!(name("arn:aws:iam::000000000000:role/r").as_deref(), Some("role r"));
        for other in [
            "arn:aws:iam::111111111111:role/r",
            "arn:aws:iam::000000000000:root",
            "arn:aws:sts::000000000000:assumed-role/r/s",
            "*",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}

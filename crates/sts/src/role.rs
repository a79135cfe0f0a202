//! The role that somebody wants to assume.

use std::sync::Arc;

use cumulet_api_iam::ops::{GetRole, GetRoleRequest};
use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::{AccountId, Arn};
use cumulet_service::{Cx, Error, Principal, Result};
use percent_encoding::percent_decode_str;

/// What STS has to know of a role.
pub(crate) struct Role {
    pub account: AccountId,
    pub name: String,
    pub path: String,
    pub id: String,
    pub trust: Arc<Document>,
    pub tags: Vec<(String, String)>,
    /// Seconds that a session lasts at most.
    pub max_session: i32,
}

/// The role `arn`; `None` where there is none, which callers are not told.
pub(crate) async fn find(cx: &Cx, arn: &Arn) -> Result<Option<Role>> {
    let Some((account, name)) = parts(arn) else { return Ok(None) };
    // STS reads the role as the account that it belongs to: callers need no leave to see it.
    let owner = cx.acting_as(Principal::Root { account: account.as_str().to_owned() });
    let found = owner.call::<GetRole>(GetRoleRequest { role_name: name }).await;
    let role = match found {
        Ok(found) => found.role,
        Err(error) if error.status < 500 => return Ok(None),
        Err(error) => return Err(error),
    };
    if role.arn != arn.as_str() {
        return Ok(None);
    }
    let text = role.assume_role_policy_document.unwrap_or_default();
    let text = percent_decode_str(&text).decode_utf8().map_err(Error::internal)?;
    let trust = Document::parse(&text, Grammar::Trust).map_err(Error::internal)?;
    Ok(Some(Role {
        account,
        name: role.role_name,
        path: role.path,
        id: role.role_id,
        trust: Arc::new(trust),
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        max_session: role.max_session_duration.unwrap_or(3600),
    }))
}

/// Account and name in the ARN of a role.
fn parts(arn: &Arn) -> Option<(AccountId, String)> {
    let name = arn.resource().strip_prefix("role/")?.rsplit('/').next()?;
    let iam = arn.service() == "iam" && arn.region().is_empty() && !name.is_empty();
    Some((arn.account().parse().ok()?, name.to_owned())).filter(|_| iam)
}

//! Whether a resource policy and the caller's own policies let a request in ("How API Gateway
//! resource policies affect authorization workflow").

use std::sync::Arc;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Principal, Result};
use serde_json::Value;

/// A policy with resources spelled out: API Gateway takes `execute-api:/stage/METHOD/path` for its
/// own ARN.
pub(crate) fn spelled_out(policy: &str, cx: &Cx, api: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(policy) else { return policy.to_owned() };
    let own = format!("arn:aws:execute-api:{}:{}:{api}/", cx.region(), cx.account());
    let spell = |value: &mut Value| {
        if let Some(rest) = value.as_str().and_then(|text| text.strip_prefix("execute-api:/")) {
            *value = Value::String(format!("{own}{rest}"));
        }
    };
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(all)) => all.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in statements {
        for name in ["Resource", "NotResource"] {
            match statement.get_mut(name) {
                Some(Value::Array(all)) => all.iter_mut().for_each(spell),
                Some(one) => spell(one),
                None => {}
            }
        }
    }
    document.to_string()
}

/// The policy of a deployed API, compiled; an error where it cannot be read, for then nobody may be
/// let in.
pub(crate) fn compile(
    policy: Option<&str>,
    cx: &Cx,
    api: &str,
) -> std::result::Result<Option<Arc<Document>>, String> {
    let Some(policy) = policy else { return Ok(None) };
    let document = Document::parse(&spelled_out(policy, cx, api), Grammar::Resource);
    document.map(|document| Some(Arc::new(document))).map_err(|why| why.to_string())
}

/// Leave to invoke `method`, for whoever `cx` is for.
pub(crate) async fn may_invoke(cx: &Cx, method: Arn, policy: Option<Arc<Document>>) -> Result<()> {
    cx.authorize(&Access::on(cx, "execute-api:Invoke", method).under(policy)).await
}

/// Leave for a caller that no signature names: the policy itself must allow it, if there is one.
/// With a user pool's token that is so too ("explicit allow" in both).
pub(crate) async fn policy_lets_in(
    cx: &Cx,
    method: Arn,
    policy: Option<&Arc<Document>>,
) -> Result<()> {
    let Some(policy) = policy else { return Ok(()) };
    let nobody = cx.acting_as(Principal::Anonymous);
    let mut access = Access::on(&nobody, "execute-api:Invoke", method);
    access.policy_required = true;
    nobody.authorize(&access.under(Some(Arc::clone(policy)))).await
}

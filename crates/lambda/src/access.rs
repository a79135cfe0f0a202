//! The leave that operations need.
//!
//! Source: "Actions, resources, and condition keys for AWS Lambda" (Service authorization
//! reference).

use std::collections::BTreeMap;
use std::sync::Arc;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error as ServiceError, Result, pass_role};

use crate::error::Error;
use crate::name::{FunctionName, LayerName};
use crate::policy;

/// The principal that Lambda itself is.
pub(crate) const PRINCIPAL: &str = "lambda.amazonaws.com";

/// Leave for `action` on what is named: the function, or its version or alias with the policy that
/// is attached to just that. "When you use a qualified ARN, Lambda looks at the policy of the
/// qualifier only."
pub(crate) async fn on_function(
    cx: &Cx,
    action: &'static str,
    name: &FunctionName,
) -> Result<Access> {
    let policy = name.load_policy(&cx.store().snapshot()).await?;
    let document = match policy {
        Some(policy) => Some(Document::parse(&policy::text(&policy), Grammar::Resource).map_err(
            // Its statements were checked when they were added.
            |why| ServiceError::internal(format!("the policy of {}: {why}", name.named_arn())),
        )?),
        None => None,
    };
    let access = Access::on(cx, action, name.named_arn()).under(document.map(Arc::new));
    Ok(Access { owner: name.account.clone(), ..access })
}

/// Leave for `action` on the function as a whole: most of the control plane knows no qualifiers.
pub(crate) async fn on_whole(cx: &Cx, action: &'static str, name: &FunctionName) -> Result<Access> {
    let whole = FunctionName { qualifier: None, ..name.clone() };
    on_function(cx, action, &whole).await
}

/// Leave for `action` on a layer or a layer's version.
pub(crate) fn on_layer(cx: &Cx, action: &'static str, layer: &LayerName, arn: Arn) -> Access {
    Access { owner: layer.account.clone(), ..Access::on(cx, action, arn) }
}

/// Leave to use layers, with `lambda:Layer` on the function's own access.
pub(crate) fn to_layers(cx: &Cx, function: Access, arns: &[String]) -> Result<Vec<Access>> {
    let mut all = vec![function.with("lambda:Layer", arns.to_vec())];
    for arn in arns {
        let (layer, number) = LayerName::parse_version(arn)?;
        all.push(on_layer(cx, "lambda:GetLayerVersion", &layer, layer.version_arn(number)));
    }
    Ok(all)
}

/// Leave to hand a role to Lambda.
pub(crate) fn to_pass(cx: &Cx, role: &str) -> Result<Access> {
    let invalid = |_| Error::Invalid(format!("{role} is not the ARN of a role."));
    Ok(pass_role(cx, role, PRINCIPAL).map_err(invalid)?)
}

/// With the condition keys of tags in the request.
pub(crate) fn tagging(access: Access, tags: &BTreeMap<String, String>) -> Access {
    let access = access.with("aws:TagKeys", tags.keys().cloned().collect());
    tags.iter().fold(access, |access, (key, value)| {
        access.with(format!("aws:RequestTag/{key}"), vec![value.clone()])
    })
}

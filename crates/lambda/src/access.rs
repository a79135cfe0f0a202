//! The leave that operations need.
//!
//! Source: "Actions, resources, and condition keys for AWS Lambda" (Service authorization
//! reference).

use std::sync::Arc;

use cumulet_api_lambda::types::VpcConfig;
use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error as ServiceError, Result, pass_role};

use crate::error::Error;
use crate::name::{FunctionName, LayerName};
use crate::policy;

/// The principal that Lambda itself is.
pub(crate) const PRINCIPAL: &str = "lambda.amazonaws.com";

/// Leave for `action` on what is named: the function, or its version or alias, with the function's
/// tags and the policy that is attached to just that. "When you use a qualified ARN, Lambda looks
/// at the policy of the qualifier only."
pub(crate) async fn on_function(
    cx: &Cx,
    action: &'static str,
    name: &FunctionName,
) -> Result<Access> {
    let read = cx.store().snapshot();
    let policy = name.load_policy(&read).await?;
    let document = match policy {
        Some(policy) => Some(Document::parse(&policy::text(&policy), Grammar::Resource).map_err(
            // Its statements were checked when they were added.
            |why| ServiceError::internal(format!("the policy of {}: {why}", name.named_arn())),
        )?),
        None => None,
    };
    let access = Access::on(cx, action, name.named_arn()).under(document.map(Arc::new));
    let access = Access { owner: name.account.clone(), ..access };
    let function = name.find(&read).await?;
    Ok(access.tagged(function.map(|function| function.tags).unwrap_or_default()))
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
    let function =
        if arns.is_empty() { function } else { function.with("lambda:Layer", arns.to_vec()) };
    let mut all = vec![function];
    for arn in arns {
        let (layer, number) = LayerName::parse_version(arn)?;
        all.push(on_layer(cx, "lambda:GetLayerVersion", &layer, layer.version_arn(number)));
    }
    Ok(all)
}

/// With what the request says of a network. Which VPC the subnets belong to nobody knows here.
pub(crate) fn in_network(access: Access, network: Option<&VpcConfig>) -> Access {
    let Some(network) = network else { return access };
    let lists = [
        ("lambda:SecurityGroupIds", &network.security_group_ids),
        ("lambda:SubnetIds", &network.subnet_ids),
    ];
    let present = lists.into_iter().filter_map(|(key, list)| Some((key, list.clone()?)));
    present.fold(access, |access, (key, list)| access.with(key, list))
}

/// Leave to hand a role to Lambda, for a function.
pub(crate) fn to_pass(cx: &Cx, role: &str, function: &FunctionName) -> Result<Access> {
    let invalid = |_| Error::Invalid(format!("{role} is not the ARN of a role."));
    let access = pass_role(cx, role, PRINCIPAL).map_err(invalid)?;
    Ok(access.with("iam:AssociatedResourceArn", vec![function.arn().as_str().to_owned()]))
}

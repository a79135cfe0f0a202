//! `FunctionUrlConfig`: a function's own HTTPS endpoint.

use crate::fault::{Fault, Of};
use crate::intrinsics::is_intrinsic;
use crate::node::Node;
use crate::resource::Resource;
use crate::resources::SamResource;

/// The URL and, where it is public, the permissions that make it so.
pub(super) fn build(
    function: &SamResource,
    lambda: &Resource,
    alias: Option<&Resource>,
) -> Result<Vec<Resource>, Fault> {
    let config = function.at("FunctionUrlConfig");
    check(function, config)?;
    let id = &function.id.text;
    let attributes = function.passed();
    let target = alias.map_or_else(|| lambda.reference(), Resource::reference);
    let mut url = Resource::new(format!("{id}Url"), "AWS::Lambda::Url", &attributes)
        .with("AuthType", config.at("AuthType"))
        .with("TargetFunctionArn", target.clone())
        .with("InvokeMode", config.at("InvokeMode"));
    if config.at("Cors").truthy() {
        url.set("Cors", config.at("Cors"));
    }
    let mut resources = vec![url];
    if config.at("AuthType").is("NONE") && !is_intrinsic(config) {
        let permission = |suffix: &str, action: &str| {
            Resource::new(format!("{id}{suffix}"), "AWS::Lambda::Permission", &attributes)
                .with("Action", action)
                .with("FunctionName", target.clone())
                .with("Principal", "*")
        };
        resources.push(
            permission("UrlPublicPermissions", "lambda:InvokeFunctionUrl")
                .with("FunctionUrlAuthType", "NONE"),
        );
        resources.push(
            permission("URLInvokeAllowPublicAccess", "lambda:InvokeFunction")
                .with("InvokedViaFunctionUrl", true),
        );
    }
    Ok(resources)
}

fn check(function: &SamResource, config: &Node) -> Result<(), Fault> {
    if is_intrinsic(config) {
        return Ok(());
    }
    let auth = config.at("AuthType");
    if !is_intrinsic(auth) && !auth.is("AWS_IAM") && !auth.is("NONE") {
        return Err(function.fault(
            "AuthType is required to configure function property `FunctionUrlConfig`. Please \
             provide either AWS_IAM or NONE.",
        ));
    }
    let cors = config.at("Cors");
    if !cors.truthy() || is_intrinsic(cors) {
        return Ok(());
    }
    let of = Of::Resource(&function.id.text);
    for (name, value) in of.map("FunctionUrlConfig.Cors", cors)?.iter() {
        let (kind, fits) = match name {
            "AllowOrigins" | "AllowMethods" | "AllowHeaders" | "ExposeHeaders" => {
                ("list", value.as_list().is_some())
            }
            "AllowCredentials" => ("bool", value.as_bool().is_some()),
            "MaxAge" => ("int", matches!(value, Node::Number(number) if !number.is_f64())),
            _ => {
                return Err(
                    function.fault(format!("{name} is not a valid property for configuring Cors."))
                );
            }
        };
        if !fits && !is_intrinsic(value) {
            return Err(function.fault(format!("{name} must be of type {kind}.")));
        }
    }
    Ok(())
}

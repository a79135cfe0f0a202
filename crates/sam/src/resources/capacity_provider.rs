//! AWS::Serverless::CapacityProvider: machines for Lambda functions, and the role to run them.

use crate::fault::Fault;
use crate::node::{Dict, Node, dict, list};
use crate::resource::{Resource, tag_list};
use crate::resources::SamResource;
use crate::roles::assumed_by;
use crate::schema::{Form, Property, literal};
use crate::state::State;

const TAG: &str = "lambda:createdBy";

const SCHEMA: &[Property] = &[
    literal("CapacityProviderName", Form::StrOrMap),
    Property { name: "VpcConfig", form: Form::Map, required: true, intrinsics: false },
    literal("OperatorRole", Form::StrOrMap),
    literal("Tags", Form::Map),
    literal("PropagateTags", Form::Bool),
    literal("InstanceRequirements", Form::Map),
    literal("ScalingConfig", Form::Map),
    literal("KmsKeyArn", Form::StrOrMap),
];

/// Members of the three configurations, and what their values are beside functions.
const MEMBERS: [(&str, &[(&str, Value)]); 3] = [
    ("VpcConfig", &[("SecurityGroupIds", Value::List), ("SubnetIds", Value::List)]),
    (
        "InstanceRequirements",
        &[
            ("Architectures", Value::List),
            ("AllowedTypes", Value::List),
            ("ExcludedTypes", Value::List),
        ],
    ),
    (
        "ScalingConfig",
        &[("MaxVCpuCount", Value::Integer), ("AverageCPUUtilization", Value::Number)],
    ),
];

#[derive(Debug, Clone, Copy)]
enum Value {
    List,
    Integer,
    Number,
}

pub(super) fn transform(state: &State<'_>, provider: &SamResource) -> Result<Vec<Resource>, Fault> {
    provider.check("AWS::Serverless::CapacityProvider", SCHEMA)?;
    check_members(provider)?;
    let mut result = provider.becomes("AWS::Lambda::CapacityProvider");
    let mut resources = Vec::new();
    let given = provider.at("OperatorRole");
    let role_arn = if given.truthy() {
        given.clone()
    } else {
        let role = operator_role(state, provider);
        let arn = role.arn();
        resources.push(role);
        arn
    };
    result.set("PermissionsConfig", dict! { "CapacityProviderOperatorRoleArn" => role_arn });
    for key in ["CapacityProviderName", "KmsKeyArn"] {
        if provider.at(key).truthy() {
            result.set(key, provider.at(key));
        }
    }
    result.set(
        "VpcConfig",
        picked(
            provider.at("VpcConfig"),
            &[("SubnetIds", "SubnetIds"), ("SecurityGroupIds", "SecurityGroupIds")],
        ),
    );
    let instances = provider.at("InstanceRequirements");
    if instances.truthy() {
        result.set(
            "InstanceRequirements",
            picked(
                instances,
                &[
                    ("Architectures", "Architectures"),
                    ("AllowedTypes", "AllowedInstanceTypes"),
                    ("ExcludedTypes", "ExcludedInstanceTypes"),
                ],
            ),
        );
    }
    if provider.at("ScalingConfig").truthy() {
        result.set("CapacityProviderScalingConfig", scaling(provider.at("ScalingConfig")));
    }
    result.set("Tags", tags(provider.at("Tags")));
    if provider.at("PropagateTags").truthy() {
        for role in &mut resources {
            role.set("Tags", tags(provider.at("Tags")));
        }
    }
    resources.push(result);
    Ok(resources)
}

fn tags(given: &Node) -> Vec<Node> {
    let mut all = given.as_map().cloned().unwrap_or_default();
    all.insert(TAG, "SAM");
    tag_list(&all.into())
}

fn picked(from: &Node, names: &[(&str, &str)]) -> Dict {
    let mut result = Dict::default();
    for (key, name) in names {
        result.insert_some(name, from.at(key));
    }
    result
}

fn scaling(config: &Node) -> Dict {
    let mut result = picked(config, &[("MaxVCpuCount", "MaxVCpuCount")]);
    let target = config.at("AverageCPUUtilization");
    if target.is_null() {
        result.insert("ScalingMode", "Auto");
        return result;
    }
    result.insert("ScalingMode", "Manual");
    result.insert(
        "ScalingPolicies",
        list![dict! {
            "PredefinedMetricType" => "LambdaCapacityProviderAverageCPUUtilization",
            "TargetValue" => target,
        }],
    );
    result
}

fn operator_role(state: &State<'_>, provider: &SamResource) -> Resource {
    let id = format!("{}OperatorRole", provider.id.text);
    let policy = state.managed_policy("AWSLambdaManagedEC2ResourceOperator");
    Resource::new(id, "AWS::IAM::Role", &provider.passed())
        .with("AssumeRolePolicyDocument", assumed_by("lambda.amazonaws.com"))
        .with("ManagedPolicyArns", list![policy])
        .with("Tags", tags(&Node::Null))
}

/// Every fault of the configurations at once, as AWS tells them.
fn check_members(provider: &SamResource) -> Result<(), Fault> {
    let mut messages = Vec::new();
    for (property, members) in MEMBERS {
        let Some(config) = provider.at(property).as_map() else { continue };
        if property == "VpcConfig" && config.at("SubnetIds").is_null() {
            messages.push("Property 'VpcConfig.SubnetIds' is required.".to_owned());
        }
        for (name, kind) in members {
            messages.extend(wrong(&format!("{property}.{name}"), config.at(name), *kind));
        }
        for (name, _) in config.iter() {
            if !members.iter().any(|(member, _)| *member == name) {
                messages.push(format!("Property '{property}.{name}' is an invalid property."));
            }
        }
    }
    if !messages.is_empty() {
        return Err(provider.fault(messages.join(" ")));
    }
    let instances = provider.at("InstanceRequirements");
    if !instances.at("AllowedTypes").is_null() && !instances.at("ExcludedTypes").is_null() {
        return Err(provider.fault(
            "Cannot specify 'InstanceRequirements.AllowedTypes' and \
             'InstanceRequirements.ExcludedTypes' together.",
        ));
    }
    Ok(())
}

fn wrong(place: &str, value: &Node, kind: Value) -> Option<String> {
    let (fits, name) = match kind {
        Value::List => (value.as_list().is_some(), "list"),
        Value::Integer => (matches!(value, Node::Number(number) if !number.is_f64()), "integer"),
        Value::Number => (matches!(value, Node::Number(_)), "number"),
    };
    // Text that reads as a number is one.
    let numeric = !matches!(kind, Value::List)
        && value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok());
    if fits || numeric || value.is_map() || value.is_null() {
        return None;
    }
    Some(format!("Property '{place}' value must be dictionary or {name}."))
}

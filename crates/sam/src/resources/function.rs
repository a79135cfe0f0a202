//! AWS::Serverless::Function.

use crate::events::{self, Target};
use crate::fault::{Fault, Of};
use crate::intrinsics::{WRONG_IF, if_else, if_items, is_if, is_no_value, not};
use crate::node::{Node, dict};
use crate::policies;
use crate::python;
use crate::resource::{Resource, propagate_tags, tag_list_of_sam};
use crate::resources::{
    SamResource, code, deployment, function_url, invoke_config, refer, version,
};
use crate::roles::{self, Role};
use crate::schema::{Form, Property, literal, optional};
use crate::state::State;

const KIND: &str = "AWS::Serverless::Function";

const SCHEMA: &[Property] = &[
    optional("FunctionName", Form::StrOrMap),
    literal("Handler", Form::Any),
    literal("Runtime", Form::Any),
    literal("CodeUri", Form::Any),
    literal("ImageUri", Form::Any),
    literal("PackageType", Form::Any),
    literal("InlineCode", Form::Any),
    optional("DeadLetterQueue", Form::Map),
    literal("Description", Form::Any),
    literal("MemorySize", Form::Any),
    literal("Timeout", Form::Any),
    literal("VpcConfig", Form::Any),
    optional("Role", Form::Str),
    optional("AssumeRolePolicyDocument", Form::Map),
    optional("Policies", Form::Policies),
    literal("RolePath", Form::Any),
    optional("PermissionsBoundary", Form::Str),
    optional("Environment", Form::Maps),
    optional("Events", Form::Maps),
    optional("Tags", Form::Map),
    optional("PropagateTags", Form::Bool),
    optional("Tracing", Form::StrOrMap),
    literal("KmsKeyArn", Form::Any),
    optional("DeploymentPreference", Form::Map),
    literal("ReservedConcurrentExecutions", Form::Any),
    optional("Layers", Form::ListOfStrOrMap),
    optional("EventInvokeConfig", Form::Map),
    literal("EphemeralStorage", Form::Any),
    // An alias takes no function but a Ref to a parameter.
    optional("AutoPublishAlias", Form::Name),
    optional("AutoPublishCodeSha256", Form::Name),
    literal("AutoPublishAliasAllProperties", Form::Bool),
    literal("VersionDescription", Form::Any),
    literal("ProvisionedConcurrencyConfig", Form::Any),
    literal("FileSystemConfigs", Form::Any),
    literal("ImageConfig", Form::Any),
    literal("CodeSigningConfigArn", Form::Any),
    literal("Architectures", Form::Any),
    optional("SnapStart", Form::Map),
    optional("FunctionUrlConfig", Form::Map),
    literal("RuntimeManagementConfig", Form::Any),
    literal("LoggingConfig", Form::Any),
    literal("RecursiveLoop", Form::Any),
    literal("SourceKMSKeyArn", Form::Any),
    optional("CapacityProviderConfig", Form::Map),
    optional("FunctionScalingConfig", Form::Map),
    optional("VersionDeletionPolicy", Form::Either("Delete", "Retain")),
    literal("PublishToLatestPublished", Form::Any),
    literal("TenancyConfig", Form::Any),
    optional("DurableConfig", Form::Map),
];

/// Properties that the Lambda function takes over as they are.
const SAME: [&str; 23] = [
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Role",
    "Environment",
    "KmsKeyArn",
    "ReservedConcurrentExecutions",
    "Layers",
    "FileSystemConfigs",
    "ImageConfig",
    "PackageType",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "CodeSigningConfigArn",
    "RuntimeManagementConfig",
    "LoggingConfig",
    "TenancyConfig",
    "RecursiveLoop",
    "DurableConfig",
];

/// What authors may name: `!Ref MyFunction.Version`.
const REFERABLE: [(&str, &str); 4] = [
    ("Alias", "AWS::Lambda::Alias"),
    ("Version", "AWS::Lambda::Version"),
    ("DestinationTopic", "AWS::SNS::Topic"),
    ("DestinationQueue", "AWS::SQS::Queue"),
];

pub(super) fn transform(
    state: &mut State<'_>,
    function: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    let id = function.id.text.clone();
    policies::expand_templates(&id, &mut function.properties)?;
    function.check(KIND, SCHEMA)?;
    let linked =
        events::read(state, function, events::FUNCTION).map_err(|fault| fault.of_resource(&id))?;
    name_for_apis(state, function)?;
    check_combinations(function)?;
    check_dead_letter_queue(function)?;
    check_tenancy(function)?;
    let mut lambda = lambda(state, function)?;
    if function.at("ProvisionedConcurrencyConfig").truthy()
        && !function.at("AutoPublishAlias").truthy()
    {
        return Err(function.fault(
            "To set ProvisionedConcurrencyConfig AutoPublishALias must be defined on the function",
        ));
    }
    let mut resources = Vec::new();
    let mut alias = None;
    if function.at("AutoPublishAlias").truthy() {
        let (name, version, made) = version::publish(state, function, &mut lambda)?;
        resources.push(version);
        alias = Some((name, made));
    }
    if function.at("FunctionUrlConfig").truthy() {
        let alias = alias.as_ref().map(|(_, alias)| alias);
        resources.extend(function_url::build(function, &lambda, alias)?);
    }
    if function.at("DeploymentPreference").truthy() {
        deployment::add(state, function, alias.as_mut().map(|(_, alias)| alias))?;
    }
    let mut invoke_policies = Vec::new();
    if function.at("EventInvokeConfig").truthy() {
        let alias = alias.as_ref().map(|(name, alias)| (name.as_str(), alias));
        let (more, policies) = invoke_config::build(state, function, alias)?;
        resources.extend(more);
        invoke_policies = policies;
    }
    let mut role = role(state, function, invoke_policies)?;
    let role_is_used = assign_role(state, function, &mut lambda, &mut role)?;
    let target = Target::of(alias.as_ref().map_or(&lambda, |(_, alias)| alias));
    let generated = events::generate(state, &target, &mut role, linked)
        .map_err(|fault| fault.of_resource(&id))?;
    resources.push(lambda);
    resources.extend(alias.map(|(_, alias)| alias));
    if role_is_used {
        resources.push(role);
    }
    resources.extend(generated);
    let propagate = function.at("PropagateTags").truthy();
    propagate_tags(&mut resources, function.at("Tags"), propagate);
    refer(state, &id, &resources, &REFERABLE);
    Ok(resources)
}

/// An API is deployed anew when the names of its functions change.
fn name_for_apis(state: &mut State<'_>, function: &SamResource) -> Result<(), Fault> {
    let Some(events) = function.at("Events").as_map() else { return Ok(()) };
    let name = state.resolved(function.at("FunctionName"))?;
    for (_, event) in events.iter() {
        let api = event.at("Properties").at("RestApiId");
        if !event.at("Type").is("Api") || !api.truthy() || !name.truthy() {
            continue;
        }
        if let Some(api) = crate::implicit::api_id(api).as_str() {
            let names = state.function_names.entry(api.to_owned()).or_default();
            match &name {
                Node::Text(name) => names.push_str(&name.text),
                function => names.push_str(&python::repr(function)),
            }
        }
    }
    Ok(())
}

fn check_combinations(function: &SamResource) -> Result<(), Fault> {
    let has = |key: &str| !function.at(key).is_null();
    let mut messages = Vec::new();
    for other in ["ProvisionedConcurrencyConfig", "VpcConfig"] {
        if has("CapacityProviderConfig") && has(other) {
            messages
                .push(format!("Cannot specify 'CapacityProviderConfig' and '{other}' together."));
        }
    }
    for (one, needs) in [
        ("FunctionScalingConfig", "CapacityProviderConfig"),
        ("VersionDeletionPolicy", "AutoPublishAlias"),
    ] {
        if has(one) && !has(needs) {
            messages.push(format!("'{one}' requires '{needs}'."));
        }
    }
    if messages.is_empty() { Ok(()) } else { Err(function.fault(messages.join("\n"))) }
}

fn check_dead_letter_queue(function: &SamResource) -> Result<(), Fault> {
    let queue = function.at("DeadLetterQueue");
    if !queue.truthy() {
        return Ok(());
    }
    if !queue.at("Type").truthy() || !queue.at("TargetArn").truthy() {
        return Err(function
            .fault("'DeadLetterQueue' requires Type and TargetArn properties to be specified."));
    }
    let kind = Of::Resource(&function.id.text).string("DeadLetterQueue.Type", queue.at("Type"))?;
    if kind.text != "SQS" && kind.text != "SNS" {
        return Err(function.fault("'DeadLetterQueue' requires Type of ['SQS', 'SNS']"));
    }
    Ok(())
}

fn check_tenancy(function: &SamResource) -> Result<(), Fault> {
    const ENDING: &str = "not supported for functions enabled with tenancy configuration.";
    if !function.at("TenancyConfig").truthy() {
        return Ok(());
    }
    for (key, name) in [
        ("ProvisionedConcurrencyConfig", "Provisioned concurrency"),
        ("FunctionUrlConfig", "Function URL"),
        ("SnapStart", "SnapStart"),
    ] {
        if function.at(key).truthy() {
            return Err(function.fault(format!("{name} is {ENDING}")));
        }
    }
    let events = function.at("Events").as_map();
    for (_, event) in events.into_iter().flat_map(crate::node::Dict::iter) {
        let kind = event.at("Type");
        if !kind.is("Api") && !kind.is("HttpApi") {
            return Err(function.fault(format!(
                "Event source '{}' is {ENDING} Only Api and HttpApi event sources are supported.",
                python::str(kind)
            )));
        }
    }
    Ok(())
}

fn traces(state: &State<'_>, function: &SamResource) -> Result<bool, Fault> {
    let tracing = function.at("Tracing");
    Ok(tracing.truthy() && !state.resolved(tracing)?.is("Disabled"))
}

fn lambda(state: &State<'_>, function: &SamResource) -> Result<Resource, Fault> {
    let mut lambda = function.becomes("AWS::Lambda::Function");
    lambda.set("Code", code::function_code(function)?);
    if function.at("FunctionName").truthy() {
        lambda.set("FunctionName", function.at("FunctionName"));
    }
    for property in SAME {
        lambda.set(property, function.at(property));
    }
    lambda.set("Tags", tags(function)?);
    if traces(state, function)? {
        lambda.set("TracingConfig", dict! { "Mode" => function.at("Tracing") });
    }
    if function.at("DeadLetterQueue").truthy() {
        let arn = function.at("DeadLetterQueue").at("TargetArn");
        lambda.set("DeadLetterConfig", dict! { "TargetArn" => arn });
    }
    if function.at("CapacityProviderConfig").truthy() {
        lambda.set("CapacityProviderConfig", capacity_provider(function)?);
    }
    if function.at("FunctionScalingConfig").truthy() {
        lambda.set("FunctionScalingConfig", function.at("FunctionScalingConfig"));
    }
    lambda.set("PublishToLatestPublished", function.at("PublishToLatestPublished"));
    code::check_package(&lambda)?;
    Ok(lambda)
}

fn capacity_provider(function: &SamResource) -> Result<Node, Fault> {
    let config = function.at("CapacityProviderConfig");
    let mut result = crate::node::Dict::default();
    if config.at("Arn").is_null() {
        return Err(function.fault("Invalid CapacityProviderConfig: 'Arn' is required."));
    }
    for (key, name) in [
        ("Arn", "CapacityProviderArn"),
        ("PerExecutionEnvironmentMaxConcurrency", "PerExecutionEnvironmentMaxConcurrency"),
        ("ExecutionEnvironmentMemoryGiBPerVCpu", "ExecutionEnvironmentMemoryGiBPerVCpu"),
    ] {
        result.insert_some(name, config.at(key));
    }
    Ok(dict! { "LambdaManagedInstancesCapacityProviderConfig" => result })
}

/// Tags with SAM's own; its keys are not the author's to use.
fn tags(function: &SamResource) -> Result<Vec<Node>, Fault> {
    let tags = function.at("Tags");
    check_reserved_tags(function, tags)?;
    Ok(tag_list_of_sam("lambda:createdBy", tags))
}

pub(super) fn check_reserved_tags(resource: &SamResource, tags: &Node) -> Result<(), Fault> {
    for key in
        ["lambda:createdBy", "serverlessrepo:applicationId", "serverlessrepo:semanticVersion"]
    {
        if tags.as_map().is_some_and(|tags| tags.contains(key)) {
            return Err(resource.fault(format!(
                "{key} is a reserved Tag key name and cannot be set on your resource. Please \
                 change the tag key in the input."
            )));
        }
    }
    Ok(())
}

fn role(
    state: &State<'_>,
    function: &SamResource,
    invoke_policies: Vec<Node>,
) -> Result<Resource, Fault> {
    let basic = if function.at("DurableConfig").truthy() {
        "service-role/AWSLambdaBasicDurableExecutionRolePolicy"
    } else {
        "service-role/AWSLambdaBasicExecutionRole"
    };
    let mut managed: Vec<Node> = vec![state.managed_policy(basic).into()];
    if traces(state, function)? {
        managed.push(state.managed_policy(xray_policy(state)).into());
    }
    if function.at("VpcConfig").truthy() {
        let vpc = "service-role/AWSLambdaVPCAccessExecutionRole";
        managed.push(state.managed_policy(vpc).into());
    }
    let mut documents = Vec::new();
    let queue = function.at("DeadLetterQueue");
    if queue.truthy() {
        let action = if queue.at("Type").is("SQS") { "sqs:SendMessage" } else { "sns:Publish" };
        documents.push(roles::dead_letter_queue(action, queue.at("TargetArn")));
    }
    documents.extend(invoke_policies);
    let assume = match function.at("AssumeRolePolicyDocument") {
        Node::Null => roles::assumed_by("lambda.amazonaws.com"),
        given => given.clone(),
    };
    Role {
        owner: &function.id.text,
        attributes: &function.passed(),
        assume,
        policies: function.at("Policies"),
        managed,
        documents,
        path: function.at("RolePath"),
        boundary: function.at("PermissionsBoundary"),
        tags: tags(function)?,
    }
    .build(state)
}

/// The policy that lets a function write traces; its name differs outside of the first partition.
pub(super) fn xray_policy(state: &State<'_>) -> &'static str {
    if state.context.partition == "aws" {
        "AWSXrayWriteOnlyAccess"
    } else {
        "AWSXRayDaemonWriteAccess"
    }
}

/// Gives the function its role. Whether the generated one is used, always or under a condition.
fn assign_role(
    state: &mut State<'_>,
    function: &SamResource,
    lambda: &mut Resource,
    role: &mut Resource,
) -> Result<bool, Fault> {
    let given = lambda.properties.at("Role").clone();
    if given.is_null() {
        lambda.set("Role", role.arn());
        return Ok(true);
    }
    if !is_if(&given) {
        return Ok(false);
    }
    let resolved = state.resolved(&given)?;
    let Some([condition, yes, no]) = if_items(&resolved) else {
        return Err(function.fault(format!("Malformed 'Role' property: {WRONG_IF}.")));
    };
    match (is_no_value(yes), is_no_value(no)) {
        (true, true) => lambda.set("Role", role.arn()),
        (true, false) => {
            lambda.set("Role", if_else(condition, role.arn(), no.clone()));
            role.attributes.insert("Condition", condition.clone());
        }
        (false, true) => {
            lambda.set("Role", if_else(condition, yes.clone(), role.arn()));
            let name = format!("NOT{}", python::str(condition));
            role.attributes.insert("Condition", name.as_str());
            if let Some(conditions) = state.output_conditions() {
                conditions.insert(name, not(condition));
            }
        }
        (false, false) => return Ok(false),
    }
    Ok(true)
}

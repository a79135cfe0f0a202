//! `AutoPublishAlias`: a version for every change, and an alias that points at it.

use crate::fault::Fault;
use crate::intrinsics::{get_att, logical_id as id_of, resolve_parameters};
use crate::logical_id;
use crate::node::{Dict, Node, Text, dict, list};
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::state::State;

/// The version and the alias of a function; its description takes the hash of the code.
pub(super) fn publish(
    state: &State<'_>,
    function: &SamResource,
    lambda: &mut Resource,
) -> Result<(String, Resource, Resource), Fault> {
    let name = state.resolved(function.at("AutoPublishAlias"))?;
    let Some(name) = name.as_str() else {
        return Err(
            function.fault("'AutoPublishAlias' must be a string or a Ref to a template parameter")
        );
    };
    let mut sha256 = None;
    if function.at("AutoPublishCodeSha256").truthy() {
        let given = state.resolved(function.at("AutoPublishCodeSha256"))?;
        let Some(text) = given.as_str() else {
            return Err(function.fault("AutoPublishCodeSha256 must be a string"));
        };
        describe(state, function, lambda, text)?;
        sha256 = Some(text.to_owned());
    }
    let version = version(state, function, lambda, sha256.as_deref())?;
    let alias = alias(function, name, lambda, &version)?;
    Ok((name.to_owned(), version, alias))
}

/// Lambda publishes no version where nothing changed but the object in S3; the description
/// carries the hash so that something does.
fn describe(
    state: &State<'_>,
    function: &SamResource,
    lambda: &mut Resource,
    sha256: &str,
) -> Result<(), Fault> {
    let description = state.resolved(function.at("Description"))?;
    let description = match description.as_str() {
        _ if !description.truthy() => Node::from(sha256),
        Some(text) => format!("{text} {sha256}").into(),
        None => dict! { "Fn::Join" => list![" ", list![description, sha256]] },
    };
    lambda.set("Description", description);
    Ok(())
}

fn version(
    state: &State<'_>,
    function: &SamResource,
    lambda: &mut Resource,
    sha256: Option<&str>,
) -> Result<Resource, Fault> {
    // AWS resolves the parameters in place: the function's own code location shows it.
    if let Some(code) = lambda.properties.get_mut("Code") {
        resolve_parameters(code, &state.parameters)?;
    }
    let prefix = format!("{}Version", function.id.text);
    let id = match sha256.filter(|sha256| !sha256.is_empty()) {
        Some(sha256) => format!("{prefix}{}", logical_id::short(sha256)),
        None => logical_id::with_hash(&prefix, &hashed(state, function, lambda)),
    };
    let mut attributes = function.passed();
    if !attributes.contains("DeletionPolicy") {
        let chosen = function.at("VersionDeletionPolicy");
        let managed = !function.at("CapacityProviderConfig").is_null();
        attributes.insert(
            "DeletionPolicy",
            match chosen {
                Node::Null if managed => "Delete".into(),
                Node::Null => "Retain".into(),
                chosen => chosen.clone(),
            },
        );
    }
    let mut version = Resource::new(id, "AWS::Lambda::Version", &attributes)
        .with("FunctionName", lambda.reference())
        .with("Description", function.at("VersionDescription"));
    if !function.at("CapacityProviderConfig").is_null() {
        version.set("FunctionScalingConfig", function.at("FunctionScalingConfig"));
    }
    Ok(version)
}

/// What makes a new version.
fn hashed(state: &State<'_>, function: &SamResource, lambda: &Resource) -> Node {
    if function.at("AutoPublishAliasAllProperties").truthy() {
        let mut all = lambda.properties.clone();
        for layer in lambda.properties.at("Layers").as_list().unwrap_or_default() {
            let Some(id) = id_of(layer) else { continue };
            let properties = state.output.at("Resources").at(id).at("Properties");
            if properties.at("PublishLambdaVersion").truthy() {
                all.insert(id, properties.clone());
            }
        }
        return all.into();
    }
    let properties = &lambda.properties;
    let mut some = properties.at("Code").as_map().cloned().unwrap_or_default();
    if let Node::Map(environment) = properties.at("Environment") {
        some.update(environment);
    }
    if properties.at("MemorySize").truthy() {
        some.insert("MemorySize", properties.at("MemorySize").clone());
    }
    let snap_start = properties.at("SnapStart");
    let apply = snap_start.at("ApplyOn");
    if snap_start.truthy() && !apply.is_null() && !apply.is("None") {
        some.insert("SnapStart", snap_start.clone());
    }
    some.into()
}

fn alias(
    function: &SamResource,
    name: &str,
    lambda: &Resource,
    version: &Resource,
) -> Result<Resource, Fault> {
    if name.is_empty() {
        return Err(function.fault("Alias name is required to create an alias"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.chars().all(allowed) || name.chars().all(|c| c.is_ascii_digit()) {
        return Err(function.fault(format!(
            "AutoPublishAlias name ('{name}') must contain only alphanumeric characters, hyphens, \
             or underscores matching (?!^[0-9]+$)([a-zA-Z0-9-_]+) pattern."
        )));
    }
    let suffix = name.replace('-', "D").replace('_', "U");
    let id = Text::from(format!("{}Alias{suffix}", function.id.text));
    let attributes: Dict = function.passed();
    let mut alias = Resource::new(id, "AWS::Lambda::Alias", &attributes)
        .with("Name", name)
        .with("FunctionName", lambda.reference())
        .with("FunctionVersion", get_att(&version.id, "Version"));
    let concurrency = function.at("ProvisionedConcurrencyConfig");
    if concurrency.truthy() {
        alias.set("ProvisionedConcurrencyConfig", concurrency);
    }
    Ok(alias)
}

//! AWS::Serverless::LayerVersion: a layer version, a new one whenever a property changes.

use crate::fault::Fault;
use crate::intrinsics::is_intrinsic;
use crate::logical_id;
use crate::node::{Node, Text, dict};
use crate::resource::Resource;
use crate::resources::{SamResource, code};
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

const SCHEMA: &[Property] = &[
    optional("LayerName", Form::StrOrMap),
    optional("Description", Form::Str),
    optional("PublishLambdaVersion", Form::Bool),
    required("ContentUri", Form::StrOrMap),
    optional("CompatibleArchitectures", Form::ListOfStrOrMap),
    optional("CompatibleRuntimes", Form::ListOfStrOrMap),
    optional("LicenseInfo", Form::Str),
    optional("RetentionPolicy", Form::Str),
];

pub(super) fn transform(
    state: &mut State<'_>,
    layer: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    layer.check("AWS::Serverless::LayerVersion", SCHEMA)?;
    for key in ["LayerName", "LicenseInfo", "Description", "RetentionPolicy"] {
        if !layer.at(key).truthy() {
            continue;
        }
        layer.resolve(state, key)?;
        if !matches!(layer.at(key), Node::Text(_) | Node::Map(_)) {
            return Err(layer.fault(format!(
                "Could not resolve parameter for '{key}' or parameter is not a String."
            )));
        }
    }
    let retention = retention(layer)?;
    let old = layer.id.clone();
    let new = Text::from(logical_id::with_hash(&old.text, &hashed(layer)));
    let mut attributes = layer.passed();
    if let Some(retention) = retention {
        attributes.insert("DeletionPolicy", retention);
    } else if !attributes.contains("DeletionPolicy") {
        attributes.insert("DeletionPolicy", "Retain");
    }
    let name = match layer.at("LayerName") {
        name if name.truthy() => name.clone(),
        _ => Node::from(&old),
    };
    check_architectures(layer, &new)?;
    let content = code::s3_location(layer.at("ContentUri"), &new.text, "ContentUri")?;
    state.renamed.insert(old.text, new.text.clone());
    Ok(vec![
        Resource::new(&new, "AWS::Lambda::LayerVersion", &attributes)
            .after(layer.depends_on.clone())
            .with("LayerName", name)
            .with("Description", layer.at("Description"))
            .with("Content", content)
            .with("CompatibleArchitectures", layer.at("CompatibleArchitectures"))
            .with("CompatibleRuntimes", layer.at("CompatibleRuntimes"))
            .with("LicenseInfo", layer.at("LicenseInfo")),
    ])
}

/// What a new version depends on: the resource without the attributes that change nothing in it.
fn hashed(layer: &SamResource) -> Node {
    let mut resource = layer.becomes("AWS::Serverless::LayerVersion");
    for attribute in ["DeletionPolicy", "UpdateReplacePolicy", "Metadata"] {
        resource.attributes.remove(attribute);
    }
    for property in SCHEMA {
        resource.set(property.name, layer.at(property.name));
    }
    dict! { &layer.id => resource.to_node() }
}

fn retention(layer: &SamResource) -> Result<Option<&'static str>, Fault> {
    const OPTIONS: &str = "['Retain', 'Delete']";
    let given = layer.at("RetentionPolicy");
    if is_intrinsic(given) {
        return Err(layer.fault(format!(
            "'RetentionPolicy' does not accept intrinsic functions, please use one of the \
             following options: {OPTIONS}"
        )));
    }
    match given {
        Node::Null => Ok(None),
        Node::Text(text) if text.text.eq_ignore_ascii_case("retain") => Ok(Some("Retain")),
        Node::Text(text) if text.text.eq_ignore_ascii_case("delete") => Ok(Some("Delete")),
        Node::Text(_) => Err(layer
            .fault(format!("'RetentionPolicy' must be one of the following options: {OPTIONS}."))),
        _ => Err(layer.fault(format!(
            "Invalid 'RetentionPolicy' type, please use one of the following options: {OPTIONS}"
        ))),
    }
}

fn check_architectures(layer: &SamResource, id: &Text) -> Result<(), Fault> {
    let given = layer.at("CompatibleArchitectures").as_list().unwrap_or_default();
    let fits = |one: &Node| is_intrinsic(one) || one.is("arm64") || one.is("x86_64");
    if given.iter().all(fits) {
        return Ok(());
    }
    Err(Fault::resource(
        &id.text,
        "CompatibleArchitectures needs to be a list of 'x86_64' or 'arm64'",
    ))
}

//! Notifications of an S3 bucket of the same template.

use std::collections::BTreeSet;

use crate::events::{Event, Target, permission};
use crate::fault::{Fault, Of};
use crate::intrinsics::{if_else, if_only, reference};
use crate::node::{Dict, Node, Text, dict};
use crate::resource::{Resource, handed_on, tag_list};
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

pub(super) const SCHEMA: &[Property] = &[
    required("Bucket", Form::Str),
    Property { name: "Events", form: Form::StrOrList, required: true, intrinsics: false },
    optional("Filter", Form::Strings),
];

pub(super) fn check_bucket(state: &State<'_>, event: &Event) -> Result<(), Fault> {
    if let Some(id) = event.at("Bucket").as_map().and_then(|bucket| bucket.get("Ref")) {
        let Some(id) = id.as_str() else {
            return Err(event.fault("'Ref' value in S3 events is not a valid string."));
        };
        if state.resources().contains(id) {
            return Ok(());
        }
    }
    Err(event.fault("S3 events must reference an S3 bucket in the same template."))
}

pub(super) fn generate(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
) -> Result<Vec<Resource>, Fault> {
    let id = event.at("Bucket").at("Ref").as_text().cloned().unwrap_or_else(|| "".into());
    let permission = permission(&event.id.text, "", target, "s3.amazonaws.com", Node::Null)
        .with("SourceAccount", reference("AWS::AccountId"));
    let Some(bucket) = state.resource_mut(&id.text) else { return Ok(vec![permission]) };
    match target.condition() {
        Some(condition) => tag_dependency(bucket, &id.text, &permission, condition)?,
        None => depend_on(bucket, event, &permission)?,
    }
    notify(bucket, &id, event, target)?;
    let bucket = bucket_resource(&id, bucket)?;
    Ok(vec![permission, bucket])
}

/// The bucket must be created after the permission, which S3 checks.
fn depend_on(bucket: &mut Dict, event: &Event, permission: &Resource) -> Result<(), Fault> {
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let wrong = || {
        Fault::resource(
            &event.id.text,
            "Invalid type for field 'DependsOn'. Expected a string or list of strings.",
        )
    };
    match bucket.at("DependsOn") {
        Node::Null => {}
        Node::Text(one) => {
            ids.insert(one.text.clone());
        }
        Node::List(items) => {
            for item in items {
                ids.insert(item.as_str().ok_or_else(wrong)?.to_owned());
            }
        }
        _ => return Err(wrong()),
    }
    ids.insert(permission.id.text.clone());
    bucket.insert("DependsOn", ids.into_iter().map(Node::from).collect::<Vec<_>>());
    Ok(())
}

/// `DependsOn` knows no conditions; a tag that names the permission under the condition does.
fn tag_dependency(
    bucket: &mut Dict,
    id: &str,
    permission: &Resource,
    condition: &Node,
) -> Result<(), Fault> {
    let Some(properties) = properties(bucket) else { return Ok(()) };
    let key = format!("sam:ConditionalDependsOn:{}", permission.id.text);
    let value = if_else(condition, permission.reference(), "no dependency".into());
    let mut tags = match properties.at("Tags") {
        Node::Null => Vec::new(),
        tags => Of::Resource(id).list("Tags", tags)?.to_vec(),
    };
    tags.extend(tag_list(&dict! { key => value }));
    properties.insert("Tags", tags);
    Ok(())
}

fn properties(bucket: &mut Dict) -> Option<&mut Dict> {
    let properties = bucket.entry("Properties", || Dict::default().into());
    if properties.is_null() {
        *properties = Dict::default().into();
    }
    properties.as_map_mut()
}

fn notify(bucket: &mut Dict, id: &Text, event: &Event, target: &Target) -> Result<(), Fault> {
    let of = Of::Resource(&id.text);
    if let Some(given) = bucket.get("Properties") {
        of.map_or(given, "Properties should be a map.")?;
    }
    let Some(properties) = properties(bucket) else { return Ok(()) };
    let empty = || Node::from(Dict::default());
    let config = properties.entry("NotificationConfiguration", empty);
    if config.is_null() {
        *config = empty();
    }
    of.map("NotificationConfiguration", config)?;
    let Node::Map(config) = config else { return Ok(()) };
    let all = config.entry("LambdaConfigurations", || Node::List(Vec::new()));
    if all.is_null() {
        *all = Node::List(Vec::new());
    }
    let Node::List(all) = all else {
        return Err(Fault::resource(
            &id.text,
            "Invalid type for LambdaConfigurations. Must be a list.",
        ));
    };
    let kinds = match event.at("Events") {
        Node::List(items) => items.clone(),
        one => vec![one.clone()],
    };
    for kind in kinds {
        let mut one = Dict::default();
        one.insert("Function", target.arn.clone());
        one.insert_some("Filter", event.at("Filter"));
        one.insert("Event", kind);
        let one = match target.condition() {
            Some(condition) => if_only(condition, one.into()),
            None => one.into(),
        };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(())
}

/// The bucket as it goes into the result.
fn bucket_resource(id: &Text, bucket: &Dict) -> Result<Resource, Fault> {
    const KIND: &str = "AWS::S3::Bucket";
    let kind = bucket.at("Type");
    if !kind.is(KIND) {
        return Err(Fault::resource(
            &id.text,
            format!(
                "Resource has incorrect Type; expected '{KIND}', got '{}'",
                crate::python::str(kind)
            ),
        ));
    }
    let mut resource = Resource::new(id, KIND, &handed_on(&bucket.clone().into()))
        .after(bucket.at("DependsOn").clone());
    if let Node::Map(properties) = bucket.at("Properties") {
        resource.properties = properties.clone();
    }
    Ok(resource)
}

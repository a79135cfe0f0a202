//! CreateResource and the other operations on the tree of paths.
//!
//! Promises: a resource's path is that of its parent and its own part; with a resource goes all
//! below it.
//! Refuses: parts that AWS refuses, two children of one name or two with variables, children of a
//! greedy variable, and to remove the root.

use std::collections::BTreeMap;

use cumulet_api_apigateway::ops::{
    CreateResourceRequest, DeleteResourceOutput, DeleteResourceRequest, GetResourceRequest,
    GetResourcesRequest, Resources, UpdateResourceRequest,
};
use cumulet_api_apigateway::types::Resource;
use cumulet_service::{Cx, Result as ServiceResult};
use serde_json::{Value, json};

use super::keys::Keys;
use super::model::ResourceRecord;
use super::part;
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::store;

const MEMBERS: [Member; 2] = [Member("/pathPart", Kind::Text), Member("/parentId", Kind::Text)];

/// A resource as it is shown; its methods in full only where that is asked for.
fn shown(resource: &ResourceRecord, embed: Option<&Vec<String>>) -> Value {
    let mut shown = serde_json::to_value(resource).unwrap_or_default();
    let Some(members) = shown.as_object_mut() else { return shown };
    if resource.resource_methods.is_empty() {
        members.shift_remove("resourceMethods");
    } else if !embed.is_some_and(|embed| embed.iter().any(|what| what == "methods")) {
        let names = resource.resource_methods.keys();
        let bare = names.map(|name| (name.clone(), json!({}))).collect();
        members.insert("resourceMethods".to_owned(), Value::Object(bare));
    }
    shown
}

/// A path's last part: letters and `._-:`, or a variable, perhaps a greedy one.
fn is_part(part: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b))
    };
    match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(variable) => plain(variable.strip_suffix('+').unwrap_or(variable)),
        None => plain(part),
    }
}

pub(crate) fn is_greedy(part: &str) -> bool {
    part.ends_with("+}")
}

pub(crate) fn check(new: &ResourceRecord, all: &[ResourceRecord]) -> Result<(), Error> {
    let part = new.path_part.as_deref().unwrap_or_default();
    if !is_part(part) {
        return Err(Error::bad(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and \
             curly braces at the beginning and the end.",
        ));
    }
    let parent = all.iter().find(|one| Some(&one.id) == new.parent_id.as_ref());
    let gone = || Error::NotFound("Invalid Resource identifier specified".to_owned());
    let above = parent.ok_or_else(gone)?.path_part.as_deref().unwrap_or_default();
    if is_greedy(above) {
        return Err(Error::BadRequest(format!(
            "Cannot create a child of a resource with a greedy path variable: {above}"
        )));
    }
    let siblings = all.iter().filter(|one| one.parent_id == new.parent_id && one.id != new.id);
    for sibling in siblings.filter_map(|sibling| sibling.path_part.as_deref()) {
        if sibling == part {
            return Err(Error::Conflict(format!(
                "Another resource with the same parent already has this name: {part}"
            )));
        }
        if sibling.starts_with('{')
            && part.starts_with('{')
            && is_greedy(sibling) == is_greedy(part)
        {
            return Err(Error::BadRequest(format!(
                "A sibling ({sibling}) of this resource already has a variable path part -- only \
                 one is allowed"
            )));
        }
    }
    Ok(())
}

pub(crate) fn path_below(parent: &str, part: &str) -> String {
    format!("{}/{part}", parent.trim_end_matches('/'))
}

/// The paths of all resources, by id; of those that hang together with the root.
fn paths(all: &[ResourceRecord]) -> BTreeMap<String, String> {
    let mut paths = BTreeMap::new();
    let mut open: Vec<(&ResourceRecord, String)> = all
        .iter()
        .filter(|one| one.parent_id.is_none())
        .map(|root| (root, "/".to_owned()))
        .collect();
    while let Some((resource, path)) = open.pop() {
        for child in all.iter().filter(|one| one.parent_id.as_ref() == Some(&resource.id)) {
            let below = path_below(&path, child.path_part.as_deref().unwrap_or_default());
            open.push((child, below));
        }
        paths.insert(resource.id.clone(), path);
    }
    paths
}

pub(crate) async fn create(cx: &Cx, input: CreateResourceRequest) -> ServiceResult<Resource> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let id = store::id(cx.ids(), 6);
    let new = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let all: Vec<ResourceRecord> = keys.parts(&tx).await?;
            let parent = keys.part::<ResourceRecord>(&tx, &input.parent_id).await?;
            let new = ResourceRecord {
                id: id.clone(),
                parent_id: Some(input.parent_id.clone()),
                path_part: Some(input.path_part.clone()),
                path: path_below(&parent.path, &input.path_part),
                ..ResourceRecord::default()
            };
            check(&new, &all)?;
            keys.add(&tx, &new).await?;
            cx.note_made(&tx, &id);
            Ok::<_, Error>(new)
        })
        .await?;
    carry::shape(&shown(&new, None))
}

pub(crate) async fn get(cx: &Cx, input: GetResourceRequest) -> ServiceResult<Resource> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    let resource = keys.part::<ResourceRecord>(&snapshot, &input.resource_id).await?;
    carry::shape(&shown(&resource, input.embed.as_ref()))
}

pub(crate) async fn list(cx: &Cx, input: GetResourcesRequest) -> ServiceResult<Resources> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    let all: Vec<ResourceRecord> = keys.parts(&snapshot).await?;
    let all: Vec<_> = all.iter().map(|one| shown(one, input.embed.as_ref())).collect();
    part::page(&members, &all)
}

pub(crate) async fn update(cx: &Cx, input: UpdateResourceRequest) -> ServiceResult<Resource> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let operations = input.patch_operations.unwrap_or_default();
    let changed = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let mut all: Vec<ResourceRecord> = keys.parts(&tx).await?;
            let before = keys.part::<ResourceRecord>(&tx, &input.resource_id).await?;
            if before.parent_id.is_none() {
                return Err(Error::bad("Root resource cannot be updated."));
            }
            let changed: ResourceRecord = patch::record(&before, &MEMBERS, &operations)?;
            check(&changed, &all)?;
            all.retain(|one| one.id != changed.id);
            all.push(changed);
            let paths = paths(&all);
            for mut resource in all {
                // What hangs below itself has no path from the root.
                let path = paths.get(&resource.id).cloned();
                let path =
                    path.ok_or_else(|| Error::bad("A resource cannot be its own parent."))?;
                if path != resource.path || resource.id == input.resource_id {
                    resource.path = path;
                    keys.put(&tx, &resource);
                }
            }
            keys.part::<ResourceRecord>(&tx, &input.resource_id).await
        })
        .await?;
    carry::shape(&shown(&changed, None))
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteResourceRequest,
) -> ServiceResult<DeleteResourceOutput> {
    let keys = Keys::new(cx, &input.rest_api_id);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let gone = keys.part::<ResourceRecord>(&tx, &input.resource_id).await?;
            if gone.parent_id.is_none() {
                return Err(Error::bad("Root resource cannot be deleted."));
            }
            let below = path_below(&gone.path, "");
            for resource in keys.parts::<ResourceRecord>(&tx).await? {
                if resource.id == gone.id || resource.path.starts_with(&below) {
                    keys.drop::<ResourceRecord>(&tx, &resource.id);
                }
            }
            Ok(())
        })
        .await?;
    Ok(DeleteResourceOutput {})
}

//! Where stacks lie, and how they are found.
//!
//! A stack's key is the whole of its ARN's resource after `stack/`: `name/uuid`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::{AccountId, Region, Timestamp};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::{Direction, Key, Read, Record, Sealer, StoreError, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::model::{
    ChangeSetRecord, EventCount, EventRecord, ExportRecord, ResourceRecord, Revision, StackRecord,
};

const SERVICE: &str = "cloudformation";
const PURPOSE: &str = "cloudformation/values";

/// The account and region that everything of a stack lies under.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Place {
    pub(crate) fn of(cx: &Cx) -> Self {
        Self { account: cx.account().clone(), region: cx.region().clone() }
    }

    fn key(&self, what: &str) -> Key {
        Key::new(SERVICE, &self.account, &self.region).text(what)
    }

    pub(crate) fn stacks(&self) -> Key {
        self.key("stack")
    }

    pub(crate) fn stack(&self, id: &str) -> Key {
        self.stacks().text(short(id))
    }

    /// The id of the stack that has this name now.
    pub(crate) fn name(&self, name: &str) -> Key {
        self.key("name").text(name)
    }

    pub(crate) fn revisions(&self, id: &str) -> Key {
        self.key("revision").text(short(id))
    }

    pub(crate) fn revision(&self, id: &str, revision: &str) -> Key {
        self.revisions(id).text(revision)
    }

    pub(crate) fn resources(&self, id: &str) -> Key {
        self.key("resource").text(short(id))
    }

    pub(crate) fn resource(&self, id: &str, logical: &str) -> Key {
        self.resources(id).text(logical)
    }

    pub(crate) fn events(&self, id: &str) -> Key {
        self.key("event").text(short(id))
    }

    fn event_count(&self, id: &str) -> Key {
        self.key("events").text(short(id))
    }

    pub(crate) fn change_sets(&self, id: &str) -> Key {
        self.key("change-set").text(short(id))
    }

    pub(crate) fn change_set(&self, id: &str, name: &str) -> Key {
        self.change_sets(id).text(name)
    }

    pub(crate) fn exports(&self) -> Key {
        self.key("export")
    }

    pub(crate) fn export(&self, name: &str) -> Key {
        self.exports().text(name)
    }

    pub(crate) fn imports(&self, name: &str) -> Key {
        self.key("import").text(name)
    }

    pub(crate) fn import(&self, name: &str, stack: &str) -> Key {
        self.imports(name).text(short(stack))
    }

    /// The names that a stack imports, to be found when it goes.
    pub(crate) fn imported_by(&self, stack: &str) -> Key {
        self.key("imported-by").text(short(stack))
    }
}

/// Of a stack's ARN what tells it from others.
fn short(id: &str) -> &str {
    id.split_once(":stack/").map_or(id, |(_, rest)| rest)
}

/// The stack of that name, or of that id; a deleted one by id only.
pub(crate) async fn find(
    read: &impl Read,
    place: &Place,
    name_or_id: &str,
) -> Result<Option<StackRecord>> {
    let id = if name_or_id.starts_with("arn:") {
        name_or_id.to_owned()
    } else {
        match read.get(&place.name(name_or_id)).await? {
            Some(id) => String::from_utf8_lossy(&id).into_owned(),
            None => return Ok(None),
        }
    };
    let stack: Option<StackRecord> = read.get_record(&place.stack(&id)).await?;
    Ok(stack.filter(|stack| !name_or_id.starts_with("arn:") || stack.id == name_or_id))
}

/// The same; that there is none is the caller's error.
pub(crate) async fn stack(read: &impl Read, place: &Place, name: &str) -> Result<StackRecord> {
    Ok(find(read, place, name).await?.ok_or_else(|| Error::NoStack(name.to_owned()))?)
}

/// A stack that is not deleted.
pub(crate) async fn live(read: &impl Read, place: &Place, name: &str) -> Result<StackRecord> {
    let stack = find(read, place, name).await?.filter(|stack| stack.deleted.is_none());
    Ok(stack.ok_or_else(|| Error::NoStack(name.to_owned()))?)
}

/// Every record under `key`, in order.
pub(crate) async fn all<R: Record>(
    read: &impl Read,
    key: &Key,
) -> std::result::Result<Vec<R>, StoreError> {
    let mut found = Vec::new();
    let mut rest = Some(key.prefix());
    while let Some(range) = rest {
        let page = read.range_records::<R>(&range, Direction::Forward, usize::MAX).await?;
        found.extend(page.items.into_iter().map(|(_, record)| record));
        rest = page.rest;
    }
    Ok(found)
}

pub(crate) async fn resources(
    read: &impl Read,
    place: &Place,
    id: &str,
) -> std::result::Result<Vec<ResourceRecord>, StoreError> {
    all(read, &place.resources(id)).await
}

/// A revision that a record names.
pub(crate) async fn revision(
    read: &impl Read,
    place: &Place,
    id: &str,
    revision: &str,
) -> std::result::Result<Revision, StoreError> {
    let found = read.get_record(&place.revision(id, revision)).await?;
    found.ok_or_else(|| StoreError::Corrupt(format!("revision {revision} of {id} is not there")))
}

/// The change set of that name or ARN; the stack by name or id where the former is a name.
pub(crate) async fn change_set(
    read: &impl Read,
    place: &Place,
    name: &str,
    stack_name: Option<&str>,
) -> Result<(StackRecord, ChangeSetRecord)> {
    let missing = || Error::NoChangeSet(name.to_owned());
    if let Some(stack_name) = stack_name {
        let stack = stack(read, place, stack_name).await?;
        let sets: Vec<ChangeSetRecord> = all(read, &place.change_sets(&stack.id)).await?;
        let found = sets.into_iter().find(|set| set.name == name || set.id == name);
        return Ok((stack, found.ok_or_else(missing)?));
    }
    if !name.starts_with("arn:") {
        let text = "StackName must be specified if ChangeSetName is not specified as an ARN.";
        return Err(Error::invalid(text).into());
    }
    let holder = read.get(&place.key("change-set-id").text(name)).await?.ok_or_else(missing)?;
    let holder = String::from_utf8_lossy(&holder).into_owned();
    let stack = stack(read, place, &holder).await?;
    let sets: Vec<ChangeSetRecord> = all(read, &place.change_sets(&stack.id)).await?;
    let found = sets.into_iter().find(|set| set.id == name).ok_or_else(missing)?;
    Ok((stack, found))
}

/// Writes a change set, to be found by name and by ARN.
pub(crate) fn put_change_set(tx: &Tx, place: &Place, stack: &str, set: &ChangeSetRecord) {
    tx.put_record(place.change_set(stack, &set.name), set);
    tx.put(place.key("change-set-id").text(&set.id), stack.to_owned().into_bytes());
}

/// Removes a change set; its revision too where the stack is not at it.
pub(crate) fn delete_change_set(tx: &Tx, place: &Place, stack: &str, set: &ChangeSetRecord) {
    tx.delete(place.change_set(stack, &set.name));
    tx.delete(place.key("change-set-id").text(&set.id));
}

/// What a name stands for in `Fn::ImportValue`.
pub(crate) async fn export(
    read: &impl Read,
    place: &Place,
    name: &str,
) -> std::result::Result<Option<ExportRecord>, StoreError> {
    read.get_record(&place.export(name)).await
}

/// Puts an event after those that are there.
pub(crate) async fn add_event(
    tx: &Tx,
    place: &Place,
    stack: &str,
    event: &EventRecord,
) -> std::result::Result<(), StoreError> {
    let key = place.event_count(stack);
    let count: EventCount = tx.get_record(&key).await?.unwrap_or_default();
    tx.put_record(place.events(stack).u64(count.0), event);
    tx.put_record(key, &EventCount(count.0 + 1));
    Ok(())
}

/// An event of the stack itself.
pub(crate) fn stack_event(
    stack: &StackRecord,
    id: String,
    now: Timestamp,
    token: Option<String>,
) -> EventRecord {
    EventRecord {
        id,
        logical_id: stack.name.clone(),
        physical_id: Some(stack.id.clone()),
        type_name: "AWS::CloudFormation::Stack".to_owned(),
        time: now.millis(),
        status: stack.status.clone(),
        reason: stack.reason.clone(),
        token,
    }
}

/// Seals a value for a stack; as Base64.
pub(crate) fn seal<T: Serialize>(sealer: &Sealer, stack: &str, value: &T) -> Result<String> {
    let text = serde_json::to_vec(value).map_err(ServiceError::internal)?;
    let sealed = sealer.seal(PURPOSE, stack.as_bytes(), &text).map_err(ServiceError::internal)?;
    Ok(STANDARD.encode(sealed))
}

/// Opens what [`seal`] made.
pub(crate) fn open<T: DeserializeOwned>(sealer: &Sealer, stack: &str, sealed: &str) -> Result<T> {
    let sealed = STANDARD.decode(sealed).map_err(ServiceError::internal)?;
    let text =
        sealer.open_sealed(PURPOSE, stack.as_bytes(), &sealed).map_err(ServiceError::internal)?;
    serde_json::from_slice(&text).map_err(ServiceError::internal)
}

//! What the operations on origin access controls, cache, origin request and response headers
//! policies have in common: names that are there once, versions, what is AWS's own, what is in use.

use cumulet_service::Cx;
use cumulet_store::Read;
use serde_json::{Map, Value};

use super::{check_version, id, place};
use crate::config::check::quantities;
use crate::config::managed;
use crate::error::Error;
use crate::model::{PolicyKind, PolicyRecord, Stored};
use crate::store::{self, Place};

/// What an account may have of one kind (AWS: 20, or 100 origin access controls).
const MOST: usize = 100;

/// Makes one; `config` is checked by its kind.
pub(super) async fn create(
    cx: &Cx,
    kind: PolicyKind,
    config: Map<String, Value>,
) -> Result<PolicyRecord, Error> {
    quantities(&config)?;
    let id = match kind {
        PolicyKind::OriginAccessControl => id(cx.ids(), 'E'),
        _ => cx.ids().uuid(),
    };
    let etag = self::id(cx.ids(), 'E');
    let record = &PolicyRecord { kind, id, etag, modified: cx.now().millis(), config };
    let place = &place(cx);
    cx.store()
        .transact(|tx| async move {
            let others = store::policies(&tx, place, kind, None, MOST).await?;
            if others.len() >= MOST {
                return Err(Error::TooManyPolicies(kind));
            }
            named_once(kind, &others, record)?;
            let key = place.policy(kind, &record.id);
            tx.put_record(key, &Stored::Policy(record.clone()));
            cx.note_made(&tx, &record.id);
            Ok(record.clone())
        })
        .await
}

fn named_once(
    kind: PolicyKind,
    others: &[PolicyRecord],
    record: &PolicyRecord,
) -> Result<(), Error> {
    let name = record.config.get("Name");
    let same = |other: &PolicyRecord| other.config.get("Name") == name && other.id != record.id;
    if others.iter().any(same) || managed::of(kind).any(same) {
        return Err(Error::PolicyAlreadyExists(kind));
    }
    Ok(())
}

/// The account's own, or AWS's.
pub(super) async fn get(cx: &Cx, kind: PolicyKind, id: &str) -> Result<PolicyRecord, Error> {
    let own = store::policy(&cx.store().snapshot(), &place(cx), kind, id).await?;
    let found = own.or_else(|| managed::find(kind, id).cloned());
    found.ok_or(Error::NoSuchPolicy(kind))
}

/// Replaces the configuration of one.
pub(super) async fn update(
    cx: &Cx,
    kind: PolicyKind,
    id: &str,
    if_match: Option<&str>,
    config: Map<String, Value>,
) -> Result<PolicyRecord, Error> {
    quantities(&config)?;
    let etag = self::id(cx.ids(), 'E');
    let id = id.to_owned();
    let after = &PolicyRecord { kind, id, etag, modified: cx.now().millis(), config };
    let place = &place(cx);
    cx.store()
        .transact(|tx| async move {
            let before = own(&tx, place, kind, &after.id).await?;
            check_version(if_match, &before.etag)?;
            let others = store::policies(&tx, place, kind, None, MOST).await?;
            named_once(kind, &others, after)?;
            tx.put_record(place.policy(kind, &after.id), &Stored::Policy(after.clone()));
            Ok(after.clone())
        })
        .await
}

/// Removes one that no distribution refers to.
pub(super) async fn delete(
    cx: &Cx,
    kind: PolicyKind,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Error> {
    let place = &place(cx);
    cx.store()
        .transact(|tx| async move {
            let record = own(&tx, place, kind, id).await?;
            check_version(if_match, &record.etag)?;
            let all = store::distributions(&tx, place, None, usize::MAX).await?;
            if all.iter().any(|one| one.config.values().any(|value| names(value, id))) {
                return Err(Error::PolicyInUse(kind));
            }
            tx.delete(place.policy(kind, id));
            Ok(())
        })
        .await
}

/// Whether a document has this text somewhere. The model bounds its depth.
fn names(document: &Value, text: &str) -> bool {
    match document {
        Value::String(there) => there == text,
        Value::Array(list) => list.iter().any(|value| names(value, text)),
        Value::Object(members) => members.values().any(|value| names(value, text)),
        _ => false,
    }
}

/// One that the account may change.
async fn own(
    read: &impl Read,
    place: &Place,
    kind: PolicyKind,
    id: &str,
) -> Result<PolicyRecord, Error> {
    match store::policy(read, place, kind, id).await? {
        Some(record) => Ok(record),
        None if managed::find(kind, id).is_some() => Err(Error::Managed),
        None => Err(Error::NoSuchPolicy(kind)),
    }
}

/// A page of a list.
pub(super) struct Listed {
    pub(super) items: Vec<PolicyRecord>,
    pub(super) next_marker: Option<String>,
}

/// AWS's and the account's own by id, after `marker`.
pub(super) async fn list(
    cx: &Cx,
    kind: PolicyKind,
    (own, managed): (bool, bool),
    marker: Option<&str>,
    most: usize,
) -> Result<Listed, Error> {
    let mut all: Vec<PolicyRecord> = managed::of(kind).filter(|_| managed).cloned().collect();
    if own {
        all.extend(store::policies(&cx.store().snapshot(), &place(cx), kind, None, MOST).await?);
    }
    all.retain(|record| marker.is_none_or(|marker| record.id.as_str() > marker));
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let more = all.len() > most;
    all.truncate(most);
    let next_marker = all.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Listed { items: all, next_marker })
}

/// Whether the account made a policy.
pub(super) fn is_own(record: &PolicyRecord) -> bool {
    managed::find(record.kind, &record.id).is_none()
}

//! Tags of users, roles and managed policies.

use std::collections::BTreeMap;

use cumulet_api_iam::types::Tag;
use cumulet_service::Cx;

use crate::error::{Error, Result};
use crate::page::{Page, Paging};
use crate::store::{self, Entity};

/// Tags of one thing ("IAM and AWS STS quotas").
const MOST: usize = 50;

type Tags = BTreeMap<String, String>;

/// Tags from the wire. Two keys that differ in case only are refused.
pub(crate) fn from_wire(tags: &[Tag]) -> Result<Tags> {
    let mut map = Tags::new();
    merge(&mut map, tags)?;
    Ok(map)
}

/// Tags as the wire has them; none at all are not mentioned.
pub(crate) fn to_wire(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| list(tags))
}

fn list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Adds tags; one with the key of another, whatever the case, takes its place.
fn merge(tags: &mut Tags, new: &[Tag]) -> Result<()> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    for (at, tag) in new.iter().enumerate() {
        if new.iter().skip(at + 1).any(|other| same(&other.key, &tag.key)) {
            let message =
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Error::InvalidInput(message.to_owned()));
        }
        if tag.key.to_lowercase().starts_with("aws:") {
            let message = "The prefix aws: is reserved for tags of AWS.";
            return Err(Error::InvalidInput(message.to_owned()));
        }
        tags.retain(|key, _| !same(key, &tag.key));
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    if tags.len() > MOST {
        return Err(Error::LimitExceeded(format!(
            "The number of tags has reached the maximum limit: {MOST}"
        )));
    }
    Ok(())
}

/// Adds tags to the entity called `name`.
pub(crate) async fn add<E: Entity>(cx: &Cx, name: &str, new: &[Tag]) -> Result<()> {
    let edit = |entity: &mut E| entity.tags_mut().map_or(Ok(()), |tags| merge(tags, new));
    store::change(cx, name, edit).await
}

/// Removes tags by key, whatever the case; one that is not there is no error.
pub(crate) async fn remove<E: Entity>(cx: &Cx, name: &str, keys: &[String]) -> Result<()> {
    let edit = |entity: &mut E| {
        if let Some(tags) = entity.tags_mut() {
            tags.retain(|key, _| !keys.iter().any(|k| k.to_lowercase() == key.to_lowercase()));
        }
        Ok(())
    };
    store::change(cx, name, edit).await
}

/// A page of the tags of the entity called `name`.
pub(crate) async fn page<E: Entity>(cx: &Cx, name: &str, paging: &Paging) -> Result<Page<Tag>> {
    let entity: E = store::read(cx, name).await?;
    let tags = entity.tags().map(list).unwrap_or_default();
    Ok(paging.cut(tags, |tag| tag.key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn keys_are_told_apart_without_case() {
        let mut tags = from_wire(&[tag("Team", "a"), tag("x", "1")]).unwrap();
        merge(&mut tags, &[tag("team", "b")]).unwrap();
        assert_eq!(to_wire(&tags).unwrap().len(), 2);
        assert_eq!(tags.get("team").map(String::as_str), Some("b"));
        assert!(matches!(from_wire(&[tag("a", ""), tag("A", "")]), Err(Error::InvalidInput(_))));
        let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string(), "")).collect();
        assert!(matches!(from_wire(&many), Err(Error::LimitExceeded(_))));
    }
}

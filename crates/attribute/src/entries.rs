//! What closing a container takes: its entries sorted, and those refused or dropped that come
//! twice.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::error::{ValueError, quote};
use crate::format::{self, split_bytes};
use crate::size::ELEMENT;
use crate::view::{Type, ValueRef};

/// The name or member at an offset of a payload that is being built.
pub(crate) fn entry_bytes(payload: &[u8], offset: u32) -> &[u8] {
    payload.get(offset as usize..).and_then(split_bytes).map_or(&[], |(bytes, _)| bytes)
}

/// Sorts a map's entries by name and puts those that a later one replaces at the end: (how many
/// stay, bytes that the others had counted).
pub(crate) fn sort_names(payload: &[u8], nested: bool, offsets: &mut [u32]) -> (usize, usize) {
    let name = |offset: &u32| entry_bytes(payload, *offset);
    if offsets.is_sorted_by(|left, right| name(left) < name(right)) {
        return (offsets.len(), 0);
    }
    offsets.sort_unstable_by(|left, right| name(left).cmp(name(right)).then(left.cmp(right)));
    let (mut kept, mut freed) = (0, 0);
    for at in 0..offsets.len() {
        let Some(&offset) = offsets.get(at) else { break };
        let replaced = offsets.get(at + 1).is_some_and(|next| name(next) == name(&offset));
        if !replaced {
            if let Some(slot) = offsets.get_mut(kept) {
                *slot = offset;
            }
            kept += 1;
            continue;
        }
        let entry = payload.get(offset as usize..).and_then(split_bytes);
        let value = entry.and_then(|(name, rest)| Some((name, format::split_value(rest)?.0)));
        freed += value.map_or(0, |(name, value)| name.len() + value.size());
        freed += if nested { ELEMENT } else { 0 };
    }
    (kept, freed)
}

/// Sorts a set's members; refuses an empty set and equal members.
pub(crate) fn sort_members(
    payload: &[u8],
    kind: Type,
    offsets: &mut [u32],
) -> Result<(), ValueError> {
    let member = |offset: &u32| entry_bytes(payload, *offset);
    if offsets.is_empty() {
        return Err(match kind {
            Type::SS => ValueError::EmptyStringSet,
            Type::NS => ValueError::EmptyNumberSet,
            _ => ValueError::EmptyBinarySet,
        });
    }
    offsets.sort_unstable_by(|left, right| member(left).cmp(member(right)).then(left.cmp(right)));
    if offsets.is_sorted_by(|left, right| member(left) != member(right)) {
        return Ok(());
    }
    // The message names the members in the caller's order, which is that of their offsets.
    offsets.sort_unstable();
    let list = |text: fn(&[u8]) -> String| {
        let members: Vec<String> = offsets.iter().map(|offset| text(member(offset))).collect();
        quote(&format!("[{}]", members.join(", ")))
    };
    Err(match kind {
        Type::SS => ValueError::StringSetDuplicates(list(|bytes| {
            String::from_utf8_lossy(bytes).into_owned()
        })),
        Type::NS => ValueError::NumberSetDuplicates,
        _ => ValueError::BinarySetDuplicates(list(|bytes| BASE64_STANDARD.encode(bytes))),
    })
}

/// Levels of a value, 1 for a scalar, a set or an empty container; counted no further than one
/// past `limit`.
pub(crate) fn levels(value: ValueRef<'_>, limit: usize) -> usize {
    if limit == 0 {
        return 1;
    }
    let inner = |value| levels(value, limit - 1);
    match value {
        ValueRef::L(list) => 1 + list.iter().map(inner).max().unwrap_or(0),
        ValueRef::M(map) => 1 + map.iter().map(|(_, value)| inner(value)).max().unwrap_or(0),
        _ => 1,
    }
}

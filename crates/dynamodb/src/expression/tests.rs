//! Tests of all expressions as tables. Items and values are written as JSON of which a string is
//! an S, a number an N, and so on; `{"$SS": …}`, `{"$NS": …}`, `{"$BS": …}` are sets and `{"$B":
//! …}` is a binary, written as text.

use cumulet_attribute::{Item, ItemBuilder, Type};
use serde_json::{Map, Value as Json};

use super::*;

mod conditions;
mod keys;
mod limits;
mod projections;
mod properties;
mod syntax;
mod updates;

pub(crate) fn item(text: &str) -> Item {
    let map: Map<String, Json> = serde_json::from_str(text).expect(text);
    let mut builder = ItemBuilder::new();
    write_map(&map, &mut builder);
    builder.finish().expect(text)
}

fn write_map(map: &Map<String, Json>, builder: &mut ItemBuilder) {
    for (name, value) in map {
        builder.name(name);
        write(value, builder);
    }
}

fn write(value: &Json, builder: &mut ItemBuilder) {
    match value {
        Json::Null => builder.null(true),
        Json::Bool(value) => builder.bool(*value),
        Json::Number(number) => builder.number(&number.to_string()),
        Json::String(text) => builder.string(text),
        Json::Array(list) => {
            builder.begin_list();
            for element in list {
                write(element, builder);
            }
            builder.end();
        }
        Json::Object(map) => match map.iter().next() {
            Some((tag, Json::Array(members))) if tag.starts_with('$') => {
                builder.begin_set(Type::parse(&tag[1..]).expect(tag));
                for member in members {
                    match (member, tag.as_str()) {
                        (Json::String(text), "$BS") => builder.member_bytes(text.as_bytes()),
                        (Json::String(text), _) => builder.member(text),
                        (other, _) => builder.member(&other.to_string()),
                    }
                }
                builder.end();
            }
            Some((tag, Json::String(text))) if tag == "$B" => builder.binary(text.as_bytes()),
            _ => {
                builder.begin_map();
                write_map(map, builder);
                builder.end();
            }
        },
    }
}

/// The placeholders that the tables use unless they say otherwise.
pub(crate) fn with_placeholders<T>(
    names: &str,
    values: &str,
    run: impl FnOnce(&mut Placeholders<'_>) -> T,
) -> T {
    let names: Map<String, Json> = serde_json::from_str(names).expect(names);
    let names = names.iter().map(|(key, name)| (key.as_str(), name.as_str().expect("a name")));
    let names: Vec<_> = names.collect();
    let values = item(values);
    let mut placeholders = Placeholders::new(
        (!names.is_empty()).then_some(names),
        (!values.is_empty()).then_some(&values),
    )
    .unwrap();
    run(&mut placeholders)
}

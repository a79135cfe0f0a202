//! Whether a document fits a model: JSON schema draft 4, whose keywords are all here but
//! `dependencies` and `format` ("Data models for REST APIs").

use std::collections::HashMap;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use crate::rest::model::ModelRecord;

/// Schemas that are applied on the way through one document, and how deep.
const MOST_STEPS: u32 = 100_000;
const DEPTH: u32 = 64;
/// Bytes of a compiled pattern.
const PATTERN: usize = 1 << 20;

/// Whether `document` fits the model called `name`.
pub(crate) fn fits(document: &Value, name: &str, models: &HashMap<String, ModelRecord>) -> bool {
    let Some(root) = parsed(models, name) else { return false };
    let mut check = Check { models, steps: 0 };
    check.fits(document, &root, &root, 0)
}

fn parsed(models: &HashMap<String, ModelRecord>, name: &str) -> Option<Value> {
    let schema = models.get(name)?.schema.as_deref()?;
    cumulet_wire::json::document(schema.as_bytes(), 128).ok()
}

struct Check<'a> {
    models: &'a HashMap<String, ModelRecord>,
    steps: u32,
}

impl Check<'_> {
    /// `root` is the model that `schema` is a part of: references are read from there.
    fn fits(&mut self, value: &Value, schema: &Value, root: &Value, depth: u32) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS || depth > DEPTH {
            return false;
        }
        let Some(schema) = schema.as_object() else { return true };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let within = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            if let Some(within) = within {
                return self.fits(value, within, root, depth + 1);
            }
            // Another model: by its URL, or as documents of OpenAPI have it.
            let name = reference.rsplit('/').next().unwrap_or_default();
            return parsed(self.models, name)
                .is_some_and(|other| self.fits(value, &other, &other, depth + 1));
        }
        is_of_type(value, schema.get("type"))
            && schema.get("enum").and_then(Value::as_array).is_none_or(|all| all.contains(value))
            && number_fits(value, schema)
            && text_fits(value, schema)
            && self.array_fits(value, schema, root, depth)
            && self.object_fits(value, schema, root, depth)
            && self.combined(value, schema, root, depth)
    }

    fn combined(
        &mut self,
        value: &Value,
        schema: &Map<String, Value>,
        root: &Value,
        depth: u32,
    ) -> bool {
        let mut count = |name: &str| {
            let all = schema.get(name).and_then(Value::as_array)?;
            let fitting = all.iter().filter(|one| self.fits(value, one, root, depth + 1)).count();
            Some((fitting, all.len()))
        };
        let all = count("allOf").is_none_or(|(fitting, all)| fitting == all);
        let any = count("anyOf").is_none_or(|(fitting, _)| fitting > 0);
        let one = count("oneOf").is_none_or(|(fitting, _)| fitting == 1);
        let none = schema.get("not").is_none_or(|not| !self.fits(value, not, root, depth + 1));
        // What was cut short says nothing, least of all that something does not fit.
        all && any && one && none && self.steps <= MOST_STEPS
    }

    fn array_fits(
        &mut self,
        value: &Value,
        schema: &Map<String, Value>,
        root: &Value,
        depth: u32,
    ) -> bool {
        let Some(entries) = value.as_array() else { return true };
        let unique = schema.get("uniqueItems").and_then(Value::as_bool).unwrap_or(false);
        let repeats = || {
            entries.iter().enumerate().any(|(at, one)| entries.iter().take(at).any(|o| o == one))
        };
        if !within(entries.len(), schema, "minItems", "maxItems")
            // Comparing all with all has its own bound.
            || unique && (entries.len() > 1000 || repeats())
        {
            return false;
        }
        match schema.get("items") {
            Some(Value::Array(each)) => entries.iter().enumerate().all(|(at, entry)| {
                let schema = each.get(at).or_else(|| schema.get("additionalItems"));
                schema.is_none_or(|schema| {
                    *schema != Value::Bool(false) && self.fits(entry, schema, root, depth + 1)
                })
            }),
            Some(items) => entries.iter().all(|entry| self.fits(entry, items, root, depth + 1)),
            None => true,
        }
    }

    fn object_fits(
        &mut self,
        value: &Value,
        schema: &Map<String, Value>,
        root: &Value,
        depth: u32,
    ) -> bool {
        let Some(members) = value.as_object() else { return true };
        let mut required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        if !required.all(|name| name.as_str().is_none_or(|name| members.contains_key(name)))
            || !within(members.len(), schema, "minProperties", "maxProperties")
        {
            return false;
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        members.iter().all(|(name, member)| {
            let own = schema.get("properties").and_then(|properties| properties.get(name));
            let by_pattern = patterns.into_iter().flatten();
            let by_pattern = by_pattern.filter(|(pattern, _)| matches(pattern, name));
            let schemas: Vec<_> = own.into_iter().chain(by_pattern.map(|(_, one)| one)).collect();
            if schemas.is_empty() {
                return schema.get("additionalProperties").is_none_or(|other| {
                    *other != Value::Bool(false) && self.fits(member, other, root, depth + 1)
                });
            }
            schemas.into_iter().all(|one| self.fits(member, one, root, depth + 1))
        })
    }
}

fn is_of_type(value: &Value, kinds: Option<&Value>) -> bool {
    let is = |kind: &Value| match kind.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    match kinds {
        Some(Value::Array(any)) => any.iter().any(is),
        Some(kind) => is(kind),
        None => true,
    }
}

fn number_fits(value: &Value, schema: &Map<String, Value>) -> bool {
    let Some(number) = value.as_f64() else { return true };
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    let exclusive = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    let above = limit("minimum")
        .is_none_or(|least| number > least || number >= least && !exclusive("exclusiveMinimum"));
    let below = limit("maximum")
        .is_none_or(|most| number < most || number <= most && !exclusive("exclusiveMaximum"));
    let multiple = limit("multipleOf").is_none_or(|of| of == 0.0 || (number / of).fract() == 0.0);
    above && below && multiple
}

fn text_fits(value: &Value, schema: &Map<String, Value>) -> bool {
    let Some(text) = value.as_str() else { return true };
    let pattern = schema.get("pattern").and_then(Value::as_str);
    within(text.chars().count(), schema, "minLength", "maxLength")
        && pattern.is_none_or(|pattern| matches(pattern, text))
}

fn within(count: usize, schema: &Map<String, Value>, least: &str, most: &str) -> bool {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    limit(least).is_none_or(|least| count >= least) && limit(most).is_none_or(|most| count <= most)
}

/// Whether a pattern is found in a text; one that is none is found nowhere.
fn matches(pattern: &str, text: &str) -> bool {
    let compiled = RegexBuilder::new(pattern).size_limit(PATTERN).build();
    compiled.is_ok_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn models(schemas: &[(&str, Value)]) -> HashMap<String, ModelRecord> {
        let model = |(name, schema): &(&str, Value)| {
            let schema = Some(schema.to_string());
            ((*name).to_owned(), ModelRecord { schema, ..ModelRecord::default() })
        };
        schemas.iter().map(model).collect()
    }

    #[test]
    fn documents_fit_or_do_not() {
        let note = json!({
            "type": "object", "required": ["text"], "additionalProperties": false,
            "properties": {
                "text": { "type": "string", "minLength": 1, "pattern": "^[a-z]+$" },
                "tags": { "type": "array", "items": { "$ref": "#/definitions/tag" },
                          "uniqueItems": true, "maxItems": 2 },
                "size": { "type": "integer", "minimum": 0, "exclusiveMinimum": true },
                "kind": { "enum": ["a", null] },
                "of": { "$ref": "https://apigateway.amazonaws.com/restapis/x/models/Owner" },
                "any": { "anyOf": [{ "type": "string" }, { "type": "number", "multipleOf": 2 }] },
                "not": { "not": { "type": "null" } }
            },
            "definitions": { "tag": { "type": ["string", "null"] } }
        });
        let owner = json!({ "type": "object", "minProperties": 1,
            "patternProperties": { "^n": { "type": "number" } } });
        let models = models(&[("Note", note), ("Owner", owner)]);
        let cases = [
            (json!({ "text": "a" }), true),
            (json!({ "text": "a", "tags": ["x", null], "size": 1, "kind": null }), true),
            (json!({ "text": "a", "of": { "n": 1, "m": "x" }, "any": 4, "not": 1 }), true),
            (json!([]), false),
            (json!({}), false),
            (json!({ "text": "" }), false),
            (json!({ "text": "A" }), false),
            (json!({ "text": "a", "more": 1 }), false),
            (json!({ "text": "a", "tags": ["x", "x"] }), false),
            (json!({ "text": "a", "tags": [1] }), false),
            (json!({ "text": "a", "tags": ["x", "y", "z"] }), false),
            (json!({ "text": "a", "size": 0 }), false),
            (json!({ "text": "a", "size": 1.5 }), false),
            (json!({ "text": "a", "kind": "b" }), false),
            (json!({ "text": "a", "of": {} }), false),
            (json!({ "text": "a", "of": { "n": "x" } }), false),
            (json!({ "text": "a", "any": 3 }), false),
            (json!({ "text": "a", "not": null }), false),
        ];
        for (document, expected) in cases {
            assert_eq!(fits(&document, "Note", &models), expected, "{document}");
        }
        assert!(!fits(&json!({}), "None", &models));
    }

    #[test]
    fn schemas_that_lead_nowhere_end() {
        let itself = json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] });
        let models = models(&[("Loop", itself), ("Bad", json!({ "pattern": "(" }))]);
        assert!(!fits(&json!(1), "Loop", &models));
        assert!(!fits(&json!("a"), "Bad", &models));
    }

    #[test]
    fn any_schema_and_document_can_be_met() {
        let base = json!({ "properties": { "a": { "items": {} } }, "anyOf": [{}] });
        bolero::check!().with_type::<(String, String, u8)>().with_iterations(3_000).for_each(
            |(name, text, number)| {
                let mut schema = base.clone();
                schema["properties"]["a"][name.as_str()] = json!(text);
                schema["items"] = json!({ "maximum": number, "pattern": text });
                let models = models(&[("M", schema)]);
                for document in [json!({ "a": [text] }), json!([number, text]), json!(text)] {
                    fits(&document, "M", &models);
                }
            },
        );
    }
}

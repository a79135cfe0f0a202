//! The documents that SAM writes, of the vectors that its own tests have.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::rest::openapi;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/sam/output");

/// A document with something in the place of what a stack would know.
fn evaluated(value: &Value) -> Option<Value> {
    let Some(members) = value.as_object() else {
        let Some(entries) = value.as_array() else { return Some(value.clone()) };
        return Some(entries.iter().filter_map(evaluated).collect());
    };
    if let (1, Some((name, inner))) = (members.len(), members.iter().next()) {
        match name.as_str() {
            "Ref" if inner == "AWS::NoValue" => return None,
            "Ref" | "Fn::ImportValue" => return Some("x".into()),
            "Fn::GetAtt" => {
                let pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_A";
                return Some(pool.into());
            }
            "Fn::Sub" => {
                let text = inner.as_str().or_else(|| inner.get(0)?.as_str()).unwrap_or_default();
                return Some(text.replace("${", "").replace('}', "").into());
            }
            "Fn::If" => return evaluated(inner.get(1)?),
            "Fn::Join" => {
                let parts = inner.get(1).and_then(evaluated)?;
                let parts: Vec<_> = parts.as_array()?.iter().filter_map(Value::as_str).collect();
                return Some(parts.join(inner.get(0)?.as_str()?).into());
            }
            _ => {}
        }
    }
    let kept = members.iter().filter_map(|(name, one)| Some((name.clone(), evaluated(one)?)));
    Some(Value::Object(kept.collect::<Map<_, _>>()))
}

#[test]
fn what_sam_writes_is_read() {
    let Ok(files) = std::fs::read_dir(Path::new(VECTORS)) else {
        assert!(std::env::var_os("CI").is_none(), "{VECTORS} is not there");
        eprintln!("{VECTORS} is not there: passed over");
        return;
    };
    let ids = cumulet_base::SeededIds::new(1);
    let (mut read, mut methods, mut refused) = (0, 0, Vec::new());
    for file in files {
        let path = file.unwrap().path();
        let template: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let resources = template.get("Resources").and_then(Value::as_object);
        for (name, resource) in resources.into_iter().flatten() {
            let body = resource.pointer("/Properties/Body");
            let (Some(body), true) = (body, resource["Type"] == "AWS::ApiGateway::RestApi") else {
                continue;
            };
            let body = evaluated(body).unwrap_or(json!({})).to_string();
            match openapi::read(body.as_bytes(), "", &ids) {
                // Some have no methods, for their templates have no events.
                Ok(document) => {
                    read += 1;
                    methods += document.methods.values().map(BTreeMap::len).sum::<usize>();
                }
                Err(why) => refused.push(format!("{path:?} {name}: {why}")),
            }
        }
    }
    // Those are refused that have documents of their writers' own, or need what is not here yet.
    assert!(read > refused.len() && methods > read, "{read} read, refused: {refused:#?}");
    // Or lack, without a stack, a function's URI or a pool's ARN.
    let known = [
        "of REST APIs",
        "neither Swagger",
        "Invalid ARN specified in the request",
        "invalid type: null",
    ];
    let unknown: Vec<_> =
        refused.iter().filter(|why| !known.iter().any(|known| why.contains(known))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

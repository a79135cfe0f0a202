//! Templates that were damaged at random: whatever comes, an answer and no panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use cumulet_sam::{Context, transform};
use cumulet_template::{Limits, parse};
use serde_json::{Map, Value, json};

fn run(template: &Value) -> bool {
    let policies = BTreeMap::new();
    let context = Context {
        region: "eu-west-1",
        account: "123456789012",
        partition: "aws",
        managed_policies: &policies,
        application: &|_, _| Ok("https://example.com/template".to_owned()),
        now: 0,
    };
    transform(template, &Map::new(), &context).is_ok()
}

/// What takes the place of a value.
fn replacement(choice: u8) -> Value {
    match choice % 14 {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(""),
        4 => json!("x"),
        5 => json!([]),
        6 => json!({}),
        7 => json!({"Ref": "AWS::Region"}),
        8 => json!({"Fn::If": ["C", {"Ref": "AWS::NoValue"}, "x"]}),
        9 => json!({"Fn::If": []}),
        10 => json!([null, {"Fn::GetAtt": "A.B"}]),
        11 => json!({"Type": "Api", "Properties": {"Path": "/", "Method": "any"}}),
        12 => json!({"Fn::Sub": ["${AWS::Region}${!x}", 1]}),
        _ => json!(1.5e300),
    }
}

/// Follows the bytes into the value and replaces what it comes to.
fn damage(value: &mut Value, path: &[u8], choice: u8) {
    let Some((step, rest)) = path.split_first() else {
        *value = replacement(choice);
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = usize::from(*step) % map.len();
            if let Some(child) = map.values_mut().nth(at) {
                damage(child, rest, choice);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = usize::from(*step) % items.len();
            damage(&mut items[at], rest, choice);
        }
        other => *other = replacement(choice),
    }
}

#[test]
fn damaged_templates() {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/sam/input"));
    if !folder.is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the vectors are missing");
        eprintln!("passed over: there are no vectors at {}", folder.display());
        return;
    }
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let templates: Vec<Value> = paths
        .iter()
        .filter_map(|path| parse(&std::fs::read_to_string(path).unwrap(), &Limits::default()).ok())
        .collect();
    bolero::check!().with_iterations(3000).with_type::<(u16, Vec<(u8, Vec<u8>)>)>().for_each(
        |(which, damages)| {
            let mut template = templates[usize::from(*which) % templates.len()].clone();
            for (choice, path) in damages.iter().take(6) {
                damage(&mut template, &path[..path.len().min(9)], *choice);
            }
            run(&template);
        },
    );
}

#[test]
fn arbitrary_values() {
    for value in [json!(null), json!([]), json!({}), json!({"Resources": 1}), json!("x")] {
        assert!(!run(&value));
    }
}

/// Every event copies the definition of its API, as AWS's transform does (the ids depend on it):
/// two hundred events must still be a matter of seconds, unoptimised.
#[test]
fn large_templates() {
    let function = |name: usize| {
        let events: Map<String, Value> = (0..4)
            .map(|event| {
                let path = format!("/p{name}/e{event}");
                let properties = json!({"Path": path, "Method": "get"});
                (format!("E{event}"), json!({"Type": "Api", "Properties": properties}))
            })
            .collect();
        json!({"Type": "AWS::Serverless::Function", "Properties": {
            "Runtime": "python3.13", "Handler": "a.b", "InlineCode": "x", "Events": events,
        }})
    };
    let resources: Map<String, Value> =
        (0..50).map(|name| (format!("F{name}"), function(name))).collect();
    let started = Instant::now();
    assert!(run(&json!({"Resources": resources})));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());

    let many: Map<String, Value> =
        (0..501).map(|name| (format!("R{name}"), json!({"Type": "T"}))).collect();
    assert!(!run(&json!({"Resources": many})));
}

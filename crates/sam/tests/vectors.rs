//! AWS's own pairs of templates and results, compared as AWS compares them.
//!
//! `passing.txt` lists the pairs that pass; it only ever grows. A listed pair that fails, or a
//! pair that passes and is not listed, fails the test; `UPDATE=1` rewrites the list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cumulet_sam::{Context, TransformError, transform};
use cumulet_template::{Limits, parse};
use serde_json::{Map, Value, json};

fn vectors() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/sam"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the vectors are missing");
    eprintln!("passed over: there are no vectors at {}", folder.display());
    None
}

/// What AWS's tests give as parameters.
fn parameters() -> Map<String, Value> {
    Map::from_iter([("param1".into(), json!("value1")), ("param2".into(), json!("value2"))])
}

/// Managed policies that the templates name.
fn managed_policies() -> BTreeMap<String, String> {
    [
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSLambdaRole",
        "service-role/AWSLambdaVPCAccessExecutionRole",
        "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
        "AmazonDynamoDBFullAccess",
        "AmazonDynamoDBReadOnlyAccess",
        "AmazonS3FullAccess",
        "AmazonS3ReadOnlyAccess",
        "AmazonSQSFullAccess",
        "AWSXrayWriteOnlyAccess",
        "CloudWatchFullAccess",
        "AmazonKinesisFullAccess",
        "AdministratorAccess",
        "AWSStepFunctionsFullAccess",
        "AWSLambda_FullAccess",
        "AmazonAPIGatewayInvokeFullAccess",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
    ]
    .into_iter()
    .map(|path| {
        let name = path.rsplit('/').next().unwrap();
        (name.to_owned(), format!("arn:aws:iam::aws:policy/{path}"))
    })
    .collect()
}

/// What AWS's tests put in the place of the Serverless Application Repository.
fn application(id: &str, _version: &str) -> Result<String, String> {
    match id {
        "no-access" | "non-existent" | "invalid-semver" => {
            Err(format!("Cannot access application: {id}."))
        }
        _ => Ok("https://awsserverlessrepo-changesets-xxx.s3.amazonaws.com/signed-url".into()),
    }
}

fn run(text: &str) -> Result<Value, String> {
    let template = parse(text, &Limits::default()).map_err(|error| error.to_string())?;
    let policies = managed_policies();
    let context = Context {
        region: "ap-southeast-1",
        account: "123456789012",
        partition: "aws",
        managed_policies: &policies,
        application: &application,
        now: 1_700_000_000,
    };
    transform(&template, &parameters(), &context).map_err(|errors| TransformError::summary(&errors))
}

/// Lists have no order, but for layers, where order is meaning.
fn sorted(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            keys.into_iter().map(|key| (key.clone(), sorted(&map[key], key))).collect()
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(|item| sorted(item, "")).collect();
            if key != "Layers" {
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Array(items)
        }
        // To Python, whose comparison it is, 75 and 75.0 are one.
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn passes(folder: &Path, name: &str) -> Result<(), String> {
    let input = std::fs::read_to_string(folder.join(format!("input/{name}.yaml"))).unwrap();
    let output = std::fs::read_to_string(folder.join(format!("output/{name}.json"))).unwrap();
    let expected: Value = serde_json::from_str(&output).unwrap();
    match (expected.get("errorMessage"), run(&input)) {
        (Some(message), Err(error)) if message == &json!(error) => Ok(()),
        (Some(message), Err(error)) => Err(format!("expected {message}\n     got {error:?}")),
        (Some(message), Ok(_)) => Err(format!("expected {message}")),
        (None, Err(error)) => Err(error),
        (None, Ok(result)) => {
            let (result, expected) = (sorted(&result, ""), sorted(&expected, ""));
            if result == expected {
                return Ok(());
            }
            let mut paths = Vec::new();
            differences(&expected, &result, "", &mut paths);
            Err(paths.join("\n"))
        }
    }
}

fn differences(expected: &Value, got: &Value, path: &str, out: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &path, out),
                    (Some(a), None) => out.push(format!("{path} is missing: {a}")),
                    (None, Some(b)) => out.push(format!("{path} is too much: {b}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{path}/{at}"), out);
            }
        }
        (a, b) if a != b => out.push(format!("{path}\n  expected {a}\n       got {b}")),
        _ => {}
    }
}

#[test]
fn pairs() {
    let Some(folder) = vectors() else { return };
    let list = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/passing.txt"));
    let listed: BTreeSet<String> =
        std::fs::read_to_string(list).unwrap_or_default().lines().map(str::to_owned).collect();
    let only = std::env::var("ONLY").ok();
    let mut names: Vec<String> = std::fs::read_dir(folder.join("output"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| only.as_ref().is_none_or(|only| only == name))
        .collect();
    names.sort();
    let mut passing = BTreeSet::new();
    let mut report = Vec::new();
    for name in &names {
        let result = std::panic::catch_unwind(|| passes(&folder, name))
            .unwrap_or_else(|_| Err("it panicked".to_owned()));
        match result {
            Ok(()) => {
                passing.insert(name.clone());
            }
            Err(why) => {
                report.push(format!("--- {name}\n{why}\n"));
                if only.is_some() || listed.contains(name) {
                    eprintln!("--- {name}\n{why}\n");
                }
            }
        }
    }
    eprintln!("{} of {} pairs pass", passing.len(), names.len());
    if let Ok(path) = std::env::var("REPORT") {
        std::fs::write(path, report.concat()).unwrap();
    }
    if only.is_some() {
        return;
    }
    if std::env::var("UPDATE").is_ok() {
        let text: Vec<_> = passing.iter().map(String::as_str).collect();
        std::fs::write(list, text.join("\n") + "\n").unwrap();
        return;
    }
    let lost: Vec<_> = listed.difference(&passing).collect();
    assert!(lost.is_empty(), "these pairs passed before: {lost:?}");
    let new: Vec<_> = passing.difference(&listed).collect();
    assert!(new.is_empty(), "these pairs pass now, note them with UPDATE=1: {new:?}");
}

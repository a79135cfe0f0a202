//! What reading and writing a message costs: `cargo run --release -p cumulet-bench-codec`.
//!
//! Prints nanoseconds an operation, the best of many rounds (these machines are noisy), beside
//! `serde_json` on the same bytes, which builds a tree and checks nothing.

use std::hint::black_box;
use std::time::Instant;

use cumulet_api_dynamodb::ops::{GetItemOutput, PutItemInput};
use cumulet_api_iam::ops::CreateRoleRequest;
use cumulet_shape::{Faults, Schema, Shape, validate};
use cumulet_wire::json::{JsonReader, JsonWriter};

const ROUNDS: usize = 200;
const TIMES: u32 = 2_000;

fn main() {
    let put = put_item();
    let item = read::<PutItemInput>(put.as_bytes()).item;
    let get = GetItemOutput { item: Some(item), ..GetItemOutput::default() };
    let role = role();
    println!(
        "PutItem {} bytes, GetItem {} bytes, an ordinary input {} bytes",
        put.len(),
        write(&get).len(),
        role.len()
    );
    println!("{:<52} {:>8}", "", "ns");
    report("PutItem: bytes to stored form, validated", || read::<PutItemInput>(put.as_bytes()));
    report("  serde_json to a tree", || serde_json::from_str::<serde_json::Value>(&put));
    report("GetItem: stored form to bytes", || write(&get));
    let tree: serde_json::Value = serde_json::from_slice(&write(&get)).unwrap_or_default();
    report("  serde_json from a tree", || tree.to_string());
    report("an ordinary input, read and validated", || read::<CreateRoleRequest>(role.as_bytes()));
    report("  serde_json to a tree", || serde_json::from_str::<serde_json::Value>(&role));
}

/// Measures what an argument of the command line names the beginning of, or everything.
fn report<T>(name: &str, mut work: impl FnMut() -> T) {
    if std::env::args().nth(1).is_some_and(|only| !name.trim_start().starts_with(&only)) {
        return;
    }
    let round = |work: &mut dyn FnMut() -> T| {
        let began = Instant::now();
        for _ in 0..TIMES {
            black_box(work());
        }
        began.elapsed().as_nanos() / u128::from(TIMES)
    };
    let best = (0..ROUNDS).map(|_| round(&mut work)).min().unwrap_or_default();
    println!("{name:<52} {best:>8}");
}

fn read<T: Shape + Default>(bytes: &[u8]) -> T {
    let mut faults = Faults::default();
    let read = JsonReader::whole(bytes, 200)
        .and_then(|mut r| T::read(Schema::of::<T>(), &mut r, &mut faults));
    let value = read.unwrap_or_default();
    validate(&value, &mut faults);
    assert!(faults.is_empty(), "{faults}");
    value
}

fn write<T: Shape>(value: &T) -> Vec<u8> {
    let mut writer = JsonWriter::with_capacity(512);
    value.write(Schema::of::<T>(), &mut writer);
    writer.into_bytes()
}

/// A PutItem of about 1 KB: ten attributes of several types.
fn put_item() -> String {
    let text = "x".repeat(120);
    let item = serde_json::json!({
        "user": {"S": "user-0123456789abcdef"}, "note": {"S": "2026-11-21T01:02:03.456Z#0001"},
        "count": {"N": "12345.678"}, "done": {"BOOL": false}, "gone": {"NULL": true},
        "tags": {"SS": ["alpha", "beta", "gamma"]}, "sizes": {"NS": ["1", "2", "3"]},
        "map": {"M": {"a": {"S": "b"}, "c": {"L": [{"N": "1"}, {"N": "2"}]}}},
        "title": {"S": text}, "body": {"S": text}, "footer": {"S": text}, "extra": {"S": text},
    });
    serde_json::json!({ "TableName": "notes", "Item": item }).to_string()
}

/// An input of a control-plane operation, with constraints of every kind.
fn role() -> String {
    let trust = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }],
    });
    serde_json::json!({
        "Path": "/service-role/", "RoleName": "notes-function-role", "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": trust.to_string(),
        "Description": "What the function of the notes may do",
        "Tags": [{"Key": "app", "Value": "notes"}, {"Key": "stage", "Value": "production"}],
    })
    .to_string()
}

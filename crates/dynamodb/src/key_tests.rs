use cumulet_attribute::Value;

use super::*;
use crate::expression::Update;
use crate::expression::tests::{item, with_placeholders};

fn schema() -> KeySchema {
    KeySchema {
        partition: KeyAttribute { name: "pk".to_owned(), kind: KeyType::S },
        sort: Some(KeyAttribute { name: "sk".to_owned(), kind: KeyType::B }),
    }
}

#[test]
fn keys_and_items() {
    let schema = schema();
    let long = |n: usize| "x".repeat(n);
    let fault = "The provided key element does not match the schema";
    let rows = [
        (r#"{"pk": "a", "sk": {"$B": "b"}}"#.to_owned(), "", ""),
        (
            r#"{"pk": "a"}"#.to_owned(),
            fault,
            "One or more parameter values were invalid: Missing the key sk in the item",
        ),
        (
            r#"{"pk": "a", "x": 1}"#.to_owned(),
            fault,
            "One or more parameter values were invalid: Missing the key sk in the item",
        ),
        (r#"{"pk": "a", "sk": {"$B": "b"}, "x": 1}"#.to_owned(), fault, ""),
        (
            r#"{"pk": 1, "sk": {"$B": "b"}}"#.to_owned(),
            fault,
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
        (
            r#"{"pk": "", "sk": {"$B": "b"}}"#.to_owned(),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk",
        ),
        (
            r#"{"pk": "a", "sk": {"$B": ""}}"#.to_owned(),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: sk",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: sk",
        ),
        (format!(r#"{{"pk": "{}", "sk": {{"$B": "{}"}}}}"#, long(2048), long(1024)), "", ""),
        (
            format!(r#"{{"pk": "{}", "sk": {{"$B": "b"}}}}"#, long(2049)),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            format!(r#"{{"pk": "b", "sk": {{"$B": "{}"}}}}"#, long(1025)),
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
    ];
    let message =
        |result: Result<(), KeyError>| result.err().map(|e| e.to_string()).unwrap_or_default();
    for (text, key, whole) in rows {
        let item = item(&text);
        assert_eq!(message(schema.check_key(&item)), key, "{text}");
        assert_eq!(message(schema.check_item(&item)), whole, "{text}");
    }
}

#[test]
fn index_keys() {
    let schema = schema();
    for (text, expect) in [
        (r#"{"pk": "a", "sk": {"$B": "b"}}"#, Ok(true)),
        (r#"{"pk": "a"}"#, Ok(false)),
        ("{}", Ok(false)),
        (
            r#"{"pk": 1}"#,
            Err(
                "One or more parameter values were invalid: Type mismatch for Index Key pk Expected: S Actual: N IndexName: i",
            ),
        ),
        (
            r#"{"pk": ""}"#,
            Err(
                "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: i, IndexKey: pk",
            ),
        ),
    ] {
        let got = schema.check_indexed("i", &item(text)).map_err(|error| error.to_string());
        assert_eq!(got, expect.map_err(str::to_owned), "{text}");
    }
}

#[test]
fn updates_of_keys() {
    with_placeholders("{}", r#"{":a": 1}"#, |placeholders| {
        for (source, expect) in [
            ("SET a = :a, b.pk = :a", Ok(())),
            (
                "SET a = :a, pk = :a",
                Err(
                    "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
                ),
            ),
            (
                "REMOVE sk",
                Err(
                    "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key",
                ),
            ),
            (
                "SET pk.a = :a",
                Err(
                    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: pk",
                ),
            ),
        ] {
            let update = Update::parse(source, placeholders).unwrap();
            let got = schema().check_updated(update.paths()).map_err(|error| error.to_string());
            assert_eq!(got, expect.map_err(str::to_owned), "{source}");
        }
    });
}

#[test]
fn positions() {
    let schema = schema();
    let whole = item(r#"{"pk": "a", "sk": {"$B": "b"}, "x": 1}"#);
    let position = schema.position(&whole).unwrap();
    let partition = partition_position(Value::string("a").view()).unwrap();
    assert!(position.starts_with(&partition) && position.len() > partition.len());
    assert_eq!(schema.position(&schema.key_of(&whole)), Some(position));
    assert_eq!(schema.key_of(&whole).len(), 2);
    assert_eq!(schema.position(&item(r#"{"pk": "a"}"#)), None);
    assert_eq!(schema.position(&item(r#"{"pk": true, "sk": "a"}"#)), None);
    let longer = partition_position(Value::string("a\0").view()).unwrap();
    assert!(!longer.starts_with(&partition));
}

#[test]
fn segments_divide_the_hash_space() {
    for total in [1, 2, 3, 7, 1000, 1_000_000] {
        assert_eq!(segment(0, total).0, [0; 8]);
        for at in (0..total).step_by(1 + total as usize / 100) {
            let (_, end) = segment(at, total);
            if at + 1 == total {
                assert_eq!(end, None);
            } else {
                assert_eq!(end, Some(segment(at + 1, total).0));
            }
        }
        assert_eq!(segment(total - 1, total).1, None);
    }
}

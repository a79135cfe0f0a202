use cumulet_attribute::{KeyType, ValueError};

use super::AttributeAction::{Add, Delete, Put};
use super::*;
use crate::expression::tests::item;
use crate::key::{KeyAttribute, KeySchema};

/// Values written as the tables of expressions write them, and two that are none.
fn values(text: &str) -> Vec<AttributeValue> {
    let list = item(&format!(r#"{{"list": {text}}}"#));
    let Some(cumulet_attribute::ValueRef::L(list)) = list.get("list") else { panic!("{text}") };
    list.iter().map(|value| Value::from(value).into()).collect()
}

fn operator(name: &str) -> ComparisonOperator {
    ComparisonOperator::from_wire(name).expect(name)
}

/// `EQ ["a"]`, `exists ["a"]`, `true`, `NULL`, `- ["a"]` (a list without an operator).
fn expect(text: &str) -> ExpectedAttributeValue {
    let (word, list) = text.split_once(' ').unwrap_or((text, ""));
    let list = (!list.is_empty()).then(|| values(list));
    let mut one = ExpectedAttributeValue::default();
    match word {
        "value" => one.value = list.and_then(|list| list.into_iter().next()),
        "true" | "false" => {
            one.exists = Some(word == "true");
            one.value = list.and_then(|list| list.into_iter().next());
        }
        "-" => one.attribute_value_list = list,
        name => {
            one.comparison_operator = Some(operator(name));
            one.attribute_value_list = list;
        }
    }
    one
}

fn message<T>(result: Result<T>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn expectations() {
    let there = item(
        r#"{"s": "hello", "n": 5, "l": ["a", 1], "m": {"k": 1}, "ss": {"$SS": ["a", "b"]},
            "b": {"$B": "hello"}, "no": null, "yes": true}"#,
    );
    for (name, text, expect_there, expect_nothing) in [
        ("s", r#"value ["hello"]"#, true, false),
        ("s", r#"value ["other"]"#, false, false),
        ("s", r#"true ["hello"]"#, true, false),
        ("s", "false", false, true),
        ("s", r#"EQ ["hello"]"#, true, false),
        ("s", "EQ [5]", false, false),
        ("m", r#"EQ [{"k": 1}]"#, true, false),
        ("l", r#"EQ [["a", 1]]"#, true, false),
        ("ss", r#"EQ [{"$SS": ["b", "a"]}]"#, true, false),
        ("s", r#"NE ["hello"]"#, false, true),
        ("s", "NE [5]", true, true),
        ("n", "LE [5]", true, false),
        ("n", "LT [5]", false, false),
        ("n", "GE [5]", true, false),
        ("n", "GT [4.99]", true, false),
        ("n", r#"GT ["4"]"#, false, false),
        ("n", "BETWEEN [5, 5]", true, false),
        ("n", "IN [4, 5]", true, false),
        ("n", "IN [4]", false, false),
        ("s", r#"BEGINS_WITH ["he"]"#, true, false),
        ("s", r#"CONTAINS ["ll"]"#, true, false),
        ("ss", r#"CONTAINS ["a"]"#, true, false),
        ("l", r#"CONTAINS ["a"]"#, true, false),
        ("l", "CONTAINS [1]", true, false),
        ("s", r#"NOT_CONTAINS ["ll"]"#, false, true),
        ("ss", r#"NOT_CONTAINS ["c"]"#, true, true),
        ("no", "NULL", false, true),
        ("no", "NOT_NULL", true, false),
        ("yes", "NOT_NULL", true, false),
    ] {
        let map = BTreeMap::from([(name.to_owned(), expect(text))]);
        let legacy = Legacy { expected: Some(&map), ..Legacy::default() };
        let condition = legacy.translate().unwrap().condition.unwrap();
        assert_eq!(condition.holds(Some(&there)), expect_there, "{name} {text}");
        assert_eq!(condition.holds(None), expect_nothing, "{name} {text} of nothing");
    }
}

#[test]
fn refused_expectations() {
    const P: &str = "One or more parameter values were invalid: ";
    let both = ExpectedAttributeValue {
        value: values(r#"["a"]"#).pop(),
        attribute_value_list: Some(Vec::new()),
        ..ExpectedAttributeValue::default()
    };
    let with_exists = ExpectedAttributeValue { exists: Some(true), ..expect(r#"EQ ["a"]"#) };
    let broken = AttributeValue(Err(ValueError::Empty));
    let broken = ExpectedAttributeValue { value: Some(broken), ..Default::default() };
    for (one, text) in [
        (both, "Value and AttributeValueList cannot be used together for Attribute: a"),
        (with_exists, "Exists and ComparisonOperator cannot be used together for Attribute: a"),
        (
            expect("EQ"),
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            expect(r#"- ["a"]"#),
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (expect("value"), "Value must be provided when Exists is null for Attribute: a"),
        (expect("true"), "Value must be provided when Exists is true for Attribute: a"),
        (expect(r#"false ["a"]"#), "Value cannot be used when Exists is false for Attribute: a"),
        (expect("EQ []"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (expect("EQ [1, 2]"), "Invalid number of argument(s) for the EQ ComparisonOperator"),
        (expect("NULL [1]"), "Invalid number of argument(s) for the NULL ComparisonOperator"),
        (expect("IN []"), "Invalid number of argument(s) for the IN ComparisonOperator"),
        (expect("BETWEEN [1]"), "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        (
            expect(r#"IN [1, "a"]"#),
            "AttributeValues inside AttributeValueList must be of same type",
        ),
        (
            expect(r#"GT [{"$SS": ["a"]}]"#),
            "ComparisonOperator GT is not valid for SS AttributeValue type",
        ),
        (
            expect("BEGINS_WITH [1]"),
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
        (
            expect("CONTAINS [[1]]"),
            "ComparisonOperator CONTAINS is not valid for L AttributeValue type",
        ),
    ] {
        let map = BTreeMap::from([("a".to_owned(), one)]);
        assert_eq!(message(expected(&map)), format!("{P}{text}"));
    }
    for (one, text) in [
        (
            expect("BETWEEN [2, 1]"),
            "The BETWEEN condition was provided a range where the lower bound is greater than the \
             upper bound",
        ),
        (
            broken,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
    ] {
        let map = BTreeMap::from([("a".to_owned(), one)]);
        assert_eq!(message(expected(&map)), text);
    }
}

#[test]
fn operators() {
    let one = BTreeMap::from([("a".to_owned(), expect("NULL"))]);
    let mut two = one.clone();
    two.insert("b".to_owned(), expect("NOT_NULL"));
    let of = |expected, operator| Legacy { expected, operator, ..Legacy::default() };
    let or = Some(ConditionalOperator::Or);
    assert_eq!(
        message(of(None, or).check_operator()),
        "ConditionalOperator cannot be used without Filter or Expected"
    );
    assert_eq!(
        message(of(Some(&one), or).check_operator()),
        "ConditionalOperator can only be used when Filter or Expected has two or more elements"
    );
    assert_eq!(message(of(Some(&two), or).check_operator()), "");
    let holds = |operator, text: &str| {
        let translated = of(Some(&two), operator).translate().unwrap();
        translated.condition.unwrap().holds(Some(&item(text)))
    };
    assert!(holds(or, "{}") && holds(or, r#"{"a": 1, "b": 1}"#) && !holds(or, r#"{"a": 1}"#));
    assert!(!holds(None, "{}") && holds(None, r#"{"b": 1}"#));
    assert!(!holds(Some(ConditionalOperator::And), "{}"));
}

fn update(action: Option<AttributeAction>, value: &str) -> AttributeValueUpdate {
    let value = (!value.is_empty()).then(|| values(&format!("[{value}]")));
    AttributeValueUpdate { action, value: value.and_then(|mut list| list.pop()) }
}

#[test]
fn attribute_updates() {
    let before = item(
        r#"{"pk": "a", "n": 1, "s": "x", "l": [1], "ss": {"$SS": ["a", "b"]}, "ns": {"$NS": [1]}}"#,
    );
    let mismatch = "Type mismatch for attribute to update";
    for (name, action, value, after) in [
        ("s", None, r#""y""#, Ok(r#""y""#)),
        ("s", Some(Put), "[]", Ok("[]")),
        ("s", Some(Delete), "", Ok("")),
        ("gone", Some(Delete), "", Ok("")),
        ("ss", Some(Delete), r#"{"$SS": ["a", "z"]}"#, Ok(r#"{"$SS": ["b"]}"#)),
        ("ss", Some(Delete), r#"{"$SS": ["a", "b"]}"#, Ok("")),
        ("gone", Some(Delete), r#"{"$SS": ["a"]}"#, Ok("")),
        ("ns", Some(Delete), r#"{"$SS": ["a"]}"#, Err(mismatch)),
        ("n", Some(Add), "2.5", Ok("3.5")),
        ("gone", Some(Add), "-2", Ok("-2")),
        ("s", Some(Add), "1", Err(mismatch)),
        ("ss", Some(Add), r#"{"$SS": ["b", "c"]}"#, Ok(r#"{"$SS": ["a", "b", "c"]}"#)),
        ("gone", Some(Add), r#"{"$NS": [1]}"#, Ok(r#"{"$NS": [1]}"#)),
        ("ss", Some(Add), r#"{"$NS": [1]}"#, Err(mismatch)),
        ("l", Some(Add), r#"[2, "x"]"#, Ok(r#"[1, 2, "x"]"#)),
        ("gone", Some(Add), "[2]", Ok("[2]")),
        ("n", Some(Add), "[2]", Err(mismatch)),
    ] {
        let map = BTreeMap::from([(name.to_owned(), update(action, value))]);
        let got = updates(&map).unwrap().apply(&before);
        match after {
            Ok("") => assert_eq!(got.unwrap().get(name), None, "{name} {action:?} {value}"),
            Ok(after) => {
                let after = item(&format!(r#"{{"v": {after}}}"#));
                assert_eq!(got.unwrap().get(name), after.get("v"), "{name} {action:?} {value}");
            }
            Err(text) => assert_eq!(got.unwrap_err().to_string(), text, "{name} {value}"),
        }
    }
}

#[test]
fn refused_attribute_updates() {
    for (action, value, text) in [
        (None, "", "Only DELETE action is allowed when no attribute value is specified"),
        (Some(Put), "", "Only DELETE action is allowed when no attribute value is specified"),
        (Some(Add), "", "Only DELETE action is allowed when no attribute value is specified"),
        (Some(Delete), "1", "DELETE action with value is not supported for the type N"),
        (Some(Add), r#""a""#, "ADD action is not supported for the type S"),
        (Some(Add), "{}", "ADD action is not supported for the type M"),
    ] {
        let map = BTreeMap::from([("a".to_owned(), update(action, value))]);
        let expect = format!("One or more parameter values were invalid: {text}");
        assert_eq!(message(updates(&map)), expect);
    }
}

#[test]
fn what_makes_an_item() {
    let of = |pairs: &[(&str, AttributeAction, &str)]| {
        let pairs = pairs.iter();
        let map =
            pairs.map(|(name, action, value)| ((*name).to_owned(), update(Some(*action), value)));
        updates(&map.collect()).unwrap().makes_item()
    };
    assert!(of(&[]) && of(&[("a", Put, "1")]) && of(&[("a", Add, "1"), ("b", Delete, "")]));
    assert!(!of(&[("a", Delete, ""), ("b", Delete, r#"{"$SS": ["x"]}"#)]));
}

#[test]
fn attributes_to_get() {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let projection = projection(&names(&["a.b", "c"])).unwrap();
    let got = projection.project(&item(r#"{"a": {"b": 1}, "a.b": 2, "c": 3, "d": 4}"#)).unwrap();
    assert_eq!(got, item(r#"{"a.b": 2, "c": 3}"#));
    assert_eq!(
        message(super::projection(&names(&["a", "b", "a"]))),
        "One or more parameter values were invalid: Duplicate value in attribute name: a"
    );
}

#[test]
fn key_conditions() {
    let schema = KeySchema {
        partition: KeyAttribute { name: "pk".to_owned(), kind: KeyType::S },
        sort: Some(KeyAttribute { name: "sk".to_owned(), kind: KeyType::N }),
    };
    for (conditions, text) in [
        (&[][..], "Conditions can be of length 1 or 2 only"),
        (
            &[("a", "NULL"), ("b", "NULL"), ("c", "NULL")][..],
            "Conditions can be of length 1 or 2 only",
        ),
        (
            &[("pk", "EQ [1, 2]")],
            "One or more parameter values were invalid: Invalid number of argument(s) for the EQ \
             ComparisonOperator",
        ),
        (&[("sk", "EQ [1]")], "Query condition missed key schema element: pk"),
        (
            &[("pk", r#"EQ ["a"]"#), ("x", "EQ [1]")],
            "Query condition missed key schema element: sk",
        ),
        (
            &[("pk", "EQ [1]")],
            "One or more parameter values were invalid: Condition parameter type does not match \
             schema type",
        ),
        (&[("pk", r#"GT ["a"]"#)], "Query key condition not supported"),
        (
            &[("pk", r#"IN ["a"]"#)],
            "Attempted conditional constraint is not an indexable operation",
        ),
        (
            &[("pk", r#"EQ ["a"]"#), ("sk", "NE [1]")],
            "Attempted conditional constraint is not an indexable operation",
        ),
        (&[("pk", r#"EQ ["a"]"#), ("sk", "BETWEEN [1, 2]")], ""),
        (&[("pk", r#"EQ ["a"]"#), ("sk", "LE [1]")], ""),
    ] {
        let conditions = conditions.iter().map(|(name, text)| {
            let expected = expect(text);
            let condition = AttributeCondition {
                attribute_value_list: expected.attribute_value_list,
                comparison_operator: expected.comparison_operator.unwrap(),
            };
            ((*name).to_owned(), condition)
        });
        let resolved = key_condition(&conditions.collect())
            .and_then(|condition| condition.resolve(&schema).map_err(Error::KeyCondition));
        assert_eq!(message(resolved), text);
    }
}

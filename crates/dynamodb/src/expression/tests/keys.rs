//! Key conditions against key schemas.

use std::ops::Bound;

use cumulet_attribute::{KeyType, Value, encode_key};

use super::*;
use crate::key::{KeyAttribute, KeySchema};

const VALUES: &str = r#"{":p": "q", ":a": "a", ":b": "b", ":1": 1, ":5": 5, ":t": true, ":e": "",
    ":B": {"$B": "x"}, ":ff": {"$B": "x"}}"#;

fn schema(sort: Option<KeyType>) -> KeySchema {
    let attribute = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
    KeySchema {
        partition: attribute("pk", KeyType::S),
        sort: sort.map(|kind| attribute("sk", kind)),
    }
}

fn resolve(source: &str, schema: &KeySchema) -> Result<KeyQuery, String> {
    with_placeholders(r##"{"#pk": "pk"}"##, VALUES, |placeholders| {
        KeyCondition::parse(source, placeholders)
            .map_err(|error| error.to_string())?
            .resolve(schema)
            .map_err(|error| error.to_string())
    })
}

#[test]
fn conditions_that_are_right() {
    let text = |text| Value::string(text);
    let compare = |comparator, value| Some(SortCondition::Compare(comparator, text(value)));
    for (source, sort) in [
        ("pk = :p", None),
        (":p = #pk", None),
        ("(pk = :p)", None),
        ("(#pk = :p) AND (sk = :a)", compare(Comparator::Eq, "a")),
        ("(#pk = :p AND (sk = :a))", compare(Comparator::Eq, "a")),
        ("sk < :a AND pk = :p", compare(Comparator::Lt, "a")),
        ("pk = :p AND sk <= :a", compare(Comparator::Le, "a")),
        ("pk = :p AND sk > :a", compare(Comparator::Gt, "a")),
        ("pk = :p and sk >= :a", compare(Comparator::Ge, "a")),
        ("pk = :p AND :a < sk", compare(Comparator::Gt, "a")),
        ("pk = :p AND :a <= sk", compare(Comparator::Ge, "a")),
        ("pk = :p AND :a > sk", compare(Comparator::Lt, "a")),
        ("pk = :p AND :a >= sk", compare(Comparator::Le, "a")),
        ("pk = :p AND sk BETWEEN :a AND :b", Some(SortCondition::Between(text("a"), text("b")))),
        ("pk = :p AND begins_with(sk, :a)", Some(SortCondition::BeginsWith(text("a")))),
    ] {
        let expect = KeyQuery { partition: text("q"), sort };
        assert_eq!(resolve(source, &schema(Some(KeyType::S))), Ok(expect), "{source}");
    }
}

#[test]
fn faults() {
    let invalid = |what: &str| format!("Invalid KeyConditionExpression: {what}");
    let operator = |what: &str| format!("Invalid operator used in KeyConditionExpression: {what}");
    let operands = |what: &str| format!("Invalid condition in KeyConditionExpression: {what}");
    let kind = |name: &str, kind: &str| {
        invalid(&format!(
            "Incorrect operand type for operator or function; operator or function: {name}, \
             operand type: {kind}"
        ))
    };
    let nested = invalid("KeyConditionExpressions cannot contain nested operations");
    let schema_type = "One or more parameter values were invalid: Condition parameter type does \
                       not match schema type";
    let rows = [
        ("", invalid("The expression can not be empty;")),
        ("pk", invalid("Syntax error; token: \"<EOF>\", near: \"pk\"")),
        (":p a", invalid("Syntax error; token: \"a\", near: \":p a\"")),
        ("((pk = :p))", invalid("The expression has redundant parentheses;")),
        ("pk = :q", invalid("An expression attribute value used in expression is not defined; attribute value: :q")),
        ("pk = :p OR sk = :1", operator("OR")),
        ("NOT pk = :p", operator("NOT")),
        ("pk IN (:p)", operator("IN")),
        ("pk <> :p", operator("<>")),
        ("attribute_exists(pk)", operator("attribute_exists")),
        ("attribute_not_exists(pk)", operator("attribute_not_exists")),
        ("contains(pk, :p)", operator("contains")),
        ("pk = :p AND size(sk) > :1", nested.clone()),
        ("pk = :p AND sk > size(a)", nested),
        ("pk = :p AND sk.a = :1", invalid("KeyConditionExpressions cannot have conditions on nested attributes")),
        ("pk = :p AND sk > :1 AND sk < :5", invalid("KeyConditionExpressions must only contain one condition per key")),
        ("pk = :p AND :1 = :5", operands("No key attribute specified")),
        ("pk = sk", operands("Multiple attribute names used in one condition")),
        ("pk = :p AND :1 BETWEEN sk AND :5", operands("BETWEEN operator must have the key attribute as its first operand")),
        ("pk = :p AND begins_with(:p, sk)", operands("begins_with operator must have the key attribute as its first operand")),
        ("pk = :p AND begins_with(sk, :1)", kind("begins_with", "N")),
        ("pk = :p AND begins_with(sk, :t)", kind("begins_with", "BOOL")),
        ("pk = :p AND sk < :t", kind("<", "BOOL")),
        ("pk = :p AND :t >= sk", kind(">=", "BOOL")),
        ("pk = :p AND sk BETWEEN :t AND :t", kind("BETWEEN", "BOOL")),
        ("begins_with(sk, :1) AND pk = :q", kind("begins_with", "N")),
        ("pk = :p AND begins_with(sk, :a)", schema_type.to_owned()),
        ("pk = :p AND sk = :t", schema_type.to_owned()),
        ("pk = :1", schema_type.to_owned()),
        ("pk > :p", "Query key condition not supported".to_owned()),
        ("begins_with(pk, :p) AND sk = :1", "Query key condition not supported".to_owned()),
        ("sk = :1", "Query condition missed key schema element: pk".to_owned()),
        ("pk = :p AND b = :1", "Query condition missed key schema element: sk".to_owned()),
        ("pk = :p AND sk > :1 AND extra = :5", "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)".to_owned()),
    ];
    for (source, expect) in rows {
        assert_eq!(resolve(source, &schema(Some(KeyType::N))), Err(expect), "{source}");
    }
    assert_eq!(
        resolve("pk = :p AND sk = :1", &schema(None)).unwrap_err(),
        "The number of query conditions (2) exceeds the number of key attributes defined in the \
         schema (1)"
    );
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(encode_key(value.view(), &mut bytes));
    bytes
}

fn within(bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>), key: &Value) -> bool {
    std::ops::RangeBounds::contains(bounds, &encoded(key))
}

#[test]
fn bounds_are_the_condition() {
    bolero::check!().with_type().with_iterations(10_000).for_each(
        |(key, first, second): &(Vec<u8>, Vec<u8>, Vec<u8>)| {
            let value = |bytes: &Vec<u8>| Value::binary(bytes);
            let compare = |comparator| SortCondition::Compare(comparator, value(first));
            let (lower, upper) = if first <= second { (first, second) } else { (second, first) };
            for (condition, expect) in [
                (compare(Comparator::Eq), key == first),
                (compare(Comparator::Lt), key < first),
                (compare(Comparator::Le), key <= first),
                (compare(Comparator::Gt), key > first),
                (compare(Comparator::Ge), key >= first),
                (SortCondition::Between(value(lower), value(upper)), lower <= key && key <= upper),
                (SortCondition::BeginsWith(value(first)), key.starts_with(first)),
            ] {
                assert_eq!(
                    within(&condition.bounds(), &value(key)),
                    expect,
                    "{condition:?} {key:?}"
                );
                assert_eq!(condition.holds(value(key).view()), expect);
            }
        },
    );
}

#[test]
fn begins_with_reaches_the_last_byte() {
    for start in [&[0xff_u8, 0xff][..], &[], &[0x61, 0xff], &[0], &[0xff, 0]] {
        let condition = SortCondition::BeginsWith(Value::binary(start));
        for tail in [&[][..], &[0], &[0xff], &[0xff, 0xff, 0xff], &[1, 2]] {
            let key = [start, tail].concat();
            assert!(condition.holds(Value::binary(&key).view()), "{start:?} {tail:?}");
        }
        assert!(!condition.holds(Value::string("a").view()));
    }
}

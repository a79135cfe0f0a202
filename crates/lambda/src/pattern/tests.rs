use bolero::TypeGenerator;
use serde_json::json;

use super::*;

fn check(pattern: &Value, passing: &[Value], failing: &[Value]) {
    let read = Pattern::parse(&pattern.to_string()).unwrap();
    for event in passing {
        assert!(read.matches(event), "{pattern} should let {event} pass");
    }
    for event in failing {
        assert!(!read.matches(event), "{pattern} should not let {event} pass");
    }
}

#[test]
fn values_are_equal_by_type() {
    check(
        &json!({ "a": ["x", 1, null, true] }),
        &[
            json!({ "a": "x" }),
            json!({ "a": 1 }),
            json!({ "a": 1.0 }),
            json!({ "a": null }),
            json!({ "a": true }),
            json!({ "a": ["y", "x"] }),
            json!({ "a": "x", "b": 2 }),
        ],
        &[
            json!({}),
            json!({ "a": "X" }),
            json!({ "a": "1" }),
            json!({ "a": false }),
            json!({ "a": [] }),
            json!({ "a": { "x": "x" } }),
            json!([{ "a": "x" }]),
            json!("x"),
        ],
    );
    // Beyond what a double tells apart.
    let large = json!({ "a": [9_007_199_254_740_993_u64] });
    check(
        &large,
        &[json!({ "a": 9_007_199_254_740_993_u64 })],
        &[json!({ "a": 9_007_199_254_740_992_u64 })],
    );
}

#[test]
fn fields_nest_and_arrays_of_objects_have_one_that_matches() {
    check(
        &json!({ "a": { "b": ["x"], "c": ["y"] } }),
        &[
            json!({ "a": { "b": "x", "c": "y" } }),
            json!({ "a": [{ "b": "n" }, { "b": "x", "c": "y" }] }),
        ],
        &[
            json!({ "a": { "b": "x" } }),
            // Not one of them alone.
            json!({ "a": [{ "b": "x" }, { "c": "y" }] }),
            json!({ "a": "x" }),
            json!({}),
        ],
    );
}

#[test]
fn leaves_exist_or_not() {
    check(
        &json!({ "a": { "b": [{ "exists": true }] } }),
        &[json!({ "a": { "b": null } }), json!({ "a": { "b": [0] } })],
        // An object is no leaf.
        &[json!({ "a": {} }), json!({}), json!({ "a": { "b": { "c": 1 } } })],
    );
    check(
        &json!({ "a": { "b": [{ "exists": false }] } }),
        &[json!({ "a": {} }), json!({}), json!({ "a": { "b": { "c": 1 } } })],
        &[json!({ "a": { "b": null } })],
    );
}

#[test]
fn texts_by_their_ends_and_without_case() {
    let both =
        |test: &str| json!({ "a": [{ test: "eu-" }, { test: { "equals-ignore-case": "Q" } }] });
    let texts = |all: &[&str]| all.iter().map(|text| json!({ "a": text })).collect::<Vec<_>>();
    check(&both("prefix"), &texts(&["eu-", "eu-west", "Qu", "qu"]), &texts(&["", "EU-", "w-eu-"]));
    check(&both("suffix"), &texts(&["eu-", "west-eu-", "aQ", "q"]), &texts(&["", "EU-", "eu-w"]));
    let same = json!({ "a": [{ "equals-ignore-case": "Straße É" }] });
    check(&same, &texts(&["straße é", "STRAßE É"]), &texts(&["straße", "strasse é"]));
    check(&both("prefix"), &[], &[json!({ "a": 1 }), json!({ "a": ["x", {}] })]);
}

#[test]
fn anything_but() {
    check(
        &json!({ "a": [{ "anything-but": ["x", "y"] }] }),
        &[json!({ "a": "z" }), json!({ "a": 1 }), json!({ "a": ["x", "z"] }), json!({ "a": null })],
        &[json!({ "a": "x" }), json!({ "a": ["x", "y"] }), json!({}), json!({ "a": [] })],
    );
    check(
        &json!({ "a": [{ "anything-but": 5 }] }),
        &[json!({ "a": 6 }), json!({ "a": "5" })],
        &[json!({ "a": 5 }), json!({})],
    );
    check(
        &json!({ "a": [{ "anything-but": { "prefix": ["p", "q"] } }] }),
        &[json!({ "a": "zp" }), json!({ "a": 1 })],
        &[json!({ "a": "px" }), json!({ "a": "q" }), json!({})],
    );
    check(
        &json!({ "a": [{ "anything-but": { "suffix": ".tmp" } }] }),
        &[json!({ "a": "x.txt" })],
        &[json!({ "a": "x.tmp" })],
    );
    check(
        &json!({ "a": [{ "anything-but": { "equals-ignore-case": "No" } }] }),
        &[json!({ "a": "yes" })],
        &[json!({ "a": "NO" })],
    );
}

#[test]
fn numbers_in_ranges() {
    let numbers = |all: &[f64]| all.iter().map(|n| json!({ "a": n })).collect::<Vec<_>>();
    let test = |bounds: Value| json!({ "a": [{ "numeric": bounds }] });
    check(&test(json!([">", 0, "<=", 5])), &numbers(&[0.1, 5.0]), &numbers(&[0.0, 5.1, -1.0]));
    check(&test(json!([">=", 1.5])), &numbers(&[1.5, 1e300]), &numbers(&[1.4]));
    check(&test(json!(["<", 2])), &numbers(&[-3.0, 1.9]), &numbers(&[2.0]));
    check(&test(json!(["=", 3.018e2])), &numbers(&[301.8]), &numbers(&[301.0]));
    // As DynamoDB spells its numbers.
    check(&test(json!([">", 0])), &[], &[json!({ "a": "1" }), json!({})]);
}

#[test]
fn one_of_several_patterns() {
    check(
        &json!({ "s": ["on"], "$or": [{ "a": ["x"] }, { "b": { "c": [{ "exists": true }] } }] }),
        &[json!({ "s": "on", "a": "x" }), json!({ "s": "on", "b": { "c": 0 } })],
        &[json!({ "a": "x" }), json!({ "s": "on" }), json!({ "s": "on", "a": "y", "b": 1 })],
    );
}

#[test]
fn what_is_no_pattern() {
    for wrong in [
        "",
        "[]",
        "\"x\"",
        "{}",
        "{",
        r#"{"a":"x"}"#,
        r#"{"a":[]}"#,
        r#"{"a":{}}"#,
        r#"{"a":[["x"]]}"#,
        r#"{"a":[{}]}"#,
        r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
        r#"{"a":[{"prefix":1}]}"#,
        r#"{"a":[{"prefix":{"suffix":"x"}}]}"#,
        r#"{"a":[{"exists":"true"}]}"#,
        r#"{"a":[{"like":"x"}]}"#,
        r#"{"a":[{"anything-but":[]}]}"#,
        r#"{"a":[{"anything-but":["x",1]}]}"#,
        r#"{"a":[{"anything-but":null}]}"#,
        r#"{"a":[{"anything-but":{"exists":true}}]}"#,
        r#"{"a":[{"numeric":[]}]}"#,
        r#"{"a":[{"numeric":[">"]}]}"#,
        r#"{"a":[{"numeric":["!=",1]}]}"#,
        r#"{"a":[{"numeric":["<",1,">",0]}]}"#,
        r#"{"a":[{"numeric":[">",5,"<",1]}]}"#,
        r#"{"a":[{"numeric":[">","5"]}]}"#,
        r#"{"$or":[]}"#,
        r#"{"$or":[{"a":["x"]}]}"#,
        r#"{"$or":["x","y"]}"#,
        r#"{"$or":[{"a":["x"]},{}]}"#,
    ] {
        assert!(Pattern::parse(wrong).is_err(), "{wrong}");
    }
    let deep = format!("{}{}{}", r#"{"a":"#.repeat(200_000), r#"["x"]"#, "}".repeat(200_000));
    assert!(Pattern::parse(&deep).is_err());
}

#[test]
fn any_text_is_read_without_harm() {
    bolero::check!().with_type::<String>().with_iterations(3_000).for_each(|text| {
        let _ = Pattern::parse(text);
        let _ = Pattern::parse(&format!(r#"{{"a":[{{"anything-but":{text}}}]}}"#));
    });
}

/// An event of a few short names and values, so that patterns often meet it.
#[derive(Debug, Clone, TypeGenerator)]
enum Leaf {
    Text(u8),
    Number(i8),
    Bool(bool),
    Null,
    List(Vec<i8>),
}

impl Leaf {
    fn value(&self) -> Value {
        match self {
            Self::Text(n) => json!(format!("{}t{}", n % 3, n % 5)),
            Self::Number(n) => json!(n % 4),
            Self::Bool(value) => json!(value),
            Self::Null => Value::Null,
            Self::List(all) => json!(all.iter().take(3).map(|n| n % 4).collect::<Vec<_>>()),
        }
    }
}

type Leaves = Vec<(u8, Leaf)>;

fn event(leaves: &Leaves) -> Map<String, Value> {
    leaves.iter().take(4).map(|(n, leaf)| (format!("f{}", n % 4), leaf.value())).collect()
}

fn passes(pattern: &Value, event: &Map<String, Value>) -> bool {
    let whole = Value::Object(event.clone());
    Pattern::parse(&pattern.to_string()).unwrap().matches(&whole)
}

#[test]
fn tests_agree_with_what_they_say() {
    let cases = bolero::check!().with_type::<(Leaves, u8, Leaf)>().with_iterations(4_000);
    cases.for_each(|(leaves, n, leaf)| {
        let event = event(leaves);
        let name = format!("f{}", n % 4);
        let found = event.get(&name);
        let there = |is: &dyn Fn(&Value) -> bool| match found {
            Some(Value::Array(all)) => all.iter().any(is),
            Some(one) => is(one),
            None => false,
        };
        let wanted = leaf.value();
        assert_eq!(passes(&json!({ &name: [{ "exists": true }] }), &event), there(&|_| true));
        assert_eq!(passes(&json!({ &name: [{ "exists": false }] }), &event), !there(&|_| true));
        if !wanted.is_array() {
            let equal = passes(&json!({ &name: [&wanted] }), &event);
            assert_eq!(equal, there(&|one| *one == wanted), "{event:?} {wanted}");
        }
        if let Some(text) = wanted.as_str() {
            let start = &text[..2];
            let starts = |one: &Value| one.as_str().is_some_and(|one| one.starts_with(start));
            let prefix = passes(&json!({ &name: [{ "prefix": start }] }), &event);
            assert_eq!(prefix, there(&starts));
            let not = passes(&json!({ &name: [{ "anything-but": { "prefix": start } }] }), &event);
            assert_eq!(not, there(&|one| !starts(one)));
        }
        if let Some(number) = wanted.as_i64() {
            let above = |one: &Value| one.as_i64().is_some_and(|one| one >= number);
            let numeric = passes(&json!({ &name: [{ "numeric": [">=", number] }] }), &event);
            assert_eq!(numeric, there(&above));
            let not = passes(&json!({ &name: [{ "anything-but": number }] }), &event);
            assert_eq!(not, there(&|one| *one != wanted));
        }
    });
}

#[test]
fn fields_are_all_and_or_is_any() {
    let cases = bolero::check!().with_type::<(Leaves, Leaf, Leaf)>().with_iterations(4_000);
    cases.for_each(|(leaves, one, other)| {
        let scalar = |leaf: &Leaf| Some(leaf.value()).filter(|value| !value.is_array());
        let (Some(one), Some(other)) = (scalar(one), scalar(other)) else { return };
        let event = event(leaves);
        let (a, b) = (json!({ "f0": [one] }), json!({ "f1": [other] }));
        let (is_a, is_b) = (passes(&a, &event), passes(&b, &event));
        assert_eq!(passes(&json!({ "$or": [a, b] }), &event), is_a || is_b);
        assert_eq!(passes(&json!({ "f0": [one], "f1": [other] }), &event), is_a && is_b);
        let within = Map::from_iter([("in".to_owned(), Value::Object(event.clone()))]);
        assert_eq!(passes(&json!({ "in": { "f0": [one] } }), &within), is_a);
    });
}

#[test]
fn an_event_passes_the_pattern_that_is_made_of_it() {
    bolero::check!().with_type::<Leaves>().with_iterations(2_000).for_each(|leaves| {
        let event = event(leaves);
        let fields = event.iter().map(|(name, value)| {
            let test = match value {
                Value::Array(all) if all.is_empty() => json!([{ "exists": false }]),
                Value::Array(all) => json!(all),
                one => json!([one]),
            };
            (name.clone(), test)
        });
        let pattern: Map<_, _> = fields.collect();
        if !pattern.is_empty() {
            assert!(passes(&Value::Object(pattern), &event));
        }
    });
}

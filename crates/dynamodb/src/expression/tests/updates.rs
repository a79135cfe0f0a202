//! What updates make of items.

use super::*;

const ITEM: &str = r#"{"pk": "k", "n": 5, "s": "x", "l": ["a", "b", "c"], "e": [], "m": {"k": "v", "n": 1,
    "l": [1, 2], "mm": {"q": 1}}, "ss": {"$SS": ["x", "y"]}, "ns": {"$NS": [1, 2]}, "bs": {"$BS": ["p"]}, "t": true}"#;
const VALUES: &str = r#"{":1": 1, ":2": 2.5, ":s": "new", ":l": ["z"], ":m": {"a": 1}, ":xy": {"$SS": ["x", "y"]},
    ":yz": {"$SS": ["y", "z"]}, ":ns": {"$NS": [2, 3]}, ":bs": {"$BS": ["p", "q"]}, ":big": 9.9e125}"#;

/// Attributes that change, as JSON; those that go as `"gone": "$gone"`. Or the message.
fn check(source: &str, expect: &str) {
    let old = item(ITEM);
    let got = with_placeholders("{}", VALUES, |placeholders| {
        Update::parse(source, placeholders).unwrap_or_else(|e| panic!("{source}: {e}")).apply(&old)
    });
    if !expect.starts_with('{') {
        return assert_eq!(
            got.map_err(|error| error.to_string()),
            Err(expect.to_owned()),
            "{source}"
        );
    }
    let mut new: Map<String, Json> = serde_json::from_str(ITEM).unwrap();
    for (name, value) in serde_json::from_str::<Map<String, Json>>(expect).expect(expect) {
        if value == "$gone" {
            new.remove(&name);
        } else {
            new.insert(name, value);
        }
    }
    let got = got.unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(got, item(&Json::Object(new).to_string()), "{source}");
    assert_eq!(got.check(), Ok(()));
    assert_eq!(got.size(), got.attributes().size());
}

const ABSENT: &str =
    "The provided expression refers to an attribute that does not exist in the item";
const TYPE: &str = "An operand in the update expression has an incorrect data type";
const PATH: &str = "The document path provided in the update expression is invalid for update";

#[test]
fn set() {
    for (source, expect) in [
        ("SET a = :s", r#"{"a": "new"}"#),
        ("SET n = :s", r#"{"n": "new"}"#),
        ("SET a = n, n = s, s = a2", ABSENT),
        ("SET n = s, s = n", r#"{"n": "x", "s": 5}"#),
        (
            "SET a = m.mm, m.k = l[1]",
            r#"{"a": {"q": 1}, "m": {"k": "b", "n": 1, "l": [1, 2], "mm": {"q": 1}}}"#,
        ),
        (
            "SET m.fresh = :s",
            r#"{"m": {"k": "v", "n": 1, "l": [1, 2], "mm": {"q": 1}, "fresh": "new"}}"#,
        ),
        (
            "SET m.mm.q = :m, m.l[0] = :s",
            r#"{"m": {"k": "v", "n": 1, "l": ["new", 2], "mm": {"q": {"a": 1}}}}"#,
        ),
        ("SET l[1] = :s", r#"{"l": ["a", "new", "c"]}"#),
        ("SET l[3] = :s", r#"{"l": ["a", "b", "c", "new"]}"#),
        ("SET l[99] = :s, l[50] = :1, l[0] = :2", r#"{"l": [2.5, "b", "c", 1, "new"]}"#),
        ("SET e[0] = :s", r#"{"e": ["new"]}"#),
        ("SET e[7] = :s, e[3] = n", r#"{"e": [5, "new"]}"#),
        ("SET x.y = :s", PATH),
        ("SET x[0] = :s", PATH),
        ("SET s.y = :s", PATH),
        ("SET m[0] = :s", PATH),
        ("SET l.k = :s", PATH),
        ("SET m.x.y = :s", PATH),
        ("SET l[9].y = :s", PATH),
        ("SET ss[0] = :s", PATH),
        ("SET n = n + :1", r#"{"n": 6}"#),
        ("SET n = :1 - n", r#"{"n": -4}"#),
        ("SET n = (n - :2)", r#"{"n": 2.5}"#),
        ("SET a = m.n + m.l[1]", r#"{"a": 3}"#),
        ("SET a = x + :1", ABSENT),
        ("SET a = s + :1", TYPE),
        (
            "SET a = :big + :big",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        ("SET a = :big + :1", "Attempting to store more than 38 significant digits in a Number"),
        ("SET n = if_not_exists(n, :1)", "{}"),
        ("SET a = if_not_exists(a, :1)", r#"{"a": 1}"#),
        ("SET a = if_not_exists(a, n) + :1", r#"{"a": 6}"#),
        ("SET a = if_not_exists(a, b)", ABSENT),
        ("SET a = if_not_exists(n, b)", r#"{"a": 5}"#),
        ("SET a = if_not_exists(m.zz, if_not_exists(b, l[0]))", r#"{"a": "a"}"#),
        ("SET l = list_append(l, :l)", r#"{"l": ["a", "b", "c", "z"]}"#),
        ("SET l = list_append(:l, l)", r#"{"l": ["z", "a", "b", "c"]}"#),
        ("SET a = list_append(if_not_exists(a, :l), l)", r#"{"a": ["z", "a", "b", "c"]}"#),
        ("SET a = list_append(s, :l)", TYPE),
        ("SET a = list_append(a, :l)", ABSENT),
        ("SET a = list_append(:l, list_append(:l, e))", r#"{"a": ["z", "z"]}"#),
    ] {
        check(source, expect);
    }
}

#[test]
fn remove() {
    for (source, expect) in [
        ("REMOVE n", r#"{"n": "$gone"}"#),
        ("REMOVE gone", "{}"),
        ("REMOVE m.k, m.mm.q", r#"{"m": {"n": 1, "l": [1, 2], "mm": {}}}"#),
        ("REMOVE m.zz", "{}"),
        ("REMOVE l[0]", r#"{"l": ["b", "c"]}"#),
        ("REMOVE l[0], l[2]", r#"{"l": ["b"]}"#),
        ("REMOVE l[2], l[0], l[1]", r#"{"l": []}"#),
        ("REMOVE l[9]", "{}"),
        ("REMOVE l[0] SET l[1] = :s, l[5] = :1", r#"{"l": ["new", "c", 1]}"#),
        ("SET l[2] = :s REMOVE l[1]", r#"{"l": ["a", "new"]}"#),
        ("REMOVE x.y", PATH),
        ("REMOVE x[0]", PATH),
        ("REMOVE s.y", PATH),
        ("REMOVE m[0]", PATH),
        ("SET a = n REMOVE n", r#"{"a": 5, "n": "$gone"}"#),
    ] {
        check(source, expect);
    }
}

#[test]
fn add_and_delete() {
    for (source, expect) in [
        ("ADD n :1", r#"{"n": 6}"#),
        ("ADD a :2", r#"{"a": 2.5}"#),
        ("ADD m.n :1", r#"{"m": {"k": "v", "n": 2, "l": [1, 2], "mm": {"q": 1}}}"#),
        ("ADD m.z :1", r#"{"m": {"k": "v", "n": 1, "l": [1, 2], "mm": {"q": 1}, "z": 1}}"#),
        ("ADD l[5] :1", r#"{"l": ["a", "b", "c", 1]}"#),
        ("ADD ss :yz", r#"{"ss": {"$SS": ["x", "y", "z"]}}"#),
        ("ADD ns :ns", r#"{"ns": {"$NS": [1, 2, 3]}}"#),
        ("ADD bs :bs", r#"{"bs": {"$BS": ["p", "q"]}}"#),
        ("ADD a :yz", r#"{"a": {"$SS": ["y", "z"]}}"#),
        ("ADD s :1", TYPE),
        ("ADD n :yz", TYPE),
        ("ADD ss :1", TYPE),
        ("ADD ss :ns", TYPE),
        ("ADD x.y :1", PATH),
        ("DELETE ss :yz", r#"{"ss": {"$SS": ["x"]}}"#),
        ("DELETE ss :xy", r#"{"ss": "$gone"}"#),
        ("DELETE ns :ns", r#"{"ns": {"$NS": [1]}}"#),
        ("DELETE bs :bs", r#"{"bs": "$gone"}"#),
        ("DELETE a :yz", "{}"),
        ("DELETE x.y :yz", PATH),
        ("DELETE ss :ns", TYPE),
        ("DELETE n :ns", TYPE),
        (
            "SET a = :1 REMOVE s ADD n :1 DELETE ss :yz",
            r#"{"a": 1, "s": "$gone", "n": 6, "ss": {"$SS": ["x"]}}"#,
        ),
    ] {
        check(source, expect);
    }
}

#[test]
fn makes_an_item_that_is_not_there() {
    let key = item(r#"{"pk": "k"}"#);
    with_placeholders("{}", VALUES, |placeholders| {
        let mut apply = |source| Update::parse(source, placeholders).unwrap().apply(&key);
        assert_eq!(apply("SET a = :1").unwrap(), item(r#"{"pk": "k", "a": 1}"#));
        assert_eq!(
            apply("ADD a :1 REMOVE b DELETE c :yz").unwrap(),
            item(r#"{"pk": "k", "a": 1}"#)
        );
        assert_eq!(apply("SET a = b"), Err(UpdateError::AbsentAttribute));
    });
}

#[test]
fn actions_without_an_expression() {
    let update = Update::from_actions(vec![
        Action::Set(Path::of("a"), Expression::Value(cumulet_attribute::Value::string("x"))),
        Action::Remove(Path::of("b")),
    ]);
    let new = update.apply(&item(r#"{"b": 1, "c": 2}"#)).unwrap();
    assert_eq!(new, item(r#"{"a": "x", "c": 2}"#));
}

#[test]
fn size_and_depth_are_bounded() {
    let half = format!(r#"{{"pk": "k", "a": "{}"}}"#, "x".repeat(200 * 1024));
    with_placeholders("{}", r#"{":m": [[[[]]]]}"#, |placeholders| {
        let double = Update::parse("SET b = a", placeholders).unwrap();
        assert_eq!(double.apply(&item(&half)), Err(UpdateError::TooLarge));
        let deep = format!(r#"{{"l": {}{}}}"#, "[".repeat(30), "]".repeat(30));
        let path = |depth| format!("SET l{} = :m", "[0]".repeat(depth));
        let deeper = Update::parse(&path(29), placeholders).unwrap();
        let error = deeper.apply(&item(&deep)).unwrap_err();
        assert!(error.to_string().starts_with("Nesting Levels have exceeded supported limits"));
        let less = Update::parse(&path(28), placeholders).unwrap();
        assert!(less.apply(&item(&deep)).is_ok());
    });
}

#[test]
fn touched_paths_are_returned() {
    let old = item(ITEM);
    with_placeholders("{}", VALUES, |placeholders| {
        let update =
            Update::parse("SET m.k = :s, l[1] = :1, a = :1 REMOVE n", placeholders).unwrap();
        let touched = Projection::of(update.paths());
        let new = update.apply(&old).unwrap();
        assert_eq!(
            touched.project(&old).unwrap(),
            item(r#"{"m": {"k": "v"}, "l": ["b"], "n": 5}"#)
        );
        assert_eq!(
            touched.project(&new).unwrap(),
            item(r#"{"m": {"k": "new"}, "l": [1], "a": 1}"#)
        );
        assert_eq!(update.actions().len(), 4);
    });
}

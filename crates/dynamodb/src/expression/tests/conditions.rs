//! Which items meet which conditions.

use super::*;

const ITEM: &str = r#"{"s": "hello", "e": "", "u": "Grüße", "n": 5, "neg": -1.5, "big": 100, "t": true,
    "f": false, "z": null, "b": {"$B": "abc"}, "ss": {"$SS": ["x", "y"]}, "ns": {"$NS": [1, 2.50]},
    "bs": {"$BS": ["p", "q"]}, "l": ["a", 1, ["in"], {"k": "v"}],
    "m": {"k": "v", "n": 7, "l": [10, 20], "deep": {"x": {"y": 1}}}, "l2": ["a", 1, ["in"], {"k": "v"}]}"#;
const NAMES: &str = r##"{"#s": "s", "#k": "k"}"##;
const VALUES: &str = r#"{":hello": "hello", ":he": "he", ":x": "x", ":e": "", ":1": 1, ":5": 5.0,
    ":25": 2.5, ":7": 7, ":10": 10, ":t": true, ":z": null, ":abc": {"$B": "abc"}, ":bc": {"$B": "bc"},
    ":ac": {"$B": "ac"}, ":ss": {"$SS": ["y", "x"]}, ":ns": {"$NS": [2.5, 1.0]}, ":l": ["a", 1, ["in"], {"k": "v"}],
    ":in": ["in"], ":m": {"k": "v"}, ":v": "v", ":S": "S", ":N": "N", ":B": "B", ":SS": "SS",
    ":NS": "NS", ":BS": "BS", ":BOOL": "BOOL", ":NULL": "NULL", ":L": "L", ":M": "M", ":p": {"$B": "p"}}"#;

fn check(rows: &[(&str, bool)]) {
    let item = item(ITEM);
    with_placeholders(NAMES, VALUES, |placeholders| {
        for (source, expect) in rows {
            let condition = Condition::parse(Kind::Filter, source, placeholders)
                .unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(condition.holds(Some(&item)), *expect, "{source}");
            let not = format!("NOT ({source})");
            let not = Condition::parse(Kind::Filter, &not, placeholders).unwrap();
            assert_eq!(not.holds(Some(&item)), !expect, "NOT {source}");
        }
    });
}

#[test]
fn comparisons() {
    check(&[
        ("s = :hello", true),
        ("#s = :hello", true),
        (":hello = s", true),
        ("s = :he", false),
        ("s <> :he", true),
        ("s > :he", true),
        ("s >= :hello", true),
        ("s < :x", true),
        ("s <= :he", false),
        ("n = :5", true),
        ("n > :10", false),
        ("n < :10", true),
        ("neg < :1", true),
        ("neg > n", false),
        ("big > :10", true),
        ("s = :5", false),
        ("s < :5", false),
        ("s <> :5", true),
        ("s > n", false),
        ("b = :abc", true),
        ("b > :ac", false),
        ("b < :bc", true),
        ("t = :t", true),
        ("f = :t", false),
        ("z = :z", true),
        ("e = :e", true),
        ("e < s", true),
        ("ss = :ss", true),
        ("ns = :ns", true),
        ("ns = :ss", false),
        ("l = :l", true),
        ("l = l2", true),
        ("l = :in", false),
        ("l[2] = :in", true),
        ("l[3] = :m", true),
        ("m = :m", false),
        ("absent = :e", false),
        ("absent <> :e", true),
        ("absent < :e", false),
        ("absent = gone", false),
        ("absent <> gone", true),
        ("m.l[1] > m.l[0]", true),
    ]);
}

#[test]
fn paths() {
    check(&[
        ("m.k = :v", true),
        ("m.#k = :v", true),
        ("m.n = :7", true),
        ("m.l[0] = :10", true),
        ("m.l[2] = :10", false),
        ("m.deep.x.y = :1", true),
        ("m.deep.x.y.z = :1", false),
        ("m[0] = :1", false),
        ("l.k = :v", false),
        ("l[3].k = :v", true),
        ("s.k = :v", false),
        ("attribute_exists(m.deep.x)", true),
        ("attribute_exists(m.deep.y)", false),
        ("attribute_not_exists(l[4])", true),
        ("attribute_exists(l[3])", true),
        ("attribute_exists(z)", true),
        ("attribute_not_exists(absent)", true),
        ("attribute_not_exists(s)", false),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("begins_with(s, :he)", true),
        ("begins_with(s, :hello)", true),
        ("begins_with(s, :e)", true),
        ("begins_with(s, :x)", false),
        ("begins_with(b, :abc)", true),
        ("begins_with(b, :bc)", false),
        ("begins_with(s, :abc)", false),
        ("begins_with(n, :he)", false),
        ("begins_with(absent, :he)", false),
        ("contains(s, :he)", true),
        ("contains(s, :x)", false),
        ("contains(s, :e)", true),
        ("contains(b, :bc)", true),
        ("contains(b, :ac)", false),
        ("contains(ss, :x)", true),
        ("contains(ss, :he)", false),
        ("contains(ss, :1)", false),
        ("contains(ns, :1)", true),
        ("contains(ns, :25)", true),
        ("contains(ns, :7)", false),
        ("contains(bs, :p)", true),
        ("contains(bs, :x)", false),
        ("contains(l, :1)", true),
        ("contains(l, :in)", true),
        ("contains(l, :m)", true),
        ("contains(l, :7)", false),
        ("contains(m, :v)", false),
        ("contains(n, :1)", false),
        ("contains(absent, :1)", false),
        ("contains(:hello, s)", true),
        ("attribute_type(s, :S)", true),
        ("attribute_type(n, :N)", true),
        ("attribute_type(b, :B)", true),
        ("attribute_type(ss, :SS)", true),
        ("attribute_type(ns, :NS)", true),
        ("attribute_type(bs, :BS)", true),
        ("attribute_type(t, :BOOL)", true),
        ("attribute_type(z, :NULL)", true),
        ("attribute_type(l, :L)", true),
        ("attribute_type(m, :M)", true),
        ("attribute_type(s, :N)", false),
        ("attribute_type(absent, :S)", false),
        ("size(s) = :5", true),
        ("size(u) = :7", true),
        ("size(e) < :1", true),
        ("size(b) > :1", true),
        ("size(ss) > :1", true),
        ("size(l) < :5", true),
        ("size(m) < :5", true),
        ("size(n) <> :1", true),
        ("size(n) = :1", false),
        ("size(absent) <> :1", true),
        ("size(absent) > :1", false),
        ("size(l) = size(m)", true),
        ("n IN (:1, size(s))", true),
    ]);
}

#[test]
fn between_and_in() {
    check(&[
        ("n BETWEEN :1 AND :10", true),
        ("n BETWEEN :5 AND :5", true),
        ("n BETWEEN :7 AND :10", false),
        ("s BETWEEN :he AND :x", true),
        ("s BETWEEN :1 AND :10", false),
        ("absent BETWEEN :1 AND :10", false),
        (":5 BETWEEN :1 AND big", true),
        ("n BETWEEN absent AND :10", false),
        ("size(s) BETWEEN :1 AND :5", true),
        ("n IN (:1, :5)", true),
        ("n IN (:1)", false),
        ("s IN (:1, :hello)", true),
        ("absent IN (:1)", false),
        ("n IN (absent, :5)", true),
        ("l[2] IN (:in)", true),
    ]);
}

#[test]
fn precedence() {
    check(&[
        ("n = :5 OR n = :1 AND s = :x", true),
        ("(n = :5 OR n = :1) AND s = :x", false),
        ("NOT n = :1 AND s = :hello", true),
        ("NOT (n = :5 AND s = :x)", true),
        ("NOT n = :5 OR s = :hello", true),
        ("NOT NOT n = :5", true),
        ("n = :5 and s = :hello And t = :t", true),
        ("n = :1 or s = :x oR t = :t", true),
        ("n BETWEEN :1 AND :10 AND s = :x", false),
        ("n BETWEEN :1 AND :10 OR s = :x", true),
    ]);
}

#[test]
fn what_is_not_there() {
    let names = with_placeholders("{}", r#"{":a": 1}"#, |placeholders| {
        for (source, expect) in [
            ("attribute_not_exists(pk)", true),
            ("attribute_exists(pk)", false),
            ("a = :a", false),
            ("a <> :a", true),
            ("NOT a = :a", true),
        ] {
            let condition = Condition::parse(Kind::Condition, source, placeholders).unwrap();
            assert_eq!(condition.holds(None), expect, "{source}");
        }
        let source = "a.b = :a AND (c IN (d, :a) OR NOT size(e[1]) > :a) AND attribute_exists(f)";
        let condition = Condition::parse(Kind::Filter, source, placeholders).unwrap();
        condition.paths().into_iter().map(Path::to_string).collect::<Vec<_>>()
    });
    assert_eq!(names, ["[a, b]", "[c]", "[d]", "[e, [1]]", "[f]"]);
}

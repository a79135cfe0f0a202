//! Which parts of an item are returned.

use super::*;

#[test]
fn parts() {
    let whole = item(
        r#"{"a": 1, "b": {"c": 2, "d": {"e": 3, "f": 4}}, "l": [10, [20, 21], {"k": 30, "q": 31}], "s": "x"}"#,
    );
    let rows = [
        ("a", r#"{"a": 1}"#),
        ("a, s", r#"{"a": 1, "s": "x"}"#),
        ("gone", "{}"),
        ("b", r#"{"b": {"c": 2, "d": {"e": 3, "f": 4}}}"#),
        ("b.c", r#"{"b": {"c": 2}}"#),
        ("b.d.e, b.c", r#"{"b": {"c": 2, "d": {"e": 3}}}"#),
        ("b.gone", "{}"),
        ("b.gone, b.c", r#"{"b": {"c": 2}}"#),
        ("b.d.gone", "{}"),
        ("b[0]", "{}"),
        ("a.b", "{}"),
        ("l[0]", r#"{"l": [10]}"#),
        ("l[2], l[0]", r#"{"l": [10, {"k": 30, "q": 31}]}"#),
        ("l[9], l[0]", r#"{"l": [10]}"#),
        ("l[9]", "{}"),
        ("l[1][1], l[2].k", r#"{"l": [[21], {"k": 30}]}"#),
        ("l[0].k, l[2].q", r#"{"l": [{"q": 31}]}"#),
        ("l.k", "{}"),
        ("#a, s", r#"{"a": 1, "s": "x"}"#),
    ];
    with_placeholders(r##"{"#a": "a"}"##, "{}", |placeholders| {
        for (source, expect) in rows {
            let projection = Projection::parse(source, placeholders).unwrap();
            assert_eq!(projection.project(&whole).unwrap(), item(expect), "{source}");
        }
        let projection = Projection::parse("l[1], b.c, a", placeholders).unwrap();
        assert_eq!(projection.attributes().collect::<Vec<_>>(), ["a", "b", "l"]);
    });
    let some = Projection::of_attributes(["s", "gone", "a"]);
    assert_eq!(some.project(&whole).unwrap(), item(r#"{"a": 1, "s": "x"}"#));
}

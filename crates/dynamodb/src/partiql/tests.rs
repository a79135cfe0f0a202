use cumulet_attribute::KeyType;

use super::*;
use crate::expression::tests::item;
use crate::expression::{Condition, KeyQuery};
use crate::key::{KeyAttribute, KeySchema};

fn message<T>(result: Result<T>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

fn condition(text: &str) -> Condition {
    let statement = format!("SELECT * FROM t WHERE {text}");
    match parse(&statement, &[]) {
        Ok(Statement::Select(select)) => Condition::from_test(select.condition.expect(text)),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn conditions() {
    let there = item(
        r#"{"pk": "a", "n": 5, "s": "hello", "l": ["x", {"k": 1}], "m": {"a b": {"c": -1.5}},
            "ss": {"$SS": ["a", "b"]}, "no": null, "yes": true}"#,
    );
    for (text, expect) in [
        ("pk = 'a'", true),
        ("'a' = pk", true),
        ("PK = 'a'", false),
        ("\"pk\" = 'a' AND n = 5", true),
        ("n <> 5", false),
        ("n != 4", true),
        ("n > 4.9 AND n < 5.1e0 AND n >= +5 AND n <= 5", true),
        ("m.\"a b\".c = -1.5", true),
        ("m['a b'].c = -1.5", true),
        ("l[1].k = 1", true),
        ("l = ['x', {'k': 1}]", true),
        ("ss = <<'b', 'a'>>", true),
        ("yes = TRUE and not yes = false", true),
        ("n BETWEEN 1 AND 5 AND s = 'hello'", true),
        ("n NOT BETWEEN 1 AND 4", true),
        ("n IN [1, 5]", true),
        ("n IN (1, 4)", false),
        ("n NOT IN [1]", true),
        ("gone IS MISSING AND n IS NOT MISSING", true),
        ("no IS NULL AND gone IS NOT NULL AND NOT gone IS NULL", true),
        ("s IS STRING AND n IS NUMERIC AND l IS LIST AND m IS TUPLE AND yes IS BOOLEAN", true),
        ("begins_with(s, 'he') AND contains(ss, 'a') AND attribute_type(\"m\", 'M')", true),
        ("Begins_With(\"s\", 'lo')", false),
        ("size(s) = 5 AND size(l) < 3", true),
        ("pk = 'b' OR n = 5 AND s = 'hello'", true),
        ("(pk = 'b' OR n = 5) AND s = 'other'", false),
        ("NOT NOT (n = 5)", true),
        ("s = 'it''s' OR \"quo\"\"te\" = 1 -- the end\n OR /* not it */ n = 5", true),
    ] {
        assert_eq!(condition(text).holds(Some(&there)), expect, "{text}");
    }
}

#[test]
fn statements_that_are_refused() {
    let form = "Statement wasn't well formed, can't be processed: ";
    for (text, expect) in [
        ("", format!("{form}Unexpected term")),
        ("DROP TABLE t", format!("{form}Unexpected keyword")),
        ("SELECT * t", format!("{form}Expected FROM")),
        ("SELECT * FROM", "Unexpected from source".to_owned()),
        ("SELECT * FROM t WHERE", format!("{form}Expected expression")),
        (
            "SELECT * FROM t WHERE a",
            "WHERE clause must contain an expression that resolves to a boolean".to_owned(),
        ),
        ("SELECT * FROM t WHERE (a = 1", format!("{form}Expected RIGHT_PAREN")),
        ("SELECT * FROM t WHERE a = 'x", format!("{form}Unexpected end of input")),
        ("SELECT * FROM t nonsense", format!("{form}Unexpected token after expression")),
        ("SELECT * FROM t; SELECT * FROM t", "Only one operation is allowed in a statement.".into()),
        ("SELECT * FROM t AS x", "Aliasing is not supported".to_owned()),
        ("SELECT a AS b FROM t", "Aliasing is not supported".to_owned()),
        (
            "SELECT *, a FROM t",
            "Other attributes should not be present in the projection when '*' is used.".to_owned(),
        ),
        ("SELECT a, b.a FROM t", "Duplicate identifiers in select clause: a".to_owned()),
        (
            "SELECT * FROM t, u",
            "Only select from a single table or index is supported.".to_owned(),
        ),
        (
            "SELECT * FROM a.b.c",
            "A path may contain at most 2 components in the FROM clause".to_owned(),
        ),
        ("SELECT * FROM t LIMIT 1", "Unsupported clause: LIMIT".to_owned()),
        ("SELECT * FROM t WHERE f(a)", "Unrecognized function: f".to_owned()),
        (
            "SELECT * FROM t WHERE a = MISSING",
            "MISSING must be compared using IS operator".to_owned(),
        ),
        (
            "SELECT * FROM t WHERE a IN []",
            "IN operator must have a left hand argument of type Variable Reference and right hand \
             argument of type Seq with at least one member"
                .to_owned(),
        ),
        (
            "SELECT a.*.b FROM t",
            "Unpivot path component like a.*.b are not supported".to_owned(),
        ),
        (
            "SELECT a[*].b FROM t",
            "Wildcard path component like a[*].b are not supported".to_owned(),
        ),
        ("SELECT * FROM t WHERE a = `1`", "Ion Literals are not supported".to_owned()),
        (
            "SELECT * FROM t WHERE a = ?",
            "Number of parameters in request and statement don't match.".to_owned(),
        ),
        (
            "INSERT INTO t VALUES (1)",
            "Unsupported operation: Inserting multiple items in a single statement is not \
             supported, use \"INSERT INTO tableName VALUE item\" instead"
                .to_owned(),
        ),
        (
            "INSERT INTO t VALUE 'a'",
            "Unsupported format in item expression. Please use struct format {...} to express item \
             values for insert statement."
                .to_owned(),
        ),
        (
            "INSERT INTO t VALUE {'a': 1, 'a': 2}",
            "Duplicate keys in tuple. Key: a".to_owned(),
        ),
        ("INSERT INTO t VALUE {'a': <<>>}", "Empty bags are not supported".to_owned()),
        (
            "INSERT INTO t VALUE {'a': <<1, 'x'>>}",
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
                .to_owned(),
        ),
        (
            "INSERT INTO t VALUE {'a': <<1, 1.0>>}",
            "Input collection contains duplicates".to_owned(),
        ),
        (
            "INSERT INTO t VALUE {'a': 1} RETURNING ALL OLD *",
            "RETURNING is not supported in INSERT".to_owned(),
        ),
        (
            "UPDATE t SET a = 1",
            "Where clause does not contain a mandatory equality on all key attributes".to_owned(),
        ),
        ("UPDATE t WHERE a = 1", format!("{form}Expected data manipulation")),
        (
            "UPDATE t SET a = 1 SET a.b = 2 WHERE k = 1",
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or \
             rewrite one of these paths; path one: [a], path two: [a, b]"
                .to_owned(),
        ),
        (
            "UPDATE t SET a = set_add(b, <<1>>) WHERE k = 1",
            "The first argument to SET_ADD must equal the assignment value".to_owned(),
        ),
        (
            "UPDATE t SET a = set_delete(a, 1) WHERE k = 1",
            "The second argument to SET_DELETE must be a value with type SET".to_owned(),
        ),
        (
            "UPDATE t SET a = set_add(a) WHERE k = 1",
            "SET_ADD must have exactly two arguments".to_owned(),
        ),
        (
            "UPDATE t SET a = a * 2 WHERE k = 1",
            "Unsupported operator in Update Expression. Operator: *".to_owned(),
        ),
        (
            "UPDATE t SET a = 1 WHERE k = 1 RETURNING ALL",
            "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause".to_owned(),
        ),
        (
            "DELETE FROM t WHERE k = 1 RETURNING MODIFIED OLD *",
            "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is \
             allowed in DELETE statements."
                .to_owned(),
        ),
    ] {
        assert_eq!(message(parse(text, &[])), expect, "{text}");
    }
    let extra = parse("SELECT * FROM t", &[Value::string("a")]);
    assert_eq!(message(extra), "Number of parameters in request and statement don't match.");
}

#[test]
fn changes() {
    let before = item(
        r#"{"k": 1, "n": 5, "l": [1], "m": {"a": [0, 1, 2]}, "ss": {"$SS": ["a", "b"]}, "old": 1}"#,
    );
    let text = "UPDATE t SET n = n + 2, l = list_append(l, [2, ?]) \
                SET m.a[0] = 'x' REMOVE m.a[1] \
                SET ss = set_add(ss, <<'c'>>) REMOVE old SET new = ? WHERE k = 1";
    let parameters = [Value::string("three"), Value::binary(b"\0")];
    let Statement::Update { update, .. } = parse(text, &parameters).unwrap() else { panic!() };
    let after = item(
        r#"{"k": 1, "n": 7, "l": [1, 2, "three"], "m": {"a": ["x", 2]}, "ss": {"$SS": ["a", "b", "c"]},
            "new": {"$B": "\u0000"}}"#,
    );
    assert_eq!(update.apply(&before).unwrap(), after);
    let text = "UPDATE t SET ss = set_delete(ss, <<'a'>>), n = 1 - n WHERE k = 1";
    let Statement::Update { update, .. } = parse(text, &[]).unwrap() else { panic!() };
    let after = update.apply(&before).unwrap();
    assert_eq!(after.get("ss"), item(r#"{"v": {"$SS": ["b"]}}"#).get("v"));
    assert_eq!(after.get("n"), item(r#"{"v": -4}"#).get("v"));
}

#[test]
fn inserted_values() {
    let text = "INSERT INTO \"my-table\" value {'k': 'a', 'n': -1.50, 'l': [1, [true, null]], \
                'm': {'x y': {}}, 'ss': <<'a', 'b'>>, 'ns': <<1, 2>>, 'p': ?, 'ps': <<?>>}";
    let parameters = [Value::string("p"), Value::binary(b"b")];
    let Statement::Insert { target, item: got, .. } = parse(text, &parameters).unwrap() else {
        panic!()
    };
    assert_eq!(target, Target { table: "my-table".to_owned(), index: None });
    let expect = item(
        r#"{"k": "a", "n": -1.5, "l": [1, [true, null]], "m": {"x y": {}}, "ss": {"$SS": ["a", "b"]},
            "ns": {"$NS": [1, 2]}, "p": "p", "ps": {"$BS": ["b"]}}"#,
    );
    assert_eq!(got, expect);
}

fn schema() -> KeySchema {
    KeySchema {
        partition: KeyAttribute { name: "pk".to_owned(), kind: KeyType::S },
        sort: Some(KeyAttribute { name: "sk".to_owned(), kind: KeyType::N }),
    }
}

/// What is looked up: partitions and sort conditions, and whether something is left to filter.
fn looked_up(text: &str) -> Result<Option<(Vec<String>, bool)>> {
    let statement = format!("SELECT * FROM t WHERE {text}");
    let Statement::Select(select) = parse(&statement, &[])? else { panic!("{text}") };
    let shown = |query: &KeyQuery| match &query.sort {
        Some(sort) => format!("{:?} {:?}", query.partition, sort.values().collect::<Vec<_>>()),
        None => format!("{:?}", query.partition),
    };
    let found = lookup(select.condition.as_ref(), &schema())?;
    Ok(found.map(|found| (found.queries.iter().map(shown).collect(), found.filter.is_some())))
}

#[test]
fn what_is_looked_up() {
    for (text, queries, filtered) in [
        ("pk = 'a'", &["{S:a}"][..], false),
        ("'a' = pk AND 3 < sk", &["{S:a} [{N:3}]"], false),
        ("n = 1 AND (pk = 'a' AND sk = 2)", &["{S:a} [{N:2}]"], true),
        ("pk = 'a' AND sk BETWEEN 1 AND 2", &["{S:a} [{N:1}, {N:2}]"], false),
        ("pk = 'a' AND sk > 1 AND sk < 5", &["{S:a} [{N:1}]"], true),
        ("pk = 'a' AND sk <> 1", &["{S:a}"], true),
        ("pk = 'a' AND sk IN [1, 2, 1.0]", &["{S:a} [{N:1}]", "{S:a} [{N:2}]"], false),
        ("pk IN ['b', 'a', 'b'] AND n = 1", &["{S:b}", "{S:a}"], true),
        ("pk = 'a' OR pk = 'b'", &["{S:a}", "{S:b}"], false),
        ("pk = 'a' AND pk = 'b'", &["{S:a}"], true),
    ] {
        let queries = queries.iter().map(|query| (*query).to_owned()).collect();
        assert_eq!(looked_up(text).unwrap(), Some((queries, filtered)), "{text}");
    }
    for text in ["sk = 1", "pk > 'a'", "pk = 'a' OR sk = 1", "NOT pk = 'a'", "pk.a = 'a'"] {
        assert_eq!(looked_up(text).unwrap(), None, "{text}");
    }
    assert_eq!(
        message(looked_up("pk = 1")),
        "Key attribute's data type should match its data type in table's schema: Key pk"
    );
    let many: Vec<String> = (0..51).map(|n| format!("'{n}'")).collect();
    assert_eq!(
        message(looked_up(&format!("pk IN [{}]", many.join(", ")))),
        "Too many decomposed read operations for a given query."
    );
}

#[test]
fn whole_keys() {
    let of = |text: &str| {
        let statement = format!("DELETE FROM t WHERE {text}");
        let Statement::Delete { condition, .. } = parse(&statement, &[])? else { panic!("{text}") };
        whole_key(&condition, &schema())
    };
    let (key, rest) = of("sk = 1 AND pk = 'a'").unwrap();
    assert_eq!((key, rest), (item(r#"{"pk": "a", "sk": 1}"#), None));
    assert!(of("sk = 1 AND pk = 'a' AND n = 2").unwrap().1.is_some());
    let missing = "Where clause does not contain a mandatory equality on all key attributes";
    for text in ["pk = 'a'", "pk = 'a' AND sk > 1", "pk = 'a' OR sk = 1", "pk IN ['a'] AND sk = 1"]
    {
        assert_eq!(message(of(text)), missing, "{text}");
    }
    assert_eq!(
        message(of("pk = 'a' AND sk = 1 AND sk = 1")),
        "Multiple conditions on same key sk. Only single item Update/Insert/Delete are supported"
    );
}

/// No statement brings it down or takes it long, however deep.
#[test]
fn bounds() {
    for text in [
        format!("SELECT * FROM t WHERE {}a = 1", "(".repeat(4000)),
        format!("SELECT * FROM t WHERE {} a = 1", "NOT ".repeat(2000)),
        format!("INSERT INTO t VALUE {{'a': {}", "[".repeat(4000)),
        format!("INSERT INTO t VALUE {{'a': {}", "<<".repeat(4000)),
        format!("UPDATE t SET a = {}", "list_append(".repeat(600)),
        format!("SELECT * FROM t WHERE {}", vec!["a=1"; 1000].join(" OR ")),
        format!("SELECT {} FROM t", vec!["a"; 40].join(".")),
        "a".repeat(8193),
    ] {
        assert!(parse(&text, &[]).is_err());
    }
}

/// Any text is read or refused; what is read, is read the same with other white space and case.
#[test]
fn any_statement() {
    bolero::check!().with_max_len(512).for_each(|bytes: &[u8]| {
        let parameters = [Value::string("a"), Value::binary(b"b")];
        let _ = parse(&String::from_utf8_lossy(bytes), &parameters);
    });
}

/// Statements made of the language's own words, which get further than random bytes.
#[test]
fn any_words() {
    const WORDS: [&str; 48] = [
        "SELECT",
        "*",
        "FROM",
        "t",
        "\"T\"",
        ".",
        "WHERE",
        "a",
        "=",
        "1",
        "'x'",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "<<",
        ">>",
        "?",
        "INSERT",
        "INTO",
        "VALUE",
        "UPDATE",
        "SET",
        "REMOVE",
        "DELETE",
        "RETURNING",
        "ALL",
        "OLD",
        "NEW",
        "MODIFIED",
        "IN",
        "BETWEEN",
        "IS",
        "MISSING",
        "NULL",
        "size",
        "begins_with",
        "list_append",
        "set_add",
        "ORDER",
        "BY",
    ];
    bolero::check!().with_type::<Vec<u8>>().for_each(|choices| {
        let words = choices.iter().map(|at| WORDS[*at as usize % WORDS.len()]);
        let text = words.collect::<Vec<_>>().join(" ");
        let parameters = [Value::string("a")];
        if let Ok(parsed) = parse(&text, &parameters) {
            let spaced = text.replace(' ', "\n/* */ ");
            assert_eq!(parse(&spaced, &parameters).unwrap(), parsed, "{text}");
        }
    });
}

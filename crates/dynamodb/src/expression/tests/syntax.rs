//! What is refused, and how it is told.

use super::*;

pub(super) const NAMES: &str = r##"{"#a": "a", "#b": "b", "#r": "order"}"##;
pub(super) const VALUES: &str = r#"{":a": "a", ":b": "b", ":n": 1, ":t": true, ":z": null, ":l": [1],
    ":m": {"k": 1}, ":ss": {"$SS": ["x"]}, ":ns": {"$NS": [1]}, ":bs": {"$BS": ["x"]},
    ":B": {"$B": "x"}, ":S": "S", ":bad": "Q"}"#;

pub(super) fn condition(source: &str) -> Result<(), String> {
    with_placeholders(NAMES, VALUES, |placeholders| {
        Condition::parse(Kind::Condition, source, placeholders)
            .map(drop)
            .map_err(|error| error.to_string())
    })
}

pub(super) fn update(source: &str) -> Result<(), String> {
    with_placeholders(NAMES, VALUES, |placeholders| {
        Update::parse(source, placeholders).map(drop).map_err(|error| error.to_string())
    })
}

pub(super) fn projection(source: &str) -> Result<(), String> {
    with_placeholders(NAMES, VALUES, |placeholders| {
        Projection::parse(source, placeholders).map(drop).map_err(|error| error.to_string())
    })
}

#[track_caller]
fn check(parse: fn(&str) -> Result<(), String>, kind: Kind, rows: &[(&str, &str)]) {
    for (source, expect) in rows {
        let got = parse(source).err().unwrap_or_default();
        let expect = if expect.is_empty() {
            String::new()
        } else {
            format!("Invalid {}: {expect}", kind.as_str())
        };
        assert_eq!(got, expect, "{source}");
    }
}

fn syntax(token: &str, near: &str) -> String {
    format!("Syntax error; token: \"{token}\", near: \"{near}\"")
}

#[test]
fn syntax_errors_of_conditions() {
    for (source, token, near) in [
        ("foo", "<EOF>", "foo"),
        (" ", "<EOF>", ""),
        ("a", "<EOF>", "a"),
        ("a b", "b", "a b"),
        ("a = ", "<EOF>", "="),
        ("a = = b", "=", "= = b"),
        ("a == b", "=", "== b"),
        ("= b", "=", "= b"),
        (":a a", "a", ":a a"),
        ("a = :a b", "b", ":a b"),
        ("a = :a AND", "<EOF>", "AND"),
        ("a = :a AND OR b", "OR", "AND OR b"),
        ("AND", "AND", "AND"),
        ("a AND b", "AND", "a AND b"),
        ("a = :a OR b", "<EOF>", "b"),
        ("NOT a", "<EOF>", "a"),
        ("not", "<EOF>", "not"),
        ("(a = :a", "<EOF>", ":a"),
        ("a = :a)", ")", ":a)"),
        ("(a = :a) = :b", "=", ") = :b"),
        ("a = (a = :a)", "<EOF>", ")"),
        ("a BETWEEN :a", "<EOF>", ":a"),
        ("a BETWEEN :a OR :b", "OR", ":a OR :b"),
        ("a IN :a", ":a", "IN :a"),
        ("a IN ()", ")", "()"),
        ("a IN (:a", "<EOF>", ":a"),
        ("a IN (:a,)", ")", ",)"),
        ("contains()", ")", "()"),
        ("contains(a,", "<EOF>", ","),
        ("contains(a, b", "<EOF>", "b"),
        ("a.:b = :a", ":b", ".:b ="),
        ("a. = :a", "=", ". = :a"),
        ("a[b] = :a", "b", "[b]"),
        ("a[:n] = :a", ":n", "[:n]"),
        ("a[1 = :a", "=", "1 = :a"),
        ("a[-1] = :a", "-", "[-1"),
        ("[1] = :a", "[", "[1"),
        ("1 = :a", "1", "1 ="),
        ("a = 5", "5", "= 5"),
        ("a = 'x'", "'", "= 'x"),
        ("a-b = :a", "-", "a-b"),
        ("a + :n = :n", "+", "a + :n"),
        ("a = # ", "#", "= #"),
        ("a = :", ":", "= :"),
        ("a @ b", "@", "a @ b"),
        ("a ≥ :a", "≥", "a ≥ :a"),
        ("a\t=\r\n\u{a0}:a", "\u{a0}", "=\r\n\u{a0}:a"),
        ("a = b.and", "and", ".and"),
        ("between = :a", "between", "between ="),
        ("in(a) = :a", "in", "in("),
        (":a.b = :a", ".", ":a.b"),
        ("a !< :a", "!", "a !<"),
        ("(a, b) = :a", ",", "a, b"),
        ("a = :a;", ";", ":a;"),
    ] {
        check(condition, Kind::Condition, &[(source, &syntax(token, near))]);
    }
}

#[test]
fn syntax_errors_of_updates_and_projections() {
    for (source, token, near) in [
        ("INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        ("SET", "<EOF>", "SET"),
        ("SET a", "<EOF>", "a"),
        ("SET a =", "<EOF>", "="),
        ("SET a = :a,", "<EOF>", ","),
        ("SET a = :a b = :b", "b", ":a b ="),
        ("SET a = :n + :n + :n", "+", ":n + :n"),
        ("SET a = (:n", "<EOF>", ":n"),
        ("SET :a = :a", ":a", "SET :a ="),
        ("SET a b", "b", "a b"),
        ("SET a = 3", "3", "= 3"),
        ("SET a = :a SET", "<EOF>", "SET"),
        ("SET set = :a", "set", "SET set ="),
        ("SET size(a) = :a", "(", "size(a"),
        ("SET a = if_not_exists()", ")", "()"),
        ("SET a = list_append(a, )", ")", ", )"),
        ("SET a > :a", ">", "a > :a"),
        ("REMOVE", "<EOF>", "REMOVE"),
        ("REMOVE a = :a", "=", "a = :a"),
        ("REMOVE a b", "b", "a b"),
        ("ADD a", "<EOF>", "a"),
        ("ADD a b", "b", "a b"),
        ("ADD a = :n", "=", "a = :n"),
        ("ADD a :n + :n", "+", ":n + :n"),
        ("DELETE a, b", ",", "a, b"),
        (" ", "<EOF>", ""),
        ("a = :a", "a", "a ="),
        ("SET a = b AND c", "AND", "b AND c"),
    ] {
        check(update, Kind::Update, &[(source, &syntax(token, near))]);
    }
    for (source, token, near) in [
        ("a,", "<EOF>", ","),
        (",a", ",", ",a"),
        ("a b", "b", "a b"),
        ("(a)", "(", "(a"),
        ("a, :a", ":a", ", :a"),
        ("a[0", "<EOF>", "0"),
        ("a[]", "]", "[]"),
        ("a..b", ".", "..b"),
        ("*", "*", "*"),
    ] {
        check(projection, Kind::Projection, &[(source, &syntax(token, near))]);
    }
}

#[test]
fn conditions_that_are_right() {
    check(
        condition,
        Kind::Condition,
        &[
            ("a = :a", ""),
            ("(a) = (:a)", ""),
            ("(a = :a)", ""),
            ("((a) = (:a))", ""),
            ("(#a).b[1].c = :a", ""),
            ("a.b[1].#b=:a", ""),
            ("NOT a = :a and not (b = :b) oR contains(a, :b)", ""),
            ("NOT NOT a = :a", ""),
            ("a BETWEEN :a AND :b AND b BETWEEN :a and :b", ""),
            ("a in (:a)", ""),
            ("a IN (:a, b, size(c))", ""),
            ("size(a) > size(b)", ""),
            (
                "size(size(a)) = :n",
                "Incorrect operand type for operator or function; operator or function: size, operand type: N",
            ),
            (":a = a", ""),
            (":a = :a", ""),
            ("(attribute_exists(a)) AND (attribute_not_exists(#b))", ""),
            ("(attribute_exists(a) AND (attribute_not_exists(#b)))", ""),
            ("attribute_type(a, :S)", ""),
            ("begins_with(a, :B) OR begins_with(:a, b)", ""),
            ("_a = :a", ""),
            ("a1_ = :a", ""),
            ("a [ 1 ] . b = :a", ""),
        ],
    );
}

#[test]
fn faults_of_conditions() {
    check(
        condition,
        Kind::Condition,
        &[
            ("", "The expression can not be empty;"),
            ("((a = :a))", "The expression has redundant parentheses;"),
            ("((a)) = :a", "The expression has redundant parentheses;"),
            ("((a = :a)) AND ((b = :b))", "The expression has redundant parentheses;"),
            ("a = ((:a))", "The expression has redundant parentheses;"),
            ("f(a)", "Invalid function name; function: f"),
            ("Contains(a, :a)", "Invalid function name; function: Contains"),
            ("if_not_exists(a, :a) = :a", "Invalid function name; function: if_not_exists"),
            ("a = g(f(b))", "Invalid function name; function: f"),
            (
                "size(a)",
                "The function is not allowed to be used this way in an expression; function: size",
            ),
            (
                "NOT size(a)",
                "The function is not allowed to be used this way in an expression; function: size",
            ),
            (
                "size(a) AND a = :a",
                "The function is not allowed to be used this way in an expression; function: size",
            ),
            (
                "contains(a, :a) = :t",
                "The function is not allowed to be used this way in an expression; function: contains",
            ),
            (
                "size(contains(a, b)) > :n",
                "The function is not allowed to be used this way in an expression; function: contains",
            ),
            (
                "a IN (begins_with(a, :a))",
                "The function is not allowed to be used this way in an expression; function: begins_with",
            ),
            ("abOrt = :a", "Attribute name is a reserved keyword; reserved keyword: abOrt"),
            ("a.Name = :a", "Attribute name is a reserved keyword; reserved keyword: Name"),
            ("size = :a", "Attribute name is a reserved keyword; reserved keyword: size"),
            (
                "#q = :a",
                "An expression attribute name used in the document path is not defined; attribute name: #q",
            ),
            (
                "a.#q = :a",
                "An expression attribute name used in the document path is not defined; attribute name: #q",
            ),
            (
                "a = :q",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "contains(a)",
                "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
            ),
            (
                "attribute_exists(a, b)",
                "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
            ),
            (
                "size(a, b) = :n",
                "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
            ),
            (
                "begins_with(a, :n)",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
            (
                "begins_with(:t, a)",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: BOOL",
            ),
            (
                "begins_with(size(a), :a)",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
            (
                "attribute_exists(:a)",
                "Operator or function requires a document path; operator or function: attribute_exists",
            ),
            (
                "attribute_not_exists(size(a))",
                "Operator or function requires a document path; operator or function: attribute_not_exists",
            ),
            (
                "attribute_type(a, :n)",
                "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
            ),
            (
                "attribute_type(a, b)",
                "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
            ),
            (
                "attribute_type(a, :bad)",
                "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
            ),
            (
                "size(:n) = :n",
                "Incorrect operand type for operator or function; operator or function: size, operand type: N",
            ),
            (
                "size(:z) = :n",
                "Incorrect operand type for operator or function; operator or function: size, operand type: NULL",
            ),
            (
                "a = a",
                "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
            ),
            (
                "a.b[1] <> a.#b[1]",
                "The first operand must be distinct from the remaining operands for this operator or function; operator: <>, first operand: [a, b, [1]]",
            ),
            (
                "contains(a, #a)",
                "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [a]",
            ),
            (
                "a < :t",
                "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
            ),
            (
                ":l >= a",
                "Incorrect operand type for operator or function; operator or function: >=, operand type: L",
            ),
            (
                "a BETWEEN :t AND :t",
                "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL",
            ),
            (
                "a BETWEEN :b AND :a",
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}",
            ),
            (
                "a BETWEEN :a AND :n",
                "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}",
            ),
            (
                "a[2147483648] = :a",
                "List index is not within the allowable range; index: [2147483648]",
            ),
            (
                "a[99999999999999999999] = :a",
                "List index is not within the allowable range; index: [99999999999999999999]",
            ),
        ],
    );
}

#[test]
fn order_of_faults_in_conditions() {
    check(
        condition,
        Kind::Condition,
        &[
            // Syntax, parentheses, unknown function, misuse, reserved word: over all conditions.
            ("((a = :a)) AND f(a", &syntax("<EOF>", "a")),
            ("f(a) AND ((a = :a))", "The expression has redundant parentheses;"),
            ("size(a) AND f(a)", "Invalid function name; function: f"),
            (
                "abort = :a AND size(a)",
                "The function is not allowed to be used this way in an expression; function: size",
            ),
            (
                "a = :q AND abort = :a",
                "Attribute name is a reserved keyword; reserved keyword: abort",
            ),
            // The rest: condition by condition.
            (
                "begins_with(a, :n) AND b = :q",
                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
            ),
            (
                "b = :q AND begins_with(a, :n)",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "contains(a, :q, :q)",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "#q = :q",
                "An expression attribute name used in the document path is not defined; attribute name: #q",
            ),
            (
                ":q = #q",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "size(a, b) = size(:n)",
                "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
            ),
        ],
    );
}

#[test]
fn faults_of_updates() {
    check(
        update,
        Kind::Update,
        &[
            ("", "The expression can not be empty;"),
            ("SET a = :a", ""),
            ("set a = :a remove b add c :n delete d :ss", ""),
            ("SET a = if_not_exists(a, :n) + :n, b = list_append(b, :l)", ""),
            ("SET a = (:n - b), c = (d), e = (f) + (:n)", ""),
            ("SET a.b[1].#b = :a", ""),
            ("SET a = :a, b.a = a", ""),
            ("SET a = f(b)", "Invalid function name; function: f"),
            ("SET a = size(b)", "Invalid function name; function: size"),
            ("SET abort = f(b)", "Attribute name is a reserved keyword; reserved keyword: abort"),
            ("SET a = Value", "Attribute name is a reserved keyword; reserved keyword: Value"),
            (
                "SET a = :a SET b = :b",
                "The \"SET\" section can only be used once in an update expression;",
            ),
            (
                "REMOVE a SET b = :b remove c",
                "The \"REMOVE\" section can only be used once in an update expression;",
            ),
            (
                "SET a = :q, #q = :a",
                "An expression attribute name used in the document path is not defined; attribute name: #q",
            ),
            (
                "SET a = :q, a = :a",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "ADD a :q",
                "An expression attribute value used in expression is not defined; attribute value: :q",
            ),
            (
                "SET a = :a, a = :b",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
            ),
            (
                "SET a = :a REMOVE #a",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
            ),
            (
                "REMOVE a, b, b, a",
                "Two document paths overlap with each other; must remove or rewrite one of these \
             paths; path one: [b], path two: [b]",
            ),
            (
                "REMOVE c[1].a, c",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c, [1], a], path two: [c]",
            ),
            (
                "REMOVE a.b, a[1]",
                "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
            ),
            (
                "REMOVE a.b, a[1], c, c",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [c], path two: [c]",
            ),
            (
                "SET a = :n + :a",
                "Incorrect operand type for operator or function; operator or function: +, operand type: S",
            ),
            (
                "SET a = :l - :n",
                "Incorrect operand type for operator or function; operator or function: -, operand type: L",
            ),
            (
                "SET a = list_append(b, :a)",
                "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
            ),
            (
                "SET a = list_append(b)",
                "Incorrect number of operands for operator or function; operator or function: list_append, number of operands: 1",
            ),
            (
                "SET a = if_not_exists(b, c, d)",
                "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3",
            ),
            (
                "SET a = if_not_exists(:a, :b)",
                "Operator or function requires a document path; operator or function: if_not_exists",
            ),
            (
                "ADD a :a",
                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
            ),
            (
                "ADD a :B",
                "Incorrect operand type for operator or function; operator: ADD, operand type: BINARY",
            ),
            (
                "ADD a :t",
                "Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN",
            ),
            (
                "ADD a :z",
                "Incorrect operand type for operator or function; operator: ADD, operand type: NULL",
            ),
            (
                "ADD a :l",
                "Incorrect operand type for operator or function; operator: ADD, operand type: LIST",
            ),
            (
                "ADD a :m",
                "Incorrect operand type for operator or function; operator: ADD, operand type: MAP",
            ),
            ("ADD a :n, b :ss, c :ns, d :bs", ""),
            (
                "DELETE a :n",
                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
            ),
            ("DELETE a :ss, b :ns, c :bs", ""),
            (
                "SET a = list_append(:a) DELETE b :n",
                "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
            ),
        ],
    );
}

#[test]
fn faults_of_projections() {
    check(
        projection,
        Kind::Projection,
        &[
            ("", "The expression can not be empty;"),
            (
                "a, b.c, b.d[0], #a2x",
                "An expression attribute name used in the document path is not defined; attribute name: #a2x",
            ),
            ("a, b.c, b.d[0], d[1], d[0]", ""),
            ("a, order", "Attribute name is a reserved keyword; reserved keyword: order"),
            ("a, #r", ""),
            ("and", "Attribute name is a reserved keyword; reserved keyword: and"),
            (
                "a, #a",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
            ),
            (
                "a.b, a",
                "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
            ),
            (
                "a[1], a.b",
                "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [1]], path two: [a, b]",
            ),
        ],
    );
}

use super::{InvalidPattern, Pattern};

fn matches(pattern: &str, message: &str) -> bool {
    Pattern::parse(pattern).unwrap_or_else(|_| panic!("{pattern}")).matches(message)
}

/// Each row: a pattern, messages it matches, messages it does not.
fn check(rows: &[(&str, &[&str], &[&str])]) {
    for (pattern, yes, no) in rows {
        for message in *yes {
            assert!(matches(pattern, message), "{pattern} should match {message}");
        }
        for message in *no {
            assert!(!matches(pattern, message), "{pattern} should not match {message}");
        }
    }
}

#[test]
fn terms() {
    check(&[
        ("", &["", "anything"], &[]),
        ("\" \"", &["anything"], &[]),
        ("ERROR", &["[ERROR 400] BAD REQUEST", "ERROR"], &["error", "[INFO]"]),
        ("ERROR ARGUMENTS", &["ARGUMENTS: ERROR"], &["ERROR", "ARGUMENTS"]),
        ("?ERROR ?WARN", &["WARN x", "ERROR x"], &["INFO"]),
        // Optional terms beside a required one are ignored.
        ("INFO ?ERROR", &["INFO"], &["ERROR"]),
        ("ERROR -EXITING", &["ERROR 1"], &["ERROR 1 EXITING", "INFO"]),
        ("-EXITING", &["ERROR"], &["EXITING"]),
        ("?a ?b -c", &["a", "b"], &["ac", "d"]),
        ("\"INTERNAL SERVER ERROR\"", &["500 INTERNAL SERVER ERROR"], &["INTERNAL ERROR SERVER"]),
        ("\"say \\\"hi\\\"\"", &["they say \"hi\""], &["they say hi"]),
        ("-\"not this\" that", &["that"], &["not this, that"]),
        ("%ERROR[0-9]+%", &["ERROR42"], &["ERROR", "error42"]),
        ("%^5\\d\\d$%", &["503"], &["1503", "5033"]),
        ("?%a+b% ?c", &["aab", "c"], &["b"]),
        ("RequestId:", &["START RequestId: 1"], &["RequestId"]),
    ]);
}

#[test]
fn json() {
    let event = r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","n":1000,
        "neg":-2.5,"arrayKey":["value","another"],"objectList":[{"name":"a","enabled":true},
        {"name":"b","enabled":false}],"SomeObject":null,"ThisFlag":true,"a.b":{"c d":"x"},
        "text":"5"}"#;
    let rows = [
        ("{ $.eventType = \"UpdateTrail\" }", true),
        ("{$.eventType=\"UpdateTrail\"}", true),
        ("{ $.eventType = UpdateTrail }", true),
        ("{ $.eventType = \"updatetrail\" }", false),
        ("{ $.eventType != \"X\" }", true),
        ("{ $.missing != \"X\" }", false),
        ("{ $.sourceIPAddress != 123.123.* }", true),
        ("{ $.sourceIPAddress = 111.* }", true),
        ("{ $.eventType = \"*\" }", true),
        ("{ $.eventType = \"U*Tr*l\" }", true),
        ("{ $.arrayKey[0] = \"value\" }", true),
        ("{ $.arrayKey[2] = \"value\" }", false),
        ("{ $.objectList[1].enabled IS FALSE }", true),
        ("{ $.objectList[0].enabled IS FALSE }", false),
        ("{ $.SomeObject IS NULL }", true),
        ("{ $.eventType IS NULL }", false),
        ("{ $.missing IS NULL }", false),
        ("{ $.SomeOtherObject NOT EXISTS }", true),
        ("{ $.SomeObject NOT EXISTS }", false),
        ("{ $.ThisFlag IS TRUE }", true),
        ("{ $.n = 1e3 }", true),
        ("{ $.n >= 1000 && $.n < 1001 }", true),
        ("{ $.n > 1000 }", false),
        ("{ $.neg = -2.5 }", true),
        ("{ $.eventType > 3 }", false),
        ("{ $.text = 5 }", true),
        ("{ $.text > 4 }", false),
        ("{ ($.n = 1 || $.n = 1000) && ($.ThisFlag IS TRUE) }", true),
        ("{ $.n = 1 && $.n = 2 || $.ThisFlag IS TRUE }", true),
        ("{ $.n = 1 && ($.n = 2 || $.ThisFlag IS TRUE) }", false),
        ("{ $.[\"a.b\"].['c d'] = x }", true),
        ("{ $['a.b'][\"c d\"] = \"x\" }", true),
        ("{ $.eventType = %Trail$% }", true),
        ("{ $.eventType = %^Trail% }", false),
        ("{ $.arrayKey = \"*\" }", false),
    ];
    for (pattern, expected) in rows {
        assert_eq!(matches(pattern, event), expected, "{pattern}");
        assert!(!matches(pattern, "not json"), "{pattern}");
    }
}

#[test]
fn space_delimited() {
    let access = "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] \
                  \"GET /index.html HTTP/1.0\" 404 1534";
    let rows = [
        ("[ip, user, username, timestamp, request, status_code, bytes]", true),
        ("[ip, user, username, timestamp, request, status_code]", false),
        ("[ip, user, username, timestamp, request, status_code = 4*, bytes]", true),
        ("[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]", true),
        ("[..., status_code = 4*, bytes]", true),
        ("[…, status_code = 5*, bytes]", false),
        ("[ip = 127.0.0.1, ...]", true),
        ("[ip=%127\\.0\\.0\\.[1-9]%, ...]", true),
        ("[ip, ..., bytes > 1000]", true),
        ("[ip, ..., bytes > 2000]", false),
        ("[..., status = 404 || status = 410, bytes]", true),
        ("[..., status != 404 && status != 410, bytes]", false),
        ("[..., (s = 4* || s = 5*) && s != 404, b]", false),
        ("[..., request = \"GET /index.html HTTP/1.0\", s, b]", true),
        ("[..., timestamp=\"10/Oct/2000*\", r, s, b]", true),
    ];
    for (pattern, expected) in rows {
        assert_eq!(matches(pattern, access), expected, "{pattern}");
    }
    assert!(matches("[w1=ERROR, w2]", "ERROR x"));
    assert!(!matches("[a, ..., b]", "one"));
    assert!(matches("[a, ..., b]", "one two"));
}

#[test]
fn what_is_no_pattern() {
    let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(400), ")".repeat(400));
    for wrong in [
        "{",
        "{ }",
        "{ $.a }",
        "{ $ = 1 }",
        "{ $. = 1 }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ $.a > \"x\" }",
        "{ $.a IS MAYBE }",
        "{ $.a NOT THERE }",
        "{ $.a[x] = 1 }",
        "{ a = 1 }",
        "{ $.a = \"x }",
        "{ ($.a = 1 }",
        "{ $.a = %(x)% }",
        "{ $.a = %x }",
        "[",
        "[]",
        "[a",
        "[a,]",
        "[a = ]",
        "[..., a, ...]",
        "[a = 1 || b = 2]",
        "[a] b",
        "\"open",
        "%open",
        "%(a)%",
        "%ä%",
        "?",
        "-",
        "%a[%",
        "%%",
        "[a=%x%, b=%x%, c=%x%]",
        deep.as_str(),
    ] {
        assert_eq!(Pattern::parse(wrong).err(), Some(InvalidPattern), "{wrong}");
    }
}

#[test]
fn hostile_patterns_and_messages_end() {
    bolero::check!().with_type::<(String, String)>().with_iterations(3_000).for_each(
        |(pattern, message)| {
            for start in ["", "{", "[", "{ $.a", "[a=", "%"] {
                if let Ok(parsed) = Pattern::parse(&format!("{start}{pattern}")) {
                    parsed.matches(message);
                }
            }
        },
    );
}

/// Patterns built of pieces of the grammar, so that many of them parse.
#[test]
fn random_sentences_never_panic() {
    const PIECES: [&str; 28] = [
        "{", "}", "[", "]", "(", ")", "$.", "a", "b", "=", "!=", ">", "<=", "1", "\"x\"", "*",
        "&&", "||", "IS", "NULL", "NOT", "EXISTS", "%a%", ",", "...", " ", "?", "-",
    ];
    bolero::check!().with_type::<Vec<u8>>().with_iterations(5_000).for_each(|choice| {
        let pieces = choice.iter().take(64).filter_map(|c| PIECES.get(usize::from(*c) % 28));
        let text: String = pieces.copied().collect();
        if let Ok(pattern) = Pattern::parse(&text) {
            for message in ["", "a b", "{\"a\":1}", "[x] \"y z\" 1"] {
                pattern.matches(message);
            }
        }
    });
}

#[test]
fn a_required_term_is_in_every_match() {
    bolero::check!().with_type::<(u32, String, String)>().with_iterations(2_000).for_each(
        |(term, before, after)| {
            let term = format!("t{term}");
            assert!(matches(&term, &format!("{before}{term}{after}")));
            let quoted = format!("{{ $.x = \"{term}\" }}");
            let event = serde_json::json!({ "x": term, "y": before });
            assert!(matches(&quoted, &event.to_string()));
            assert_eq!(matches(&term, after), after.contains(&term));
        },
    );
}

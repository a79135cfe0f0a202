use std::collections::BTreeMap;

use bytes::Bytes;
use cumulet_base::Timestamp;
use cumulet_shape::{Faults, ReadError, Schema, Shape, validate};

use super::{JsonReader, JsonWriter, document, plain};

#[derive(Debug, Clone, Copy, Default, PartialEq, Shape)]
enum Mode {
    #[default]
    #[shape(wire = "ON")]
    On,
    #[shape(wire = "OFF")]
    Off,
}

#[derive(Debug, Clone, Default, PartialEq, Shape)]
struct Everything {
    #[shape(wire = "Name", required, min = 1, max = 5, pattern = "[a-z]+")]
    name: String,
    #[shape(wire = "Mode")]
    mode: Option<Mode>,
    #[shape(wire = "Count", min = 1, max = 9)]
    count: Option<i32>,
    #[shape(wire = "Big")]
    big: Option<i64>,
    #[shape(wire = "Ratio")]
    ratio: Option<f64>,
    #[shape(wire = "Flag")]
    flag: Option<bool>,
    #[shape(wire = "Data")]
    data: Option<Bytes>,
    #[shape(wire = "At")]
    at: Option<Timestamp>,
    #[shape(wire = "Until", time = "iso8601")]
    until: Option<Timestamp>,
    #[shape(wire = "Parts", max = 2)]
    parts: Option<Vec<Part>>,
    #[shape(wire = "Tags", each(max = 3), keys(max = 2))]
    tags: Option<BTreeMap<String, String>>,
    #[shape(wire = "Free")]
    free: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Shape)]
struct Part {
    #[shape(wire = "Key", required)]
    key: String,
    #[shape(wire = "Inner")]
    inner: Option<Box<Part>>,
    #[shape(wire = "Words", each(min = 2))]
    words: Option<Vec<String>>,
}

fn read(json: &str) -> Result<(Everything, String), ReadError> {
    let mut reader = JsonReader::new(json.as_bytes(), 32)?;
    let mut faults = Faults::default();
    let value = Everything::read(Schema::of::<Everything>(), &mut reader, &mut faults)?;
    reader.finish()?;
    validate(&value, &mut faults);
    let said = if faults.is_empty() { String::new() } else { faults.to_string() };
    Ok((value, said))
}

fn write(value: &Everything) -> String {
    let mut writer = JsonWriter::default();
    value.write(Schema::of::<Everything>(), &mut writer);
    String::from_utf8(writer.into_bytes()).unwrap()
}

#[test]
fn every_kind_round_trips() {
    let json = concat!(
        r#"{"Name":"abc","Mode":"OFF","Count":3,"Big":9007199254740993,"Ratio":0.5,"Flag":true,"#,
        r#""Data":"AAEC/w==","At":1.5,"Until":"2026-11-21T01:02:03Z","#,
        r#""Parts":[{"Key":"k","Inner":{"Key":"\u0001é\"\\"},"Words":["ab"]}],"#,
        r#""Tags":{"a":"b"},"Free":{"x":[1,null,{"y":"z"}]}}"#
    );
    let (value, said) = read(json).unwrap();
    assert_eq!(said, "");
    assert_eq!(value.parts.as_ref().unwrap()[0].inner.as_ref().unwrap().key, "\u{1}é\"\\");
    assert_eq!(write(&value), json);
}

#[test]
fn order_repeats_nulls_and_strangers() {
    let (value, said) =
        read(r#" {"X":{"a":[{},[],"\n",-1e3]},"Mode":null,"Name":"a","Name":"b","n\u0061me":1} "#)
            .unwrap();
    assert_eq!(said, "");
    assert_eq!(value, Everything { name: "b".into(), ..Everything::default() });
    assert_eq!(read(r#"{"N\u0061me":"b"}"#).unwrap().0.name, "b");
}

#[test]
fn wrong_types_are_named_as_coral_names_them() {
    for (json, said) in [
        (r#"{"Name":1}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"Name":true}"#, "TRUE_VALUE cannot be converted to String"),
        (r#"{"Name":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"Name":[]}"#, "Unrecognized collection type class java.lang.String"),
        (r#"{"Count":"1"}"#, "STRING_VALUE cannot be converted to Integer"),
        (r#"{"Count":1.5}"#, "DECIMAL_VALUE cannot be converted to Integer"),
        (r#"{"Parts":"x"}"#, "Unexpected field type"),
        (r#"{"Parts":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"Tags":7}"#, "Unexpected field type"),
        ("[]", "Unrecognized collection type class java.util.Map"),
    ] {
        assert_eq!(read(json).unwrap_err().to_string(), said, "{json}");
    }
}

#[test]
fn broken_json_is_refused() {
    for json in [
        "",
        "{",
        "}",
        "{}}",
        "{,}",
        "nul",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":\"\t\"}",
        "{'a':1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"Name\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"Name\":\"x",
        "{\"a\":[1 2]}",
        "{\"a\":[1,]}",
        "{} {}",
        "// c\n{}",
        "{\"a\":NaN}",
    ] {
        assert_eq!(read(json).unwrap_err(), ReadError::Syntax, "{json}");
    }
    assert!(JsonReader::new(b"{\"\xff\":1}", 8).is_err());
}

#[test]
fn nesting_is_bounded_where_it_is_read_and_where_it_is_skipped() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = |n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
        for n in [33, 100_000] {
            assert_eq!(document(deep(n).as_bytes(), 32), Err(ReadError::TooDeep));
            let skipped = format!("{{\"X\":{},\"Name\":\"a\"}}", deep(n));
            assert_eq!(read(&skipped).unwrap_err(), ReadError::TooDeep);
        }
        assert!(document(deep(32).as_bytes(), 32).is_ok());
    }
}

#[test]
fn faults_are_said_in_aws_words() {
    for (json, said) in [
        (
            "{}",
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"","Count":10,"Mode":"x"}"#,
            "4 validation errors detected: Value 'x' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [ON, OFF]; Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; Value '10' at 'count' failed to satisfy constraint: Member must have value less than or equal to 9",
        ),
        (
            r#"{"Name":"AB"}"#,
            "1 validation error detected: Value 'AB' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
        ),
        (
            r#"{"Name":"a","Parts":[{"Key":"k"},{"Inner":{"Inner":{"Key":"k"}}}]}"#,
            "2 validation errors detected: Value null at 'parts.2.member.inner.key' failed to satisfy constraint: Member must not be null; Value null at 'parts.2.member.key' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Name":"a","Parts":[{"Key":"k","Words":["ab","c"]}]}"#,
            "1 validation error detected: Value 'c' at 'parts.1.member.words' failed to satisfy constraint: Member must satisfy constraint: [Member must have length greater than or equal to 2]",
        ),
        (
            r#"{"Name":"a","Parts":[{"Key":"a"},{"Key":"b"},{"Key":"c"}]}"#,
            "1 validation error detected: Value '[Part(Key=a), Part(Key=b), Part(Key=c)]' at 'parts' failed to satisfy constraint: Member must have length less than or equal to 2",
        ),
        (
            r#"{"Name":"a","Tags":{"k":"long"}}"#,
            "1 validation error detected: Value 'long' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 3]",
        ),
        (
            r#"{"Name":"a","Tags":{"key":"v"}}"#,
            "1 validation error detected: Value 'key' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 2]",
        ),
    ] {
        assert_eq!(read(json).unwrap().1, said, "{json}");
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        if let Ok(value) = document(bytes, 16) {
            // What was read is written and read again as the same.
            let again = value.to_string();
            assert_eq!(document(again.as_bytes(), 16).unwrap(), value);
        }
        if let Ok(mut reader) = JsonReader::new(bytes, 16) {
            let mut faults = Faults::default();
            let _ = Everything::read(Schema::of::<Everything>(), &mut reader, &mut faults);
        }
    });
}

#[test]
fn agrees_with_an_independent_parser() {
    bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|picks| {
        // Texts made of JSON's own tokens reach deeper than random bytes do.
        const TOKENS: [&str; 16] = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"\\u00e9\"",
            "1",
            "-0.5e2",
            "true",
            "false",
            "null",
            " ",
            "\"",
            "0",
        ];
        let text: String = picks.iter().map(|p| TOKENS[usize::from(*p) % 16]).collect();
        let ours = document(text.as_bytes(), 100).ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).ok();
        assert_eq!(ours, theirs, "{text}");
    });
}

#[derive(Default, Shape)]
struct Login {
    #[shape(wire = "User")]
    user: Option<String>,
    #[shape(wire = "Password", sensitive, max = 3)]
    password: Option<String>,
}

#[test]
fn what_is_sensitive_is_never_shown() {
    let login = Login { user: Some("ann".into()), password: Some("hunter2".into()) };
    assert_eq!(cumulet_shape::shown(&login), "Login(User=ann)");
    let mut faults = Faults::default();
    validate(&login, &mut faults);
    assert_eq!(
        faults.to_string(),
        "1 validation error detected: Value at 'password' failed to satisfy constraint: Member \
         must have length less than or equal to 3"
    );
}

#[test]
fn plain_runs_end_where_the_first_special_byte_is() {
    let expected = |bytes: &[u8]| {
        let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
        bytes.iter().position(special).unwrap_or(bytes.len())
    };
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
        assert_eq!(plain(bytes), expected(bytes), "{bytes:?}");
    });
    // Random bytes seldom have a long run before what ends it.
    for (end, byte) in (0..40).flat_map(|end| (0..=255).map(move |byte| (end, byte))) {
        let mut bytes = [b'\x7f'; 48];
        bytes[end] = byte;
        assert_eq!(plain(&bytes), expected(&bytes), "{byte} at {end}");
    }
}

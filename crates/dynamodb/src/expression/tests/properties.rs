//! What holds for any text and any item.

use cumulet_attribute::{Value, ValueRef};

use super::*;

const VALUES: &str = r#"{":a": "a", ":n": 1, ":t": true, ":l": [1, "a"], ":m": {"a": 1},
    ":s": {"$SS": ["a"]}, ":k": {"$NS": [1]}, ":S": "S"}"#;
const ITEM: &str = r#"{"a": {"b": [1, {"c": "x"}], "a": 2}, "b": [1, [2, 3], "a"], "c": {"$SS": ["a", "b"]},
    "d": 5, "e": "abc", "f": {"$NS": [1, 2]}}"#;
/// What expressions are made of.
const TOKENS: [&str; 48] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "#a",
    "#x",
    ":a",
    ":n",
    ":t",
    ":l",
    ":m",
    ":s",
    ":k",
    ":S",
    ":x",
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "(",
    ")",
    "[0]",
    "[1]",
    "[7]",
    ".a",
    ".b",
    ".c",
    ",",
    "+",
    "-",
    "AND",
    "or",
    "NOT",
    "BETWEEN",
    "IN",
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "size(",
    "contains(",
    "begins_with(",
    "if_not_exists(",
    "list_append(",
];

fn run(source: &str, item: &Item) {
    with_placeholders(r##"{"#a": "a"}"##, VALUES, |placeholders| {
        if let Ok(condition) = Condition::parse(Kind::Filter, source, placeholders) {
            let _ = (condition.holds(Some(item)), condition.holds(None), condition.paths());
        }
        if let Ok(update) = Update::parse(source, placeholders)
            && let Ok(new) = update.apply(item)
        {
            assert_eq!((new.check(), new.size()), (Ok(()), new.attributes().size()), "{source}");
            assert!(Projection::of(update.paths()).project(&new).is_ok());
        }
        if let Ok(projection) = Projection::parse(source, placeholders) {
            let part = projection.project(item).unwrap();
            assert!(part.size() <= item.size() && part.check().is_ok(), "{source}");
            assert!(part.iter().all(|(name, _)| item.get(name).is_some()));
        }
        let _ = KeyCondition::parse(source, placeholders);
        let _ = placeholders.check_used();
    });
}

#[test]
fn any_text() {
    let item = item(ITEM);
    bolero::check!().with_type::<String>().with_iterations(3_000).for_each(|text| run(text, &item));
}

#[test]
fn any_tokens() {
    let item = item(ITEM);
    bolero::check!().with_type::<Vec<u8>>().with_iterations(5_000).for_each(|bytes| {
        let tokens: Vec<&str> =
            bytes.iter().map(|byte| TOKENS[usize::from(*byte) % TOKENS.len()]).collect();
        run(&tokens.join(" "), &item);
        run(&format!("SET {}", tokens.join(" ")), &item);
    });
}

/// Makes a condition of bytes: always a right one.
fn condition(bytes: &mut std::slice::Iter<'_, u8>, depth: usize) -> String {
    let mut pick = |from: &[&str]| {
        let at = usize::from(bytes.next().copied().unwrap_or(0));
        from[at % from.len()].to_owned()
    };
    let paths = ["a.b[0]", "b[1][0]", "c", "d", "e", "f", "a.b[1].c", "b[9]", "#a.a"];
    let (path, value) = (pick(&paths), pick(&[":a", ":n", "size(e)", "size(c)"]));
    let shape = if depth == 0 { "leaf".to_owned() } else { pick(&["leaf", "AND", "OR", "NOT"]) };
    match shape.as_str() {
        "NOT" => format!("NOT ({})", condition(bytes, depth - 1)),
        "AND" | "OR" => {
            format!("({} {shape} NOT {})", condition(bytes, depth - 1), condition(bytes, 0))
        }
        _ => match pick(&["=", "<>", "<", ">=", "IN", "BETWEEN", "contains", "attribute_exists"])
            .as_str()
        {
            "IN" => format!("{path} IN ({value}, :t)"),
            "BETWEEN" => format!("{path} BETWEEN {value} AND d"),
            "contains" => format!("contains({path}, {value})"),
            "attribute_exists" => format!("attribute_exists({path})"),
            comparator => format!("{path} {comparator} {value}"),
        },
    }
}

#[test]
fn a_condition_or_its_opposite_holds() {
    let item = item(ITEM);
    bolero::check!().with_type::<Vec<u8>>().with_iterations(3_000).for_each(|bytes| {
        let inner = condition(&mut bytes.iter(), 4);
        let inner = inner
            .strip_prefix('(')
            .and_then(|one| one.strip_suffix(')'))
            .map_or(inner.clone(), str::to_owned);
        with_placeholders(r##"{"#a": "a"}"##, VALUES, |placeholders| {
            let mut parse = |source: &str| Condition::parse(Kind::Filter, source, placeholders);
            let (Ok(yes), Ok(no)) = (parse(&inner), parse(&format!("NOT ({inner})"))) else {
                return;
            };
            assert_ne!(yes.holds(Some(&item)), no.holds(Some(&item)), "{inner}");
            assert_ne!(yes.holds(None), no.holds(None), "{inner}");
        });
    });
}

#[test]
fn what_is_set_is_there() {
    let old = item(ITEM);
    let paths =
        ["a", "x", "a.b", "a.x", "a.b[0]", "a.b[1].c", "a.b[1].fresh", "b[0]", "b[1][1]", "d", "e"];
    bolero::check!().with_type().with_iterations(3_000).for_each(
        |(at, text, number): &(u8, String, i64)| {
            let path = paths[usize::from(*at) % paths.len()];
            let values = ItemBuilder::from_iter([
                (":s", ValueRef::S(text)),
                (":n", Value::number((*number).into()).view()),
            ]);
            let Ok(values) = values.finish() else { return };
            let mut placeholders =
                Placeholders::new(None::<[(&str, &str); 0]>, Some(&values)).unwrap();
            for key in [":s", ":n"] {
                let update =
                    Update::parse(&format!("SET {path} = {key}"), &mut placeholders).unwrap();
                let new = update.apply(&old).unwrap();
                let equal = Condition::parse(
                    Kind::Condition,
                    &format!("{path} = {key}"),
                    &mut placeholders,
                );
                assert!(equal.unwrap().holds(Some(&new)), "{path}");
                let remove = Update::parse(&format!("REMOVE {path}"), &mut placeholders).unwrap();
                let removed = remove.apply(&new).unwrap();
                assert!(removed.size() < new.size());
                let same = remove.apply(&old).unwrap();
                assert!(removed == same, "{path}");
            }
        },
    );
}

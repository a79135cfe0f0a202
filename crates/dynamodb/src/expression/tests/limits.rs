//! Limits, and what the maps of placeholders must be.

use super::syntax::{VALUES, condition, projection, update};
use super::*;

#[test]
fn limits() {
    let long = format!("{} = :a", "a".repeat(4096 - 5));
    assert_eq!(condition(&long), Ok(()));
    let message = |result: Result<(), String>| result.unwrap_err();
    assert_eq!(
        message(condition(&format!("{long} "))),
        "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; \
         expression size: 4097"
    );
    let chain = |terms: usize| vec!["a=:a"; terms].join(" AND ");
    // 150 comparators and 149 ANDs.
    assert_eq!(condition(&chain(150)), Ok(()));
    assert_eq!(
        message(condition(&chain(151))),
        "Invalid ConditionExpression: The expression contains too many operators; operator count: \
         301"
    );
    let list = |count: usize| format!("a IN ({})", vec![":a"; count].join(","));
    assert_eq!(condition(&list(100)), Ok(()));
    assert_eq!(
        message(condition(&list(163))),
        "Invalid ConditionExpression: The IN operator is provided with too many operands; number \
         of operands: 163"
    );
    assert_eq!(projection(&format!("a{}", ".b".repeat(31))), Ok(()));
    assert_eq!(
        message(projection(&format!("a{}", ".b".repeat(32)))),
        "Invalid ProjectionExpression: The document path has too many nesting levels; nesting \
         levels: 33"
    );
}

/// A thread of the size that servers give: recursion must fit.
#[test]
fn deep_nesting_is_refused() {
    let deep = || {
        let open = 2000;
        for inner in ["a = :a", "a", ""] {
            let source = format!("{}{inner}{}", "(".repeat(open), ")".repeat(open));
            assert_eq!(
                condition(&source).unwrap_err(),
                "Invalid ConditionExpression: The expression has redundant parentheses;"
            );
            assert!(update(&format!("SET a = {source}")).is_err());
        }
        let nots = format!("{}a = :a", "NOT ".repeat(1000));
        assert!(condition(&nots).unwrap_err().contains("too many operators"));
        let nested = format!("{}a{}", "size(".repeat(290), ")".repeat(290));
        assert!(condition(&format!("{nested} = :n")).unwrap_err().contains("operand type: N"));
        let list = format!("{}:l{}", "list_append(a,".repeat(250), ")".repeat(250));
        assert_eq!(update(&format!("SET a = {list}")), Ok(()));
        let groups = format!("{}b = :b{}", "a = :a AND (".repeat(140), ")".repeat(140));
        assert_eq!(condition(&groups), Ok(()));
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(deep).unwrap().join().unwrap();
}

#[test]
fn placeholders_are_checked() {
    let values = item(VALUES);
    let one = |names: Vec<(&'static str, &'static str)>| {
        Placeholders::new(Some(names), None).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(one(vec![]).unwrap_err(), "ExpressionAttributeNames must not be empty");
    for key in ["a", "#", "#a-b", "", "#é", ":a"] {
        assert_eq!(
            one(vec![(key, "x")]).unwrap_err(),
            format!("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\"")
        );
    }
    for (text, expect) in [
        ("{}", "ExpressionAttributeValues must not be empty"),
        (r#"{"a": 1}"#, "ExpressionAttributeValues contains invalid key: Syntax error; key: \"a\""),
        (
            r#"{":a": 1, ":": 1}"#,
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \":\"",
        ),
    ] {
        let values = item(text);
        let got = Placeholders::new(None::<[(&str, &str); 0]>, Some(&values)).unwrap_err();
        assert_eq!(got.to_string(), expect);
    }
    let names = [("#a", "x"), ("#b", "y"), ("#c", "z")];
    let mut placeholders = Placeholders::new(Some(names), Some(&values)).unwrap();
    Condition::parse(Kind::Filter, "#c = :a", &mut placeholders).unwrap();
    assert_eq!(
        placeholders.check_used().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    );
    Projection::parse("#a, #b", &mut placeholders).unwrap();
    Update::parse("SET q = :b, w = :n, e = list_append(:l, :l) ADD r :ss", &mut placeholders)
        .unwrap();
    assert_eq!(
        placeholders.check_used().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:B, :S, :bad, \
         :bs, :m, :ns, :t, :z}"
    );
}

#[test]
fn parameters_that_do_not_go_together() {
    let kinds = [(Kind::Update, false), (Kind::Condition, false)];
    let message = |result: Result<(), ExpressionError>| result.unwrap_err().to_string();
    assert_eq!(check_parameters(&kinds, &["Expected"], false, false), Ok(()));
    assert_eq!(
        message(check_parameters(&kinds, &[], true, false)),
        "ExpressionAttributeNames can only be specified when using expressions"
    );
    assert_eq!(
        message(check_parameters(&kinds, &[], false, true)),
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression \
         and ConditionExpression are null"
    );
    assert_eq!(
        message(check_parameters(&[(Kind::Condition, false)], &[], false, true)),
        "ExpressionAttributeValues can only be specified when using expressions: \
         ConditionExpression is null"
    );
    let some = [(Kind::Projection, true), (Kind::Filter, false)];
    assert_eq!(
        message(check_parameters(&some, &["AttributesToGet", "ScanFilter"], false, false)),
        "Can not use both expression and non-expression parameters in the same request: \
         Non-expression parameters: {AttributesToGet, ScanFilter} Expression parameters: \
         {ProjectionExpression}"
    );
    assert!(check_parameters(&some, &[], true, false).is_ok());
    assert!(check_parameters(&some, &[], true, true).is_err());
    assert_eq!(
        ExpressionError::Value("Number overflow".to_owned(), ":b".to_owned()).to_string(),
        "ExpressionAttributeValues contains invalid value: Number overflow for key :b"
    );
}

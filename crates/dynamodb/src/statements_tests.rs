//! A SELECT finds what its condition says, however it is looked up and paged.

use std::panic::AssertUnwindSafe;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bolero::TypeGenerator;
use cumulet_api_dynamodb::ops::{
    CreateTableInput, ExecuteStatement, ExecuteStatementInput, PutItem, PutItemInput,
};
use cumulet_api_dynamodb::types::{
    GlobalSecondaryIndex, LocalSecondaryIndex, Projection, ProjectionType,
};
use cumulet_attribute::Item;

use crate::expression::Condition;
use crate::partiql::{self, Statement};
use crate::testing::{Testing, definitions, item, key_schema};

/// One condition, as a test draws it: few values, so that something is found.
#[derive(Debug, Clone, TypeGenerator)]
enum Leaf {
    Partition(u8),
    Partitions(u8, u8),
    Either(u8, u8),
    Sort(u8, u8),
    Sorts(u8, u8),
    Between(u8, u8),
    Owner(u8),
    Value(u8, u8),
}

#[derive(Debug, Clone, TypeGenerator)]
struct Drawn {
    all: Vec<(bool, Leaf)>,
    index: u8,
    limit: u8,
}

impl Leaf {
    fn text(&self) -> String {
        const OPERATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
        let operator = |at: u8| OPERATORS[at as usize % OPERATORS.len()];
        let pk = |at: u8| format!("'p{}'", at % 4);
        let number = |at: u8| at % 6;
        match self {
            Self::Partition(one) => format!("pk = {}", pk(*one)),
            Self::Partitions(one, two) => format!("pk IN [{}, {}]", pk(*one), pk(*two)),
            Self::Either(one, two) => format!("(pk = {} OR {} = pk)", pk(*one), pk(*two)),
            Self::Sort(at, n) => format!("sk {} {}", operator(*at), number(*n)),
            Self::Sorts(one, two) => format!("sk IN ({}, {})", number(*one), number(*two)),
            Self::Between(one, two) => {
                let (low, high) = (number(*one).min(number(*two)), number(*one).max(number(*two)));
                format!("sk BETWEEN {low} AND {high}")
            }
            Self::Owner(one) => format!("owner = 'o{}'", one % 3),
            Self::Value(at, n) => format!("{} {} v", number(*n), operator(*at)),
        }
    }
}

impl Drawn {
    fn condition(&self) -> String {
        let texts = self
            .all
            .iter()
            .take(4)
            .map(|(not, leaf)| if *not { format!("NOT {}", leaf.text()) } else { leaf.text() });
        texts.collect::<Vec<_>>().join(" AND ")
    }

    fn source(&self) -> &'static str {
        ["drawn", "\"drawn\".\"owners\"", "drawn.values"][self.index as usize % 3]
    }
}

/// All items: four partitions of six, of which most have an owner and a value.
fn items() -> Vec<Item> {
    let all = (0..4).flat_map(|pk| (0..6).map(move |sk| (pk, sk)));
    let texts = all.map(|(pk, sk): (usize, usize)| {
        let (pk_text, sk_text) = (format!("p{pk}"), sk.to_string());
        let (owner, value) = (format!("o{}", (pk + sk) % 3), ((pk * 7 + sk) % 6).to_string());
        let mut pairs = vec![("pk", pk_text.as_str()), ("sk", sk_text.as_str())];
        if sk != 3 {
            pairs.push(("owner", &owner));
        }
        if sk != 4 {
            pairs.push(("v", &value));
        }
        item(&pairs)
    });
    texts.collect()
}

async fn testing() -> Testing {
    let testing = Testing::new().await;
    let projection =
        Projection { projection_type: Some(ProjectionType::All), non_key_attributes: None };
    let more = CreateTableInput {
        attribute_definitions: Some(definitions(&[("owner", "S"), ("v", "N")])),
        global_secondary_indexes: Some(vec![GlobalSecondaryIndex {
            index_name: "owners".to_owned(),
            key_schema: key_schema("owner", Some("pk")),
            projection: projection.clone(),
            ..GlobalSecondaryIndex::default()
        }]),
        local_secondary_indexes: Some(vec![LocalSecondaryIndex {
            index_name: "values".to_owned(),
            key_schema: key_schema("pk", Some("v")),
            projection,
        }]),
        ..CreateTableInput::default()
    };
    testing.table("drawn", more).await;
    for item in items() {
        let input = PutItemInput {
            table_name: "drawn".to_owned(),
            item: item.into(),
            ..PutItemInput::default()
        };
        testing.call::<PutItem>(input).await.unwrap();
    }
    testing
}

/// What all pages of the statement give.
async fn found(testing: &Testing, statement: &str, limit: u8) -> Vec<Item> {
    let mut input = ExecuteStatementInput {
        statement: statement.to_owned(),
        limit: (limit > 0).then(|| i32::from(limit % 5) + 1),
        ..ExecuteStatementInput::default()
    };
    let mut items = Vec::new();
    for _ in 0..500 {
        let page = testing.call::<ExecuteStatement>(input.clone()).await.unwrap();
        items.extend(page.items.unwrap().into_iter().map(|item| item.0.unwrap()));
        match page.next_token {
            Some(token) => input.next_token = Some(token),
            None => return items,
        }
    }
    panic!("{statement}: no end");
}

#[tokio::test]
async fn a_forged_token_leads_nowhere_else() {
    let testing = testing().await;
    for order in ["ASC", "DESC"] {
        let page = async |partition: usize, token: Option<String>| {
            let input = ExecuteStatementInput {
                statement: format!(
                    "SELECT * FROM drawn WHERE pk = 'p{partition}' ORDER BY sk {order}"
                ),
                limit: Some(2),
                next_token: token,
                ..ExecuteStatementInput::default()
            };
            testing.call::<ExecuteStatement>(input).await
        };
        let mut tokens = Vec::new();
        for partition in 0..4 {
            let token = page(partition, None).await.unwrap().next_token.unwrap();
            tokens.push(BASE64_URL_SAFE_NO_PAD.decode(token).unwrap());
        }
        for (partition, token) in tokens.iter().enumerate() {
            for (other, forged) in tokens.iter().enumerate() {
                // What says which request it is for, and the place that another's has.
                let forged = [&token[..20], &forged[20..]].concat();
                let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
                let answer = page(partition, Some(forged)).await;
                if other == partition {
                    assert_eq!(answer.unwrap().items.unwrap().len(), 2);
                } else {
                    assert_eq!(answer.unwrap_err().message, "Invalid NextToken");
                }
            }
        }
    }
}

#[test]
fn a_select_finds_what_its_condition_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let testing = runtime.block_on(testing());
    // A panic ends the test: nobody looks at them afterwards.
    let cloud = AssertUnwindSafe((runtime, testing));
    let all = items();
    bolero::check!().with_type::<Drawn>().with_iterations(300).for_each(|drawn| {
        let (runtime, testing) = &*cloud;
        let condition = drawn.condition();
        let clause =
            if condition.is_empty() { String::new() } else { format!("WHERE {condition}") };
        let statement = format!("SELECT * FROM {} {clause}", drawn.source());
        let Ok(Statement::Select(select)) = partiql::parse(&statement, &[]) else {
            panic!("{statement}")
        };
        let asked = select.condition.map(Condition::from_test);
        let in_source = |item: &&Item| match select.target.index.as_deref() {
            Some("owners") => item.get("owner").is_some(),
            Some(_) => item.get("v").is_some(),
            None => true,
        };
        let mut expect: Vec<String> = all
            .iter()
            .filter(in_source)
            .filter(|item| asked.as_ref().is_none_or(|asked| asked.holds(Some(item))))
            .map(|item| format!("{item:?}"))
            .collect();
        let got = runtime.block_on(found(testing, &statement, drawn.limit));
        let mut got: Vec<String> = got.iter().map(|item| format!("{item:?}")).collect();
        got.sort();
        expect.sort();
        assert_eq!(got, expect, "{statement}");
    });
}

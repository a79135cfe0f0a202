//! What must hold of every policy: nothing panics, a Deny never opens, an Allow never closes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cumulet_auth::policy::{
    Document, Grammar, Keys, Kind, Policies, Principal, Request, ResourcePolicy, Values, evaluate,
};
use cumulet_base::Timestamp;
use serde_json::{Value, json};

const GRAMMARS: [Grammar; 3] = [Grammar::Identity, Grammar::Resource, Grammar::Trust];

/// Words of the language, out of which random documents come close enough to get far.
const WORDS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\"Version\":",
    "\"2012-10-17\"",
    "\"Statement\":",
    "\"Effect\":",
    "\"Allow\"",
    "\"Deny\"",
    "\"Action\":",
    "\"*\"",
    "\"s3:Get*\"",
    "\"NotAction\":",
    "\"Resource\":",
    "\"arn:aws:s3:::${aws:username}\"",
    "\"Principal\":",
    "\"AWS\":",
    "\"111111111111\"",
    "\"Condition\":",
    "\"StringLike\":",
    "\"ForAnyValue:ArnLike\":",
    "\"aws:x\":",
    "\"${a,'b'}\"",
    "\"${\"",
    "1e9",
    "-1",
    "null",
    "true",
    "\\u0041",
    "é",
    "\"DateLessThan\":",
    "\"2026-01\"",
    "\"IpAddress\":",
    "\"::/0\"",
    "\"NotPrincipal\":",
    "\"Sid\":",
];

#[test]
fn parsing_random_bytes_and_words_never_panics() {
    bolero::check!().with_iterations(10_000).for_each(|bytes| {
        let words: String = bytes
            .iter()
            .filter_map(|byte| WORDS.get(usize::from(*byte) % WORDS.len()))
            .copied()
            .collect();
        for grammar in GRAMMARS {
            let _ = Document::parse(&String::from_utf8_lossy(bytes), grammar);
            let _ = Document::parse(&words, grammar);
        }
    });
}

/// A random JSON value of the shape of a policy, but for an occasional slip.
fn statement(seed: &[u8], with_principal: bool) -> Value {
    let pick = |at: usize, choices: &[&str]| {
        let byte = usize::from(seed.get(at).copied().unwrap_or_default());
        choices.get(byte % choices.len()).copied().unwrap_or_default().to_owned()
    };
    let effect = pick(0, &["Allow", "Allow", "Deny"]);
    let action = pick(1, &["Action", "NotAction"]);
    let resource = pick(2, &["Resource", "Resource", "NotResource"]);
    let operator = pick(5, &["StringEquals", "StringNotLike", "ForAllValues:StringLike", "Null"]);
    let value = pick(6, &["a", "*", "${aws:username}", "${x:missing}"]);
    let value = if operator == "Null" { "true".to_owned() } else { value };
    let mut all = json!({
        "Effect": effect,
        action: pick(3, &["*", "s3:*", "s3:Get*", "iam:*"]),
        resource: pick(4, &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::${aws:username}/x"]),
    });
    if seed.get(7).is_some_and(|byte| byte % 2 == 0) {
        all["Condition"] = json!({operator: {pick(8, &["s3:prefix", "aws:username"]): value}});
    }
    if with_principal {
        let who = ["*", "111111111111", "arn:aws:iam::111111111111:role/r", "AIDAALICEALICEALICE1"];
        all["Principal"] = json!({"AWS": pick(9, &who)});
    }
    all
}

fn document(seeds: &[Vec<u8>], grammar: Grammar, extra: Option<Value>) -> Option<Document> {
    let with_principal = grammar != Grammar::Identity;
    let mut statements: Vec<Value> =
        seeds.iter().take(3).map(|seed| statement(seed, with_principal)).collect();
    statements.extend(extra);
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    (!statements.is_empty()).then(|| Document::parse(&text, grammar).unwrap())
}

/// Decides one request under random policies, with `extra` added to the identity's or the
/// resource's.
fn decide(
    (who, layers, identity, resource, limits): &Case,
    to_identity: Option<Value>,
    to_resource: Option<Value>,
) -> bool {
    let identity = document(identity, Grammar::Identity, to_identity);
    let resource = document(resource, Grammar::Resource, to_resource);
    let limit = document(limits, Grammar::Identity, None);
    let identity: Vec<&Document> = identity.iter().collect();
    let sessions: Vec<&Document> = limit.iter().collect();
    let policies = Policies {
        identity: &identity,
        boundary: limit.as_ref().filter(|_| layers & 1 != 0),
        session: Some(sessions.as_slice()).filter(|_| layers & 2 != 0),
        resource: resource
            .as_ref()
            .map(|document| ResourcePolicy { document, required: layers & 4 != 0 }),
    };
    let role = Kind::AssumedRole { role: "arn:aws:iam::111111111111:role/r" };
    let (kind, arn) = match who % 4 {
        0 => (Kind::User, "arn:aws:iam::111111111111:user/a"),
        1 => (role, "arn:aws:sts::111111111111:assumed-role/r/s"),
        2 => (Kind::Root, "arn:aws:iam::111111111111:root"),
        _ => (Kind::Anonymous, ""),
    };
    let account = if kind == Kind::Anonymous { "" } else { "111111111111" };
    let userid = "AIDAALICEALICEALICE1";
    let keys = Keys::default().with("s3:prefix", Values::one("a"));
    evaluate(
        &Request {
            principal: Principal { kind, arn, account, userid, canonical_user: None, tags: &[] },
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/x",
            resource_account: if layers & 8 == 0 { "111111111111" } else { "222222222222" },
            now: Timestamp::from_secs(0),
            context: if layers & 16 == 0 { &keys } else { &|_: &str| None },
        },
        &policies,
    )
    .is_allow()
}

/// Who asks, which layers there are, and the seeds of the statements of each.
type Case = (u8, u8, Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<Vec<u8>>);

fn with_effect(seed: &[u8], effect: &str, with_principal: bool) -> Value {
    let mut all = statement(seed, with_principal);
    all["Effect"] = json!(effect);
    all
}

#[test]
fn adding_a_deny_never_allows() {
    let met = AtomicUsize::new(0);
    bolero::check!().with_iterations(2_000).with_type::<(Case, Vec<u8>)>().for_each(
        |(case, seed)| {
            if !decide(case, None, None) {
                met.fetch_add(1, Relaxed);
                assert!(!decide(case, Some(with_effect(seed, "Deny", false)), None));
                assert!(!decide(case, None, Some(with_effect(seed, "Deny", true))));
            }
        },
    );
    assert!(met.into_inner() > 100, "random cases hardly ever deny");
}

#[test]
fn adding_an_allow_never_denies() {
    let met = AtomicUsize::new(0);
    bolero::check!().with_iterations(2_000).with_type::<(Case, Vec<u8>)>().for_each(
        |(case, seed)| {
            if decide(case, None, None) {
                met.fetch_add(1, Relaxed);
                assert!(decide(case, Some(with_effect(seed, "Allow", false)), None));
            }
        },
    );
    assert!(met.into_inner() > 100, "random cases hardly ever allow");
}

/// A policy and a request that together would grow without bound.
#[test]
fn variables_repeated_stay_bounded() {
    let resource = "${aws:referer}".repeat(2_000);
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": format!("arn:aws:s3:::{resource}"),
    }});
    let document = Document::parse(&text.to_string(), Grammar::Identity).unwrap();
    let identity = [&document];
    let keys = Keys::default().with("aws:Referer", Values::one("x".repeat(60_000)));
    let request = Request {
        principal: Principal { kind: Kind::User, account: "111111111111", ..Principal::ANONYMOUS },
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b",
        resource_account: "111111111111",
        now: Timestamp::from_secs(0),
        context: &keys,
    };
    let policies = Policies { identity: &identity, ..Policies::default() };
    assert!(!evaluate(&request, &policies).is_allow());
}

/// `cargo test --release -p cumulet-auth --test policy_properties -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, for release builds"]
fn a_typical_evaluation_takes_less_than_two_microseconds() {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
         "Resource": "arn:aws:logs:*:111111111111:log-group:/aws/lambda/*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
         "Resource": "arn:aws:s3:::home/${aws:username}/*",
         "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"],
         "Resource": ["arn:aws:dynamodb:*:111111111111:table/notes",
                      "arn:aws:dynamodb:*:111111111111:table/notes/index/*"],
         "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}}]}"#;
    let document = Document::parse(text, Grammar::Identity).unwrap();
    let identity = [&document];
    let keys = Keys::default().with("dynamodb:LeadingKeys", Values::Many(vec!["a".into()]));
    let request = Request {
        principal: Principal {
            kind: Kind::User,
            arn: "arn:aws:iam::111111111111:user/a",
            account: "111111111111",
            userid: "AIDAALICEALICEALICE1",
            canonical_user: None,
            tags: &[],
        },
        action: "dynamodb:GetItem",
        resource: "arn:aws:dynamodb:eu-west-1:111111111111:table/notes",
        resource_account: "111111111111",
        now: Timestamp::from_secs(0),
        context: &keys,
    };
    let policies = Policies { identity: &identity, ..Policies::default() };
    let rounds = 1_000_000;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        assert!(evaluate(std::hint::black_box(&request), &policies).is_allow());
    }
    let each = start.elapsed() / rounds;
    println!("{each:?} an evaluation");
    assert!(each < std::time::Duration::from_micros(2));
}

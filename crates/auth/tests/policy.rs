//! Runs the cases of `tests/policy/*.md`.
//!
//! A heading begins a section and forgets what stood before. Fenced blocks set the section's
//! policies (```` ```json identity ````, `resource`, `required`, `trust`, `boundary`, `session`;
//! several `identity` or `session` blocks add up). Each row of a table is a case; its columns are:
//!
//! - `principal`: one of the cast in [`cast`], `service NAME` or `provider NAME`; else alice
//! - `action`, `resource`, `account` (the resource's): else `s3:GetObject`, `arn:aws:s3:::bucket/key`,
//!   alice's account
//! - `context`: `key=value; key=[a, b]`
//! - `statement`: added to `{"Effect": "Allow", "Action": "*", "Resource": "*"}` as an identity's
//!   policy; `condition`: likewise, only the condition
//! - `grants`, `denies`: the `Principal` of an Allow, or Deny, of everything in the resource's policy
//! - `decision`: `allow [Sid]`, `no LAYER` (nothing allows) or `explicit LAYER [Sid]`
//! - `message`: the whole message of a denial, or of a refused policy
//! - `grammar`, `policy`: a text that must be refused with `message`, or read where that is `ok`
//! - anything else: for the reader

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::fs;

use cumulet_auth::policy::{
    Decision, Denial, Document, Grammar, Keys, Kind, Layer, Policies, Principal, Request,
    ResourcePolicy, Values, evaluate,
};
use cumulet_base::Timestamp;
use serde_json::{Value, json};

const ACCOUNT: &str = "111111111111";

#[test]
fn every_case() {
    let mut cases = 0;
    let mut failures = Vec::new();
    let mut files: Vec<_> =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policy")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    for file in files {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        run_file(&text, &mut |line, outcome| {
            cases += 1;
            if let Err(failure) = outcome {
                failures.push(format!("{name}:{line}: {failure}"));
            }
        });
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(cases >= 300, "only {cases} cases were found");
}

#[derive(Default)]
struct Section {
    identity: Vec<Document>,
    session: Option<Vec<Document>>,
    boundary: Option<Document>,
    resource: Option<(Document, bool)>,
}

impl Section {
    fn add(&mut self, kind: &str, text: &str) {
        let parse =
            |grammar| Document::parse(text, grammar).unwrap_or_else(|e| panic!("{text}: {e}"));
        match kind {
            "identity" => self.identity.push(parse(Grammar::Identity)),
            // An empty block: a session with policies that are none.
            "session" if text.trim().is_empty() => self.session = Some(Vec::new()),
            "session" => self.session.get_or_insert_default().push(parse(Grammar::Identity)),
            "boundary" => self.boundary = Some(parse(Grammar::Identity)),
            "resource" => self.resource = Some((parse(Grammar::Resource), false)),
            "required" => self.resource = Some((parse(Grammar::Resource), true)),
            "trust" => self.resource = Some((parse(Grammar::Trust), true)),
            _ => panic!("no kind of policy: {kind}"),
        }
    }
}

fn run_file(text: &str, report: &mut dyn FnMut(usize, Result<(), String>)) {
    let mut section = Section::default();
    let mut header: Vec<String> = Vec::new();
    let mut block: Option<(String, String)> = None;
    for (at, line) in text.lines().enumerate() {
        if let Some((kind, content)) = &mut block {
            if line == "```" {
                section.add(kind, content);
                block = None;
            } else {
                content.push_str(line);
                content.push('\n');
            }
        } else if let Some(kind) = line.strip_prefix("```json ") {
            block = Some((kind.to_owned(), String::new()));
        } else if line.starts_with('#') {
            section = Section::default();
        } else if !line.starts_with('|') {
            header.clear();
        } else if header.is_empty() {
            header = cells(line);
        } else if !line.starts_with("|-") {
            let row: HashMap<&str, String> =
                header.iter().map(String::as_str).zip(cells(line)).collect();
            assert_eq!(row.len(), header.len(), "line {}", at + 1);
            report(at + 1, run_case(&section, &row));
        }
    }
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

fn run_case(section: &Section, row: &HashMap<&str, String>) -> Result<(), String> {
    if let Some(text) = row.get("policy") {
        return refused(text, &row["grammar"], &row["message"]);
    }
    let get = |column| row.get(column).map(String::as_str).filter(|cell| !cell.is_empty());
    let own = own_policy(get("statement"), get("condition"));
    let own_resource = resource_policy(get("grants"), get("denies"));
    let mut identity: Vec<&Document> = section.identity.iter().collect();
    identity.extend(&own);
    let session: Option<Vec<&Document>> = section.session.as_ref().map(|all| all.iter().collect());
    let resource = section.resource.as_ref().map(|(document, required)| (document, *required));
    let resource = own_resource.as_ref().map(|document| (document, false)).or(resource);
    let policies = Policies {
        identity: &identity,
        boundary: section.boundary.as_ref(),
        session: session.as_deref(),
        resource: resource.map(|(document, required)| ResourcePolicy { document, required }),
    };
    let keys = context(get("context").unwrap_or_default());
    let tags = [("team".to_owned(), "blue".to_owned()), ("Stage".to_owned(), "dev".to_owned())];
    let request = Request {
        principal: cast(get("principal").unwrap_or("alice"), &tags),
        action: get("action").unwrap_or("s3:GetObject"),
        resource: get("resource").unwrap_or("arn:aws:s3:::bucket/key"),
        resource_account: get("account").unwrap_or(ACCOUNT),
        now: Timestamp::from_secs(1_795_222_923),
        context: &keys,
    };
    let decision = evaluate(&request, &policies);
    let denial = match &decision {
        Decision::Deny(denial) => Some(denial.message(&request)),
        Decision::Allow(_) => None,
    };
    if let Some(message) = get("message")
        && denial.as_deref() != Some(message)
    {
        return Err(format!("expected {message}, got {denial:?}"));
    }
    let expected = get("decision").ok_or("no decision")?;
    let got = describe(&decision);
    // A case that does not name the Sid does not ask for it.
    let short: Vec<&str> = got.split(' ').take(expected.split(' ').count()).collect();
    if short.join(" ") == expected {
        Ok(())
    } else {
        Err(format!("expected {expected}, got {got}"))
    }
}

fn refused(text: &str, grammar: &str, expected: &str) -> Result<(), String> {
    let grammar = match grammar {
        "identity" => Grammar::Identity,
        "resource" => Grammar::Resource,
        "trust" => Grammar::Trust,
        other => return Err(format!("no grammar: {other}")),
    };
    let got = match Document::parse(text, grammar) {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    if got == expected { Ok(()) } else { Err(format!("expected {expected}, got {got}")) }
}

fn describe(decision: &Decision<'_>) -> String {
    let name = |layer: Layer| format!("{layer:?}").to_lowercase();
    let sid = |sid: Option<&str>| sid.map(|sid| format!(" {sid}")).unwrap_or_default();
    match decision {
        Decision::Allow(by) => format!("allow{}", sid(by.and_then(|by| by.sid))),
        Decision::Deny(Denial::Implicit(layer)) => format!("no {}", name(*layer)),
        Decision::Deny(Denial::Explicit(by)) => {
            format!("explicit {}{}", name(by.layer), sid(by.sid))
        }
    }
}

fn own_policy(statement: Option<&str>, condition: Option<&str>) -> Option<Document> {
    let mut all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let parse = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    };
    let mut version = json!("2012-10-17");
    if let Some(condition) = condition {
        all["Condition"] = parse(condition);
    }
    for (name, value) in parse(statement.unwrap_or("{}")).as_object().unwrap() {
        if name == "Version" {
            version = value.clone();
            continue;
        }
        if let Some(plain) = name.strip_prefix("Not") {
            all.as_object_mut().unwrap().remove(plain);
        }
        all[name] = value.clone();
    }
    let text = json!({"Version": version, "Statement": all}).to_string();
    (statement.is_some() || condition.is_some()).then(|| {
        Document::parse(&text, Grammar::Identity).unwrap_or_else(|e| panic!("{text}: {e}"))
    })
}

fn resource_policy(grants: Option<&str>, denies: Option<&str>) -> Option<Document> {
    let statement = |effect: &str, principal: &str| {
        let principal = principal.strip_prefix("not ").map_or_else(
            || format!("\"Principal\": {principal}"),
            |principal| format!("\"NotPrincipal\": {principal}"),
        );
        format!(r#"{{"Effect": "{effect}", "Action": "*", "Resource": "*", {principal}}}"#)
    };
    let statements: Vec<String> = (grants.iter().map(|text| statement("Allow", text)))
        .chain(denies.iter().map(|text| statement("Deny", text)))
        .collect();
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(","));
    (!statements.is_empty()).then(|| {
        Document::parse(&text, Grammar::Resource).unwrap_or_else(|e| panic!("{text}: {e}"))
    })
}

fn context(text: &str) -> Keys {
    let mut keys = Keys::default();
    for entry in text.split("; ").filter(|entry| !entry.is_empty()) {
        let (name, value) = entry.split_once('=').unwrap_or_else(|| panic!("no value: {entry}"));
        let listed = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let values = match listed {
            None => Values::one(value.to_owned()),
            Some(inner) => {
                let items = inner.split(", ").filter(|item| !item.is_empty());
                Values::Many(items.map(|item| item.to_owned().into()).collect())
            }
        };
        keys = keys.with(name, values);
    }
    keys
}

/// Who plays in the cases. Account 111111111111 is alice's, 222222222222 is mallory's.
fn cast<'a>(name: &'a str, tags: &'a [(String, String)]) -> Principal<'a> {
    let of = |kind, arn, account, userid| Principal {
        kind,
        arn,
        account,
        userid,
        canonical_user: Some(if account == ACCOUNT { "canonical1" } else { "canonical2" }),
        tags,
    };
    let role = Kind::AssumedRole { role: "arn:aws:iam::111111111111:role/ops/deployer" };
    match name {
        "root" => of(Kind::Root, "arn:aws:iam::111111111111:root", ACCOUNT, ACCOUNT),
        "alice" => {
            let arn = "arn:aws:iam::111111111111:user/team/alice";
            of(Kind::User, arn, ACCOUNT, "AIDAALICEALICEALICE1")
        }
        "session" => {
            let arn = "arn:aws:sts::111111111111:assumed-role/deployer/ci";
            of(role, arn, ACCOUNT, "AROADEPLOYERDEPLOYER:ci")
        }
        "federated" => {
            let issuer = "arn:aws:iam::111111111111:user/team/alice";
            let arn = "arn:aws:sts::111111111111:federated-user/guest";
            of(Kind::FederatedUser { issuer }, arn, ACCOUNT, "111111111111:guest")
        }
        "federated by root" => {
            let issuer = "arn:aws:iam::111111111111:root";
            let arn = "arn:aws:sts::111111111111:federated-user/guest";
            of(Kind::FederatedUser { issuer }, arn, ACCOUNT, "111111111111:guest")
        }
        "mallory" => {
            let arn = "arn:aws:iam::222222222222:user/mallory";
            of(Kind::User, arn, "222222222222", "AIDAMALLORYMALLORY12")
        }
        "other root" => {
            of(Kind::Root, "arn:aws:iam::222222222222:root", "222222222222", "222222222222")
        }
        "oai" => {
            let arn = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1";
            Principal { kind: Kind::OriginAccess, arn, ..Principal::ANONYMOUS }
        }
        "anonymous" => Principal::ANONYMOUS,
        other => match other.split_once(' ') {
            Some(("service", name)) => Principal::service(name),
            Some(("provider", name)) => {
                Principal { kind: Kind::Federated, arn: name, ..Principal::ANONYMOUS }
            }
            _ => panic!("no such principal: {other}"),
        },
    }
}

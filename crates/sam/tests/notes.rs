//! An ordinary application: a REST API with a Cognito authorizer, functions, a table, a layer, an
//! implicit REST API and an HTTP API. The result was compared with that of AWS's transform.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use cumulet_sam::{Context, transform};
use cumulet_template::{Limits, Template, parse};
use serde_json::{Map, Value, json};

#[test]
fn notes() {
    let document = parse(include_str!("notes.yaml"), &Limits::default()).unwrap();
    let role = "arn:aws:iam::aws:policy/service-role/AWSLambdaRole";
    let policies = BTreeMap::from([("AWSLambdaRole".to_owned(), role.to_owned())]);
    let context = Context {
        region: "ap-southeast-1",
        account: "123456789012",
        partition: "aws",
        managed_policies: &policies,
        application: &|_, _| Err("there is no application repository here".to_owned()),
        now: 0,
    };
    let result = transform(&document, &Map::new(), &context).unwrap();
    let expected: Value = serde_json::from_str(include_str!("notes.json")).unwrap();
    assert_eq!(result, expected);

    // What comes out is a template that CloudFormation takes.
    assert_eq!(Template::declared_transforms(&document).unwrap(), [cumulet_sam::TRANSFORM]);
    let template = Template::new(&result).unwrap();
    assert!(template.transforms.is_empty());
    assert!(template.resource("ListAliaslive").is_some());
}

#[test]
fn parameters_decide() {
    let document = parse(include_str!("notes.yaml"), &Limits::default()).unwrap();
    let policies = BTreeMap::new();
    let context = Context {
        region: "eu-west-1",
        account: "123456789012",
        partition: "aws-cn",
        managed_policies: &policies,
        application: &|_, _| Err(String::new()),
        now: 0,
    };
    let parameters = Map::from_iter([("Stage".to_owned(), json!("prod"))]);
    let result = transform(&document, &parameters, &context).unwrap();
    let resources = result["Resources"].as_object().unwrap();
    // The name of a function is part of its API's deployment, so the id differs with the stage.
    let expected: Value = serde_json::from_str(include_str!("notes.json")).unwrap();
    let deployment = |resources: &Map<String, Value>| {
        let ids = resources.keys();
        ids.filter(|id| id.starts_with("ServerlessRestApiDeployment")).cloned().collect::<Vec<_>>()
    };
    assert_ne!(deployment(resources), deployment(expected["Resources"].as_object().unwrap()));
    let arns = &resources["HelloRole"]["Properties"]["ManagedPolicyArns"];
    let basic = "arn:aws-cn:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    assert_eq!(arns[0], json!(basic));
    let api = &resources["Api"]["Properties"]["EndpointConfiguration"]["Types"];
    assert_eq!(api, &json!(["REGIONAL"]));
}

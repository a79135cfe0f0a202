//! What stacks make.

use cumulet_api_iam::ops as api;
use cumulet_service::{Actual, Changed, Cx, Desired, Resource};
use serde_json::{Map, Value, json};

use super::{TestCloud, policy};

fn of(cx: &Cx, name: &str) -> &'static dyn Resource {
    cx.cloud().registry().resource(name).unwrap()
}

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no object") };
    map
}

async fn create(cx: &Cx, kind: &str, name: &str, properties: &Map<String, Value>) -> Actual {
    let tags = [("stack".to_owned(), "s".to_owned())];
    let desired = Desired { name, properties, tags: &tags };
    // One attempt for each thing that is wished for.
    let token = format!("{kind} {name} {}", json!(properties));
    of(cx, kind).create(&cx.attempting(&token), desired).await.unwrap()
}

async fn update(
    cx: &Cx,
    kind: &str,
    id: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) {
    let after = Desired { name: "n", properties: after, tags: &[] };
    let changed = Changed { physical_id: id, before, after };
    assert_eq!(of(cx, kind).update(cx, changed).await.unwrap().physical_id, id);
}

fn role_properties() -> Map<String, Value> {
    map(json!({
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Action": ["sts:AssumeRole"]}]},
        "ManagedPolicyArns": [
            "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        ],
        "Policies": [{"PolicyName": "one", "PolicyDocument": {"Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}],
        "Tags": [{"Key": "own", "Value": "1"}],
        "MaxSessionDuration": "7200"
    }))
}

async fn inline(cx: &Cx, role: &str) -> Vec<String> {
    let input = api::ListRolePoliciesRequest { role_name: role.to_owned(), ..Default::default() };
    cx.call::<api::ListRolePolicies>(input).await.unwrap().policy_names
}

async fn attached(cx: &Cx, role: &str) -> usize {
    let role_name = role.to_owned();
    let input = api::ListAttachedRolePoliciesRequest { role_name, ..Default::default() };
    let found = cx.call::<api::ListAttachedRolePolicies>(input).await.unwrap();
    found.attached_policies.unwrap().len()
}

#[tokio::test]
async fn a_role_is_made_changed_and_removed() {
    let cloud = TestCloud::new().await;
    let cx = cloud.root();
    let before = role_properties();
    let kind = "AWS::IAM::Role";
    let made = create(&cx, kind, "stack-Role-ABCDEFGHIJKL", &before).await;
    // A second try after a crash ends in the same state.
    let again = create(&cx, kind, "stack-Role-ABCDEFGHIJKL", &before).await;
    assert_eq!((&made.physical_id, &made.attributes), (&again.physical_id, &again.attributes));
    let id = made.physical_id.as_str();
    assert_eq!(made.attributes["Arn"], format!("arn:aws:iam::000000000000:role/{id}"));
    let get = async || {
        let input = api::GetRoleRequest { role_name: id.to_owned() };
        cx.call::<api::GetRole>(input).await.map(|found| found.role)
    };
    let role = get().await.unwrap();
    assert_eq!(role.max_session_duration, Some(7200));
    let tags: Vec<String> = role.tags.unwrap().into_iter().map(|tag| tag.key).collect();
    assert_eq!(tags, ["own", "stack"]);
    assert_eq!((inline(&cx, id).await, attached(&cx, id).await), (vec!["one".to_owned()], 1));

    let mut after = before.clone();
    after.insert("ManagedPolicyArns".to_owned(), json!([]));
    after["Policies"][0]["PolicyName"] = json!("two");
    after.insert("Tags".to_owned(), json!([{"Key": "other", "Value": "2"}]));
    after.insert("Description".to_owned(), json!("d"));
    update(&cx, kind, id, &before, &after).await;
    let role = get().await.unwrap();
    assert_eq!(role.description.as_deref(), Some("d"));
    assert!(role.tags.unwrap().iter().all(|tag| tag.key != "own"));
    assert_eq!((inline(&cx, id).await, attached(&cx, id).await), (vec!["two".to_owned()], 0));

    for _ in 0..2 {
        of(&cx, kind).remove(&cx, id, &after).await.unwrap();
    }
    assert_eq!(get().await.unwrap_err().code, "NoSuchEntity");
}

#[tokio::test]
async fn a_named_role_that_is_there_already_is_not_taken_over() {
    let cloud = TestCloud::new().await;
    let cx = cloud.root();
    let mut properties = role_properties();
    properties.insert("RoleName".to_owned(), json!("mine"));
    create(&cx, "AWS::IAM::Role", "n", &properties).await;
    let desired = Desired { name: "other", properties: &properties, tags: &[] };
    let error = of(&cx, "AWS::IAM::Role").create(&cx, desired).await.unwrap_err();
    assert_eq!(error.code, "EntityAlreadyExists");
}

#[tokio::test]
async fn an_inline_policy_moves_with_its_holders() {
    let cloud = TestCloud::new().await;
    let cx = cloud.root();
    for name in ["a", "b"] {
        let mut properties = role_properties();
        properties.remove("Policies");
        properties.insert("RoleName".to_owned(), json!(name));
        create(&cx, "AWS::IAM::Role", "n", &properties).await;
    }
    let kind = "AWS::IAM::Policy";
    let document = policy(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
    let properties = |name: &str, roles: Value| {
        map(json!({"PolicyName": name, "PolicyDocument": document, "Roles": roles}))
    };
    let first = properties("p", json!(["a"]));
    let id = create(&cx, kind, "stack-Policy-1", &first).await.physical_id;
    let second = properties("q", json!(["a", "b"]));
    update(&cx, kind, &id, &first, &second).await;
    assert_eq!(inline(&cx, "a").await, ["q"]);
    let third = properties("q", json!(["b"]));
    update(&cx, kind, &id, &second, &third).await;
    assert_eq!((inline(&cx, "a").await, inline(&cx, "b").await), (vec![], vec!["q".to_owned()]));
    of(&cx, kind).remove(&cx, &id, &third).await.unwrap();
    of(&cx, kind).remove(&cx, &id, &third).await.unwrap();
    assert!(inline(&cx, "b").await.is_empty());
}

#[tokio::test]
async fn a_managed_policy_gets_versions_and_takes_itself_away() {
    let cloud = TestCloud::new().await;
    let cx = cloud.root();
    let mut properties = role_properties();
    properties.insert("RoleName".to_owned(), json!("r"));
    create(&cx, "AWS::IAM::Role", "n", &properties).await;
    let kind = "AWS::IAM::ManagedPolicy";
    let of_version = |n: usize| {
        let statement = format!(r#"{{"Effect": "Allow", "Action": "s3:{n}", "Resource": "*"}}"#);
        map(json!({"PolicyDocument": policy(&statement), "Roles": ["r"]}))
    };
    let arn = create(&cx, kind, "stack-Managed-1", &of_version(0)).await.physical_id;
    assert_eq!(arn, "arn:aws:iam::000000000000:policy/stack-Managed-1");
    for n in 0..7 {
        update(&cx, kind, &arn, &of_version(n), &of_version(n + 1)).await;
    }
    assert_eq!(attached(&cx, "r").await, 2);
    of(&cx, kind).delete(&cx, &arn).await.unwrap();
    of(&cx, kind).delete(&cx, &arn).await.unwrap();
    assert_eq!(attached(&cx, "r").await, 1);
}

#[tokio::test]
async fn users_groups_and_keys_come_and_go() {
    let cloud = TestCloud::new().await;
    let cx = cloud.root();
    let inline = role_properties()["Policies"].clone();
    let group = map(json!({"GroupName": "g", "Policies": inline}));
    create(&cx, "AWS::IAM::Group", "n", &group).await;
    let user = map(json!({"UserName": "u", "Groups": ["g"], "Policies": inline}));
    let made = create(&cx, "AWS::IAM::User", "n", &user).await;
    assert_eq!(made.attributes["Arn"], "arn:aws:iam::000000000000:user/u");
    let key = map(json!({"UserName": "u", "Status": "Inactive"}));
    let made = create(&cx, "AWS::IAM::AccessKey", "n", &key).await;
    assert_eq!(made.attributes["SecretAccessKey"].as_str().unwrap().len(), 40);
    of(&cx, "AWS::IAM::AccessKey").remove(&cx, &made.physical_id, &key).await.unwrap();
    of(&cx, "AWS::IAM::User").remove(&cx, "u", &user).await.unwrap();
    of(&cx, "AWS::IAM::Group").remove(&cx, "g", &group).await.unwrap();
    let left = cx.call::<api::ListUsers>(api::ListUsersRequest::default()).await.unwrap();
    assert!(left.users.is_empty());
}

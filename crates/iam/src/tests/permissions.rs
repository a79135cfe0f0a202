//! What is decided from which policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::AccountId;
use cumulet_service::{Access, Principal, Session};

use super::{TestCloud, denied, policy, table};

const ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

fn resource_policy(statement: &str) -> Arc<Document> {
    Arc::new(Document::parse(&policy(statement), Grammar::Resource).unwrap())
}

#[tokio::test]
async fn root_owns_what_is_the_accounts_unless_its_policy_denies() {
    let cloud = TestCloud::new().await;
    let root = cloud.root();
    let access = table(&root, "dynamodb:GetItem");
    root.authorize(&access).await.unwrap();
    let foreign = Access { owner: "111111111111".parse().unwrap(), ..access.clone() };
    denied(root.authorize(&foreign).await);
    let statement = r#"{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    denied(root.authorize(&access.clone().under(Some(resource_policy(statement)))).await);
    let required = Access { policy_required: true, ..access };
    denied(root.authorize(&required).await);
}

#[tokio::test]
async fn users_may_what_their_policies_say_as_of_now() {
    let cloud = TestCloud::new().await;
    let cx = cloud
        .user("alice", r#"{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}"#)
        .await;
    cx.authorize(&table(&cx, "dynamodb:GetItem")).await.unwrap();
    let message = denied(cx.authorize(&table(&cx, "dynamodb:PutItem")).await);
    assert_eq!(
        message,
        "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: \
         dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/notes \
         because no identity-based policy allows the dynamodb:PutItem action"
    );
    cloud.allow_user("alice", ALL).await;
    cx.authorize(&table(&cx, "dynamodb:PutItem")).await.unwrap();
}

#[tokio::test]
async fn sessions_are_narrowed_by_their_policies_and_know_their_tags() {
    let cloud = TestCloud::new().await;
    let session = Session {
        name: "s".to_owned(),
        policy: Some(policy(
            r#"{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}"#,
        )),
        tags: BTreeMap::from([("Team".to_owned(), "red".to_owned())]),
        ..Session::default()
    };
    let cx = cloud.role("r", ALL, session).await;
    cx.authorize(&table(&cx, "dynamodb:GetItem")).await.unwrap();
    let message = denied(cx.authorize(&table(&cx, "dynamodb:PutItem")).await);
    assert!(message.contains("because no session policy allows"), "{message}");
}

#[tokio::test]
async fn who_was_deleted_may_nothing() {
    let cloud = TestCloud::new().await;
    let cx = cloud.role("r", ALL, Session::default()).await;
    cx.authorize(&table(&cx, "dynamodb:GetItem")).await.unwrap();
    let Principal::Role { account, name, path, session, .. } = cx.principal().clone() else {
        panic!("not a role")
    };
    let id = "AROAANOTHER".to_owned();
    let other = cx.acting_as(Principal::Role { account, name, path, id, session });
    denied(other.authorize(&table(&other, "dynamodb:GetItem")).await);
}

#[tokio::test]
async fn services_need_a_resources_policy_and_say_for_whom_they_act() {
    let cloud = TestCloud::new().await;
    let account = AccountId::DEFAULT;
    let source = "arn:aws:execute-api:us-east-1:000000000000:abc/*".parse().unwrap();
    let service = Principal::service_for("apigateway.amazonaws.com", &account, &source);
    let cx = cloud.cloud.context(service);
    let access = table(&cx, "lambda:InvokeFunction");
    denied(cx.authorize(&access).await);
    let allow = |api: &str| {
        resource_policy(&format!(
            r#"{{"Effect": "Allow", "Principal": {{"Service": "apigateway.amazonaws.com"}},
                "Action": "lambda:InvokeFunction", "Resource": "*", "Condition": {{
                "ArnLike": {{"aws:SourceArn": "arn:aws:execute-api:*:*:{api}/*"}},
                "StringEquals": {{"aws:SourceAccount": "000000000000"}}}}}}"#
        ))
    };
    cx.authorize(&access.clone().under(Some(allow("abc")))).await.unwrap();
    denied(cx.authorize(&access.under(Some(allow("other")))).await);
}

#[tokio::test]
async fn what_a_service_forwards_is_told_from_what_comes_itself() {
    let cloud = TestCloud::new().await;
    let statement = r#"{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"Bool": {"aws:ViaAWSService": "true"}}}"#;
    let cx = cloud.user("alice", statement).await;
    denied(cx.authorize(&table(&cx, "dynamodb:GetItem")).await);
    // The door between services says so.
    let input = cumulet_api_iam::ops::ListUsersRequest::default();
    cx.call::<cumulet_api_iam::ops::ListUsers>(input.clone()).await.unwrap();
    // A service that takes on a principal itself forwards nothing.
    let taken_on = cx.acting_as(cx.principal().clone());
    assert!(taken_on.call::<cumulet_api_iam::ops::ListUsers>(input).await.is_err());
}

#[tokio::test]
async fn session_tokens_reach_neither_iam_nor_sts() {
    let cloud = TestCloud::new().await;
    let cx = cloud.user("alice", ALL).await;
    let Principal::User { account, name, path, id, .. } = cx.principal().clone() else {
        panic!("not a user")
    };
    let cx = cx.acting_as(Principal::User { account, name, path, id, issued_at: Some(1) });
    cx.authorize(&table(&cx, "dynamodb:GetItem")).await.unwrap();
    cx.authorize(&table(&cx, "iam:PassRole")).await.unwrap();
    denied(cx.authorize(&table(&cx, "iam:ListUsers")).await);
    denied(cx.authorize(&table(&cx, "sts:GetFederationToken")).await);
}

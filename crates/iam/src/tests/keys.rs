//! Whom access keys belong to.

use std::time::Duration;

use cumulet_api_iam::ops as api;
use cumulet_service::{Found, Principal, temporary};

use super::TestCloud;

async fn find(cloud: &TestCloud, key: &str, token: Option<&str>) -> Found {
    cloud.cloud.parts().credentials.find(key, token).await.unwrap()
}

#[tokio::test]
async fn a_users_key_counts_while_it_is_there_and_active() {
    let cloud = TestCloud::new().await;
    let who = cloud.user("alice", r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#).await;
    let key = who.call::<api::CreateAccessKey>(api::CreateAccessKeyRequest::default()).await;
    let key = key.unwrap().access_key;
    let id = key.access_key_id.as_str();
    for _ in 0..2 {
        let Found::Identity(found) = find(&cloud, id, None).await else { panic!("not found") };
        assert_eq!(*found.principal, *who.principal());
    }
    assert!(matches!(find(&cloud, id, Some("token")).await, Found::InvalidToken));
    let set = async |status| {
        let access_key_id = id.to_owned();
        let input = api::UpdateAccessKeyRequest { user_name: None, access_key_id, status };
        who.call::<api::UpdateAccessKey>(input).await.unwrap();
    };
    set(cumulet_api_iam::types::StatusType::Inactive).await;
    assert!(matches!(find(&cloud, id, None).await, Found::UnknownKey));
    set(cumulet_api_iam::types::StatusType::Active).await;
    assert!(matches!(find(&cloud, id, None).await, Found::Identity(_)));
    let input = api::DeleteAccessKeyRequest { user_name: None, access_key_id: id.to_owned() };
    who.call::<api::DeleteAccessKey>(input).await.unwrap();
    assert!(matches!(find(&cloud, id, None).await, Found::UnknownKey));
}

#[tokio::test]
async fn roots_key_comes_without_token() {
    let cloud = TestCloud::new().await;
    let Found::Identity(found) = find(&cloud, "AKIAROOT", None).await else { panic!("not found") };
    assert!(matches!(*found.principal, Principal::Root { .. }));
    assert!(matches!(find(&cloud, "AKIAROOT", Some("t")).await, Found::InvalidToken));
    assert!(matches!(find(&cloud, "AKIANOBODY", None).await, Found::UnknownKey));
}

#[tokio::test]
async fn temporary_credentials_end() {
    let cloud = TestCloud::new().await;
    let parts = cloud.cloud.parts();
    let expires = parts.clock.now().after(Duration::from_secs(900));
    let principal = Principal::service("lambda.amazonaws.com");
    let issued = temporary::issue(&parts.sealer, &*parts.ids, principal, expires).unwrap();
    let (id, token) = (issued.access_key.as_str(), issued.token.as_str());
    for _ in 0..2 {
        assert!(matches!(find(&cloud, id, Some(token)).await, Found::Identity(_)));
    }
    assert!(matches!(find(&cloud, id, None).await, Found::UnknownKey));
    assert!(matches!(find(&cloud, id, Some("other")).await, Found::InvalidToken));
    cloud.clock.advance(Duration::from_secs(899));
    assert!(matches!(find(&cloud, id, Some(token)).await, Found::Identity(_)));
    cloud.clock.advance(Duration::from_secs(1));
    assert!(matches!(find(&cloud, id, Some(token)).await, Found::ExpiredToken));
}

/// What a hit costs stands in every request's budget of 25 µs. Run by hand, with `--release`.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn what_a_hit_costs() {
    let cloud = TestCloud::new().await;
    let parts = cloud.cloud.parts();
    let who = cloud.user("alice", r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#).await;
    let key = who.call::<api::CreateAccessKey>(api::CreateAccessKeyRequest::default()).await;
    let id = key.unwrap().access_key.access_key_id;
    let expires = parts.clock.now().after(Duration::from_secs(900));
    let issued =
        temporary::issue(&parts.sealer, &*parts.ids, who.principal().clone(), expires).unwrap();
    let session = cloud
        .role(
            "r",
            r#"{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}"#,
            cumulet_service::Session::default(),
        )
        .await;
    for (name, key, token) in [
        ("root", "AKIAROOT", None),
        ("user", id.as_str(), None),
        ("session", issued.access_key.as_str(), Some(issued.token.as_str())),
    ] {
        find(&cloud, key, token).await;
        let begin = std::time::Instant::now();
        for _ in 0..100_000 {
            find(&cloud, key, token).await;
        }
        println!("find {name}: {:?}", begin.elapsed() / 100_000);
    }
    for (name, cx) in [("root", &cloud.root()), ("user", &who), ("role", &session)] {
        let access = super::table(cx, "dynamodb:GetItem");
        cx.authorize(&access).await.unwrap();
        let begin = std::time::Instant::now();
        for _ in 0..100_000 {
            cx.authorize(&access).await.unwrap();
        }
        println!("authorize {name}: {:?}", begin.elapsed() / 100_000);
    }
}

//! Pools and clients as resources of a stack.

use super::*;
use cumulet_service::{Actual, Changed, Desired};
use serde_json::{Map, Value, json};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

#[tokio::test]
async fn a_stack_makes_changes_and_deletes_them() {
    let world = World::new().await;
    let registry = world.cx.cloud().registry();
    let pools = registry.resource("AWS::Cognito::UserPool").unwrap();
    let clients = registry.resource("AWS::Cognito::UserPoolClient").unwrap();
    // Templates write numbers and truth values as text as well.
    let properties = object(&json!({
        "AutoVerifiedAttributes": ["email"],
        "Policies": { "PasswordPolicy": { "MinimumLength": "10", "RequireSymbols": "false" } },
        "UsernameConfiguration": { "CaseSensitive": "false" },
    }));
    let tags = [("stack".to_owned(), "s".to_owned())];
    let desired = Desired { name: "s-Pool-1", properties: &properties, tags: &tags };
    let attempt = world.cx.attempting("pool");
    let pool = pools.create(&attempt, desired).await.unwrap();
    let again = pools.create(&attempt, desired).await.unwrap();
    assert_eq!(pool.physical_id, again.physical_id, "a second try finds the first one's pool");
    let id = &pool.physical_id;
    let provider = format!("cognito-idp.eu-west-1.amazonaws.com/{id}");
    assert_eq!(pool.attributes["ProviderName"], provider);
    let describe = || DescribeUserPoolRequest { user_pool_id: id.clone() };
    let shown = world.cx.call::<DescribeUserPool>(describe()).await.unwrap().user_pool.unwrap();
    assert_eq!(shown.name.as_deref(), Some("s-Pool-1"));
    assert!(!shown.username_configuration.unwrap().case_sensitive);
    let policy = shown.policies.unwrap().password_policy.unwrap();
    assert_eq!((policy.minimum_length, policy.require_symbols), (Some(10), Some(false)));
    assert_eq!(shown.user_pool_tags.unwrap()["stack"], "s");

    let wanted = object(&json!({ "UserPoolId": id, "GenerateSecret": true }));
    let desired_client = Desired { name: "s-Client-1", properties: &wanted, tags: &tags };
    let attempt = world.cx.attempting("client");
    let client: Actual = clients.create(&attempt, desired_client).await.unwrap();
    let again = clients.create(&attempt, desired_client).await.unwrap();
    assert_eq!(client.physical_id, again.physical_id);
    assert!(client.attributes.contains_key("ClientSecret"));
    assert!(clients.replaces("GenerateSecret") && !clients.replaces("ExplicitAuthFlows"));

    let after = object(&json!({ "AutoVerifiedAttributes": ["phone_number"] }));
    let after = Desired { properties: &after, ..desired };
    let changed = Changed { physical_id: id, before: &properties, after };
    pools.update(&world.cx, changed).await.unwrap();
    let shown = world.cx.call::<DescribeUserPool>(describe()).await.unwrap().user_pool.unwrap();
    assert_eq!(shown.auto_verified_attributes, Some(vec![VerifiedAttributeType::PhoneNumber]));
    assert_eq!(shown.name.as_deref(), Some("s-Pool-1"));

    for _ in 0..2 {
        clients.delete(&world.cx, &client.physical_id).await.unwrap();
        pools.delete(&world.cx, id).await.unwrap();
    }
    assert!(world.cx.call::<DescribeUserPool>(describe()).await.is_err());
}

//! What administrators do.

use super::*;

#[tokio::test]
async fn only_who_is_allowed_to() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let input = AdminGetUserRequest { user_pool_id: pool.clone(), username: "ann".into() };
    let refused = refusal(world.anyone().call::<AdminGetUser>(input.clone()).await);
    assert_eq!(refused, ("AccessDeniedException".into(), "cognito-idp:AdminGetUser".into()));
    assert_eq!(refusal(world.cx.call::<AdminGetUser>(input).await).0, "UserNotFoundException");
    // Another account's and another region's pools are not there.
    let elsewhere = world.cx.in_region("us-east-1".parse().unwrap());
    let input = DescribeUserPoolRequest { user_pool_id: pool.clone() };
    let refused = refusal(elsewhere.call::<DescribeUserPool>(input).await);
    assert_eq!(refused.1, format!("User pool {pool} does not exist."));
}

#[tokio::test]
async fn pools_are_described_updated_listed_and_deleted() {
    let world = World::new().await;
    let pool = world.pool(|it| it.deletion_protection = Some(DeletionProtectionType::Active)).await;
    let describe = || DescribeUserPoolRequest { user_pool_id: pool.clone() };
    let shown = world.cx.call::<DescribeUserPool>(describe()).await.unwrap().user_pool.unwrap();
    assert_eq!(
        shown.arn.unwrap(),
        format!("arn:aws:cognito-idp:eu-west-1:000000000000:userpool/{pool}")
    );
    assert_eq!(shown.name.as_deref(), Some("people"));
    assert_eq!(shown.schema_attributes.unwrap().len(), 20);
    let policy = shown.policies.unwrap().password_policy.unwrap();
    assert_eq!((policy.minimum_length, policy.require_symbols), (Some(8), Some(true)));
    assert_eq!(shown.mfa_configuration, Some(UserPoolMfaType::Off));

    let delete = || DeleteUserPoolRequest { user_pool_id: pool.clone() };
    let refused = refusal(world.cx.call::<DeleteUserPool>(delete()).await);
    assert_eq!(refused.0, "InvalidParameterException");
    let update =
        UpdateUserPoolRequest { user_pool_id: pool.clone(), ..UpdateUserPoolRequest::default() };
    world.cx.call::<UpdateUserPool>(update).await.unwrap();
    let shown = world.cx.call::<DescribeUserPool>(describe()).await.unwrap().user_pool.unwrap();
    assert_eq!(
        shown.deletion_protection,
        Some(DeletionProtectionType::Inactive),
        "back to default"
    );
    assert_eq!(shown.auto_verified_attributes, None);

    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    world.pool(|_| ()).await;
    let list = |next_token| ListUserPoolsRequest { max_results: 1, next_token };
    let first = world.cx.call::<ListUserPools>(list(None)).await.unwrap();
    let second = world.cx.call::<ListUserPools>(list(first.next_token.clone())).await.unwrap();
    assert_eq!(second.next_token, None);
    assert_ne!(first.user_pools.unwrap()[0].id, second.user_pools.unwrap()[0].id);
    world.cx.call::<DeleteUserPool>(delete()).await.unwrap();
    assert_eq!(
        refusal(world.cx.call::<DescribeUserPool>(describe()).await).0,
        "ResourceNotFoundException"
    );
    let refused = refusal(world.by_password(&client, "ann", PASSWORD).await);
    assert_eq!(refused.1, format!("User pool client {client} does not exist."));
    let place = crate::pool::Place::of(&world.cx, &pool);
    assert_eq!(crate::store::users(&world.cx.store().snapshot(), &place).await.unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_name() {
    let world = World::new().await;
    let trigger = "arn:aws:lambda:eu-west-1:000000000000:function:f".to_owned();
    let cases = [
        CreateUserPoolRequest {
            lambda_config: Some(LambdaConfigType {
                pre_sign_up: Some(trigger),
                ..LambdaConfigType::default()
            }),
            ..CreateUserPoolRequest::default()
        },
        CreateUserPoolRequest {
            mfa_configuration: Some(UserPoolMfaType::On),
            ..CreateUserPoolRequest::default()
        },
    ];
    for case in cases {
        let input = CreateUserPoolRequest { pool_name: "x".into(), ..case };
        let error = world.cx.call::<CreateUserPool>(input).await.unwrap_err();
        assert_eq!(error.status, 501, "{error}");
    }
}

#[tokio::test]
async fn clients_keep_aws_bounds() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let made = world.client(&pool, |it| it.generate_secret = Some(true)).await;
    assert_eq!(made.client_id.as_ref().unwrap().len(), 26);
    assert_eq!(made.refresh_token_validity, Some(30));
    assert_eq!(made.enable_token_revocation, Some(true));
    let id = made.client_id.unwrap();
    let describe =
        DescribeUserPoolClientRequest { user_pool_id: pool.clone(), client_id: id.clone() };
    let shown =
        world.cx.call::<DescribeUserPoolClient>(describe).await.unwrap().user_pool_client.unwrap();
    assert_eq!(shown.client_secret, made.client_secret);
    for (access, refresh) in [(Some(25), None), (None, Some(3651))] {
        let input = UpdateUserPoolClientRequest {
            user_pool_id: pool.clone(),
            client_id: id.clone(),
            access_token_validity: access,
            refresh_token_validity: refresh,
            ..UpdateUserPoolClientRequest::default()
        };
        let refused = refusal(world.cx.call::<UpdateUserPoolClient>(input).await);
        assert_eq!(refused.1, "Invalid range for token validity.");
    }
    let delete = DeleteUserPoolClientRequest { user_pool_id: pool.clone(), client_id: id.clone() };
    world.cx.call::<DeleteUserPoolClient>(delete).await.unwrap();
    let list =
        ListUserPoolClientsRequest { user_pool_id: pool, ..ListUserPoolClientsRequest::default() };
    assert!(
        world
            .cx
            .call::<ListUserPoolClients>(list)
            .await
            .unwrap()
            .user_pool_clients
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn users_are_listed_filtered_and_paged() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    for name in ["ann", "bob", "cleo"] {
        world.user(&pool, name, &format!("{name}@example.com")).await;
    }
    let list = |filter: Option<&str>, limit, pagination_token| ListUsersRequest {
        user_pool_id: pool.clone(),
        filter: filter.map(str::to_owned),
        limit,
        pagination_token,
        ..ListUsersRequest::default()
    };
    let found = world.cx.call::<ListUsers>(list(Some("email ^= \"b\""), None, None)).await.unwrap();
    let names: Vec<_> =
        found.users.unwrap().into_iter().map(|user| user.username.unwrap()).collect();
    assert_eq!(names, ["bob"]);
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = world.cx.call::<ListUsers>(list(None, Some(2), token)).await.unwrap();
        seen.extend(page.users.unwrap().into_iter().map(|user| user.username.unwrap()));
        token = page.pagination_token;
        if token.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["ann", "bob", "cleo"]);
    let describe = DescribeUserPoolRequest { user_pool_id: pool.clone() };
    let shown = world.cx.call::<DescribeUserPool>(describe).await.unwrap().user_pool.unwrap();
    assert_eq!(shown.estimated_number_of_users, Some(3));
}

#[tokio::test]
async fn a_disabled_user_is_out_until_he_is_enabled() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let tokens = world.tokens(&client, "ann").await;
    let input = AdminDisableUserRequest { user_pool_id: pool.clone(), username: "ann".into() };
    world.cx.call::<AdminDisableUser>(input).await.unwrap();
    assert_eq!(refusal(world.by_password(&client, "ann", PASSWORD).await).1, "User is disabled.");
    assert!(world.me(&tokens.access_token.unwrap()).await.is_err());
    assert!(world.refresh(&client, &tokens.refresh_token.unwrap()).await.is_err());
    let input = AdminEnableUserRequest { user_pool_id: pool.clone(), username: "ann".into() };
    world.cx.call::<AdminEnableUser>(input).await.unwrap();
    assert!(world.by_password(&client, "ann", PASSWORD).await.is_ok());

    let input = AdminResetUserPasswordRequest {
        user_pool_id: pool.clone(),
        username: "ann".into(),
        client_metadata: None,
    };
    world.cx.call::<AdminResetUserPassword>(input).await.unwrap();
    let refused = refusal(world.by_password(&client, "ann", PASSWORD).await);
    assert_eq!(refused.0, "PasswordResetRequiredException");
    let input = ConfirmForgotPasswordRequest {
        client_id: client.clone(),
        username: "ann".into(),
        confirmation_code: world.code().await,
        password: "An0ther-one".into(),
        ..ConfirmForgotPasswordRequest::default()
    };
    world.anyone().call::<ConfirmForgotPassword>(input).await.unwrap();
    assert!(world.by_password(&client, "ann", "An0ther-one").await.is_ok());
    let input = AdminDeleteUserRequest { user_pool_id: pool.clone(), username: "ann".into() };
    world.cx.call::<AdminDeleteUser>(input).await.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
}

#[tokio::test]
async fn groups_and_their_roles_stand_in_tokens() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    for (name, precedence, role) in
        [("b", Some(2), Some("two")), ("a", None, None), ("c", Some(1), Some("one"))]
    {
        let input = CreateGroupRequest {
            user_pool_id: pool.clone(),
            group_name: name.into(),
            precedence,
            role_arn: role.map(|role| format!("arn:aws:iam::000000000000:role/{role}")),
            ..CreateGroupRequest::default()
        };
        world.cx.call::<CreateGroup>(input.clone()).await.unwrap();
        assert_eq!(refusal(world.cx.call::<CreateGroup>(input).await).0, "GroupExistsException");
        let input = AdminAddUserToGroupRequest {
            user_pool_id: pool.clone(),
            username: "ann".into(),
            group_name: name.into(),
        };
        world.cx.call::<AdminAddUserToGroup>(input).await.unwrap();
    }
    let tokens = world.tokens(&client, "ann").await;
    let id = claims(&tokens.id_token.unwrap());
    assert_eq!(id["cognito:groups"], serde_json::json!(["c", "b", "a"]));
    assert_eq!(id["cognito:preferred_role"], "arn:aws:iam::000000000000:role/one");
    assert_eq!(id["cognito:roles"].as_array().unwrap().len(), 2);
    let access = claims(&tokens.access_token.unwrap());
    assert_eq!(access["cognito:groups"], id["cognito:groups"]);
    assert_eq!(access.get("cognito:roles"), None);
    let input = DeleteGroupRequest { user_pool_id: pool.clone(), group_name: "c".into() };
    world.cx.call::<DeleteGroup>(input).await.unwrap();
    let id = claims(&world.tokens(&client, "ann").await.id_token.unwrap());
    assert_eq!(id["cognito:groups"], serde_json::json!(["b", "a"]));
    let input = ListUsersInGroupRequest {
        user_pool_id: pool.clone(),
        group_name: "b".into(),
        ..ListUsersInGroupRequest::default()
    };
    assert_eq!(world.cx.call::<ListUsersInGroup>(input).await.unwrap().users.unwrap().len(), 1);
}

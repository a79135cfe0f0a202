//! What a user does with an account of his own.

use super::*;

#[tokio::test]
async fn signing_up_confirming_and_signing_in() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let made = world.sign_up(&client, "ann", "ann@example.com").await.unwrap();
    assert!(!made.user_confirmed);
    let details = made.code_delivery_details.unwrap();
    assert_eq!(details.destination.as_deref(), Some("a***@e***"));
    assert_eq!(details.delivery_medium, Some(DeliveryMediumType::Email));
    assert_eq!(details.attribute_name.as_deref(), Some("email"));
    let early = refusal(world.by_password(&client, "ann", PASSWORD).await);
    assert_eq!(early, ("UserNotConfirmedException".into(), "User is not confirmed.".into()));
    let twice = refusal(world.sign_up(&client, "ann", "other@example.com").await);
    assert_eq!(twice, ("UsernameExistsException".into(), "User already exists".into()));

    let code = world.code().await;
    world.confirm(&client, "ann", &code).await.unwrap();
    let tokens = world.tokens(&client, "ann").await;
    let me = world.me(&tokens.access_token.unwrap()).await.unwrap();
    assert_eq!(me.username, "ann");
    let expected = attributes(&[
        ("email", "ann@example.com"),
        ("email_verified", "true"),
        ("sub", &made.user_sub),
    ]);
    assert_eq!(format!("{:?}", me.user_attributes), format!("{expected:?}"));
    let spent = refusal(world.confirm(&client, "ann", &code).await);
    assert_eq!(spent.0, "ExpiredCodeException");
}

#[tokio::test]
async fn a_code_ends_after_a_day_and_a_new_one_replaces_it() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.sign_up(&client, "ann", "ann@example.com").await.unwrap();
    let first = world.code().await;
    world.later(24 * 3600);
    assert_eq!(refusal(world.confirm(&client, "ann", &first).await).0, "ExpiredCodeException");
    world.resend(&client, "ann").await.unwrap();
    let second = world.code().await;
    if first != second {
        assert_eq!(refusal(world.confirm(&client, "ann", &first).await).0, "CodeMismatchException");
    }
    world.confirm(&client, "ann", &second).await.unwrap();
}

#[tokio::test]
async fn without_a_way_to_send_a_code_nobody_signs_up() {
    let world = World::with(Unconfigured::Refuse).await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let refused = refusal(world.sign_up(&client, "ann", "ann@example.com").await);
    assert_eq!(refused.0, "CodeDeliveryFailureException");
    let input = ListUsersRequest { user_pool_id: pool, ..ListUsersRequest::default() };
    assert_eq!(world.cx.call::<ListUsers>(input).await.unwrap().users.unwrap().len(), 0);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_ends_sessions() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let tokens = world.tokens(&client, "ann").await;
    let details = world.forgot(&client, "ann").await.unwrap().code_delivery_details.unwrap();
    assert_eq!(details.destination.as_deref(), Some("a***@e***"));
    let code = world.code().await;
    let confirm = |code: &str, password: &str| ConfirmForgotPasswordRequest {
        client_id: client.clone(),
        username: "ann".into(),
        confirmation_code: code.into(),
        password: password.into(),
        ..ConfirmForgotPasswordRequest::default()
    };
    let anyone = world.anyone();
    let weak = anyone.call::<ConfirmForgotPassword>(confirm(&code, "short")).await;
    assert_eq!(refusal(weak).0, "InvalidPasswordException");
    anyone.call::<ConfirmForgotPassword>(confirm(&code, "An0ther-one")).await.unwrap();
    let spent = anyone.call::<ConfirmForgotPassword>(confirm(&code, "An0ther-two")).await;
    assert_eq!(refusal(spent).0, "ExpiredCodeException");
    assert!(world.by_password(&client, "ann", "An0ther-one").await.is_ok());
    assert!(world.by_password(&client, "ann", PASSWORD).await.is_err());
    assert!(world.refresh(&client, &tokens.refresh_token.unwrap()).await.is_err());
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_not_to_an_earlier_one() {
    let world = World::new().await;
    let pool = world
        .pool(|it| {
            it.policies = Some(UserPoolPolicyType {
                password_policy: Some(PasswordPolicyType {
                    password_history_size: Some(2),
                    ..PasswordPolicyType::default()
                }),
                sign_in_policy: None,
            });
        })
        .await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let access = world.tokens(&client, "ann").await.access_token.unwrap();
    let change = |old: &str, new: &str| ChangePasswordRequest {
        access_token: access.clone(),
        previous_password: Some(old.into()),
        proposed_password: new.into(),
    };
    let anyone = world.anyone();
    let wrong = refusal(anyone.call::<ChangePassword>(change("Wr0ng-one", "An0ther-one")).await);
    assert_eq!(wrong.1, "Incorrect username or password.");
    anyone.call::<ChangePassword>(change(PASSWORD, "An0ther-one")).await.unwrap();
    let back = anyone.call::<ChangePassword>(change("An0ther-one", PASSWORD)).await;
    assert_eq!(refusal(back).0, "PasswordHistoryPolicyViolationException");
    anyone.call::<ChangePassword>(change("An0ther-one", "An0ther-two")).await.unwrap();
    anyone.call::<ChangePassword>(change("An0ther-two", PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn an_address_in_place_of_a_username() {
    let world = World::new().await;
    let pool = world
        .pool(|it| {
            it.username_attributes = Some(vec![UsernameAttributeType::Email]);
            it.username_configuration = Some(UsernameConfigurationType { case_sensitive: false });
        })
        .await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let refused = refusal(world.sign_up(&client, "ann", "ann@example.com").await);
    assert_eq!(refused.1, "Username should be an email.");
    let made = world.sign_up(&client, "Ann@Example.com", "Ann@Example.com").await.unwrap();
    let twice = refusal(world.sign_up(&client, "ann@example.com", "ann@example.com").await);
    assert_eq!(twice.1, "An account with the given email already exists.");
    world.confirm(&client, "ann@example.COM", &world.code().await).await.unwrap();
    let answer = world.by_srp(&pool, &client, "ANN@example.com", PASSWORD).await.unwrap();
    let access = answer.authentication_result.unwrap().access_token.unwrap();
    assert_eq!(claims(&access)["username"], made.user_sub);

    // The new address is the name at once, the old one is free.
    let input = UpdateUserAttributesRequest {
        user_attributes: attributes(&[("email", "new@example.com")]),
        access_token: access.clone(),
        client_metadata: None,
    };
    let sent = world.anyone().call::<UpdateUserAttributes>(input).await.unwrap();
    assert_eq!(sent.code_delivery_details_list.unwrap().len(), 1);
    assert!(world.by_password(&client, "new@example.com", PASSWORD).await.is_ok());
    assert!(world.by_password(&client, "ann@example.com", PASSWORD).await.is_err());
    let verify = VerifyUserAttributeRequest {
        access_token: access.clone(),
        attribute_name: "email".into(),
        code: world.code().await,
    };
    world.anyone().call::<VerifyUserAttribute>(verify).await.unwrap();
    let me = world.me(&access).await.unwrap();
    assert!(
        format!("{:?}", me.user_attributes)
            .contains(r#"name: "email_verified", value: Some("true")"#)
    );
    assert!(world.sign_up(&client, "ann@example.com", "ann@example.com").await.is_ok());
}

#[tokio::test]
async fn a_verified_address_is_a_second_name_of_one_user_only() {
    let world = World::new().await;
    let pool = world.pool(|it| it.alias_attributes = Some(vec![AliasAttributeType::Email])).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    assert!(world.sign_up(&client, "ann@example.com", "ann@example.com").await.is_err());
    world.sign_up(&client, "ann", "ann@example.com").await.unwrap();
    world.confirm(&client, "ann", &world.code().await).await.unwrap();
    assert!(world.by_srp(&pool, &client, "ann@example.com", PASSWORD).await.is_ok());
    // The clash shows only when the address is verified.
    world.sign_up(&client, "bob", "ann@example.com").await.unwrap();
    let code = world.code().await;
    let clash = refusal(world.confirm(&client, "bob", &code).await);
    assert_eq!(clash.0, "AliasExistsException");
    let input = ConfirmSignUpRequest {
        client_id: client.clone(),
        username: "bob".into(),
        confirmation_code: code,
        force_alias_creation: Some(true),
        ..ConfirmSignUpRequest::default()
    };
    world.anyone().call::<ConfirmSignUp>(input).await.unwrap();
    let tokens = world.tokens(&client, "ann@example.com").await;
    assert_eq!(claims(&tokens.access_token.unwrap())["username"], "bob");
    let access = world.tokens(&client, "ann").await.id_token.unwrap();
    assert_eq!(claims(&access)["email_verified"], false);
}

#[tokio::test]
async fn a_new_address_waits_for_its_code_where_the_pool_wants_it_so() {
    let world = World::new().await;
    let pool = world
        .pool(|it| {
            it.user_attribute_update_settings = Some(UserAttributeUpdateSettingsType {
                attributes_require_verification_before_update: Some(vec![
                    VerifiedAttributeType::Email,
                ]),
            });
        })
        .await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let access = world.tokens(&client, "ann").await.access_token.unwrap();
    let input = UpdateUserAttributesRequest {
        user_attributes: attributes(&[("email", "new@example.com"), ("name", "Ann")]),
        access_token: access.clone(),
        client_metadata: None,
    };
    world.anyone().call::<UpdateUserAttributes>(input).await.unwrap();
    let shown = |me: GetUserResponse| format!("{:?}", me.user_attributes);
    let before = shown(world.me(&access).await.unwrap());
    assert!(before.contains("ann@example.com") && before.contains("Ann"), "{before}");
    let code = world.code().await;
    let verify = VerifyUserAttributeRequest {
        access_token: access.clone(),
        attribute_name: "email".into(),
        code,
    };
    world.anyone().call::<VerifyUserAttribute>(verify).await.unwrap();
    let after = shown(world.me(&access).await.unwrap());
    assert!(after.contains("new@example.com") && !after.contains("ann@example.com"), "{after}");
}

#[tokio::test]
async fn clients_read_and_write_only_what_they_may() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world
        .client(&pool, |it| {
            it.read_attributes = Some(vec!["name".into()]);
            it.write_attributes = Some(vec!["email".into()]);
        })
        .await;
    let client = client.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let tokens = world.tokens(&client, "ann").await;
    assert_eq!(claims(&tokens.id_token.unwrap()).get("email"), None);
    let access = tokens.access_token.unwrap();
    let me = world.me(&access).await.unwrap();
    assert_eq!(me.user_attributes.len(), 1, "only sub");
    for attribute in ["name", "email_verified"] {
        let input = UpdateUserAttributesRequest {
            user_attributes: attributes(&[(attribute, "true")]),
            access_token: access.clone(),
            client_metadata: None,
        };
        let refused = refusal(world.anyone().call::<UpdateUserAttributes>(input).await);
        assert_eq!(refused.1, "A client attempted to write unauthorized attribute");
    }
}

impl World {
    pub(super) async fn confirm(
        &self,
        client: &str,
        name: &str,
        code: &str,
    ) -> Result<ConfirmSignUpResponse> {
        let input = ConfirmSignUpRequest {
            client_id: client.to_owned(),
            username: name.to_owned(),
            confirmation_code: code.to_owned(),
            ..ConfirmSignUpRequest::default()
        };
        self.anyone().call::<ConfirmSignUp>(input).await
    }

    pub(super) async fn resend(
        &self,
        client: &str,
        name: &str,
    ) -> Result<ResendConfirmationCodeResponse> {
        let input = ResendConfirmationCodeRequest {
            client_id: client.to_owned(),
            username: name.to_owned(),
            ..ResendConfirmationCodeRequest::default()
        };
        self.anyone().call::<ResendConfirmationCode>(input).await
    }

    pub(super) async fn forgot(&self, client: &str, name: &str) -> Result<ForgotPasswordResponse> {
        let input = ForgotPasswordRequest {
            client_id: client.to_owned(),
            username: name.to_owned(),
            ..ForgotPasswordRequest::default()
        };
        self.anyone().call::<ForgotPassword>(input).await
    }
}

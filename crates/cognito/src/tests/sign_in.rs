//! Signing in, and the tokens that come of it.

use super::*;
use cumulet_auth::jwt::{Jwks, Rules, TokenUse, Verifier};
use serde_json::json;

#[tokio::test]
async fn over_srp_with_tokens_that_say_what_cognitos_say() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let answer = world.by_srp(&pool, &client, "ann", PASSWORD).await.unwrap();
    let tokens = answer.authentication_result.unwrap();
    assert_eq!(tokens.token_type.as_deref(), Some("Bearer"));
    assert_eq!(tokens.expires_in, Some(3600));
    let refresh = tokens.refresh_token.clone().unwrap();
    assert_eq!(refresh.split('.').count(), 5);

    let (access, id) = (claims(&tokens.access_token.unwrap()), claims(&tokens.id_token.unwrap()));
    let names = |claims: &serde_json::Value| {
        let mut names: Vec<String> = claims.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(
        names(&access),
        "auth_time client_id event_id exp iat iss jti origin_jti scope sub token_use username"
    );
    assert_eq!(
        names(&id),
        "aud auth_time cognito:username email email_verified event_id exp iat iss jti origin_jti \
         sub token_use"
    );
    let now = world.cx.now().secs();
    assert_eq!(access["iss"], format!("https://cognito-idp.eu-west-1.amazonaws.com/{pool}"));
    assert_eq!(access["client_id"], client);
    assert_eq!(access["username"], "ann");
    assert_eq!(access["token_use"], "access");
    assert_eq!(access["scope"], "aws.cognito.signin.user.admin");
    assert_eq!(access["auth_time"], now);
    assert_eq!(access["iat"], now);
    assert_eq!(access["exp"], now + 3600);
    assert_eq!(id["aud"], client);
    assert_eq!(id["cognito:username"], "ann");
    assert_eq!(id["email_verified"], json!(true));
    assert_eq!(id["origin_jti"], access["origin_jti"]);
    assert_eq!(id["event_id"], access["event_id"]);
    assert_ne!(id["jti"], access["jti"]);

    // Refreshed ones say when he signed in, and belong to the same sign-in.
    world.later(1000);
    let fresh = world.refresh(&client, &refresh).await.unwrap();
    assert_eq!(fresh.refresh_token, None);
    let again = claims(&fresh.access_token.unwrap());
    assert_eq!(again["auth_time"], now);
    assert_eq!(again["iat"], now + 1000);
    assert_eq!(again["origin_jti"], access["origin_jti"]);
    assert_ne!(again["jti"], access["jti"]);
}

#[tokio::test]
async fn published_keys_verify_each_kind_of_token() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let tokens = world.tokens(&client, "ann").await;
    let keys = world.published(&format!("/{pool}/.well-known/jwks.json")).await.unwrap();
    let set: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let keys_of_set = set["keys"].as_array().unwrap();
    assert_eq!(keys_of_set.len(), 2);
    assert!(keys_of_set.iter().all(|key| key["alg"] == "RS256" && key["e"] == "AQAB"));
    let jwks = Jwks::parse(keys.as_bytes()).unwrap();
    let issuer = format!("https://cognito-idp.eu-west-1.amazonaws.com/{pool}");
    for (token, token_use) in
        [(tokens.access_token, TokenUse::Access), (tokens.id_token, TokenUse::Id)]
    {
        let rules = Rules {
            issuer: issuer.clone(),
            audiences: Some(vec![client.clone()]),
            token_use: Some(token_use),
            leeway: Duration::ZERO,
        };
        Verifier::new(jwks.clone(), rules).verify(&token.unwrap(), world.cx.now()).unwrap();
    }
    let path = format!("/{pool}/.well-known/openid-configuration");
    let configuration: serde_json::Value =
        serde_json::from_str(&world.published(&path).await.unwrap()).unwrap();
    assert_eq!(configuration["issuer"], issuer);
    assert_eq!(configuration["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    assert_eq!(world.published("/eu-west-1_Nobody/.well-known/jwks.json").await, None);
}

#[tokio::test]
async fn a_temporary_password_must_be_replaced() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let input = AdminCreateUserRequest {
        user_pool_id: pool.clone(),
        username: "ann".into(),
        user_attributes: Some(attributes(&[("email", "ann@example.com")])),
        ..AdminCreateUserRequest::default()
    };
    let made = world.cx.call::<AdminCreateUser>(input).await.unwrap().user.unwrap();
    assert_eq!(made.user_status, Some(UserStatusType::ForceChangePassword));
    let invitation = world.mail.mailbox().await.unwrap().remove(0).message;
    assert_eq!(invitation.to, "ann@example.com");
    let body = invitation.body.strip_prefix("Your username is ann and temporary password is ");
    let temporary = body.unwrap().strip_suffix('.').unwrap().to_owned();

    let asked = world.by_srp(&pool, &client, "ann", &temporary).await.unwrap();
    assert_eq!(asked.challenge_name, Some(ChallengeNameType::NewPasswordRequired));
    let parameters = asked.challenge_parameters.unwrap();
    assert_eq!(parameters["USER_ID_FOR_SRP"], "ann");
    assert_eq!(parameters["requiredAttributes"], "[]");
    assert_eq!(parameters["userAttributes"], r#"{"email":"ann@example.com"}"#);
    let session = asked.session.unwrap();
    assert!((20..=4096).contains(&session.len()));
    let answer =
        |password: &str| super::parameters(&[("USERNAME", "ann"), ("NEW_PASSWORD", password)]);
    let new = ChallengeNameType::NewPasswordRequired;
    let weak = world.respond(&client, new, Some(session.clone()), answer("weak")).await;
    assert_eq!(refusal(weak).0, "InvalidPasswordException");
    let done = world.respond(&client, new, Some(session.clone()), answer(PASSWORD)).await.unwrap();
    assert!(done.authentication_result.is_some());
    let again = world.respond(&client, new, Some(session), answer("An0ther-one")).await;
    assert_eq!(refusal(again).0, "NotAuthorizedException");
    assert!(world.by_srp(&pool, &client, "ann", PASSWORD).await.is_ok());
    assert!(world.by_srp(&pool, &client, "ann", &temporary).await.is_err());
}

#[tokio::test]
async fn a_temporary_password_ends() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let input = AdminCreateUserRequest {
        user_pool_id: pool.clone(),
        username: "ann".into(),
        temporary_password: Some(PASSWORD.into()),
        message_action: Some(MessageActionType::Suppress),
        ..AdminCreateUserRequest::default()
    };
    world.cx.call::<AdminCreateUser>(input.clone()).await.unwrap();
    world.later(7 * 86_400);
    let late = refusal(world.by_password(&client, "ann", PASSWORD).await);
    assert_eq!(late.1, "Temporary password has expired and must be reset by an administrator.");
    let again = AdminCreateUserRequest { message_action: Some(MessageActionType::Resend), ..input };
    world.cx.call::<AdminCreateUser>(again).await.unwrap();
    assert!(world.by_password(&client, "ann", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn only_flows_that_the_client_allows() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let plain = world.client(&pool, |it| it.explicit_auth_flows = None).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let refused = refusal(world.by_password(&plain, "ann", PASSWORD).await);
    assert_eq!(refused.0, "InvalidParameterException");
    assert_eq!(refused.1, "USER_PASSWORD_AUTH flow not enabled for this client");
    assert!(world.by_srp(&pool, &plain, "ann", PASSWORD).await.is_ok());
    let admin = AdminInitiateAuthRequest {
        user_pool_id: pool.clone(),
        client_id: plain,
        auth_flow: AuthFlowType::AdminUserPasswordAuth,
        auth_parameters: Some(parameters(&[("USERNAME", "ann"), ("PASSWORD", PASSWORD)])),
        ..AdminInitiateAuthRequest::default()
    };
    assert_eq!(
        refusal(world.cx.call::<AdminInitiateAuth>(admin.clone()).await).0,
        "InvalidParameterException"
    );
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let admin = AdminInitiateAuthRequest { client_id: client, ..admin };
    let signed = world.cx.call::<AdminInitiateAuth>(admin.clone()).await.unwrap();
    assert!(signed.authentication_result.is_some());
    let refused = refusal(world.anyone().call::<AdminInitiateAuth>(admin).await);
    assert_eq!(refused.0, "AccessDeniedException");
}

#[tokio::test]
async fn a_client_with_a_secret_wants_its_hash() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |it| it.generate_secret = Some(true)).await;
    let (id, secret) = (client.client_id.unwrap(), client.client_secret.unwrap());
    world.user(&pool, "ann", "ann@example.com").await;
    let refused = refusal(world.by_password(&id, "ann", PASSWORD).await);
    assert_eq!(
        refused.1,
        format!("Client {id} is configured with secret but SECRET_HASH was not received")
    );
    let hash = |name: &str| {
        use base64::Engine as _;
        let hash = crate::secrets::keyed_hash(secret.as_bytes(), &[name.as_bytes(), id.as_bytes()]);
        base64::engine::general_purpose::STANDARD.encode(hash)
    };
    let with = |hash: String| InitiateAuthRequest {
        auth_flow: AuthFlowType::UserPasswordAuth,
        client_id: id.clone(),
        auth_parameters: Some(parameters(&[
            ("USERNAME", "ann"),
            ("PASSWORD", PASSWORD),
            ("SECRET_HASH", &hash),
        ])),
        ..InitiateAuthRequest::default()
    };
    let wrong = refusal(world.anyone().call::<InitiateAuth>(with(hash("bob"))).await);
    assert_eq!(wrong.1, format!("Unable to verify secret hash for client {id}"));
    let right = world.anyone().call::<InitiateAuth>(with(hash("ann"))).await.unwrap();
    assert!(right.authentication_result.is_some());
}

#[tokio::test]
async fn rotating_refresh_tokens_are_replaced_and_the_old_refused_after_the_grace() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world
        .client(&pool, |it| {
            it.explicit_auth_flows = Some(vec![ExplicitAuthFlowsType::AllowUserPasswordAuth]);
            it.refresh_token_rotation = Some(RefreshTokenRotationType {
                feature: FeatureType::Enabled,
                retry_grace_period_seconds: Some(30),
            });
        })
        .await;
    let client = client.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    let first = world.tokens(&client, "ann").await.refresh_token.unwrap();
    let second = world.rotate(&client, &first).await.unwrap().refresh_token.unwrap();
    assert_ne!(first, second);
    // Within the grace the first is still taken; the newest is whichever was answered last.
    let third = world.rotate(&client, &first).await.unwrap().refresh_token.unwrap();
    world.later(31);
    assert_eq!(refusal(world.rotate(&client, &first).await).0, "RefreshTokenReuseException");
    assert!(world.rotate(&client, &third).await.is_ok());
    assert_eq!(refusal(world.refresh(&client, &third).await).0, "InvalidParameterException");
}

impl World {
    pub(super) async fn refresh(
        &self,
        client: &str,
        token: &str,
    ) -> Result<AuthenticationResultType> {
        let input = InitiateAuthRequest {
            auth_flow: AuthFlowType::RefreshTokenAuth,
            client_id: client.to_owned(),
            auth_parameters: Some(parameters(&[("REFRESH_TOKEN", token)])),
            ..InitiateAuthRequest::default()
        };
        Ok(self.anyone().call::<InitiateAuth>(input).await?.authentication_result.unwrap())
    }

    pub(super) async fn rotate(
        &self,
        client: &str,
        token: &str,
    ) -> Result<AuthenticationResultType> {
        let input = GetTokensFromRefreshTokenRequest {
            client_id: client.to_owned(),
            refresh_token: token.to_owned(),
            ..GetTokensFromRefreshTokenRequest::default()
        };
        let answer = self.anyone().call::<GetTokensFromRefreshToken>(input).await?;
        Ok(answer.authentication_result.unwrap())
    }

    async fn published(&self, path: &str) -> Option<String> {
        use cumulet_service::Sites as _;
        let sites = crate::PoolSites::new(&self.cognito);
        let (site, cut) = sites.find("cognito-idp.eu-west-1.amazonaws.com", path)?;
        assert_eq!(cut, 0);
        let request = http::Request::get(path).body(cumulet_base::Body::empty()).unwrap();
        let response = site.serve(self.anyone(), request).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let ok = response.status() == 200;
        let body = response.into_body().collect(1 << 20).await.unwrap();
        ok.then(|| String::from_utf8(body.to_vec()).unwrap())
    }
}

//! What must not work, and what must not be learnt.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_store::{Direction, Range, Read as _};

async fn world() -> (World, String, String) {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.user(&pool, "ann", "ann@example.com").await;
    (world, pool, client)
}

const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

fn is_wrong<T: std::fmt::Debug>(result: Result<T>) {
    let (code, message) = refusal(result);
    assert_eq!((code.as_str(), message.as_str()), WRONG);
}

#[tokio::test]
async fn srp_refuses_wrong_proofs_old_ones_and_broken_public_values() {
    let (world, pool, client) = world().await;
    is_wrong(world.by_srp(&pool, &client, "ann", "Wr0ng-one").await);
    for a in ["0", "00", "", "zz", &"f".repeat(768), &"1".repeat(769)] {
        let refused = refusal(world.initiate_srp(&client, "ann", a).await);
        assert_eq!(refused.0, "InvalidParameterException", "{a}");
    }
    let srp = Client::new(&pool);
    let verifier = ChallengeNameType::PasswordVerifier;
    let challenge = world.initiate_srp(&client, "ann", &srp.public()).await.unwrap();
    let right = srp.answer(&challenge, PASSWORD, &world.srp_time());
    // Another's name, another client, another time, a changed block.
    let mut other = right.clone();
    other.insert("USERNAME".into(), "bob".into());
    is_wrong(world.respond(&client, verifier, None, other).await);
    let second = world.client(&pool, |_| ()).await.client_id.unwrap();
    let moved = refusal(world.respond(&second, verifier, None, right.clone()).await);
    assert_eq!(moved.1, "Invalid session for the user.");
    let mut changed = right.clone();
    let block = changed.get_mut("PASSWORD_CLAIM_SECRET_BLOCK").unwrap();
    let flipped = if block.ends_with("A=") { "B=" } else { "A=" };
    block.replace_range(block.len() - 2.., flipped);
    let refused = refusal(world.respond(&client, verifier, None, changed).await);
    assert_eq!(refused.0, "NotAuthorizedException");
    let mut dated = right.clone();
    dated.insert("TIMESTAMP".into(), "Sat Nov 21 05:02:03 UTC 2026".into());
    is_wrong(world.respond(&client, verifier, None, dated).await);
    // The right one works, once.
    assert!(world.respond(&client, verifier, None, right.clone()).await.is_ok());
    let again = refusal(world.respond(&client, verifier, None, right).await);
    assert_eq!(again.1, "Invalid session for the user.");
    // And only for three minutes.
    let challenge = world.initiate_srp(&client, "ann", &srp.public()).await.unwrap();
    world.later(180);
    let late = srp.answer(&challenge, PASSWORD, &world.srp_time());
    let refused = refusal(world.respond(&client, verifier, None, late).await);
    assert_eq!(refused.1, "Invalid session for the user, session is expired.");
}

#[tokio::test]
async fn guessing_passwords_locks_known_and_unknown_names_alike() {
    let (world, _, client) = world().await;
    for name in ["ann", "nobody"] {
        for _ in 0..5 {
            is_wrong(world.by_password(&client, name, "Wr0ng-one").await);
        }
        let locked = refusal(world.by_password(&client, name, PASSWORD).await);
        assert_eq!(locked.1, "Password attempts exceeded", "{name}");
    }
    world.later(1);
    assert!(world.by_password(&client, "ann", PASSWORD).await.is_ok());
    is_wrong(world.by_password(&client, "nobody", PASSWORD).await);
}

#[tokio::test]
async fn parallel_guesses_are_counted_each() {
    let (world, _, client) = world().await;
    let world = Arc::new(world);
    let guesses = (0..12).map(|_| {
        let (world, client) = (Arc::clone(&world), client.clone());
        tokio::spawn(async move { refusal(world.by_password(&client, "ann", "Wr0ng-one").await).1 })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        looked_at += usize::from(guess.await.unwrap() == WRONG.1);
    }
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn who_does_not_exist_looks_as_if_he_did() {
    let (world, pool, client) = world().await;
    let srp = Client::new(&pool);
    let known = world.initiate_srp(&client, "ann", &srp.public()).await.unwrap();
    let one = world.initiate_srp(&client, "nobody", &srp.public()).await.unwrap();
    let two = world.initiate_srp(&client, "nobody", &srp.public()).await.unwrap();
    assert_eq!(one["SALT"], two["SALT"], "the same on every try");
    assert_ne!(one["SRP_B"], two["SRP_B"]);
    assert_ne!(
        one["SALT"],
        world.initiate_srp(&client, "noone", &srp.public()).await.unwrap()["SALT"]
    );
    assert_eq!(one["USER_ID_FOR_SRP"], "nobody");
    assert_eq!(one.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    assert_eq!(one["SALT"].len(), known["SALT"].len());
    let difference = one["SECRET_BLOCK"].len().abs_diff(known["SECRET_BLOCK"].len());
    assert!(difference <= 64, "{difference}");
    let answer = srp.answer(&one, PASSWORD, &world.srp_time());
    is_wrong(world.respond(&client, ChallengeNameType::PasswordVerifier, None, answer).await);
    is_wrong(world.by_password(&client, "nobody", PASSWORD).await);

    for name in ["ann", "nobody"] {
        for _ in 0..5 {
            let details = world.forgot(&client, name).await.unwrap().code_delivery_details.unwrap();
            assert!(details.destination.unwrap().contains("***@"), "{name}");
        }
        assert_eq!(
            refusal(world.forgot(&client, name).await).0,
            "LimitExceededException",
            "{name}"
        );
        let guess = |code: &str| ConfirmForgotPasswordRequest {
            client_id: client.clone(),
            username: name.into(),
            confirmation_code: code.into(),
            password: PASSWORD.into(),
            ..ConfirmForgotPasswordRequest::default()
        };
        for _ in 0..5 {
            let refused = world.anyone().call::<ConfirmForgotPassword>(guess("abcdef")).await;
            assert_eq!(refusal(refused).0, "CodeMismatchException", "{name}");
        }
        let refused = world.anyone().call::<ConfirmForgotPassword>(guess("abcdef")).await;
        assert_eq!(refusal(refused).0, "LimitExceededException", "{name}");
    }
    assert_eq!(world.mail.mailbox().await.unwrap().len(), 5, "nothing was sent to nobody");

    let open = world.client(&pool, |it| it.prevent_user_existence_errors = None).await;
    let refused = refusal(world.by_password(&open.client_id.unwrap(), "nobody", PASSWORD).await);
    assert_eq!(refused, ("UserNotFoundException".into(), "User does not exist.".into()));
}

#[tokio::test]
async fn an_invented_user_id_is_as_those_of_the_pool() {
    let world = World::new().await;
    let pool =
        world.pool(|it| it.username_attributes = Some(vec![UsernameAttributeType::Email])).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    let srp = Client::new(&pool);
    for at in 0..20 {
        let name = format!("{at}@example.com");
        let challenge = world.initiate_srp(&client, &name, &srp.public()).await.unwrap();
        let id = &challenge["USER_ID_FOR_SRP"];
        let form: String = id.chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
        assert_eq!(form, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
}

#[tokio::test]
async fn brute_force_of_a_code_ends_after_five_guesses() {
    let world = World::new().await;
    let pool = world.pool(|_| ()).await;
    let client = world.client(&pool, |_| ()).await.client_id.unwrap();
    world.sign_up(&client, "ann", "ann@example.com").await.unwrap();
    let code = world.code().await;
    for at in 0..5 {
        let guess = format!("x{at}");
        assert_eq!(refusal(world.confirm(&client, "ann", &guess).await).0, "CodeMismatchException");
    }
    assert_eq!(refusal(world.confirm(&client, "ann", &code).await).0, "LimitExceededException");
    world.resend(&client, "ann").await.unwrap();
    let new = world.code().await;
    assert_eq!(refusal(world.confirm(&client, "ann", &new).await).0, "LimitExceededException");
    world.later(3601);
    world.confirm(&client, "ann", &new).await.unwrap();
}

#[tokio::test]
async fn forged_foreign_expired_and_other_tokens_are_refused() {
    let (world, pool, client) = world().await;
    let tokens = world.tokens(&client, "ann").await;
    let access = tokens.access_token.unwrap();
    assert!(world.me(&access).await.is_ok());
    let invalid = ("NotAuthorizedException".to_owned(), "Invalid Access Token".to_owned());
    let payload = access.split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let hs = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"x"}"#);
    let (head, rest) = access.split_once('.').unwrap();
    let mut lifted = claims(&access);
    lifted["username"] = serde_json::json!("root");
    let lifted = URL_SAFE_NO_PAD.encode(lifted.to_string());
    let signature = rest.split_once('.').unwrap().1;
    for forged in [
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{hs}.{payload}.{signature}"),
        format!("{head}.{lifted}.{signature}"),
        format!("{head}.{payload}.AAAA"),
        "x".to_owned(),
        "a.b.c".to_owned(),
        tokens.id_token.unwrap(),
    ] {
        assert_eq!(refusal(world.me(&forged).await), invalid, "{forged}");
    }
    // A token of another pool that names this pool's client, signed by that pool's own key.
    let other = world.pool(|_| ()).await;
    let place = crate::pool::Place::of(&world.cx, &other);
    let other = crate::store::pool(&world.cx.store().snapshot(), &place).await.unwrap();
    let keys = world.cognito.keys.of(&world.cx, &other).unwrap();
    let foreign = keys.access.sign(claims(&access).as_object().unwrap()).unwrap();
    assert_eq!(refusal(world.me(&foreign).await), invalid);
    // An access token's claims under the ID key are still access claims of the pool: both keys are
    // the pool's. What tells them apart is what they say.
    let _ = pool;
    world.later(3600);
    assert_eq!(refusal(world.me(&access).await).1, "Access Token has expired");
}

#[tokio::test]
async fn revoked_sessions_are_over_durably() {
    let (world, pool, client) = world().await;
    let first = world.tokens(&client, "ann").await;
    let second = world.tokens(&client, "ann").await;
    let refresh = first.refresh_token.unwrap();
    let revoke = |token: &str| RevokeTokenRequest {
        token: token.to_owned(),
        client_id: client.clone(),
        ..RevokeTokenRequest::default()
    };
    let access = first.access_token.unwrap();
    let wrong = world.anyone().call::<RevokeToken>(revoke(&access)).await;
    assert_eq!(refusal(wrong).0, "UnsupportedTokenTypeException");
    world.anyone().call::<RevokeToken>(revoke("nonsense")).await.unwrap();
    world.anyone().call::<RevokeToken>(revoke(&refresh)).await.unwrap();
    assert_eq!(refusal(world.refresh(&client, &refresh).await).1, "Refresh Token has been revoked");
    assert_eq!(refusal(world.me(&access).await).1, "Access Token has been revoked");
    // The other session goes on, until all end.
    let access = second.access_token.unwrap();
    world.me(&access).await.unwrap();
    let out = GlobalSignOutRequest { access_token: access.clone() };
    world.anyone().call::<GlobalSignOut>(out).await.unwrap();
    assert_eq!(refusal(world.me(&access).await).1, "Access Token has been revoked");
    assert!(world.refresh(&client, &second.refresh_token.unwrap()).await.is_err());

    // Another client's refresh token is none.
    let third = world.tokens(&client, "ann").await.refresh_token.unwrap();
    let other = world.client(&pool, |_| ()).await.client_id.unwrap();
    assert_eq!(refusal(world.refresh(&other, &third).await).1, "Invalid Refresh Token");
    let mut changed = third.clone();
    let last = if changed.pop() == Some('A') { 'Q' } else { 'A' };
    changed.push(last);
    assert_eq!(refusal(world.refresh(&client, &changed).await).1, "Invalid Refresh Token");
    world.later(30 * 86_400);
    assert_eq!(refusal(world.refresh(&client, &third).await).1, "Refresh Token has expired");
}

#[tokio::test]
async fn nobody_takes_anothers_sub_as_a_name() {
    let (world, pool, client) = world().await;
    let access = world.tokens(&client, "ann").await.access_token.unwrap();
    let sub = claims(&access)["sub"].as_str().unwrap().to_owned();
    let refused = refusal(world.sign_up(&client, &sub, "eve@example.com").await);
    assert_eq!(refused.0, "UsernameExistsException");
    let found = AdminGetUserRequest { user_pool_id: pool, username: sub };
    assert_eq!(world.cx.call::<AdminGetUser>(found).await.unwrap().username, "ann");
}

#[tokio::test]
async fn what_has_ended_is_swept() {
    let (world, pool, client) = world().await;
    world.by_srp(&pool, &client, "ann", PASSWORD).await.unwrap();
    let store = world.cx.store();
    assert_eq!(crate::sweep::waiting(store).await, 2, "a session and a step");
    crate::sweep::sweep_now(store, world.cx.now()).await;
    assert_eq!(crate::sweep::waiting(store).await, 2);
    world.later(31 * 86_400);
    crate::sweep::sweep_now(store, world.cx.now()).await;
    assert_eq!(crate::sweep::waiting(store).await, 0);
    let sessions = crate::pool::Place::of(&world.cx, &pool).key("session").prefix();
    let left = store.snapshot().range(&sessions, Direction::Forward, 10).await.unwrap();
    assert!(left.items.is_empty());
}

#[tokio::test]
async fn nothing_secret_lies_in_the_store_in_the_clear() {
    let (world, pool, client) = world().await;
    world.sign_up(&client, "bob", "bob@example.com").await.unwrap();
    let code = world.code().await;
    let secret =
        world.client(&pool, |it| it.generate_secret = Some(true)).await.client_secret.unwrap();
    let refresh = world.tokens(&client, "ann").await.refresh_token.unwrap();
    let mut scan = world.cx.store().snapshot().scan(Range::all(), Direction::Forward);
    let quoted = format!("\"{code}\"");
    while let Some((_, value)) = scan.next().await.unwrap() {
        let text = String::from_utf8_lossy(&value);
        for hidden in [PASSWORD, &secret, &refresh, &quoted, "Your confirmation code"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
}

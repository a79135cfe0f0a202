//! Against a recorded exchange, and against a client that is written here with other arithmetic.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_bigint::{U256, U1024, U3072};

use super::group::{element, multiplier, number, padded, params, prime};
use super::*;

/// The recorded exchange; `None` where the vectors are not there, which CI must not accept.
fn vector() -> Option<serde_json::Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let file = Path::new(folder).join("cognito-srp-vector.json");
    if !file.exists() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is missing", file.display());
        eprintln!("{} is not there: passed over", file.display());
        return None;
    }
    Some(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

#[test]
fn a_recorded_exchange_comes_out_the_same() {
    let Some(vector) = vector() else { return };
    let text = |name: &str| vector[name].as_str().unwrap();
    let identity = Identity { pool: text("pool").split_once('_').unwrap().1, user: text("user") };
    let salt: [u8; 384] = number(text("salt")).to_be_bytes().into();
    let b = U1024::from_be_hex(text("b"));
    assert_eq!(hex(&multiplier().to_be_bytes().as_ref()[352..]), text("k"));

    let verifier = Verifier::derive(identity, text("password"), &salt);
    let server = verifier.challenge(&b);
    assert_eq!(server.to_hex(), text("B"));
    let client = Public::parse(text("A")).unwrap();
    let key = verifier.shared_key(&b, &client, &scrambling(&client, &server));
    assert_eq!(hex(&key), text("hkdf"));
    let block = STANDARD.decode(text("secret_block")).unwrap();
    let signature = STANDARD.decode(text("signature")).unwrap();
    assert!(claim_holds(&key, identity, &block, text("ts"), &signature));
    assert!(!claim_holds(&key, identity, &block[1..], text("ts"), &signature));
}

/// What a client computes: `S = (B - k·g^x)^(a + u·x)`, here as `base^a · (base^x)^u`.
fn client_key(
    identity: Identity<'_>,
    password: &str,
    salt: &[u8],
    a: &U256,
    server: &Public,
) -> [u8; 16] {
    let x = testing::private_key(identity, password, salt);
    let u = scrambling(&testing::power(a), server);
    let base = testing::without(server, &Verifier::derive(identity, password, salt));
    let secret = base.pow(a) * base.pow(&x).pow(&U256::from_be_slice(&u));
    testing::key(&u, &secret.retrieve())
}

#[test]
fn client_and_server_agree_exactly_when_the_password_is_right() {
    bolero::check!()
        .with_type::<(String, String, [u8; 16], [u8; 32], [u8; 32], bool)>()
        .with_iterations(24)
        .for_each(|(user, password, salt, a, b, wrong)| {
            let identity = Identity { pool: "AbCdEfGhI", user };
            let (a, b) = (U256::from_be_slice(a), U256::from_be_slice(b));
            let verifier = Verifier::derive(identity, password, salt);
            let server = verifier.challenge(&b);
            let client = Public(element(&U3072::from_u64(2)).pow(&a).retrieve());
            let typed = if *wrong { format!("{password}x") } else { password.clone() };
            let key = client_key(identity, &typed, salt, &a, &server);
            assert_eq!(
                key == verifier.shared_key(&b, &client, &scrambling(&client, &server)),
                !wrong
            );
        });
}

#[test]
fn public_values_that_give_the_secret_away_are_refused() {
    let n = hex(prime().to_be_bytes().as_ref());
    let above = format!("{}0", &n[..n.len() - 1]);
    assert!(Public::parse(&above).is_some(), "just below N");
    for wrong in ["", "0", "0000", &n, &format!("00{n}"), &format!("{n}0"), "-1", "0x1", "g"] {
        assert_eq!(Public::parse(wrong), None, "{wrong}");
    }
    let twice = format!("1{}", "f".repeat(768));
    assert_eq!(Public::parse(&twice), None);
    assert_eq!(Public::parse("00fF"), Public::parse("ff"));
}

#[test]
fn public_values_are_read_or_refused() {
    bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
        let _ = Public::parse(text);
    });
}

#[test]
fn numbers_are_padded_as_java_does() {
    for (number, expected) in [
        (&[][..], &[0][..]),
        (&[0], &[0]),
        (&[2], &[2]),
        (&[0, 0, 0x7f], &[0x7f]),
        (&[0x80], &[0, 0x80]),
        (&[0, 0xff, 1], &[0, 0xff, 1]),
    ] {
        assert_eq!(padded(number), expected, "{number:?}");
    }
}

#[test]
fn verifiers_read_back_and_show_nothing() {
    let identity = Identity { pool: "p", user: "u" };
    let verifier = Verifier::derive(identity, "secret", &[1; 16]);
    let again = Verifier::from_bytes(&verifier.to_bytes()).unwrap();
    assert!(verifier.matches(&again));
    assert!(!verifier.matches(&Verifier::derive(identity, "Secret", &[1; 16])));
    assert!(!verifier.matches(&Verifier::derive(identity, "secret", &[2; 16])));
    assert_eq!(format!("{verifier:?}"), "Verifier(..)");
    assert!(Verifier::from_bytes(&[0; 384]).is_none());
    assert!(Verifier::from_bytes(&[0xff; 384]).is_none());
    assert!(Verifier::from_bytes(&[1; 383]).is_none());
    let _ = params();
}

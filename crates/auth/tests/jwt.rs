//! Tokens: the round trip, each known attack, and mutations.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_auth::jwt::{
    Claims, JwkError, Jwks, JwtError, MAX_JWKS, MAX_TOKEN, PrivateKey, Rules, Signer, SignerError,
    TokenUse, Verifier, generate_rsa,
};
use cumulet_base::Timestamp;
use serde_json::{Value, json};

const NOW: i64 = 1_795_222_923;
const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool";

/// Two keys, made once: that is what takes the time.
fn keys() -> &'static [(PrivateKey, Signer); 2] {
    static KEYS: OnceLock<[(PrivateKey, Signer); 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [(); 2].map(|()| {
            let key = generate_rsa().unwrap();
            let signer = Signer::from_pkcs8(key.as_bytes()).unwrap();
            (key, signer)
        })
    })
}

fn signer() -> &'static Signer {
    &keys()[0].1
}

fn kid() -> &'static str {
    &signer().jwk().kid
}

fn jwks(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

fn rules() -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        audiences: Some(vec!["client".to_owned()]),
        token_use: Some(TokenUse::Access),
        leeway: Duration::ZERO,
    }
}

/// A verifier that knows both keys.
fn verifier(rules: Rules) -> Verifier {
    let all: Vec<Value> =
        keys().iter().map(|(_, signer)| serde_json::to_value(signer.jwk()).unwrap()).collect();
    Verifier::new(jwks(&all), rules)
}

fn claims() -> Value {
    json!({
        "sub": "b1", "iss": ISSUER, "client_id": "client", "token_use": "access",
        "iat": NOW - 60, "exp": NOW + 3600, "scope": "aws.cognito.signin.user.admin",
    })
}

fn with(change: &Value) -> Claims {
    let mut all = claims().as_object().unwrap().clone();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    all
}

fn verify(token: &str) -> Result<Claims, JwtError> {
    verifier(rules()).verify(token, Timestamp::from_secs(NOW))
}

fn part(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn rsa(key: &PrivateKey, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(key.as_bytes()).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    signature
}

/// A token with this header's text, properly signed by the first key.
fn token_with_header(header: &str) -> String {
    let message = format!("{}.{}", part(header), part(&claims().to_string()));
    let signature = rsa(&keys()[0].0, &RSA_PKCS1_SHA256, &message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn minted_tokens_verify() {
    let minted = with(&json!({}));
    let token = signer().sign(&minted).unwrap();
    assert_eq!(verify(&token), Ok(minted));
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({"kid": kid(), "alg": "RS256"}));
}

#[test]
fn a_public_key_is_published_as_cognito_does() {
    let jwk = serde_json::to_value(signer().jwk()).unwrap();
    let names: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(
        (&jwk["e"], &jwk["kty"], &jwk["use"]),
        (&"AQAB".into(), &"RSA".into(), &"sig".into())
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap().len(), 256);
    // RFC 7638 section 3: the thumbprint over the required members in their order.
    let required = format!(r#"{{"e":"AQAB","kty":"RSA","n":"{}"}}"#, jwk["n"].as_str().unwrap());
    let thumbprint = digest::digest(&digest::SHA256, required.as_bytes());
    assert_eq!(jwk["kid"], URL_SAFE_NO_PAD.encode(thumbprint));
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    assert_eq!(Signer::from_pkcs8(b"no key").unwrap_err(), SignerError::Key);
    assert_eq!(format!("{:?}", keys()[0].0), "PrivateKey(..)");
}

#[test]
fn headers_cannot_choose_how_to_verify() {
    let kid = kid();
    let other = &keys()[1].1.jwk().kid;
    let refused = |header: &str| verify(&token_with_header(header)).unwrap_err();
    assert!(verify(&token_with_header(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#))).is_ok());
    for (header, error) in [
        (format!(r#"{{"alg":"none","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"None","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"RS384","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"PS256","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"rs256","kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":["RS256"],"kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"kid":"{kid}"}}"#), JwtError::Algorithm),
        (format!(r#"{{"alg":"RS256","kid":"{other}"}}"#), JwtError::Signature),
        (r#"{"alg":"RS256","kid":"nobody"}"#.to_owned(), JwtError::UnknownKey),
        (r#"{"alg":"RS256"}"#.to_owned(), JwtError::MissingKeyId),
        (r#"{"alg":"RS256","kid":1}"#.to_owned(), JwtError::MissingKeyId),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","crit":["exp"],"exp":1}}"#), JwtError::Header),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","b64":false}}"#), JwtError::Header),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","cty":"JWT"}}"#), JwtError::Header),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","cty":1}}"#), JwtError::Header),
        (format!(r#"{{"alg":"RS256","kid":"{kid}","zip":"DEF"}}"#), JwtError::Header),
        (format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#), JwtError::Malformed),
        ("[]".to_owned(), JwtError::Malformed),
        ("\"RS256\"".to_owned(), JwtError::Malformed),
    ] {
        assert_eq!(refused(&header), error, "{header}");
    }
}

#[test]
fn a_key_within_the_token_is_not_trusted() {
    let attacker = &keys()[1];
    let header = json!({
        "alg": "RS256", "kid": kid(), "jwk": attacker.1.jwk(), "jku": "https://evil.example/jwks",
    });
    let message = format!("{}.{}", part(&header.to_string()), part(&claims().to_string()));
    let signature = URL_SAFE_NO_PAD.encode(rsa(&attacker.0, &RSA_PKCS1_SHA256, &message));
    assert_eq!(verify(&format!("{message}.{signature}")), Err(JwtError::Signature));
}

#[test]
fn the_public_key_is_no_secret_of_an_hmac() {
    let n = URL_SAFE_NO_PAD.decode(&signer().jwk().n).unwrap();
    let text = serde_json::to_vec(signer().jwk()).unwrap();
    for secret in [n.as_slice(), signer().jwk().n.as_bytes(), &text] {
        for alg in ["HS256", "RS256"] {
            let header = json!({"alg": alg, "kid": kid()}).to_string();
            let message = format!("{}.{}", part(&header), part(&claims().to_string()));
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac));
            assert!(matches!(verify(&token), Err(JwtError::Algorithm | JwtError::Signature)));
        }
    }
}

#[test]
fn unsigned_and_reshaped_tokens_are_refused() {
    let token = signer().sign(&with(&json!({}))).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    for (text, error) in [
        (String::new(), JwtError::Malformed),
        ("..".to_owned(), JwtError::Malformed),
        (message.to_owned(), JwtError::Malformed),
        (format!("{message}."), JwtError::Signature),
        (format!("{token}."), JwtError::Malformed),
        (format!("{token}.x"), JwtError::Malformed),
        (format!("{header}.{payload}.x.y.{signature}"), JwtError::Malformed),
        (format!(" {token}"), JwtError::Malformed),
        (format!("{token}="), JwtError::Malformed),
        (format!("{token}\n"), JwtError::Malformed),
        (format!("{header}.{}.{signature}", part("{}")), JwtError::Signature),
        (format!("{}.{payload}.{signature}", part("{}")), JwtError::MissingKeyId),
        ("a".repeat(MAX_TOKEN + 1), JwtError::TooLarge),
        ("é.é.é".to_owned(), JwtError::Malformed),
    ] {
        assert_eq!(verify(&text), Err(error), "{text}");
    }
}

#[test]
fn a_payload_that_is_ambiguous_is_refused() {
    let header = json!({"alg": "RS256", "kid": kid()}).to_string();
    for payload in [r#"{"exp":1,"exp":9999999999}"#, "[]", "x", r#"{"a":"#] {
        let message = format!("{}.{}", part(&header), part(payload));
        let signature = URL_SAFE_NO_PAD.encode(rsa(&keys()[0].0, &RSA_PKCS1_SHA256, &message));
        assert_eq!(verify(&format!("{message}.{signature}")), Err(JwtError::Malformed));
    }
}

#[test]
fn claims_must_be_as_expected() {
    for (change, outcome) in [
        (json!({"exp": NOW + 1}), Ok(())),
        (json!({"exp": NOW}), Err(JwtError::Expired)),
        (json!({"exp": NOW as f64 + 0.5}), Ok(())),
        (json!({"exp": null}), Err(JwtError::Claim("exp"))),
        (json!({"exp": "9999999999"}), Err(JwtError::Claim("exp"))),
        (json!({"exp": -1}), Err(JwtError::Claim("exp"))),
        (json!({"nbf": NOW}), Ok(())),
        (json!({"nbf": NOW + 1}), Err(JwtError::NotYetValid)),
        (json!({"nbf": true}), Err(JwtError::Claim("nbf"))),
        (json!({"iat": NOW + 1}), Err(JwtError::NotYetValid)),
        (json!({"iat": null}), Ok(())),
        (json!({"iss": null}), Err(JwtError::Issuer)),
        (json!({"iss": format!("{ISSUER}/")}), Err(JwtError::Issuer)),
        (json!({"iss": [ISSUER]}), Err(JwtError::Issuer)),
        (json!({"client_id": "other"}), Err(JwtError::Audience)),
        (json!({"client_id": null}), Err(JwtError::Audience)),
        (json!({"client_id": null, "aud": "client"}), Ok(())),
        (json!({"client_id": null, "aud": ["x", "client"]}), Ok(())),
        (json!({"client_id": null, "aud": []}), Err(JwtError::Audience)),
        (json!({"client_id": "client", "aud": "other"}), Err(JwtError::Audience)),
        (json!({"token_use": "id"}), Err(JwtError::TokenUse)),
        (json!({"token_use": null}), Err(JwtError::TokenUse)),
    ] {
        let token = signer().sign(&with(&change)).unwrap();
        assert_eq!(verify(&token).map(|_| ()), outcome, "{change}");
    }
}

#[test]
fn rules_may_be_wider() {
    let lenient =
        Rules { audiences: None, token_use: None, leeway: Duration::from_secs(60), ..rules() };
    let verifier = verifier(lenient);
    let verify = |change: &Value| {
        let token = signer().sign(&with(change)).unwrap();
        verifier.verify(&token, Timestamp::from_secs(NOW)).map(|_| ())
    };
    assert_eq!(verify(&json!({"client_id": null, "token_use": null})), Ok(()));
    assert_eq!(verify(&json!({"exp": NOW - 59, "iat": NOW + 60})), Ok(()));
    assert_eq!(verify(&json!({"exp": NOW - 60})), Err(JwtError::Expired));
    assert_eq!(verify(&json!({"iat": NOW + 61})), Err(JwtError::NotYetValid));
}

/// A token under ES256, and the key's JWK.
fn es256() -> (String, Value) {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at(32);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "ec",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    let header = json!({"alg": "ES256", "kid": "ec"}).to_string();
    let message = format!("{}.{}", part(&header), part(&claims().to_string()));
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    (format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)), jwk)
}

#[test]
fn es256_verifies_unless_only_rsa_may() {
    let (token, jwk) = es256();
    let now = Timestamp::from_secs(NOW);
    let keys = jwks(&[jwk]);
    assert!(Verifier::new(keys.clone(), rules()).verify(&token, now).is_ok());
    let refused = Verifier::new(keys.only_rsa(), rules()).verify(&token, now);
    assert_eq!(refused, Err(JwtError::UnknownKey));
}

#[test]
fn a_key_states_its_own_algorithm() {
    let mut jwk = serde_json::to_value(signer().jwk()).unwrap();
    jwk["alg"] = json!("RS384");
    let verifier = Verifier::new(jwks(&[jwk]), rules());
    let now = Timestamp::from_secs(NOW);
    let token = signer().sign(&with(&json!({}))).unwrap();
    assert_eq!(verifier.verify(&token, now), Err(JwtError::Algorithm));
    let header = json!({"alg": "RS384", "kid": kid()}).to_string();
    let message = format!("{}.{}", part(&header), part(&claims().to_string()));
    let signature = URL_SAFE_NO_PAD.encode(rsa(&keys()[0].0, &RSA_PKCS1_SHA384, &message));
    assert!(verifier.verify(&format!("{message}.{signature}"), now).is_ok());
}

#[test]
fn key_sets_are_read_strictly() {
    let good = serde_json::to_value(signer().jwk()).unwrap();
    let changed = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    assert!(jwks(std::slice::from_ref(&good)).has(kid()));
    for jwk in [
        changed("use", json!("enc")),
        changed("kty", json!("oct")),
        changed("alg", json!("HS256")),
        changed("alg", json!("PS256")),
        changed("alg", json!(1)),
        changed("kid", json!(1)),
        changed("n", json!(URL_SAFE_NO_PAD.encode([255; 128]))),
        changed("n", json!(URL_SAFE_NO_PAD.encode([255; 1025]))),
        changed("n", json!("!")),
        changed("e", json!("AA")),
        json!(1),
    ] {
        assert!(!jwks(std::slice::from_ref(&jwk)).has(kid()), "{jwk}");
    }
    // The first key of a name counts, whoever could append one.
    let mut second = serde_json::to_value(keys()[1].1.jwk()).unwrap();
    second["kid"] = json!(kid());
    let verifier = Verifier::new(jwks(&[good, second]), rules());
    let token = signer().sign(&with(&json!({}))).unwrap();
    assert!(verifier.verify(&token, Timestamp::from_secs(NOW)).is_ok());
    for text in ["", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(Jwks::parse(text.as_bytes()).unwrap_err(), JwkError::Malformed);
    }
    assert_eq!(Jwks::parse(&vec![b' '; MAX_JWKS + 1]).unwrap_err(), JwkError::TooLarge);
}

#[test]
fn any_changed_byte_is_refused() {
    let token = signer().sign(&with(&json!({}))).unwrap();
    let verifier = verifier(rules());
    bolero::check!().with_iterations(3_000).with_type::<(usize, u8)>().for_each(|(at, byte)| {
        let mut changed = token.clone().into_bytes();
        let at = at % changed.len();
        if changed[at] == *byte {
            return;
        }
        changed[at] = *byte;
        let text = String::from_utf8_lossy(&changed);
        assert!(verifier.verify(&text, Timestamp::from_secs(NOW)).is_err(), "{at} {byte}");
    });
}

#[test]
fn random_texts_never_panic() {
    let verifier = verifier(rules());
    bolero::check!().with_iterations(5_000).for_each(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Jwks::parse(bytes);
        assert!(verifier.verify(&text, Timestamp::from_secs(NOW)).is_err());
        let token = format!("{}.{}.{}", part(&text), part(&text), part(&text));
        assert!(verifier.verify(&token, Timestamp::from_secs(NOW)).is_err());
    });
}

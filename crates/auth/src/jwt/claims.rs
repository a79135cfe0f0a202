//! Whether a token's claims are what the verifier expects (RFC 7519 section 4.1).

use std::time::Duration;

use cumulet_base::Timestamp;
use serde_json::{Map, Value};

use super::verify::{JwtError, Rules, TokenUse};

pub(super) fn check(
    claims: &Map<String, Value>,
    rules: &Rules,
    now: Timestamp,
) -> Result<(), JwtError> {
    check_times(claims, rules.leeway, now)?;
    if claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
        return Err(JwtError::Issuer);
    }
    if let Some(expected) = rules.token_use {
        let expected = match expected {
            TokenUse::Access => "access",
            TokenUse::Id => "id",
        };
        if claims.get("token_use").and_then(Value::as_str) != Some(expected) {
            return Err(JwtError::TokenUse);
        }
    }
    match &rules.audiences {
        Some(audiences) if !is_for(claims, audiences) => Err(JwtError::Audience),
        _ => Ok(()),
    }
}

/// `aud`, or only where there is none `client_id`, as in Cognito's access tokens ("Control access
/// to HTTP APIs with JWT authorizers" in the API Gateway guide).
fn is_for(claims: &Map<String, Value>, audiences: &[String]) -> bool {
    let expected = |value: &Value| {
        value.as_str().is_some_and(|text| audiences.iter().any(|audience| audience == text))
    };
    match claims.get("aud").or_else(|| claims.get("client_id")) {
        Some(Value::Array(values)) => values.iter().any(expected),
        Some(value) => expected(value),
        None => false,
    }
}

fn check_times(
    claims: &Map<String, Value>,
    leeway: Duration,
    now: Timestamp,
) -> Result<(), JwtError> {
    let now = now.millis() as f64 / 1000.0;
    let leeway = leeway.as_secs_f64();
    let expiry = seconds(claims, "exp")?.ok_or(JwtError::Claim("exp"))?;
    if now >= expiry + leeway {
        return Err(JwtError::Expired);
    }
    for claim in ["nbf", "iat"] {
        if seconds(claims, claim)?.is_some_and(|from| from > now + leeway) {
            return Err(JwtError::NotYetValid);
        }
    }
    Ok(())
}

/// A NumericDate: seconds, perhaps with a fraction. Another type is no date.
fn seconds(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<f64>, JwtError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
            seconds.map(Some).ok_or(JwtError::Claim(claim))
        }
    }
}

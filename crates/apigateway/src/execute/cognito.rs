//! Authorizers of REST APIs that take the tokens of user pools ("Control access to REST APIs using
//! Amazon Cognito user pools as an authorizer").

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_auth::jwt::{Claims, JwtError, Rules, TokenUse};
use cumulet_base::{Arn, Timestamp};
use cumulet_service::Cx;
use serde_json::{Map, Value};

use super::gateway_response::Refusal;
use super::incoming::Incoming;
use super::jwt::{self, Issuers, Unverified};
use super::mock;
use crate::rest::model::AuthorizerRecord;

/// Bytes of a token's claims that are looked at before its signature is.
const MOST_CLAIMS: usize = 16 << 10;

/// Region and id in the ARN of a user pool.
pub(crate) fn pool(arn: &str) -> Option<(String, String)> {
    let arn: Arn = arn.parse().ok()?;
    let id = arn.resource().strip_prefix("userpool/")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_pool = arn.service() == "cognito-idp" && !id.is_empty() && id.bytes().all(plain);
    is_pool.then(|| (arn.region().to_owned(), id.to_owned()))
}

/// The claims of the request's token: of an ID token, or where scopes are asked for, of an access
/// token that has one of them.
pub(crate) async fn authorize(
    cx: &Cx,
    issuers: &Issuers,
    authorizer: &AuthorizerRecord,
    scopes: &[String],
    incoming: &Incoming,
) -> Result<Claims, Refusal> {
    let unauthorized = || Refusal::unauthorized("Unauthorized");
    let source = authorizer.identity_source.as_deref().unwrap_or_default();
    let header = source.strip_prefix("method.request.header.").unwrap_or("Authorization");
    let given = incoming.header(header).map(str::trim).filter(|given| !given.is_empty());
    let given = given.ok_or_else(unauthorized)?;
    if let Some(expression) = &authorizer.identity_validation_expression
        && !mock::pattern(expression).is_some_and(|pattern| pattern.is_match(given))
    {
        return Err(unauthorized());
    }
    let token = jwt::bare(given);
    let issuer = issuer(token, authorizer.provider_arns.as_deref().unwrap_or_default());
    let token_use = if scopes.is_empty() { TokenUse::Id } else { TokenUse::Access };
    let rules = Rules {
        issuer: issuer.ok_or_else(unauthorized)?,
        // Every client of the pool will do.
        audiences: None,
        token_use: Some(token_use),
        leeway: Duration::ZERO,
    };
    let claims = issuers.verify(cx, token, &rules).await.map_err(|why| match why {
        // 401, though the type EXPIRED_TOKEN has 403: that one is for signatures.
        Unverified::Token(JwtError::Expired) => {
            Refusal::unauthorized("The incoming token has expired")
        }
        _ => unauthorized(),
    })?;
    if jwt::has_scope(&claims, scopes) { Ok(claims) } else { Err(unauthorized()) }
}

/// The one of the pools' issuers that the token says it is from. Nothing else of it is believed
/// before its signature is verified with that issuer's keys.
fn issuer(token: &str, pools: &[String]) -> Option<String> {
    let claims = token.split('.').nth(1).filter(|claims| claims.len() <= MOST_CLAIMS)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let said = claims.get("iss")?.as_str()?;
    let mut pools = pools.iter().filter_map(|arn| pool(arn));
    let is = |(region, id): (String, String)| {
        // A pool may be set to issue under its newer name.
        ["", "issuer-"]
            .map(|kind| format!("https://{kind}cognito-idp.{region}.amazonaws.com/{id}"))
            .iter()
            .any(|issuer| issuer == said)
    };
    pools.any(is).then(|| said.to_owned())
}

/// Claims as events of REST APIs carry them: all of them texts, lists joined by commas, and two of
/// the moments as Java writes them. AWS has no page on it; so events in its users' reports look.
pub(crate) fn as_texts(claims: &Claims) -> Map<String, Value> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = |name: &str, value: &Value| match value {
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Number(moment) if name == "exp" || name == "iat" => {
            moment.as_i64().map_or_else(|| moment.to_string(), java_date)
        }
        other => plain(other),
    };
    claims.iter().map(|(name, value)| (name.clone(), text(name, value).into())).collect()
}

/// `Sat Nov 21 00:00:00 UTC 2026`, from seconds since the epoch.
fn java_date(secs: i64) -> String {
    let date = Timestamp::from_secs(secs).http_date();
    // `Sat, 21 Nov 2026 00:00:00 GMT`
    let mut parts = date.split([',', ' ']).filter(|part| !part.is_empty());
    let mut next = || parts.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (next(), next(), next(), next(), next());
    format!("{weekday} {month} {day} {time} UTC {year}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_become_texts() {
        let claims = json!({
            "sub": "u1", "exp": 1_795_219_200, "auth_time": 1_795_219_200,
            "cognito:groups": ["a", "b"], "email_verified": true,
        });
        let expected = json!({
            "sub": "u1", "exp": "Sat Nov 21 00:00:00 UTC 2026", "auth_time": "1795219200",
            "cognito:groups": "a,b", "email_verified": "true",
        });
        assert_eq!(Value::from(as_texts(claims.as_object().unwrap())), expected);
    }

    #[test]
    fn tokens_are_asked_whose_they_are() {
        let pools = ["arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_A".to_owned()];
        let token = |issuer: &str| {
            let claims = json!({ "iss": issuer }).to_string();
            format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims))
        };
        let own = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A";
        assert_eq!(issuer(&token(own), &pools).as_deref(), Some(own));
        let other = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_B";
        assert_eq!(issuer(&token(other), &pools), None);
        assert_eq!(pool("arn:aws:cognito-idp:us-east-1:123456789012:userpool/a/../b"), None);
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            assert_eq!(issuer(text, &pools), None);
        });
    }
}

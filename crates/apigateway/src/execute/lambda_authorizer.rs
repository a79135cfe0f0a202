//! Authorizers that are functions: TOKEN and REQUEST ("Use API Gateway Lambda authorizers").
//!
//! A function's policy is kept for the identity that it was given for, and decided with anew for
//! each request: it covers all methods that the identity may ask for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cumulet_auth::policy::{
    Decision, Denial, Document, Grammar, Keys, Kind, Policies, Principal, Request, ResourcePolicy,
    Values, evaluate,
};
use cumulet_base::{Arn, Timestamp};
use cumulet_service::Cx;
use serde_json::{Map, Value, json};

use super::gateway_response::Refusal;
use super::incoming::Incoming;
use super::invoke::{self, Failure};
use super::mapping::Source;
use super::mock;
use crate::rest::model::AuthorizerRecord;

/// How long an authorizer is waited for, as an integration is.
const TIMEOUT: Duration = Duration::from_secs(29);
/// Seconds that a policy is kept where the authorizer does not say.
pub(crate) const KEPT: i32 = 300;
const MOST_KEPT: usize = 10_000;
/// Bytes of what one request's identity may be kept under.
const MOST_IDENTITY: usize = 16 << 10;

/// What AWS tells a client of an authorizer's troubles: `{"message":null}`.
const NO_MESSAGE: &str = "";

/// What an authorizer said of a caller.
#[derive(Debug)]
pub(crate) struct Said {
    policy: Document,
    /// `principalId` and the context, as events carry them.
    pub(crate) context: Map<String, Value>,
}

/// What authorizers said, by stage, authorizer and identity.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<HashMap<String, (Timestamp, Arc<Said>)>>);

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl Remembered {
    fn get(&self, identity: &str, now: Timestamp) -> Option<Arc<Said>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, said) = all.get(identity)?;
        (*until > now).then(|| Arc::clone(said))
    }

    fn put(&self, identity: String, until: Timestamp, said: &Arc<Said>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(identity, (until, Arc::clone(said)));
    }
}

/// A request that asks to be let in.
pub(crate) struct Asked<'a> {
    pub(crate) authorizer: &'a AuthorizerRecord,
    pub(crate) source: &'a Source<'a>,
    /// `<api>/<stage>/<METHOD>/<path>`.
    pub(crate) method: &'a Arn,
    /// The event that the integration would receive.
    pub(crate) event: Value,
    pub(crate) policy: Option<&'a Document>,
}

/// What the authorizer says of the caller, where that lets him in.
pub(crate) async fn authorize(
    cx: &Cx,
    remembered: &Remembered,
    asked: Asked<'_>,
) -> Result<Arc<Said>, Refusal> {
    let authorizer = asked.authorizer;
    let kept = authorizer.authorizer_result_ttl_in_seconds.unwrap_or(KEPT).clamp(0, 3600);
    let identity = identity(&asked, kept > 0)?;
    let now = cx.now();
    let Incoming { api, stage, .. } = asked.source.incoming;
    let name = format!("{api}/{stage}/{}/{identity}", authorizer.id);
    let known = (kept > 0).then(|| remembered.get(&name, now)).flatten();
    let said = if let Some(said) = known {
        said
    } else {
        let said = Arc::new(ask(cx, &asked, &identity).await?);
        if kept > 0 && name.len() <= MOST_IDENTITY {
            let until = now.after(Duration::from_secs(u64::from(kept.unsigned_abs())));
            remembered.put(name, until, &said);
        }
        said
    };
    decide(cx, &asked, &said)?;
    Ok(said)
}

/// The values of the identity's sources. One that is missing is refused without a call: a token
/// always, others where answers are kept.
fn identity(asked: &Asked<'_>, kept: bool) -> Result<String, Refusal> {
    let unauthorized = || Refusal::unauthorized("Unauthorized");
    let sources = asked.authorizer.identity_source.as_deref().unwrap_or_default();
    let sources = sources.split(',').map(str::trim).filter(|source| !source.is_empty());
    let value = |source: &str| asked.source.value(source).filter(|value| !value.is_empty());
    if asked.authorizer.kind == "TOKEN" {
        let token = sources.into_iter().next().and_then(value).ok_or_else(unauthorized)?;
        if let Some(expression) = &asked.authorizer.identity_validation_expression
            && !mock::pattern(expression).is_some_and(|pattern| pattern.is_match(&token))
        {
            return Err(unauthorized());
        }
        return Ok(token);
    }
    let mut identity = Vec::new();
    for source in sources {
        match value(source) {
            Some(value) => identity.push(value),
            None if kept => return Err(unauthorized()),
            None => {}
        }
    }
    // No value can stand for two.
    Ok(json!(identity).to_string())
}

async fn ask(cx: &Cx, asked: &Asked<'_>, identity: &str) -> Result<Said, Refusal> {
    let authorizer = asked.authorizer;
    let uri = authorizer.authorizer_uri.as_deref().unwrap_or_default();
    let uri = invoke::with_variables(uri, &asked.source.incoming.stage_variables);
    let function = invoke::function_of(&uri).ok_or_else(misconfigured)?;
    let event = if authorizer.kind == "TOKEN" {
        json!({
            "type": "TOKEN", "methodArn": asked.method.as_str(), "authorizationToken": identity,
        })
    } else {
        let mut event = asked.event.clone();
        if let Some(members) = event.as_object_mut() {
            members.retain(|name, _| !["body", "isBase64Encoded"].contains(&name.as_str()));
            members.insert("type".to_owned(), "REQUEST".into());
            members.insert("methodArn".to_owned(), asked.method.as_str().into());
        }
        event
    };
    let own = format!("{}/authorizers/{}", asked.source.incoming.api, authorizer.id);
    let own = Arn::new("execute-api", cx.region(), cx.account(), &own);
    let answer = invoke::invoke(cx, function, &own, &event, TIMEOUT).await;
    let payload = answer.map_err(|failure| match failure {
        // The one error that is no failure: so a function says 401.
        Failure::Failed(error) if error.message().as_deref() == Some("Unauthorized") => {
            Refusal::unauthorized("Unauthorized")
        }
        Failure::Refused(why) => {
            tracing::warn!(function, why, "an authorizer cannot be invoked");
            misconfigured()
        }
        failure => {
            tracing::warn!(function, ?failure, "an authorizer gave no answer");
            let error = "AuthorizerFailureException";
            Refusal::new("AUTHORIZER_FAILURE", error, NO_MESSAGE)
        }
    })?;
    read(&payload).ok_or_else(|| {
        tracing::warn!(function, "an authorizer's answer is malformed");
        misconfigured()
    })
}

fn misconfigured() -> Refusal {
    let error = "AuthorizerConfigurationException";
    Refusal::new("AUTHORIZER_CONFIGURATION_ERROR", error, NO_MESSAGE)
}

/// A function's answer: a principal, a policy, and a context of plain values.
fn read(payload: &[u8]) -> Option<Said> {
    let answer: Value = serde_json::from_slice(payload).ok()?;
    let principal = answer.get("principalId")?.as_str()?;
    let policy = answer.get("policyDocument").filter(|policy| policy.is_object())?;
    let policy = Document::parse(&policy.to_string(), Grammar::Identity).ok()?;
    let mut context = Map::new();
    for (name, value) in answer.get("context").and_then(Value::as_object).into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => return None,
        };
        context.insert(name.clone(), text.into());
    }
    context.insert("principalId".to_owned(), principal.into());
    Some(Said { policy, context })
}

/// The function's policy and the API's own, in one account: either may allow, each may deny.
fn decide(cx: &Cx, asked: &Asked<'_>, said: &Said) -> Result<(), Refusal> {
    let incoming = asked.source.incoming;
    let principal = said.context.get("principalId").and_then(Value::as_str).unwrap_or_default();
    let mut context = Keys::default().with("aws:SourceIp", Values::one(incoming.source_ip.clone()));
    for (key, header) in [("aws:UserAgent", "user-agent"), ("aws:Referer", "referer")] {
        if let Some(value) = incoming.header(header) {
            context = context.with(key, Values::one(value.to_owned()));
        }
    }
    let request = Request {
        principal: Principal {
            kind: Kind::User,
            arn: principal,
            account: cx.account().as_str(),
            ..Principal::ANONYMOUS
        },
        action: "execute-api:Invoke",
        resource: asked.method.as_str(),
        resource_account: cx.account().as_str(),
        now: cx.now(),
        context: &context,
    };
    let resource = asked.policy.map(|document| ResourcePolicy { document, required: false });
    let policies = Policies { identity: &[&said.policy], resource, ..Policies::default() };
    match evaluate(&request, &policies) {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(denial) => {
            let explicit = match denial {
                Denial::Implicit(_) => "",
                Denial::Explicit { .. } => " with an explicit deny",
            };
            let words = format!("User is not authorized to access this resource{explicit}");
            Err(Refusal::denied(words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*" }] });
        let answer = json!({
            "principalId": "u1", "policyDocument": policy,
            "context": { "n": 1, "b": true, "s": "x", "none": null }
        });
        let said = read(answer.to_string().as_bytes()).unwrap();
        let expected = json!({ "n": "1", "b": "true", "s": "x", "principalId": "u1" });
        assert_eq!(Value::from(said.context), expected);
        for malformed in [
            json!(null),
            json!({ "principalId": "u1" }),
            json!({ "policyDocument": policy }),
            json!({ "principalId": "u1", "policyDocument": "{}" }),
            json!({ "principalId": "u1", "policyDocument": { "Statement": 1 } }),
            json!({ "principalId": "u1", "policyDocument": policy, "context": { "a": [] } }),
        ] {
            assert!(read(malformed.to_string().as_bytes()).is_none(), "{malformed}");
        }
        bolero::check!().with_type::<Vec<u8>>().with_iterations(2_000).for_each(|bytes| {
            read(bytes);
        });
    }
}

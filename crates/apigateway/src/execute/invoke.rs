//! The way to functions: through the one door, as API Gateway on behalf of the API.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cumulet_api_lambda::ops::{InvocationRequest, Invoke};
use cumulet_base::Arn;
use cumulet_service::{Cx, Error, Principal};
use serde_json::Value;

const PRINCIPAL: &str = "apigateway.amazonaws.com";

/// Why a function gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It took longer than the integration waits.
    Timeout,
    /// It failed.
    Failed(FunctionError),
    /// It may not be invoked, or is not there.
    Refused(String),
}

/// What a function failed with.
#[derive(Debug)]
pub(crate) struct FunctionError {
    kind: String,
    payload: Bytes,
}

impl FunctionError {
    /// The message of the error that it raised.
    pub(crate) fn message(&self) -> Option<String> {
        let error: Value = serde_json::from_slice(&self.payload).ok()?;
        error.get("errorMessage")?.as_str().map(str::to_owned)
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.payload.get(..self.payload.len().min(512)).unwrap_or_default();
        let Self { kind, .. } = self;
        write!(f, "the function failed ({kind}): {}", String::from_utf8_lossy(start))
    }
}

/// The function's ARN in an integration's URI: the ARN itself, or
/// `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<arn>/invocations`.
pub(crate) fn function_of(uri: &str) -> Option<&str> {
    if uri.starts_with("arn:aws:lambda:") {
        return Some(uri);
    }
    let (_, rest) = uri.split_once(":lambda:path/")?;
    let (_, function) = rest.split_once("/functions/")?;
    function.strip_suffix("/invocations")
}

/// `text` with the values of `${stageVariables.name}`.
pub(crate) fn with_variables(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{stageVariables.{name}}}"), value)
    })
}

/// What the function answers to `event`.
pub(crate) async fn invoke(
    cx: &Cx,
    function: &str,
    source: &Arn,
    event: &Value,
    timeout: Duration,
) -> Result<Bytes, Failure> {
    let principal = Principal::service_for(PRINCIPAL, cx.account(), source);
    as_caller(&cx.acting_as(principal), function, event, timeout).await
}

/// The same, as whom `cx` is for.
pub(crate) async fn as_caller(
    cx: &Cx,
    function: &str,
    event: &Value,
    timeout: Duration,
) -> Result<Bytes, Failure> {
    let request = InvocationRequest {
        function_name: function.to_owned(),
        payload: Some(Bytes::from(event.to_string())),
        ..InvocationRequest::default()
    };
    let refused = |error: Error| Failure::Refused(error.to_string());
    let call = cx.call::<Invoke>(request);
    let answer = tokio::time::timeout(timeout, call).await.map_err(|_| Failure::Timeout)?;
    let answer = answer.map_err(refused)?;
    let payload = answer.payload.unwrap_or_default();
    match answer.function_error {
        Some(kind) => Err(Failure::Failed(FunctionError { kind, payload })),
        None => Ok(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_uris() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let path = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        );
        assert_eq!(function_of(arn), Some(arn));
        assert_eq!(function_of(&path), Some(arn));
        for uri in ["", "https://a.test/", "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"] {
            assert_eq!(function_of(uri), None, "{uri}");
        }
        let variables = [("alias".to_owned(), "live".to_owned())].into();
        assert_eq!(with_variables("f:${stageVariables.alias}", &variables), "f:live");
    }
}

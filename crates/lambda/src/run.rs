//! Running a version once, for Invoke and for the queue alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cumulet_sandbox::{Invocation, InvokeError, Outcome, PAYLOAD_LIMIT};
use cumulet_service::{Cx, Error as ServiceError, Result};

use crate::Lambda;
use crate::admission::Admitted;
use crate::error::Error;
use crate::name::FunctionName;
use crate::resolve::{Resolved, resolve};
use crate::store::load_account;

/// Bytes of an event that is answered ("Lambda quotas": 6 MB).
pub(crate) const MAX_EVENT: usize = PAYLOAD_LIMIT;

/// Refuses an event that is no JSON document. None at all is an empty object for the runtimes.
pub(crate) fn check_event(payload: &[u8], limit: usize) -> Result<(), Error> {
    if payload.len() > limit {
        return Err(Error::TooLarge(limit));
    }
    if payload.is_empty() {
        return Ok(());
    }
    // Read for its form alone, without a tree.
    serde_json::from_slice::<serde::de::IgnoredAny>(payload)
        .map(drop)
        .map_err(|why| Error::Content(why.to_string()))
}

/// The JSON behind `X-Amz-Client-Context`.
pub(crate) fn client_context(header: Option<&str>) -> Result<Option<String>, Error> {
    let Some(header) = header else { return Ok(None) };
    let text = STANDARD.decode(header).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let json = text.filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let invalid =
        || Error::Content("the client context is not base64 of a JSON document".to_owned());
    json.map(Some).ok_or_else(invalid)
}

impl Lambda {
    /// Finds what `name` leads to.
    pub(crate) async fn resolve(&self, cx: &Cx, name: &FunctionName) -> Result<Resolved> {
        resolve(&cx.store().snapshot(), cx.ids(), name).await
    }

    /// Counts an invocation, or throttles it.
    pub(crate) async fn admit(&self, cx: &Cx, resolved: &Resolved) -> Result<Admitted> {
        let name = &resolved.name;
        let account = load_account(&cx.store().snapshot(), &name.account, &name.region).await?;
        let shared = self.concurrency.saturating_sub(account.reserved as usize);
        Ok(self.admission.admit(name, resolved.function.reserved, shared)?)
    }

    /// Runs a version. Goes on when the caller hangs up, as AWS does.
    pub(crate) async fn run(
        &self,
        cx: &Cx,
        resolved: &Resolved,
        admitted: Admitted,
        invocation: Invocation,
    ) -> Result<Outcome> {
        let pool = self.pools.get(cx, &self.packages, &self.runtimes, resolved).await?;
        let running = tokio::spawn(async move {
            let outcome = pool.invoke(&invocation, None).await;
            drop(admitted);
            outcome
        });
        running.await.map_err(ServiceError::internal)?.map_err(|why| match why {
            InvokeError::Throttled => {
                let reason =
                    cumulet_api_lambda::types::ThrottleReason::ConcurrentInvocationLimitExceeded;
                Error::Throttled(reason).into()
            }
            InvokeError::Credentials(why) => {
                // AWS's word for it: the role went away after the function was made.
                ServiceError::access_denied(
                    "The role defined for the function cannot be assumed by Lambda.",
                )
                .because(why)
            }
            InvokeError::RequestId | InvokeError::Start(_) => ServiceError::internal(why),
        })
    }
}

/// An invocation of what was resolved.
pub(crate) fn invocation(request_id: &str, resolved: &Resolved, payload: Bytes) -> Invocation {
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    Invocation {
        request_id: request_id.to_owned(),
        payload,
        function_arn: resolved.arn.as_str().to_owned(),
        ..Invocation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_json_and_bounded() {
        for good in ["", "{}", "null", "[1]", "\"x\""] {
            assert_eq!(check_event(good.as_bytes(), 100), Ok(()), "{good}");
        }
        for bad in ["{", "x", "{} {}"] {
            assert!(matches!(check_event(bad.as_bytes(), 100), Err(Error::Content(_))), "{bad}");
        }
        assert_eq!(check_event(&[b' '; 101], 100), Err(Error::TooLarge(100)));
        // Nesting is bounded by the reader, not by the stack.
        assert!(check_event("[".repeat(200_000).as_bytes(), 1 << 20).is_err());
    }

    #[test]
    fn client_contexts() {
        assert_eq!(client_context(None), Ok(None));
        assert_eq!(client_context(Some("e30=")), Ok(Some("{}".to_owned())));
        for bad in ["%", "e3", "bm8="] {
            assert!(client_context(Some(bad)).is_err(), "{bad}");
        }
    }
}

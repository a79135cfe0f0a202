//! `POST /_cumulet/invoke`: runs a function, called by its name or by its logical id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_api_lambda::ops::{InvocationRequest, Invoke};
use cumulet_api_lambda::types::LogType;
use cumulet_service::Cx;
use serde::{Deserialize, Serialize};

use super::answer::Problem;
use super::stacks::function_called;

/// What to run, with what.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub(crate) function: String,
    pub(crate) stack: Option<String>,
    /// The event: JSON, as it is handed to the function.
    pub(crate) event: String,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// `Handled` or `Unhandled` where the function failed.
    pub(crate) error: Option<String>,
    /// JSON, as the function gave it.
    pub(crate) payload: String,
    /// The last 4 KB that the function logged.
    pub(crate) log: String,
}

pub(super) async fn post(cx: &Cx, input: Invocation) -> Result<Outcome, Problem> {
    let function_name = function_called(cx, &input.function, input.stack.as_deref()).await?;
    let request = InvocationRequest {
        function_name,
        log_type: Some(LogType::Tail),
        payload: Some(input.event.into()),
        ..InvocationRequest::default()
    };
    let done = cx.call::<Invoke>(request).await?;
    let log = STANDARD.decode(done.log_result.unwrap_or_default()).unwrap_or_default();
    Ok(Outcome {
        error: done.function_error,
        payload: String::from_utf8_lossy(&done.payload.unwrap_or_default()).into_owned(),
        log: String::from_utf8_lossy(&log).into_owned(),
    })
}

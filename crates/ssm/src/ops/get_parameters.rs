//! GetParameters: reads up to ten parameters, each as GetParameter does.
//!
//! Promises: what is found, and the names of what is not in `InvalidParameters`.
//! Refuses: the whole request where leave for one of the names is missing.

use cumulet_api_ssm::ops::{GetParameters, GetParametersRequest, GetParametersResult};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::name::Name;
use crate::{Ssm, answer, store};

impl Handle<GetParameters> for Ssm {
    async fn access(&self, cx: &Cx, input: &GetParametersRequest) -> Result<Vec<Access>> {
        let snapshot = cx.store().snapshot();
        let mut accesses = Vec::with_capacity(input.names.len());
        for text in &input.names {
            // A name that cannot be leads nowhere and is answered as invalid.
            let Ok(name) = Name::read(cx, text) else { continue };
            let record = store::find(&snapshot, &name).await?;
            accesses.push(name.access(cx, "ssm:GetParameters", record.as_ref()));
        }
        Ok(accesses)
    }

    async fn handle(&self, cx: &Cx, input: GetParametersRequest) -> Result<GetParametersResult> {
        let decrypt = input.with_decryption.unwrap_or_default();
        let snapshot = cx.store().snapshot();
        let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
        for text in input.names {
            let found = match Name::select(cx, &text) {
                Ok((name, selector)) => {
                    answer::parameter(cx, &snapshot, &name, &selector, decrypt).await
                }
                Err(error) => Err(error.into()),
            };
            match found {
                Ok(parameter) => parameters.push(parameter),
                Err(error) if is_missing(&error.code) => invalid.push(text),
                Err(error) => return Err(error),
            }
        }
        Ok(GetParametersResult { parameters: Some(parameters), invalid_parameters: Some(invalid) })
    }
}

fn is_missing(code: &str) -> bool {
    matches!(code, "ParameterNotFound" | "ParameterVersionNotFound")
}

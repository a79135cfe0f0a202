//! GetParameter: reads one version of a parameter.
//!
//! Promises: the latest version, or that of `name:3` or `name:label`; by name or ARN. A
//! SecureString comes as it lies in the store unless `WithDecryption` asks for its value, which
//! takes leave for kms:Decrypt.
//! Refuses: a parameter, version or label that is not there; AWS's public parameters
//! (`/aws/service/…`) are not.

use cumulet_api_ssm::ops::{GetParameter, GetParameterRequest, GetParameterResult};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::name::Name;
use crate::{Ssm, answer, store};

impl Handle<GetParameter> for Ssm {
    async fn access(&self, cx: &Cx, input: &GetParameterRequest) -> Result<Vec<Access>> {
        let name = Name::read(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        Ok(vec![name.access(cx, "ssm:GetParameter", record.as_ref())])
    }

    async fn handle(&self, cx: &Cx, input: GetParameterRequest) -> Result<GetParameterResult> {
        let (name, selector) = Name::select(cx, &input.name)?;
        let decrypt = input.with_decryption.unwrap_or_default();
        let snapshot = cx.store().snapshot();
        let parameter = answer::parameter(cx, &snapshot, &name, &selector, decrypt).await?;
        Ok(GetParameterResult { parameter: Some(parameter) })
    }
}

//! DeleteParameter and DeleteParameters: remove parameters with all their versions.
//!
//! Promises: after the answer they are gone, durably. DeleteParameters says which were there.
//! Refuses: DeleteParameter a parameter that is not there.

use cumulet_api_ssm::ops::{
    DeleteParameter, DeleteParameterRequest, DeleteParameterResult, DeleteParameters,
    DeleteParametersRequest, DeleteParametersResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::name::{Name, Selector};
use crate::{Ssm, store};

impl Handle<DeleteParameter> for Ssm {
    async fn access(&self, cx: &Cx, input: &DeleteParameterRequest) -> Result<Vec<Access>> {
        let name = Name::read(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        Ok(vec![name.access(cx, "ssm:DeleteParameter", record.as_ref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteParameterRequest,
    ) -> Result<DeleteParameterResult> {
        delete(cx, &input.name).await?;
        Ok(DeleteParameterResult {})
    }
}

impl Handle<DeleteParameters> for Ssm {
    async fn access(&self, cx: &Cx, input: &DeleteParametersRequest) -> Result<Vec<Access>> {
        let snapshot = cx.store().snapshot();
        let mut accesses = Vec::with_capacity(input.names.len());
        for text in &input.names {
            let Ok(name) = Name::read(cx, text) else { continue };
            let record = store::find(&snapshot, &name).await?;
            accesses.push(name.access(cx, "ssm:DeleteParameters", record.as_ref()));
        }
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteParametersRequest,
    ) -> Result<DeleteParametersResult> {
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for name in input.names {
            match delete(cx, &name).await {
                Ok(()) => deleted.push(name),
                Err(Error::NotFound) => invalid.push(name),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(DeleteParametersResult {
            deleted_parameters: Some(deleted),
            invalid_parameters: Some(invalid),
        })
    }
}

/// A single version cannot be deleted, so a name with a selector is none.
async fn delete(cx: &Cx, text: &str) -> Result<(), Error> {
    let (name, selector) = Name::select(cx, text)?;
    if selector != Selector::Latest {
        return Err(Error::NotFound);
    }
    cx.store()
        .transact(async |tx| {
            let record = store::load(&tx, &name).await?;
            store::remove(&tx, &name, &record).await?;
            Ok(())
        })
        .await
}

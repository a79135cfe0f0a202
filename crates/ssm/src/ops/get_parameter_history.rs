//! GetParameterHistory: the versions of a parameter, oldest first, with their labels.
//!
//! Promises: pages of at most 50.
//! Refuses: a parameter that is not there, foreign tokens.

use cumulet_api_ssm::ops::{
    GetParameterHistory, GetParameterHistoryRequest, GetParameterHistoryResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::name::Name;
use crate::{Ssm, answer, store};

const PAGE: u64 = 50;

impl Handle<GetParameterHistory> for Ssm {
    async fn access(&self, cx: &Cx, input: &GetParameterHistoryRequest) -> Result<Vec<Access>> {
        let name = Name::read(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        Ok(vec![name.access(cx, "ssm:GetParameterHistory", record.as_ref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetParameterHistoryRequest,
    ) -> Result<GetParameterHistoryResult> {
        let name = Name::read(cx, &input.name)?;
        let decrypt = input.with_decryption.unwrap_or_default();
        let snapshot = cx.store().snapshot();
        let record = store::load(&snapshot, &name).await?;
        // The token is the next version; those that are gone meanwhile are passed over.
        let token = input.next_token.as_deref().map(str::parse::<u64>).transpose();
        let token = token.map_err(|_| Error::InvalidToken)?;
        let from = token.map_or(record.oldest, |token| token.max(record.oldest));
        let page = input.max_results.and_then(|n| u64::try_from(n).ok()).unwrap_or(PAGE);
        let end = from.saturating_add(page);
        let mut parameters = Vec::new();
        for version in (from..end).take_while(|version| *version <= record.latest) {
            let stored = store::version(&snapshot, &name, version).await?;
            parameters.push(answer::history(cx, &name, &record, version, stored, decrypt).await?);
        }
        let next_token = (end <= record.latest).then(|| end.to_string());
        Ok(GetParameterHistoryResult { parameters: Some(parameters), next_token })
    }
}

//! CreateFunctionUrlConfig: gives a function or an alias a URL of its own.
//!
//! The host's first label is random and exists once in this cloud.

use cumulet_api_lambda::ops::{
    CreateFunctionUrlConfig, CreateFunctionUrlConfigRequest, CreateFunctionUrlConfigResponse,
};
use cumulet_api_lambda::types::InvokeMode;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::names::{self, ClaimError, Owner};
use cumulet_store::{Read as _, Tx};

use crate::Lambda;
use crate::error::Error;
use crate::model::UrlRecord;
use crate::name::FunctionName;
use crate::ops::add_permission::exists;
use crate::url::{self, check_qualifier, on_url};

/// Characters of the host's first label, as AWS has them.
const ID_LENGTH: usize = 32;
const ID_ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz234567";

impl Handle<CreateFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &CreateFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_url(cx, "lambda:CreateFunctionUrlConfig", &name, Some(input.auth_type)).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateFunctionUrlConfigRequest,
    ) -> Result<CreateFunctionUrlConfigResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        check_qualifier(&name)?;
        let now = cx.now().millis();
        let record = UrlRecord {
            qualifier: name.qualifier.clone(),
            id: cx.ids().text(ID_LENGTH, ID_ALPHABET),
            auth: input.auth_type.as_str().to_owned(),
            mode: input.invoke_mode.unwrap_or(InvokeMode::Buffered).as_str().to_owned(),
            cors: input.cors.as_ref().map(url::cors),
            created: now,
            modified: now,
        };
        let (name, record) = (&name, &record);
        cx.store()
            .transact(|tx: Tx| async move {
                exists(&tx, name).await?;
                if tx.get(&name.url()).await?.is_some() {
                    return Err(Error::Conflict(format!(
                        "Failed to create function url config for [functionArn = {}]. Error \
                         message:  FunctionUrlConfig exists for this Lambda function",
                        name.named_arn()
                    ))
                    .into());
                }
                let host = url::host(&record.id, &name.region);
                let owner = url_owner(name);
                let claimed = names::claim(&tx, url::HOST, &host, &owner).await;
                claimed.map_err(|error| match error {
                    ClaimError::Store(error) => error.into(),
                    ClaimError::Taken(_) => ServiceError::internal("a random host was taken"),
                })?;
                tx.put_record(name.url(), record);
                cx.note_made(&tx, name.named_arn().as_str());
                Ok::<_, ServiceError>(())
            })
            .await?;
        let shown = url::describe(self.endpoint.as_deref(), name, record);
        Ok(CreateFunctionUrlConfigResponse {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

/// Who has a URL's host: the function and the alias, as a site finds them.
pub(crate) fn url_owner(name: &FunctionName) -> Owner {
    let resource = match &name.qualifier {
        Some(alias) => format!("{}:{alias}", name.name),
        None => name.name.clone(),
    };
    Owner {
        service: "lambda".to_owned(),
        account: name.account.to_string(),
        region: name.region.to_string(),
        resource,
    }
}

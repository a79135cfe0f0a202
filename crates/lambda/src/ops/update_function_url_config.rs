//! UpdateFunctionUrlConfig: changes how a URL is answered; what the request leaves out stays.

use cumulet_api_lambda::ops::{
    UpdateFunctionUrlConfig, UpdateFunctionUrlConfigRequest, UpdateFunctionUrlConfigResponse,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::name::FunctionName;
use crate::url::{self, check_qualifier, on_url};

impl Handle<UpdateFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &UpdateFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_url(cx, "lambda:UpdateFunctionUrlConfig", &name, input.auth_type).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateFunctionUrlConfigRequest,
    ) -> Result<UpdateFunctionUrlConfigResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        check_qualifier(&name)?;
        let (name, input, now) = (&name, &input, cx.now().millis());
        let record = cx.store().transact(|tx: Tx| async move {
            let mut record = name.load_url(&tx).await?;
            if let Some(auth) = input.auth_type {
                auth.as_str().clone_into(&mut record.auth);
            }
            if let Some(mode) = input.invoke_mode {
                mode.as_str().clone_into(&mut record.mode);
            }
            if let Some(cors) = &input.cors {
                record.cors = Some(url::cors(cors));
            }
            record.modified = now;
            tx.put_record(name.url(), &record);
            Ok::<_, ServiceError>(record)
        });
        let shown = url::describe(self.endpoint.as_deref(), name, &record.await?);
        Ok(UpdateFunctionUrlConfigResponse {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            last_modified_time: shown.last_modified_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

//! DeleteFunctionUrlConfig: takes a URL away. Its host is never given out again.

use cumulet_api_lambda::ops::{
    DeleteFunctionUrlConfig, DeleteFunctionUrlConfigOutput, DeleteFunctionUrlConfigRequest,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Tx, names};

use crate::Lambda;
use crate::name::FunctionName;
use crate::ops::create_function_url_config::url_owner;
use crate::url::{self, check_qualifier, on_url};

impl Handle<DeleteFunctionUrlConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &DeleteFunctionUrlConfigRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_url(cx, "lambda:DeleteFunctionUrlConfig", &name, None).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteFunctionUrlConfigRequest,
    ) -> Result<DeleteFunctionUrlConfigOutput> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        check_qualifier(&name)?;
        let name = &name;
        cx.store()
            .transact(|tx: Tx| async move {
                let record = name.load_url(&tx).await?;
                let host = url::host(&record.id, &name.region);
                names::release(&tx, url::HOST, &host, &url_owner(name)).await?;
                tx.delete(name.url());
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(DeleteFunctionUrlConfigOutput::default())
    }
}

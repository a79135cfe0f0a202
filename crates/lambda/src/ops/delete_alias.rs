//! DeleteAlias: removes an alias with its policy, URL and event invoke config. That it is gone
//! already is no error.

use cumulet_api_lambda::ops::{DeleteAlias, DeleteAliasOutput, DeleteAliasRequest};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx, names};

use crate::Lambda;
use crate::access::on_whole;
use crate::model::UrlRecord;
use crate::name::FunctionName;
use crate::ops::create_function_url_config::url_owner;
use crate::url;

impl Handle<DeleteAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &DeleteAliasRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:DeleteAlias", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: DeleteAliasRequest) -> Result<DeleteAliasOutput> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let alias = FunctionName { qualifier: Some(input.name.clone()), ..name };
        let alias = &alias;
        cx.store()
            .transact(|tx: Tx| async move {
                alias.load(&tx).await?;
                let key = alias.aliases().text(alias.qualifier.as_deref().unwrap_or_default());
                if tx.get(&key).await?.is_none() {
                    return Ok(());
                }
                tx.delete(key);
                if let Some(record) = tx.get_record::<UrlRecord>(&alias.url()).await? {
                    let host = url::host(&record.id, &alias.region);
                    names::release(&tx, url::HOST, &host, &url_owner(alias)).await?;
                    tx.delete(alias.url());
                }
                tx.delete(alias.policy());
                tx.delete(alias.event());
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(DeleteAliasOutput::default())
    }
}

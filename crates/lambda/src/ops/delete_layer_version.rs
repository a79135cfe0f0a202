//! DeleteLayerVersion: removes a version of a layer. Functions that use it go on; that it is gone
//! already is no error.

use cumulet_api_lambda::ops::{
    DeleteLayerVersion, DeleteLayerVersionOutput, DeleteLayerVersionRequest,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx};

use crate::Lambda;
use crate::access::on_layer;
use crate::code;
use crate::model::LayerVersionRecord;
use crate::name::LayerName;
use crate::package::Owner;

impl Handle<DeleteLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &DeleteLayerVersionRequest) -> Result<Vec<Access>> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let number = u64::try_from(input.version_number).unwrap_or_default();
        Ok(vec![on_layer(cx, "lambda:DeleteLayerVersion", &name, name.version_arn(number))])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteLayerVersionRequest,
    ) -> Result<DeleteLayerVersionOutput> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let number = u64::try_from(input.version_number).unwrap_or_default();
        let (name, now) = (&name, cx.now());
        cx.store()
            .transact(|tx: Tx| async move {
                let key = name.versions().u64(number);
                if let Some(version) = tx.get_record::<LayerVersionRecord>(&key).await? {
                    let owner = Owner { account: &name.account, region: &name.region };
                    code::release(&tx, owner, &version.code, now).await?;
                    tx.delete(key);
                }
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(DeleteLayerVersionOutput::default())
    }
}

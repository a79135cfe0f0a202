//! UpdateAlias: lets an alias lead elsewhere; what the request leaves out stays.

use cumulet_api_lambda::ops::{UpdateAlias, UpdateAliasRequest};
use cumulet_api_lambda::types::AliasConfiguration;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_whole;
use crate::describe;
use crate::name::FunctionName;
use crate::ops::create_alias::{check, number, weights};
use crate::resolve::check_revision;

impl Handle<UpdateAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &UpdateAliasRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:UpdateAlias", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: UpdateAliasRequest) -> Result<AliasConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let version = input.function_version.as_deref().map(number).transpose()?;
        let weights = match &input.routing_config {
            Some(routing) => Some(weights(Some(routing))?),
            None => None,
        };
        let (name, input, weights) = (&name, &input, &weights);
        let alias = cx.store().transact(|tx: Tx| async move {
            let function = name.load(&tx).await?;
            let mut alias = name.load_alias(&tx, &input.name).await?;
            check_revision(input.revision_id.as_deref(), &alias.revision)?;
            if let Some(version) = version {
                alias.version = version;
            }
            if let Some(weights) = weights {
                alias.weights.clone_from(weights);
            }
            if let Some(description) = &input.description {
                alias.description.clone_from(description);
            }
            check(&tx, name, &function, &alias).await?;
            alias.revision = cx.ids().uuid();
            tx.put_record(name.aliases().text(&alias.name), &alias);
            Ok::<_, ServiceError>(alias)
        });
        Ok(describe::alias(name, &alias.await?))
    }
}

//! DeleteFunction: removes a function with its versions, aliases, policies and configs, or one
//! version.
//!
//! Invocations under way end; packages go some minutes later, where nothing else uses them.
//! Refuses: `$LATEST` or an alias as qualifier, a version that an alias leads to.

use cumulet_api_lambda::ops::{DeleteFunction, DeleteFunctionRequest, DeleteFunctionResponse};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Direction, Read as _, Tx, names};

use crate::Lambda;
use crate::access::on_function;
use crate::code;
use crate::error::Error;
use crate::model::{UrlRecord, VersionRecord};
use crate::name::{FunctionName, LATEST};
use crate::ops::create_function_url_config::url_owner;
use crate::ops::put_function_concurrency::reserve;
use crate::package::Owner;
use crate::resolve::version_number;
use crate::url;

impl Handle<DeleteFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &DeleteFunctionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        Ok(vec![on_function(cx, "lambda:DeleteFunction", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteFunctionRequest,
    ) -> Result<DeleteFunctionResponse> {
        let name = FunctionName::qualified(cx, &input.function_name, input.qualifier.as_deref())?;
        let (name, now) = (&name, cx.now());
        let number = match name.qualifier.as_deref() {
            None => None,
            Some(qualifier) => Some(deletable(qualifier)?),
        };
        cx.store()
            .transact(|tx: Tx| async move {
                match number {
                    None => delete_all(&tx, name, now).await,
                    Some(number) => delete_version(&tx, name, number, now).await,
                }
            })
            .await?;
        self.pools.forget(name, number);
        self.pools.changed().notify_one();
        Ok(DeleteFunctionResponse { status_code: Some(204) })
    }
}

fn deletable(qualifier: &str) -> Result<u64, Error> {
    match version_number(qualifier) {
        Some(0) => Err(Error::Invalid(format!(
            "{LATEST} version cannot be deleted without deleting the function."
        ))),
        Some(number) => Ok(number),
        None => Err(Error::Invalid(
            "Deletion of aliases is not currently supported. Please use DeleteAlias.".to_owned(),
        )),
    }
}

async fn delete_version(tx: &Tx, name: &FunctionName, number: u64, now: Timestamp) -> Result<()> {
    let mut function = name.load(tx).await?;
    let key = name.versions().u64(number);
    // Deleting what is gone already is no error here, as at AWS.
    let Some(version) = tx.get_record::<VersionRecord>(&key).await? else { return Ok(()) };
    let aliases = name.load_aliases(tx).await?;
    let leads = aliases.iter().filter(|a| a.version == number || a.weights.contains_key(&number));
    let leads: Vec<&str> = leads.map(|alias| alias.name.as_str()).collect();
    if !leads.is_empty() {
        return Err(Error::Conflict(format!(
            "Unable to delete version because the following aliases reference it: [{}]",
            leads.join(", ")
        ))
        .into());
    }
    let owner = Owner { account: &name.account, region: &name.region };
    code::release_all(tx, owner, &version, now).await?;
    tx.delete(key);
    tx.delete(name.policy());
    tx.delete(name.event());
    if function.published == Some(number) {
        function.published = None;
        tx.put_record(name.key(), &function);
    }
    Ok(())
}

async fn delete_all(tx: &Tx, name: &FunctionName, now: Timestamp) -> Result<()> {
    let function = name.load(tx).await?;
    let owner = Owner { account: &name.account, region: &name.region };
    code::release_all(tx, owner, &function.latest, now).await?;
    let mut versions = tx.scan(name.versions().prefix(), Direction::Forward);
    while let Some((_, version)) = versions.next_record::<VersionRecord>().await? {
        code::release_all(tx, owner, &version, now).await?;
    }
    let mut urls = tx.scan(name.urls().prefix(), Direction::Forward);
    while let Some((_, record)) = urls.next_record::<UrlRecord>().await? {
        let host = url::host(&record.id, &name.region);
        names::release(tx, url::HOST, &host, &url_owner(name)).await?;
    }
    reserve(tx, name, function.reserved, None).await?;
    for range in [name.versions(), name.aliases(), name.urls(), name.events(), name.policies()] {
        tx.delete_range(&range.prefix()).await?;
    }
    tx.delete(name.key());
    Ok::<_, ServiceError>(())
}

//! GetAccount and UpdateAccount: what an account has beside its APIs in a region.
//!
//! Promises: access logs of stages are written as the role for logs, as soon as it is set.
//! Refuses: a role that does not trust API Gateway; without one, stages that log ([`needed`]).
//! What the role may do is asked when it does it: which resources AWS asks for when a role is set
//! is not known.

use cumulet_api_apigateway::ops::{GetAccountRequest, UpdateAccountRequest};
use cumulet_api_apigateway::types::Account;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Read;
use serde_json::json;

use super::model::AccountRecord;
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::execute::log_role;
use crate::store::{Apis, REST};

const MEMBERS: [Member; 1] = [Member("/cloudwatchRoleArn", Kind::Text)];

/// With the account's throttle, which is AWS's default.
fn shown(record: &AccountRecord) -> ServiceResult<Account> {
    carry::shape(&json!({
        "cloudwatchRoleArn": record.cloudwatch_role_arn,
        "throttleSettings": { "burstLimit": 5000, "rateLimit": 10000.0 },
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    }))
}

pub(crate) async fn get(cx: &Cx, _: GetAccountRequest) -> ServiceResult<Account> {
    let key = Apis::own(cx, REST).settings();
    let record: Option<AccountRecord> = cx.store().snapshot().get_record(&key).await?;
    shown(&record.unwrap_or_default())
}

pub(crate) async fn update(cx: &Cx, input: UpdateAccountRequest) -> ServiceResult<Account> {
    let key = Apis::own(cx, REST).settings();
    let operations = input.patch_operations.unwrap_or_default();
    let asked = patch::record(&AccountRecord::default(), &MEMBERS, &operations)?;
    if let Some(role) = role_of(&asked)
        && let Err(error) = log_role::assume(cx, role).await
    {
        if error.status >= 500 {
            return Err(error);
        }
        let refused = Error::bad(
            "The role ARN does not have required permissions configured. Please grant trust \
             permission for API Gateway and add the required role policy.",
        );
        return Err(cumulet_service::Error::from(refused).because(error));
    }
    let record = cx
        .store()
        .transact(async |tx| {
            let before: AccountRecord = tx.get_record(&key).await?.unwrap_or_default();
            let record: AccountRecord = patch::record(&before, &MEMBERS, &operations)?;
            tx.put_record(key.clone(), &record);
            Ok::<_, Error>(record)
        })
        .await?;
    shown(&record)
}

fn role_of(record: &AccountRecord) -> Option<&str> {
    record.cloudwatch_role_arn.as_deref().filter(|role| !role.is_empty())
}

/// The role that access logs of these APIs are written as.
pub(crate) async fn log_role(read: &impl Read, apis: &Apis) -> Result<Option<String>, Error> {
    let record: Option<AccountRecord> = read.get_record(&apis.settings()).await?;
    Ok(record.as_ref().and_then(role_of).map(str::to_owned))
}

/// Refuses what is written as the role, where there is none.
pub(crate) async fn needed(read: &impl Read, apis: &Apis) -> Result<(), Error> {
    match log_role(read, apis).await? {
        Some(_) => Ok(()),
        None => Err(Error::bad(
            "CloudWatch Logs role ARN must be set in account settings to enable logging",
        )),
    }
}

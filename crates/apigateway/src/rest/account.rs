//! GetAccount and UpdateAccount: what an account has beside its APIs in a region.
//!
//! Promises: the role for logs is kept and shown; this cloud writes access logs without one.

use cumulet_api_apigateway::ops::{GetAccountRequest, UpdateAccountRequest};
use cumulet_api_apigateway::types::Account;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Read as _;
use serde_json::json;

use super::model::AccountRecord;
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
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
    let record = cx
        .store()
        .transact(async |tx| {
            let before: AccountRecord = tx.get_record(&key).await?.unwrap_or_default();
            let record: AccountRecord = patch::record(&before, &MEMBERS, &operations)?;
            let role = record.cloudwatch_role_arn.as_deref().unwrap_or_default();
            if !role.is_empty() && !role.starts_with("arn:aws:iam::") {
                return Err(Error::bad("The role ARN does not have required permissions set."));
            }
            tx.put_record(key.clone(), &record);
            Ok(record)
        })
        .await?;
    shown(&record)
}

//! GetAccountSettings: limits, and what is in use.

use cumulet_api_lambda::ops::{
    GetAccountSettings, GetAccountSettingsRequest, GetAccountSettingsResponse,
};
use cumulet_api_lambda::types::{AccountLimit, AccountUsage};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::Lambda;
use crate::model::FunctionRecord;
use crate::package::{MAX_DIRECT, MAX_UNZIPPED};
use crate::store::{self, load_account};

/// "Lambda quotas": 75 GB of packages. Here the disk is the limit; the number is AWS's.
const TOTAL_CODE: i64 = 75 << 30;

impl Handle<GetAccountSettings> for Lambda {
    async fn access(&self, cx: &Cx, _: &GetAccountSettingsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "lambda:GetAccountSettings")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: GetAccountSettingsRequest,
    ) -> Result<GetAccountSettingsResponse> {
        let snapshot = cx.store().snapshot();
        let account = load_account(&snapshot, cx.account(), cx.region()).await?;
        let (mut functions, mut size) = (0_i64, 0_u64);
        let all = store::functions(cx.account(), cx.region()).prefix();
        let mut scan = snapshot.scan(all, Direction::Forward);
        while let Some((_, function)) = scan.next_record::<FunctionRecord>().await? {
            functions += 1;
            size = size.saturating_add(function.latest.code.size);
        }
        let shared = self.concurrency.saturating_sub(account.reserved as usize);
        Ok(GetAccountSettingsResponse {
            account_limit: Some(AccountLimit {
                total_code_size: Some(TOTAL_CODE),
                code_size_unzipped: i64::try_from(MAX_UNZIPPED).ok(),
                code_size_zipped: i64::try_from(MAX_DIRECT).ok(),
                concurrent_executions: i32::try_from(self.concurrency).ok(),
                unreserved_concurrent_executions: i32::try_from(shared).ok(),
            }),
            account_usage: Some(AccountUsage {
                total_code_size: i64::try_from(size).ok(),
                function_count: Some(functions),
            }),
        })
    }
}

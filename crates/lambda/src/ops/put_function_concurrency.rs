//! PutFunctionConcurrency: reserves a share of the account's concurrency for a function, which is
//! also its bound; 0 stops it.
//!
//! Refuses: a share that leaves less than 100 to the others ("Reserving concurrency").

use cumulet_api_lambda::ops::{PutFunctionConcurrency, PutFunctionConcurrencyRequest};
use cumulet_api_lambda::types::Concurrency;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{StoreError, Tx};

use crate::Lambda;
use crate::access::on_whole;
use crate::error::Error;
use crate::name::FunctionName;
use crate::store::{self, load_account};

/// What must be left for functions without a share.
const UNRESERVED: usize = 100;

impl Handle<PutFunctionConcurrency> for Lambda {
    async fn access(&self, cx: &Cx, input: &PutFunctionConcurrencyRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:PutFunctionConcurrency", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: PutFunctionConcurrencyRequest) -> Result<Concurrency> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let name = &name;
        let wanted = u32::try_from(input.reserved_concurrent_executions).unwrap_or_default();
        name.change(cx, None, |tx, mut function| async move {
            let sum = reserve(&tx, name, function.reserved, Some(wanted)).await?;
            if wanted > 0 && (sum as usize).saturating_add(UNRESERVED) > self.concurrency {
                return Err(Error::Invalid(format!(
                    "Specified ReservedConcurrentExecutions for function decreases account's \
                     UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
                ))
                .into());
            }
            function.reserved = Some(wanted);
            Ok((function, ()))
        })
        .await?;
        Ok(Concurrency {
            reserved_concurrent_executions: Some(input.reserved_concurrent_executions),
        })
    }
}

/// Keeps the account's sum when a function's share changes; the new sum.
pub(crate) async fn reserve(
    tx: &Tx,
    name: &FunctionName,
    before: Option<u32>,
    after: Option<u32>,
) -> Result<u32, StoreError> {
    let mut account = load_account(tx, &name.account, &name.region).await?;
    let rest = account.reserved.saturating_sub(before.unwrap_or_default());
    account.reserved = rest.saturating_add(after.unwrap_or_default());
    if before != after {
        tx.put_record(store::account(&name.account, &name.region), &account);
    }
    Ok(account.reserved)
}

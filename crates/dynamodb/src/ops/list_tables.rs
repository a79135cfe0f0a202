//! ListTables: the names of the account's tables in the region, in order.
//!
//! Promises: at most `Limit` (100) names after `ExclusiveStartTableName`; `LastEvaluatedTableName`
//! where there are more.

use cumulet_api_dynamodb::ops::{ListTables, ListTablesInput, ListTablesOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Component, Direction, Key, Read as _};

use crate::DynamoDb;
use crate::store;

/// Names of one answer, at most.
const PAGE: usize = 100;

impl Handle<ListTables> for DynamoDb {
    async fn access(&self, cx: &Cx, _: &ListTablesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "dynamodb:ListTables")])
    }

    async fn handle(&self, cx: &Cx, input: ListTablesInput) -> Result<ListTablesOutput> {
        let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
        let mut range = store::tables(cx.account(), cx.region()).prefix();
        if let Some(after) = &input.exclusive_start_table_name {
            range = range.after(store::table(cx.account(), cx.region(), after).as_bytes());
        }
        let page = cx.store().snapshot().range(&range, Direction::Forward, limit).await?;
        let name = |key: &[u8]| {
            let parts = Key::components(key)?;
            parts.get(3).and_then(Component::as_text).map(str::to_owned)
        };
        let names: Vec<String> = page.items.iter().filter_map(|(key, _)| name(key)).collect();
        let last = names.last().filter(|_| page.rest.is_some()).cloned();
        Ok(ListTablesOutput { table_names: Some(names), last_evaluated_table_name: last })
    }
}

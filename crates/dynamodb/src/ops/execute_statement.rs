//! ExecuteStatement: one PartiQL statement, which reads items or writes one.
//!
//! Promises: a SELECT that names its partitions, with `=` or IN, reads these alone; any other looks
//! at everything. A page ends at `Limit`, after 1 MiB or ten values of IN, with `NextToken` where
//! there may be more. A write is done as PutItem, UpdateItem and DeleteItem do it: INSERT only
//! where no item has the key, UPDATE only where one has it, DELETE of nothing succeeds.
//! Refuses: what is not PartiQL or more than DynamoDB takes of it, parameters that are not as many
//! as the statement has places, EXISTS, writes without a whole key.

use cumulet_api_dynamodb::ops::{ExecuteStatement, ExecuteStatementInput, ExecuteStatementOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::fingerprint;
use crate::partiql::{EXISTS_ALONE, Statement};
use crate::request;
use crate::statements::{self, Paging};
use crate::tables::TableName;

impl Handle<ExecuteStatement> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &ExecuteStatementInput) -> Result<Vec<Access>> {
        let statement = statements::parse(&input.statement, input.parameters.as_deref())?;
        let name = TableName::parse(cx, &statement.target().table)?;
        let table = self.named(&name).await?;
        Ok(vec![statements::access(cx, &statement, &name, table.as_deref(), None)])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ExecuteStatementInput,
    ) -> Result<ExecuteStatementOutput> {
        let statement = statements::parse(&input.statement, input.parameters.as_deref())?;
        let shown = &statement.target().table;
        let name = TableName::parse(cx, shown)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        let wanted = input.return_consumed_capacity;
        let select = match &statement {
            Statement::Select(select) => select,
            Statement::Exists(_) => {
                return Err(Error::Validation(EXISTS_ALONE.to_owned()).into());
            }
            write => {
                let on_failure = input.return_values_on_condition_check_failure;
                let planned = statements::write(&table, write, request::wants_item(on_failure))?;
                let (_, done) = self.write_one(cx, &name, &planned).await?;
                let capacity = done.units.clone().answer(shown, wanted);
                let item = statements::returned(write, done)?;
                return Ok(ExecuteStatementOutput {
                    // There whatever RETURNING says.
                    items: Some(item.into_iter().map(Into::into).collect()),
                    consumed_capacity: capacity,
                    ..ExecuteStatementOutput::default()
                });
            }
        };
        let fingerprint = fingerprint::of(&ExecuteStatementInput {
            statement: input.statement.clone(),
            parameters: input.parameters.clone(),
            consistent_read: input.consistent_read,
            ..ExecuteStatementInput::default()
        });
        let paging = Paging {
            consistent: input.consistent_read == Some(true),
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
            token: input.next_token.as_deref(),
            fingerprint: &fingerprint,
        };
        let page = statements::select(cx, &table, select, paging).await?;
        Ok(ExecuteStatementOutput {
            items: Some(page.items.into_iter().map(Into::into).collect()),
            next_token: page.token,
            consumed_capacity: page.units.answer(shown, wanted),
            last_evaluated_key: page.last.map(Into::into),
        })
    }
}

//! ExecuteTransaction: up to 100 PartiQL statements, each of one item, all reads or all writes.
//!
//! Promises: reads are as of one moment and answered in order; writes are done together or not at
//! all, and the answer then says for each statement what is wrong with it. EXISTS among them lets
//! them be done only if its read finds an item. A `ClientRequestToken` makes the same request
//! within ten minutes do nothing more.
//! Refuses: reads beside writes (AWS's text for that is not known), two statements on one item,
//! more than 4 MB, reads of indexes, a token of another transaction.

use cumulet_api_dynamodb::ops::{
    ExecuteTransaction, ExecuteTransactionInput, ExecuteTransactionOutput,
};
use cumulet_api_dynamodb::types::{ItemResponse, ParameterizedStatement};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::expression::Condition;
use crate::fingerprint;
use crate::partiql::{Select, Statement};
use crate::request;
use crate::statements;
use crate::tables::TableName;
use crate::transaction::{self, Planned, Wanted};
use crate::units::Side;

impl Handle<ExecuteTransaction> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &ExecuteTransactionInput) -> Result<Vec<Access>> {
        let mut accesses = Vec::new();
        for statement in parse(&input.transact_statements)? {
            let name = TableName::parse(cx, &statement.target().table)?;
            let table = self.named(&name).await?;
            let enclosing = Some("ExecuteTransaction");
            let table = table.as_deref();
            accesses.push(statements::access(cx, &statement, &name, table, enclosing));
        }
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ExecuteTransactionInput,
    ) -> Result<ExecuteTransactionOutput> {
        let parsed = parse(&input.transact_statements)?;
        let reads = parsed.iter().filter(|statement| statement.is_read()).count();
        if reads == parsed.len() {
            return self.read_all(cx, &input, &parsed).await;
        }
        if reads > 0 {
            let text = "A transaction must contain either reads or writes";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let token = input
            .client_request_token
            .as_ref()
            .map(|token| (token.as_str(), fingerprint::of(&input.transact_statements)));
        let mut planned = Vec::new();
        for (at, (statement, request)) in parsed.iter().zip(&input.transact_statements).enumerate()
        {
            if statement.returning().is_some() {
                return Err(ServiceError::not_implemented(
                    "dynamodb",
                    "RETURNING in a transaction",
                ));
            }
            let name = statement.target().table.clone();
            let target = TableName::parse(cx, &name)?;
            let table = self.named(&target).await?.ok_or(Error::TableNotFound)?;
            let wants = request::wants_item(request.return_values_on_condition_check_failure);
            let write = statements::write(&table, statement, wants);
            planned.push(Planned { target, name, write: write.map_err(|e| within(at, &e))? });
        }
        let done = self.transact_write(cx, &planned, token).await?;
        Ok(ExecuteTransactionOutput {
            responses: Some(planned.iter().map(|_| ItemResponse::default()).collect()),
            consumed_capacity: done.capacity(input.return_consumed_capacity),
        })
    }
}

impl DynamoDb {
    async fn read_all(
        &self,
        cx: &Cx,
        input: &ExecuteTransactionInput,
        parsed: &[Statement],
    ) -> Result<ExecuteTransactionOutput> {
        let (mut wanted, mut asked) = (Vec::new(), Vec::<(&Select, Option<Condition>)>::new());
        for (at, statement) in parsed.iter().enumerate() {
            let Statement::Select(select) = statement else { continue };
            if select.target.index.is_some() {
                let text = "Reads on indices are not supported within transactions.";
                return Err(within(at, &Error::Validation(text.to_owned()).into()));
            }
            let name = select.target.table.clone();
            let target = TableName::parse(cx, &name)?;
            let table = self.named(&target).await?.ok_or(Error::TableNotFound)?;
            let single = statements::single(&table, select, "ExecuteTransaction");
            let (key, rest) = single.map_err(|error| within(at, &error))?;
            wanted.push(Wanted { target, name, key, projection: None });
            asked.push((select, rest.map(Condition::from_test)));
        }
        let (items, units) = self.transact_get(cx, &wanted).await?;
        let mut responses = Vec::new();
        for (item, (select, rest)) in items.into_iter().zip(asked) {
            let meets = |rest: &Condition| rest.holds(item.as_ref());
            let item = if rest.as_ref().is_none_or(meets) { item } else { None };
            let item = item.map(|item| statements::projected(select, item)).transpose()?;
            responses.push(ItemResponse { item: item.map(Into::into) });
        }
        let capacity = transaction::consumed(units, input.return_consumed_capacity, Side::Read);
        Ok(ExecuteTransactionOutput { responses: Some(responses), consumed_capacity: capacity })
    }
}

fn parse(requests: &[ParameterizedStatement]) -> Result<Vec<Statement>> {
    let parse = |(at, one): (usize, &ParameterizedStatement)| {
        let parsed = statements::parse(&one.statement, one.parameters.as_deref());
        parsed.map_err(|error| within(at, &error))
    };
    requests.iter().enumerate().map(parse).collect()
}

/// What is wrong with a statement, with its number. (That AWS counts from 0 is not known.)
fn within(at: usize, error: &ServiceError) -> ServiceError {
    let text = format!("Validation failed in statements[{at}]: {}", error.message);
    Error::Validation(text).into()
}

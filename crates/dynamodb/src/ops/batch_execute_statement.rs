//! BatchExecuteStatement: up to 25 PartiQL statements, each of one item, all reads or all writes.
//!
//! Promises: each statement is done by itself, in order; what is wrong with one stands in its place
//! in the answer, and the others are done all the same. Leave is asked for each by itself too.
//! Refuses, as a whole: reads beside writes. (AWS's text for that is not known.)

use std::collections::BTreeMap;

use cumulet_api_dynamodb::ops::{
    BatchExecuteStatement, BatchExecuteStatementInput, BatchExecuteStatementOutput,
};
use cumulet_api_dynamodb::types::{
    BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    BatchStatementResponse,
};
use cumulet_attribute::Item;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::partiql::{EXISTS_ALONE, Select, Statement};
use crate::request;
use crate::statements::{self, Paging};
use crate::tables::{Table, TableName};
use crate::units::Units;

impl Handle<BatchExecuteStatement> for DynamoDb {
    /// Statements that are not allowed are refused one by one, by [`Self::handle`].
    async fn access(&self, _: &Cx, _: &BatchExecuteStatementInput) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: BatchExecuteStatementInput,
    ) -> Result<BatchExecuteStatementOutput> {
        let requests = input.statements.iter();
        let parsed: Vec<Result<Statement>> = requests
            .map(|one| statements::parse(&one.statement, one.parameters.as_deref()))
            .collect();
        if is_mixed(&parsed) {
            let text = "A BatchExecuteStatement request must contain either reads or writes";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let mut responses = Vec::new();
        let mut capacity = BTreeMap::<String, Units>::new();
        let wanted = input.return_consumed_capacity;
        for (request, statement) in input.statements.iter().zip(parsed) {
            let table = statement.as_ref().ok().map(|statement| statement.target().table.clone());
            let done = match statement {
                Ok(statement) => self.one(cx, request, &statement).await,
                Err(error) => Err(refusal(error)),
            };
            let (item, error) = match done {
                Ok((item, units)) => {
                    capacity.entry(table.clone().unwrap_or_default()).or_default().add(units);
                    (item, None)
                }
                // A fault of the cloud is the whole request's.
                Err(Refusal::Fault(error)) => return Err(error),
                Err(Refusal::Statement(error)) => (None, Some(error)),
            };
            let item = item.map(Into::into);
            responses.push(BatchStatementResponse { error, table_name: table, item });
        }
        let capacity = capacity.into_iter();
        let capacity: Vec<_> =
            capacity.filter_map(|(name, units)| units.answer(&name, wanted)).collect();
        Ok(BatchExecuteStatementOutput {
            responses: Some(responses),
            consumed_capacity: Some(capacity).filter(|list| !list.is_empty()),
        })
    }
}

/// Why a statement was not done.
enum Refusal {
    Statement(BatchStatementError),
    Fault(ServiceError),
}

impl DynamoDb {
    /// Does one statement: the item that it read or returns, and what it cost.
    async fn one(
        &self,
        cx: &Cx,
        request: &BatchStatementRequest,
        statement: &Statement,
    ) -> std::result::Result<(Option<Item>, Units), Refusal> {
        let name = TableName::parse(cx, &statement.target().table).map_err(refusal)?;
        let table = self.named(&name).await.map_err(refusal)?;
        let access = statements::access(cx, statement, &name, table.as_deref(), None);
        cx.authorize(&access).await.map_err(refusal)?;
        let table = table.ok_or_else(|| refusal(Error::TableNotFound.into()))?;
        if let Statement::Select(select) = statement {
            let consistent = request.consistent_read == Some(true);
            return read(cx, &table, select, consistent).await.map_err(refusal);
        }
        if matches!(statement, Statement::Exists(_)) {
            return Err(refusal(Error::Validation(EXISTS_ALONE.to_owned()).into()));
        }
        let on_failure = request.return_values_on_condition_check_failure;
        let wants_item = request::wants_item(on_failure);
        let write = statements::write(&table, statement, wants_item).map_err(refusal)?;
        let done = self.attempt(cx, &name, &write).await.map_err(refusal)?;
        match done {
            Ok(done) => {
                let units = done.units.clone();
                Ok((statements::returned(statement, done).map_err(refusal)?, units))
            }
            Err(Error::ConditionFailed(item)) => {
                let message = Error::ConditionFailed(None).to_string();
                Err(Refusal::Statement(BatchStatementError {
                    code: Some(Code::ConditionalCheckFailed),
                    message: Some(message),
                    item: item.map(Into::into),
                }))
            }
            Err(error) => Err(refusal(error.into())),
        }
    }
}

/// Whether there are reads and writes.
fn is_mixed(parsed: &[Result<Statement>]) -> bool {
    let mut reads = parsed.iter().flatten().map(Statement::is_read);
    reads.next().is_some_and(|first| reads.any(|read| read != first))
}

async fn read(
    cx: &Cx,
    table: &Table,
    select: &Select,
    consistent: bool,
) -> Result<(Option<Item>, Units)> {
    statements::single(table, select, "BatchExecuteStatement")?;
    let paging = Paging { consistent, ..Paging::default() };
    let page = statements::select(cx, table, select, paging).await?;
    Ok((page.items.into_iter().next(), page.units))
}

fn refusal(error: ServiceError) -> Refusal {
    if error.status >= 500 {
        return Refusal::Fault(error);
    }
    let code = match &*error.code {
        "ResourceNotFoundException" => Code::ResourceNotFound,
        "AccessDeniedException" => Code::AccessDenied,
        "DuplicateItemException" => Code::DuplicateItem,
        "ItemCollectionSizeLimitExceededException" => Code::ItemCollectionSizeLimitExceeded,
        _ => Code::ValidationError,
    };
    Refusal::Statement(BatchStatementError {
        code: Some(code),
        message: Some(error.message),
        item: None,
    })
}

//! GetItem: one item by its key.
//!
//! Promises: the item as of the last durable commit, whether `ConsistentRead` is asked for or not;
//! only the projected attributes where a projection is given.
//! Refuses: a key that is not the table's, a projection (`AttributesToGet` in old requests) that
//! cannot be read.

use cumulet_api_dynamodb::ops::{GetItem, GetItemInput, GetItemOutput};
use cumulet_api_dynamodb::types::Select;
use cumulet_attribute::Item;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::error::Error;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::legacy::Legacy;
use crate::request::{self, Sources};
use crate::tables::TableName;
use crate::units::Units;
use crate::write;

impl Handle<GetItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &GetItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let touched = |table: &crate::tables::Table| {
            let select = match (&input.projection_expression, &input.attributes_to_get) {
                (None, None) => Select::AllAttributes,
                _ => Select::SpecificAttributes,
            };
            Touched::new()
                .items(&table.schema, input.key.0.as_ref().ok())
                .attributes(sources(input).attributes())
                .with("dynamodb:Select", Some(select))
                .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
        };
        Ok(vec![on_items(cx, "dynamodb:GetItem", &name, None, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: GetItemInput) -> Result<GetItemOutput> {
        sources(&input).check(&[Kind::Projection])?;
        let key = request::item(std::mem::take(&mut input.key))?;
        let projection = sources(&input).compile()?.projection;
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        table.schema.check_key(&key).map_err(Error::Key)?;
        if let Some(projection) = &projection {
            table.check_nested(projection.nested()).map_err(Error::Key)?;
        }
        let position = table.schema.position(&key).unwrap_or_default();
        let item = write::read(&cx.store().snapshot(), &table, &position).await?;
        let read = if input.consistent_read == Some(true) { Read::Strong } else { Read::Eventual };
        let units = capacity::read(item.as_ref().map_or(0, Item::size), read);
        let item = match (item, projection) {
            (Some(item), Some(projection)) => {
                Some(projection.project(&item).map_err(Error::Value)?)
            }
            (item, _) => item,
        };
        Ok(GetItemOutput {
            item: item.map(Into::into),
            consumed_capacity: Units::table(units)
                .answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

fn sources(input: &GetItemInput) -> Sources<'_> {
    Sources {
        names: input.expression_attribute_names.as_ref(),
        projection: input.projection_expression.as_deref(),
        legacy: Legacy {
            attributes_to_get: input.attributes_to_get.as_deref(),
            ..Legacy::default()
        },
        ..Sources::default()
    }
}

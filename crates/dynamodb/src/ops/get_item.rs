//! GetItem: one item by its key.
//!
//! Promises: the item as of the last durable commit, whether `ConsistentRead` is asked for or not;
//! only the projected attributes where a projection is given.
//! Refuses: a key that is not the table's, a projection that cannot be read. Legacy
//! `AttributesToGet` is not here yet (501 by name).

use cumulet_api_dynamodb::ops::{GetItem, GetItemInput, GetItemOutput};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Read as _;

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::error::Error;
use crate::expression::{Kind, Projection, check_parameters};
use crate::item_access::on_items;
use crate::request::{self, Units};
use crate::tables::TableName;
use crate::write::decode;

impl Handle<GetItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &GetItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let key = input.key.0.as_ref().ok();
        let names = key.into_iter().flat_map(|key| key.iter().map(|(name, _)| name.to_owned()));
        Ok(vec![on_items(cx, "dynamodb:GetItem", &name, table.as_deref(), key, names)])
    }

    async fn handle(&self, cx: &Cx, input: GetItemInput) -> Result<GetItemOutput> {
        if input.attributes_to_get.is_some() {
            return Err(ServiceError::not_implemented("dynamodb", "GetItem with AttributesToGet"));
        }
        let names = input.expression_attribute_names.as_ref();
        let projecting = [(Kind::Projection, input.projection_expression.is_some())];
        check_parameters(&projecting, &[], names.is_some(), false).map_err(Error::Expression)?;
        let key = request::item(input.key)?;
        let mut placeholders = request::placeholders(names, None)?;
        let projection = match &input.projection_expression {
            Some(text) => {
                Some(Projection::parse(text, &mut placeholders).map_err(Error::Expression)?)
            }
            None => None,
        };
        placeholders.check_used().map_err(Error::Expression)?;
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        table.schema.check_key(&key).map_err(Error::Key)?;
        let position = table.schema.position(&key).unwrap_or_default();
        let stored = cx.store().snapshot().get(&table.keys.at(&position)).await?;
        let item = stored.map(decode).transpose()?;
        let read = if input.consistent_read == Some(true) { Read::Strong } else { Read::Eventual };
        let units = capacity::read(item.as_ref().map_or(0, cumulet_attribute::Item::size), read);
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

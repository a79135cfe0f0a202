//! The leave that item operations need.
//!
//! Condition keys: "Actions, resources, and condition keys for Amazon DynamoDB" in the Service
//! Authorization Reference. Filled: LeadingKeys, Attributes, Select, ReturnValues,
//! ReturnConsumedCapacity. Missing: EnclosingOperation (transactions ask as the item actions they
//! are made of), FullTableScan, FirstPartitionKeyValues.

use cumulet_attribute::{Item, NumberText, ValueRef};
use cumulet_service::{Access, Cx, Principal};

use crate::tables::{Table, TableName};

/// Leave for `action` on a table, or on one of its indexes.
pub(crate) fn on_table(
    cx: &Cx,
    action: &'static str,
    name: &TableName,
    index: Option<&str>,
) -> Access {
    let arn = match index {
        None => name.arn(),
        Some(index) => cumulet_base::Arn::new(
            "dynamodb",
            &name.region,
            &name.account,
            &format!("table/{}/index/{index}", name.name),
        ),
    };
    let mut access = Access::on(cx, action, arn);
    access.owner = name.account.clone();
    access
}

/// Leave for an action on items, with the keys and attributes that it touches.
pub(crate) fn on_items<'i>(
    cx: &Cx,
    action: &'static str,
    name: &TableName,
    table: Option<&Table>,
    keys: impl IntoIterator<Item = &'i Item>,
    attributes: impl IntoIterator<Item = String>,
) -> Access {
    let access = on_table(cx, action, name, None);
    // Nothing limits the account itself but a resource's own policy.
    if matches!(cx.principal(), Principal::Root { .. }) {
        return access;
    }
    let Some(table) = table else { return access };
    let partition = &table.schema.partition.name;
    let mut leading: Vec<String> =
        keys.into_iter().filter_map(|key| key.get(partition)).map(text).collect();
    leading.sort();
    leading.dedup();
    let mut attributes: Vec<String> = attributes.into_iter().collect();
    attributes.sort();
    attributes.dedup();
    access.with("dynamodb:LeadingKeys", leading).with("dynamodb:Attributes", attributes)
}

/// A key's value as policies compare it.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::S(text) => text.to_owned(),
        ValueRef::N(number) => number.text(&mut NumberText::new()).to_owned(),
        // How AWS compares binary partition keys is not documented; base64 as on the wire.
        ValueRef::B(bytes) => format!("{:?}", cumulet_attribute::Value::binary(bytes)),
        _ => String::new(),
    }
}

//! The leave that item operations need.
//!
//! Condition keys: "Actions, resources, and condition keys for Amazon DynamoDB" in the Service
//! Authorization Reference; which of them are given stands in `api/condition-keys.toml`.

use std::fmt::Display;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cumulet_attribute::{Item, NumberText, ValueRef};
use cumulet_service::{Access, Cx, Principal};

use crate::key::KeySchema;
use crate::tables::{Table, TableName};

/// Leave for `action` on a table, with its tags, or on one of its indexes.
pub(crate) fn on_table(
    cx: &Cx,
    action: &'static str,
    name: &TableName,
    index: Option<&str>,
    table: Option<&Table>,
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
    match table {
        Some(table) => access.tagged(table.record.tags.clone()).under(table.policy.clone()),
        None => access,
    }
}

/// What a request touches, as policies may ask about it.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    leading: Vec<String>,
    attributes: Vec<String>,
    others: Vec<(&'static str, String)>,
}

impl Touched {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// With the partition key, and all attributes, of keys or items.
    pub(crate) fn items<'i>(
        mut self,
        schema: &KeySchema,
        items: impl IntoIterator<Item = &'i Item>,
    ) -> Self {
        for item in items {
            let partition = item.get(&schema.partition.name);
            self.leading.extend(partition.map(text));
            self.attributes.extend(item.iter().map(|(name, _)| name.to_owned()));
        }
        self
    }

    /// With the partition key that a Query reads.
    pub(crate) fn partition(mut self, value: ValueRef<'_>) -> Self {
        self.leading.push(text(value));
        self
    }

    /// With attributes that expressions name.
    pub(crate) fn attributes(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.attributes.extend(names);
        self
    }

    /// With another condition key, where there is a value for it.
    pub(crate) fn with(mut self, key: &'static str, value: Option<impl Display>) -> Self {
        self.others.extend(value.map(|value| (key, value.to_string())));
        self
    }
}

/// Leave for an action on items. `touched` is asked only where a policy could make use of it.
pub(crate) fn on_items(
    cx: &Cx,
    action: &'static str,
    name: &TableName,
    index: Option<&str>,
    table: Option<&Table>,
    touched: impl FnOnce(&Table) -> Touched,
) -> Access {
    // Nothing limits the account itself but a resource's own policy.
    let policy = table.is_some_and(|table| table.policy.is_some());
    if !policy && matches!(cx.principal(), Principal::Root { .. }) {
        return on_table(cx, action, name, index, None);
    }
    let access = on_table(cx, action, name, index, table);
    let Some(table) = table else { return access };
    let mut touched = touched(table);
    for list in [&mut touched.leading, &mut touched.attributes] {
        list.sort();
        list.dedup();
    }
    let lists =
        [("dynamodb:Attributes", touched.attributes), ("dynamodb:LeadingKeys", touched.leading)];
    // A key without values is absent, as AWS has it: a Scan has no leading keys.
    let present = lists.into_iter().filter(|(_, list)| !list.is_empty());
    let access = present.fold(access, |access, (key, list)| access.with(key, list));
    touched.others.into_iter().fold(access, |access, (key, value)| access.with(key, vec![value]))
}

/// A key's value as policies compare it.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::S(text) => text.to_owned(),
        ValueRef::N(number) => number.text(&mut NumberText::new()).to_owned(),
        // How AWS compares binary partition keys is not documented; base64 as on the wire.
        ValueRef::B(bytes) => BASE64_STANDARD.encode(bytes),
        _ => String::new(),
    }
}

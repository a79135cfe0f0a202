//! One operation a file.

mod batch_get_item;
mod batch_write_item;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_table;
mod get_item;
mod list_tables;
mod put_item;
mod query;
mod scan;
pub(crate) mod table_rules;
mod transact_get_items;
mod transact_write_items;
mod update_item;

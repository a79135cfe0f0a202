//! One operation a file.

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
mod update_item;

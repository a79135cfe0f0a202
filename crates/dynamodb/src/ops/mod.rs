//! One operation a file.

mod create_table;
mod delete_table;
mod describe_table;
mod get_item;
mod list_tables;
mod put_item;
pub(crate) mod table_rules;

//! The operations, one a file.

mod cancel_update_stack;
mod create_change_set;
mod create_stack;
mod delete_change_set;
mod delete_stack;
mod describe_change_set;
mod describe_stack_events;
mod describe_stack_resource;
mod describe_stack_resources;
mod describe_stacks;
mod execute_change_set;
mod get_template;
mod get_template_summary;
mod list_change_sets;
mod list_exports;
mod list_imports;
mod list_stack_resources;
mod list_stacks;
mod update_stack;
mod update_termination_protection;
mod validate_template;

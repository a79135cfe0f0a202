//! One operation a file.

mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod list_tags_for_resource;
mod put_log_events;
mod put_log_group_deletion_protection;
mod retention_policy;
mod tag_resource;
mod untag_resource;

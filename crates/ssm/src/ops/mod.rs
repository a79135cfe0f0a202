//! One operation a file.

mod delete_parameter;
mod describe_parameters;
mod get_parameter;
mod get_parameter_history;
mod get_parameters;
mod get_parameters_by_path;
mod label_parameter_version;
mod put_parameter;
mod tags;
mod unlabel_parameter_version;

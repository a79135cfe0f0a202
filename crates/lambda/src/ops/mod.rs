//! One operation a file.

mod add_permission;
mod create_alias;
mod create_event_source_mapping;
mod create_function;
mod create_function_url_config;
mod delete_alias;
mod delete_event_source_mapping;
mod delete_function;
mod delete_function_concurrency;
mod delete_function_event_invoke_config;
mod delete_function_url_config;
mod delete_layer_version;
mod get_account_settings;
mod get_alias;
mod get_event_source_mapping;
mod get_function;
mod get_function_code_signing_config;
mod get_function_concurrency;
mod get_function_configuration;
mod get_function_event_invoke_config;
mod get_function_recursion_config;
mod get_function_url_config;
mod get_layer_version;
mod get_layer_version_by_arn;
mod get_policy;
mod get_runtime_management_config;
mod invoke;
mod list_aliases;
mod list_event_source_mappings;
mod list_function_event_invoke_configs;
mod list_function_url_configs;
mod list_functions;
mod list_layer_versions;
mod list_layers;
mod list_tags;
mod list_versions_by_function;
mod publish_layer_version;
mod publish_version;
mod put_function_concurrency;
mod put_function_event_invoke_config;
mod remove_permission;
pub(crate) mod tag_resource;
mod untag_resource;
mod update_alias;
mod update_event_source_mapping;
mod update_function_code;
mod update_function_configuration;
mod update_function_event_invoke_config;
mod update_function_url_config;

use cumulet_api_lambda::types::Architecture;
use cumulet_service::Cx;

use crate::error::Error;
use crate::package::Package;

/// Deletes a blob that no record came to name. If that fails, it stays behind unused.
async fn drop_blob(cx: &Cx, package: &Package) {
    if let Err(error) = cx.blobs().delete(&package.blob.id).await {
        tracing::warn!(%error, "an unused package stays");
    }
}

/// The instruction set that is asked for, if this machine has it. Interpreted code runs on either,
/// but what it claims to run on should be true.
fn architecture(wanted: Option<Architecture>) -> Result<&'static str, Error> {
    let here =
        if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X8664 };
    match wanted {
        None => Ok(Architecture::X8664.as_str()),
        Some(wanted) if wanted == here => Ok(wanted.as_str()),
        Some(wanted) => Err(Error::Invalid(format!(
            "This machine is {here} and does not run functions for {wanted}."
        ))),
    }
}

//! Layers' versions as answers show them.

use cumulet_api_lambda::types::{
    Architecture, GetLayerVersionResponse, LayerVersionContentOutput, LayerVersionsListItem,
    Runtime,
};

use crate::describe::moment;
use crate::model::LayerVersionRecord;
use crate::name::LayerName;

/// A version with its content, which can be used but not downloaded yet.
pub(crate) fn describe(name: &LayerName, record: &LayerVersionRecord) -> GetLayerVersionResponse {
    let listed = item(name, record);
    GetLayerVersionResponse {
        content: Some(LayerVersionContentOutput {
            code_sha256: Some(record.code.sha256.clone()),
            code_size: i64::try_from(record.code.size).ok(),
            ..LayerVersionContentOutput::default()
        }),
        layer_arn: Some(name.arn().as_str().to_owned()),
        layer_version_arn: listed.layer_version_arn,
        description: listed.description,
        created_date: listed.created_date,
        version: listed.version,
        compatible_architectures: listed.compatible_architectures,
        compatible_runtimes: listed.compatible_runtimes,
        license_info: listed.license_info,
    }
}

/// A version in a list.
pub(crate) fn item(name: &LayerName, record: &LayerVersionRecord) -> LayerVersionsListItem {
    let runtimes: Vec<Runtime> =
        record.runtimes.iter().filter_map(|text| Runtime::from_wire(text)).collect();
    let architectures: Vec<Architecture> =
        record.architectures.iter().filter_map(|text| Architecture::from_wire(text)).collect();
    LayerVersionsListItem {
        layer_version_arn: Some(name.version_arn(record.number).as_str().to_owned()),
        version: i64::try_from(record.number).ok(),
        description: Some(record.description.clone()),
        created_date: Some(moment(record.created)),
        compatible_architectures: (!architectures.is_empty()).then_some(architectures),
        compatible_runtimes: (!runtimes.is_empty()).then_some(runtimes),
        license_info: record.license.clone(),
    }
}

/// Whether a version suits what a list is asked for. One that names no runtimes suits all.
pub(crate) fn suits(
    record: &LayerVersionRecord,
    runtime: Option<Runtime>,
    architecture: Option<Architecture>,
) -> bool {
    let among = |all: &[String], wanted: Option<&str>| {
        wanted.is_none_or(|wanted| all.is_empty() || all.iter().any(|one| one == wanted))
    };
    among(&record.runtimes, runtime.map(Runtime::as_str))
        && among(&record.architectures, architecture.map(Architecture::as_str))
}

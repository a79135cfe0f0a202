//! Functions' code without the stack: by UpdateFunctionCode, for those that do not run what the
//! folder says. A stack that is told of new code does the same, and much besides.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cumulet_api_cloudformation::types::StackResourceSummary;
use cumulet_api_lambda::ops::{
    GetFunctionConfiguration, GetFunctionConfigurationRequest, UpdateFunctionCode,
    UpdateFunctionCodeRequest,
};
use cumulet_service::Cx;

use super::artifacts::Artifacts;
use super::build::{Package, blocking};

/// Bytes of a zip that UpdateFunctionCode takes by itself ("Lambda quotas": 50 MB); larger ones
/// come from a bucket.
const DIRECT: u64 = 50 << 20;

/// Brings functions to their packages, by logical id; those that had other code. What is no
/// function of the stack is passed over.
pub(super) async fn functions(
    cx: &Cx,
    stack: &str,
    resources: &[StackResourceSummary],
    packages: &BTreeMap<String, Package>,
) -> Result<Vec<String>, String> {
    let mut reloaded = Vec::new();
    for resource in resources.iter().filter(|one| one.resource_type == "AWS::Lambda::Function") {
        let id = &resource.logical_resource_id;
        let (Some(package), Some(name)) = (packages.get(id), &resource.physical_resource_id) else {
            continue;
        };
        let input = GetFunctionConfigurationRequest {
            function_name: name.clone(),
            ..GetFunctionConfigurationRequest::default()
        };
        let now = cx.call::<GetFunctionConfiguration>(input).await;
        let now = now.map_err(|why| format!("{id}: {}", why.message))?;
        if now.code_sha256 != Some(code_sha256(package)) {
            update(cx, stack, id, name, package).await?;
            reloaded.push(id.clone());
        }
    }
    Ok(reloaded)
}

async fn update(
    cx: &Cx,
    stack: &str,
    id: &str,
    name: &str,
    package: &Package,
) -> Result<(), String> {
    let mut input = UpdateFunctionCodeRequest {
        function_name: name.to_owned(),
        ..UpdateFunctionCodeRequest::default()
    };
    if package.bytes <= DIRECT {
        let path = package.path.clone();
        let read = move || std::fs::read(&path).map_err(|why| format!("{}: {why}", path.display()));
        input.zip_file = Some(blocking(read).await?.into());
    } else {
        let artifacts = Artifacts::open(cx, stack).await?;
        let one = BTreeMap::from([(id.to_owned(), package.clone())]);
        input.s3_key = artifacts.packages(&one).await?.remove(id);
        input.s3_bucket = Some(artifacts.bucket);
    }
    let updated = cx.call::<UpdateFunctionCode>(input).await;
    updated.map(drop).map_err(|why| format!("{id}: {}", why.message))
}

/// A package's hash as Lambda has it: in base64.
fn code_sha256(package: &Package) -> String {
    let hex = package.sha256.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = hex.map(byte).collect();
    BASE64_STANDARD.encode(bytes.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_lambdas_own() {
        let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned();
        let package = Package { path: "/a.zip".into(), sha256, bytes: 0 };
        assert_eq!(code_sha256(&package), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}

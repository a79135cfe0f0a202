//! Where code lies: S3 locations in their several forms.

use std::sync::LazyLock;

use regex::Regex;

use crate::fault::Fault;
use crate::node::{Dict, Node, Text};
use crate::resource::Resource;
use crate::resources::SamResource;

/// An object in S3.
#[derive(Debug)]
pub(crate) struct S3Pointer {
    pub(crate) bucket: Node,
    pub(crate) key: Node,
    pub(crate) version: Option<Node>,
}

impl S3Pointer {
    /// Reads `{Bucket, Key, Version}` or `s3://bucket/key?versionId=…`.
    pub(crate) fn read(id: &str, name: &str, location: &Node) -> Result<Self, Fault> {
        if let Some(location) = location.as_map() {
            if !location.at("Bucket").truthy() || !location.at("Key").truthy() {
                return Err(Fault::resource(
                    id,
                    format!("'{name}' requires Bucket and Key properties to be specified."),
                ));
            }
            return Ok(Self {
                bucket: location.at("Bucket").clone(),
                key: location.at("Key").clone(),
                version: location.get("Version").cloned(),
            });
        }
        location.as_text().and_then(Self::parse).ok_or_else(|| {
            Fault::resource(
                id,
                format!(
                    "'{name}' is not a valid S3 Uri of the form 's3://bucket/key' with optional \
                     versionId query parameter."
                ),
            )
        })
    }

    fn parse(uri: &Text) -> Option<Self> {
        let rest = uri.text.strip_prefix("s3://").or_else(|| uri.text.strip_prefix("S3://"))?;
        let rest = rest.split('#').next()?;
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, key) = location.split_once('/').filter(|(bucket, _)| !bucket.is_empty())?;
        let versions: Vec<_> =
            query.split('&').filter_map(|pair| pair.strip_prefix("versionId=")).collect();
        let text = |text: &str| Node::from(Text { text: text.to_owned(), unicode: uri.unicode });
        Some(Self {
            bucket: text(bucket),
            key: text(key.trim_start_matches('/')),
            version: match versions.as_slice() {
                [only] if !only.is_empty() => Some(text(only)),
                _ => None,
            },
        })
    }

    /// `{Bucket, Key, Version}`.
    pub(crate) fn location(self, mut into: Dict) -> Node {
        into.insert("Bucket", self.bucket);
        into.insert("Key", self.key);
        if let Some(version) = self.version {
            into.insert("Version", version);
        }
        into.into()
    }
}

/// `{S3Bucket, S3Key, S3ObjectVersion}`, as Lambda wants it.
pub(crate) fn s3_location(location: &Node, id: &str, name: &str) -> Result<Node, Fault> {
    if let Some(text) = location.as_str() {
        static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(
                r"\{\{resolve:(ssm|ssm-secure|secretsmanager):[a-zA-Z0-9_.\-/]+(:[0-9]+)?\}\}",
            )
            .ok()
        });
        let found = REFERENCE.as_ref().and_then(|regex| regex.find(text));
        if found.is_some_and(|found| found.as_str().contains('/')) {
            return Err(Fault::resource(
                id,
                format!(
                    "Unsupported dynamic reference detected in '{name}'. Please consider using \
                     alternative 'FunctionCode' object format."
                ),
            ));
        }
    } else if !location.is_map() {
        return Err(Fault::resource(id, format!("'{name}' must be of type dict or string.")));
    }
    let pointer = S3Pointer::read(id, name, location)?;
    let mut code = Dict::default();
    code.insert("S3Bucket", pointer.bucket);
    code.insert("S3Key", pointer.key);
    if let Some(version) = pointer.version {
        code.insert("S3ObjectVersion", version);
    }
    Ok(code.into())
}

/// A function's `Code`.
pub(super) fn function_code(function: &SamResource) -> Result<Node, Fault> {
    let id = &function.id.text;
    let package = function.at("PackageType");
    let zip = !package.truthy() || package.is("Zip");
    if !zip && !package.is("Image") {
        let given = crate::python::str(package);
        return Err(function.fault(format!("invalid 'PackageType' : {given}")));
    }
    if !zip {
        return match function.at("ImageUri") {
            Node::Null => Err(function.fault("'ImageUri' must be set.")),
            uri if !uri.truthy() => Err(function
                .fault("'ImageUri' requires that a image hosted at a registry be specified.")),
            uri => {
                let mut code = Dict::default();
                code.insert("ImageUri", uri.clone());
                Ok(code.into())
            }
        };
    }
    let mut code = match (function.at("InlineCode"), function.at("CodeUri")) {
        (Node::Null, Node::Null) => {
            return Err(function.fault("Only one of 'InlineCode' or 'CodeUri' can be set."));
        }
        (Node::Null, uri) => s3_location(uri, id, "CodeUri")?,
        (inline, _) => {
            let mut code = Dict::default();
            code.insert("ZipFile", inline.clone());
            code.into()
        }
    };
    let key = function.at("SourceKMSKeyArn");
    if let (true, Node::Map(code)) = (key.truthy(), &mut code) {
        code.insert("SourceKMSKeyArn", key.clone());
    }
    Ok(code)
}

/// What a package of this kind must have, and must not.
pub(super) fn check_package(lambda: &Resource) -> Result<(), Fault> {
    let has = |key: &str| lambda.properties.at(key).truthy();
    let image_uri = lambda.properties.at("Code").at("ImageUri").truthy();
    let fault = |message: &str| Err(Fault::resource(&lambda.id.text, message));
    if lambda.properties.at("PackageType").is("Image") {
        if has("Handler") || has("Runtime") || has("Layers") {
            return fault(
                "Runtime, Handler, Layers cannot be present when PackageType is of type `Image`",
            );
        }
        if !image_uri {
            return fault("ImageUri needs to be present when PackageType is of type `Image`");
        }
        return Ok(());
    }
    if !has("Runtime") || !has("Handler") {
        return fault("Runtime and Handler needs to be present when PackageType is of type `Zip`");
    }
    if image_uri || has("ImageConfig") {
        return fault(
            "ImageUri or ImageConfig cannot be present when PackageType is of type `Zip`",
        );
    }
    Ok(())
}

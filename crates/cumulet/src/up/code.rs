//! What a template names by a path on this machine, as `sam build` and `sam package` see it, and
//! the template with those paths replaced by what was made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cumulet_template::{Limits, parse};
use serde_json::{Map, Value, json};

use super::app::App;

/// Where a function's or a layer's code lies, and what is said of how to build it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Code {
    /// The logical id.
    pub(super) id: String,
    pub(super) kind: Kind,
    /// The folder or file.
    pub(super) path: PathBuf,
    /// `Runtime`, or a layer's `BuildMethod`.
    pub(super) runtime: Option<String>,
    pub(super) handler: Option<String>,
    /// The resource's `Metadata`.
    pub(super) metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Function,
    Layer,
}

/// A property that holds code.
struct Slot {
    resource: &'static str,
    property: &'static str,
    kind: Kind,
    /// Whether it takes `s3://…`; otherwise `S3Bucket` and `S3Key`.
    uri: bool,
}

/// The properties that `sam package` uploads code for ("sam package", artifact paths).
const SLOTS: [Slot; 4] = [
    Slot {
        resource: "AWS::Serverless::Function",
        property: "CodeUri",
        kind: Kind::Function,
        uri: true,
    },
    Slot { resource: "AWS::Lambda::Function", property: "Code", kind: Kind::Function, uri: false },
    Slot {
        resource: "AWS::Serverless::LayerVersion",
        property: "ContentUri",
        kind: Kind::Layer,
        uri: true,
    },
    Slot {
        resource: "AWS::Lambda::LayerVersion",
        property: "Content",
        kind: Kind::Layer,
        uri: false,
    },
];

/// Properties that name a document, and the one that takes it in whole. `sam package` uploads them;
/// within the template they mean the same.
const DOCUMENTS: [(&str, &str, &str); 4] = [
    ("AWS::Serverless::Api", "DefinitionUri", "DefinitionBody"),
    ("AWS::Serverless::HttpApi", "DefinitionUri", "DefinitionBody"),
    ("AWS::ApiGateway::RestApi", "BodyS3Location", "Body"),
    ("AWS::ApiGatewayV2::Api", "BodyS3Location", "Body"),
];

/// Properties whose files are not taken up yet.
const NESTED: [(&str, &str); 2] =
    [("AWS::CloudFormation::Stack", "TemplateURL"), ("AWS::Serverless::Application", "Location")];

/// All code of an app that lies on this machine.
pub(super) fn find(app: &App) -> Result<Vec<Code>, String> {
    let mut found = Vec::new();
    for (id, resource) in resources(&app.template) {
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        for (_, property) in NESTED.iter().filter(|(of, _)| *of == type_name) {
            if let Some(path) = local(property_of(&app.template, resource, property)) {
                return Err(format!(
                    "{id}: `up` does not deploy nested stacks from files yet ({property}: {path})"
                ));
            }
        }
        let Some(slot) = SLOTS.iter().find(|slot| slot.resource == type_name) else { continue };
        // Files are called after it.
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("the logical id `{id}` is not of letters and digits alone"));
        }
        found.extend(code(app, id, resource, slot)?);
    }
    Ok(found)
}

fn code(app: &App, id: &str, resource: &Value, slot: &Slot) -> Result<Option<Code>, String> {
    let get = |property: &str| property_of(&app.template, resource, property);
    let text = |property: &str| get(property).and_then(|value| plain(app, value));
    if text("PackageType").is_some_and(|kind| kind == "Image") {
        return Err(format!(
            "{id}: functions from container images do not run here: take a runtime and a zip \
             (PackageType: Zip)"
        ));
    }
    let given = get(slot.property);
    let path = match given {
        // `sam` takes the template's own folder.
        None if slot.uri && get("InlineCode").is_none() => ".",
        given => match local(given) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let full = app.base.join(path);
    let full = full.canonicalize().map_err(|_| {
        let (property, at) = (slot.property, full.display());
        format!("{id}: {property} is `{path}`, and there is no {at}")
    })?;
    let metadata = resource.get("Metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let runtime = match slot.kind {
        Kind::Function => text("Runtime"),
        Kind::Layer => metadata.get("BuildMethod").and_then(|value| plain(app, value)),
    };
    let handler = text("Handler");
    Ok(Some(Code { id: id.to_owned(), kind: slot.kind, path: full, runtime, handler, metadata }))
}

/// The template with code where it was uploaded to, and documents taken in.
pub(super) fn packaged(
    app: &App,
    bucket: &str,
    keys: &BTreeMap<String, String>,
) -> Result<Value, String> {
    let mut template = app.template.clone();
    let Some(resources) = template.get_mut("Resources").and_then(Value::as_object_mut) else {
        return Ok(template);
    };
    for (id, resource) in resources {
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(resource) = resource.as_object_mut() else { continue };
        let properties = resource.entry("Properties").or_insert_with(|| json!({}));
        let Some(properties) = properties.as_object_mut() else { continue };
        let slot = SLOTS.iter().find(|slot| slot.resource == type_name);
        if let (Some(slot), Some(key)) = (slot, keys.get(id)) {
            let place = if slot.uri {
                json!(format!("s3://{bucket}/{key}"))
            } else {
                json!({ "S3Bucket": bucket, "S3Key": key })
            };
            properties.insert(slot.property.to_owned(), place);
        }
        for (_, named, whole) in DOCUMENTS.iter().filter(|(of, ..)| *of == type_name) {
            let Some(path) = local(properties.get(*named)).map(str::to_owned) else { continue };
            let document = document(&app.base.join(&path))
                .map_err(|why| format!("{id}: {named} is `{path}`: {why}"))?;
            properties.shift_remove(*named);
            properties.insert((*whole).to_owned(), document);
        }
    }
    Ok(template)
}

/// The documents that the template names.
pub(super) fn documents(app: &App) -> Vec<PathBuf> {
    let named = resources(&app.template).flat_map(|(_, resource)| {
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let of_type = DOCUMENTS.iter().filter(move |(of, ..)| *of == type_name);
        of_type.filter_map(|(_, named, _)| local(resource.get("Properties")?.get(*named)))
    });
    let files = named.map(|path| app.base.join(path));
    files.map(|file| file.canonicalize().unwrap_or(file)).collect()
}

/// Whether each change of a function's code is published as a version ("AutoPublishAlias").
pub(super) fn is_published(app: &App, id: &str) -> bool {
    let resource = app.template.get("Resources").and_then(|all| all.get(id));
    resource.is_some_and(|one| property_of(&app.template, one, "AutoPublishAlias").is_some())
}

fn document(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|why| why.to_string())?;
    parse(&text, &Limits::default()).map_err(|why| why.to_string())
}

fn resources(template: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = template.get("Resources").and_then(Value::as_object);
    all.into_iter().flatten().map(|(id, resource)| (id.as_str(), resource))
}

/// A resource's property; for functions and layers also what `Globals` say for all of them.
fn property_of<'a>(template: &'a Value, resource: &'a Value, property: &str) -> Option<&'a Value> {
    let own = resource.get("Properties").and_then(|properties| properties.get(property));
    own.or_else(|| {
        let section = resource.get("Type")?.as_str()?.strip_prefix("AWS::Serverless::")?;
        template.get("Globals")?.get(section)?.get(property)
    })
}

/// A path on this machine, and not a place in S3, on the web, or only known at deployment.
fn local(value: Option<&Value>) -> Option<&str> {
    let remote =
        |text: &str| ["s3://", "S3://", "http://", "https://"].iter().any(|p| text.starts_with(p));
    value.and_then(Value::as_str).filter(|text| !remote(text) && !text.contains("{{resolve:"))
}

/// A text that may be a reference to a parameter.
fn plain(app: &App, value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let name = value.get("Ref")?.as_str()?;
    app.parameters.get(name).cloned().or_else(|| {
        let default = app.template.get("Parameters")?.get(name)?.get("Default")?;
        default.as_str().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn app(folder: &Path, template: &str) -> App {
        App {
            folder: folder.to_owned(),
            base: folder.to_owned(),
            file: folder.join("template.yaml"),
            template: parse(template, &Limits::default()).unwrap(),
            stack: "s".to_owned(),
            parameters: BTreeMap::from([("Run".to_owned(), "nodejs20.x".to_owned())]),
            capabilities: Vec::new(),
            pages: Vec::new(),
        }
    }

    const TEMPLATE: &str = "
Globals: {Function: {Runtime: python3.12, CodeUri: src}}
Parameters: {Run: {Type: String}, Other: {Type: String, Default: x.y}}
Resources:
  Shared: {Type: 'AWS::Serverless::Function', Properties: {Handler: a.b}}
  Own:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: esbuild}
    Properties: {CodeUri: own/, Runtime: !Ref Run, Handler: !Ref Other}
  Plain: {Type: 'AWS::Lambda::Function', Properties: {Code: own, Runtime: nodejs20.x}}
  Zipped: {Type: 'AWS::Lambda::Function', Properties: {Code: {ZipFile: x}}}
  There: {Type: 'AWS::Serverless::Function', Properties: {CodeUri: 's3://b/k'}}
  Layer: {Type: 'AWS::Serverless::LayerVersion', Properties: {ContentUri: own}}
  Api: {Type: 'AWS::Serverless::Api', Properties: {StageName: p, DefinitionUri: api.yaml}}
  Table: {Type: 'AWS::DynamoDB::Table'}
";

    #[test]
    fn code_is_found_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("src")).unwrap();
        fs::create_dir(root.join("own")).unwrap();
        fs::write(root.join("api.yaml"), "paths: {/x: !Sub '${A}'}").unwrap();
        let app = app(&root, TEMPLATE);
        let found = find(&app).unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|code| {
                (
                    code.id.as_str(),
                    code.path.file_name().unwrap().to_str().unwrap(),
                    code.runtime.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("Shared", "src", Some("python3.12")),
                ("Own", "own", Some("nodejs20.x")),
                ("Plain", "own", Some("nodejs20.x")),
                ("Layer", "own", None),
            ]
        );
        assert_eq!(found[1].handler.as_deref(), Some("x.y"));
        assert_eq!(found[1].metadata["BuildMethod"], "esbuild");
        let keys = found.iter().map(|code| (code.id.clone(), format!("k/{}", code.id))).collect();
        let template = packaged(&app, "bucket", &keys).unwrap();
        let property = |id: &str, name: &str| template["Resources"][id]["Properties"][name].clone();
        assert_eq!(property("Shared", "CodeUri"), "s3://bucket/k/Shared");
        assert_eq!(property("Plain", "Code"), json!({"S3Bucket": "bucket", "S3Key": "k/Plain"}));
        assert_eq!(property("Zipped", "Code"), json!({"ZipFile": "x"}));
        assert_eq!(property("There", "CodeUri"), "s3://b/k");
        assert_eq!(property("Layer", "ContentUri"), "s3://bucket/k/Layer");
        assert_eq!(
            template["Resources"]["Api"]["Properties"],
            json!({"StageName": "p", "DefinitionBody": {"paths": {"/x": {"Fn::Sub": "${A}"}}}})
        );
    }

    #[test]
    fn what_cannot_be_taken_up_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let cases = [
            ("{Type: 'AWS::Serverless::Function', Properties: {CodeUri: gone}}", "there is no"),
            ("{Type: 'AWS::Serverless::Function', Properties: {PackageType: Image}}", "images"),
            (
                "{Type: 'AWS::Serverless::Function'}\n  ../x: {Type: 'AWS::Lambda::Function'}",
                "../x",
            ),
            ("{Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: a.yaml}}", "nested"),
        ];
        for (resource, word) in cases {
            let app = app(folder.path(), &format!("Resources:\n  One: {resource}\n"));
            let why = find(&app).unwrap_err();
            assert!(why.contains(word) && (word == "../x" || why.starts_with("One: ")), "{why}");
        }
    }
}

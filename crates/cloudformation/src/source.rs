//! From a request to a revision: the template read, its parameters filled in, its macros run.

use std::collections::BTreeMap;

use cumulet_api_cloudformation::types::{Capability, Parameter, Tag};
use cumulet_api_s3::ops::{GetObject, GetObjectRequest};
use cumulet_sam::TransformError;
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_template::{Given, Limits, ParameterType, Stack, Template, parse};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::begin;
use crate::capabilities;
use crate::context::{self, pseudo};
use crate::error::Error;
use crate::model::{Revision, ShownParameter, StackRecord, Values};
use crate::store;
use crate::types;

/// Bytes of a template within a request ("CloudFormation quotas").
const MAX_BODY: usize = 51_200;

/// What a request says of template and parameters.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) body: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) use_previous: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) capabilities: Vec<Capability>,
    /// `None` keeps those of before.
    pub(crate) tags: Option<Vec<Tag>>,
    /// Whether the result of macros may be carried out unseen.
    pub(crate) reviewed: bool,
}

/// Why there is no revision.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The request is at fault.
    Request(ServiceError),
    /// It came out once macros had run: a change set says so, another operation is refused.
    Late(String),
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Self::Request(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Request(error.into())
    }
}

impl From<cumulet_template::Error> for Refused {
    fn from(error: cumulet_template::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<Refused> for ServiceError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Request(error) => error,
            Refused::Late(text) => Error::Validation(text).into(),
        }
    }
}

/// The revision that `asked` describes; `before` is the one the stack is at.
pub(crate) async fn revision(
    cx: &Cx,
    stack: &StackRecord,
    asked: &Asked,
    before: Option<&Revision>,
) -> std::result::Result<Revision, Refused> {
    let original = match (asked.use_previous, before) {
        (true, Some(before)) => before.original.clone(),
        (true, None) => {
            return Err(Error::invalid("Previous template could not be found").into());
        }
        (false, _) => text(cx, asked.body.as_deref(), asked.url.as_deref()).await?,
    };
    let document = parse(&original, &Limits::default())?;
    let previous: Option<Values> =
        before.map(|before| store::open(cx.sealer(), &stack.id, &before.values)).transpose()?;
    let given = given(&asked.parameters, previous.as_ref())?;
    let transforms = transforms(&document);
    capabilities::check_macros(&transforms, asked)?;
    let (processed, transformed) = expand(cx, &document, &given, &transforms)?;
    let late = |error: ServiceError| {
        if transformed && error.status < 500 {
            Refused::Late(error.message)
        } else {
            Refused::Request(error)
        }
    };
    let template = Template::new(&processed).map_err(|error| late(Error::from(error).into()))?;
    capabilities::check(&template, asked)?;
    let given = known_only(&template, given, &document);
    let resolved = resolve(cx, &template, &given).await?;
    decided(cx, stack, &template, &resolved).map_err(late)?;
    let shown = shown(&template, &given, &resolved);
    let values = store::seal(cx.sealer(), &stack.id, &Values { given, resolved })?;
    let tags = match (&asked.tags, before) {
        (None, Some(before)) => before.tags.clone(),
        (tags, _) => {
            tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
        }
    };
    Ok(Revision { original, processed, transformed, values, shown, tags })
}

/// Decides conditions and rules and finds the types, so that what cannot work is refused at once.
fn decided(
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
    resolved: &Map<String, Value>,
) -> Result<()> {
    let evaluated = Stack::new(template, resolved.clone(), pseudo(cx, stack));
    let evaluated = evaluated.map_err(Error::from)?;
    evaluated.graph().map_err(Error::from)?;
    recognized(cx, template, &evaluated)
}

/// The template's text from the request or from this cloud's S3.
pub(crate) async fn text(cx: &Cx, body: Option<&str>, url: Option<&str>) -> Result<String> {
    match (body, url) {
        (Some(body), None) if body.len() > MAX_BODY => Err(Error::invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: \
             Member must have length less than or equal to {MAX_BODY}"
        ))
        .into()),
        (Some(body), None) => Ok(body.to_owned()),
        (None, Some(url)) => fetch(cx, url).await,
        _ => Err(Error::invalid("Either Template URL or Template Body must be specified.").into()),
    }
}

async fn fetch(cx: &Cx, url: &str) -> Result<String> {
    let (bucket, key) = object(url)
        .ok_or_else(|| Error::invalid("TemplateURL must be a supported URL.".to_owned()))?;
    let input = GetObjectRequest { bucket, key, ..GetObjectRequest::default() };
    let found = cx.via(begin::PRINCIPAL).call::<GetObject>(input).await.map_err(|why| {
        if why.status >= 500 {
            why
        } else {
            Error::invalid(format!("S3 error: {}", why.message)).into()
        }
    })?;
    let limit = Limits::default().bytes;
    let too_large = || Error::invalid(format!("Template may not exceed {limit} bytes in size."));
    let Some(body) = found.body else { return Ok(String::new()) };
    let bytes = body.0.collect(limit).await.map_err(|_| too_large())?;
    let text = String::from_utf8(bytes.to_vec());
    Ok(text.map_err(|_| Error::invalid("Template format error: not UTF-8"))?)
}

/// Bucket and key of an S3 URL, in the host's or the path's form. The host is not looked at beyond
/// that: all S3 that there is here is this cloud's.
fn object(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.split(['?', '#']).next()?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let in_host = host.find(".s3.").or_else(|| host.find(".s3-")).filter(|at| *at > 0);
    let (bucket, key) = match in_host {
        Some(at) => (host.get(..at)?, path.as_ref()),
        None => path.split_once('/')?,
    };
    (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

/// The values in a request, those of before filled in.
fn given(parameters: &[Parameter], previous: Option<&Values>) -> Result<Given> {
    let mut given = Given::new();
    for parameter in parameters {
        // Clients send an empty list as one empty member.
        let Some(key) = parameter.parameter_key.clone().filter(|key| !key.is_empty()) else {
            continue;
        };
        let both = format!(
            "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true and \
             non empty value for a parameter"
        );
        let value = match (parameter.use_previous_value, &parameter.parameter_value) {
            (Some(true), Some(value)) if !value.is_empty() => {
                return Err(Error::Validation(both).into());
            }
            (Some(true), _) => match previous {
                None => {
                    return Err(Error::invalid(format!(
                        "Invalid input for parameter key {key}. Cannot specify usePreviousValue \
                         as true for a parameter key not in the previous template"
                    ))
                    .into());
                }
                Some(previous) => previous.given.get(&key).cloned(),
            },
            (_, value) => value.clone(),
        };
        if let Some(value) = value {
            given.insert(key, value);
        }
    }
    Ok(given)
}

/// A macro may take parameters out of the template; those that the template had are no error.
fn known_only(template: &Template, given: Given, document: &Value) -> Given {
    let declared = |name: &str| {
        document.get("Parameters").and_then(|parameters| parameters.get(name)).is_some()
    };
    let has = |name: &str| template.parameters.iter().any(|parameter| parameter.name == name);
    given.into_iter().filter(|(name, _)| has(name) || !declared(name)).collect()
}

/// The values as the template sees them, SSM's looked up.
async fn resolve(cx: &Cx, template: &Template, given: &Given) -> Result<Map<String, Value>> {
    let mut found = BTreeMap::new();
    for parameter in &template.parameters {
        if !matches!(parameter.kind, ParameterType::Ssm | ParameterType::SsmList) {
            continue;
        }
        let name = given.get(&parameter.name).or(parameter.default.as_ref());
        if let Some(name) = name.filter(|name| !found.contains_key(*name))
            && let Some(value) = context::parameter(cx, name, false).await?
        {
            found.insert(name.clone(), value);
        }
    }
    let ssm = |name: &str| found.get(name).cloned();
    Ok(cumulet_template::parameter_values(&template.parameters, given, &ssm)
        .map_err(Error::from)?)
}

fn shown(template: &Template, given: &Given, resolved: &Map<String, Value>) -> Vec<ShownParameter> {
    let plain = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let show = |parameter: &cumulet_template::Parameter| {
        let ssm = matches!(parameter.kind, ParameterType::Ssm | ParameterType::SsmList);
        let value = given.get(&parameter.name).or(parameter.default.as_ref());
        let hidden = |value: String| if parameter.no_echo { "****".to_owned() } else { value };
        ShownParameter {
            key: parameter.name.clone(),
            value: hidden(value.cloned().unwrap_or_default()),
            resolved: resolved.get(&parameter.name).filter(|_| ssm).map(|v| hidden(plain(v))),
        }
    };
    template.parameters.iter().map(show).collect()
}

/// The macros that a document names under `Transform`.
pub(crate) fn transforms(document: &Value) -> Vec<String> {
    let name = |value: &Value| {
        value.as_str().or_else(|| value.get("Name").and_then(Value::as_str)).map(str::to_owned)
    };
    match document.get("Transform") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().filter_map(name).collect(),
        Some(one) => name(one).into_iter().collect(),
    }
}

/// Runs the macros: SAM is the one there is.
fn expand(
    cx: &Cx,
    document: &Value,
    given: &Given,
    transforms: &[String],
) -> std::result::Result<(Value, bool), Refused> {
    if let Some(other) = transforms.iter().find(|name| *name != cumulet_sam::TRANSFORM) {
        return Err(Refused::Late(format!("No transform named {other} found.")));
    }
    if transforms.is_empty() {
        return Ok((document.clone(), false));
    }
    let none = |_: &str, _: &str| Err("this cloud has no application repository".to_owned());
    let context = cumulet_sam::Context {
        region: cx.region().as_str(),
        account: cx.account().as_str(),
        partition: "aws",
        managed_policies: &BTreeMap::new(),
        application: &none,
        now: u64::try_from(cx.now().secs()).unwrap_or_default(),
    };
    let given = given.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    cumulet_sam::transform(document, &given, &context).map(|processed| (processed, true)).map_err(
        |errors| {
            let summary = TransformError::summary(&errors);
            Refused::Late(format!("Transform {} failed with: {summary}", cumulet_sam::TRANSFORM))
        },
    )
}

/// Refuses types that this cloud does not have, by name and before anything is made.
fn recognized(cx: &Cx, template: &Template, stack: &Stack<'_>) -> Result<()> {
    let mut unknown: Vec<&str> = template
        .resources
        .iter()
        .filter(|resource| stack.is_active(resource))
        .map(|resource| resource.type_name.as_str())
        .filter(|name| types::find(cx, name).is_none())
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    let names = unknown.join(", ");
    Err(Error::Validation(format!("Template format error: Unrecognized resource types: [{names}]"))
        .into())
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn urls_of_objects() {
        let cases = [
            ("https://s3.amazonaws.com/b/k/x.yaml", Some(("b", "k/x.yaml"))),
            ("https://b.s3.eu-west-1.amazonaws.com/k%20x?versionId=1", Some(("b", "k x"))),
            ("https://b.s3.amazonaws.com/k", Some(("b", "k"))),
            ("https://s3.eu-west-1.amazonaws.com/b/k", Some(("b", "k"))),
            ("http://127.0.0.1:4566/b/k", Some(("b", "k"))),
            ("http://127.0.0.1:4566/b", None),
            ("ftp://s3.amazonaws.com/b/k", None),
            ("https://s3.amazonaws.com//k", None),
        ];
        for (url, expected) in cases {
            let expected = expected.map(|(b, k)| (b.to_owned(), k.to_owned()));
            assert_eq!(object(url), expected, "{url}");
        }
    }
}

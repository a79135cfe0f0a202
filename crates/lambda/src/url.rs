//! Function URLs as answers show them, and the condition keys about them.

use cumulet_api_lambda::types::{Cors, FunctionUrlAuthType, FunctionUrlConfig, InvokeMode};
use cumulet_base::Region;
use cumulet_service::{Access, Cx, Result};

use crate::access::on_function;
use crate::describe::moment;
use crate::error::Error;
use crate::model::{CorsRecord, UrlRecord};
use crate::name::{FunctionName, LATEST};
use crate::resolve::version_number;

/// The condition key of how a URL asks its callers to sign.
pub(crate) const AUTH_TYPE: &str = "lambda:FunctionUrlAuthType";

/// The kind under which hosts are claimed.
pub(crate) const HOST: &str = "host";

/// The host of a URL, without the cloud's own domain: `<id>.lambda-url.<region>`.
pub(crate) fn host(id: &str, region: &Region) -> String {
    format!("{id}.lambda-url.{region}")
}

/// The URL: on this cloud's port where that is known, else as AWS spells it.
fn url(endpoint: Option<&str>, id: &str, region: &Region) -> String {
    let host = host(id, region);
    let local = endpoint.and_then(|endpoint| endpoint.split_once("://"));
    match local {
        Some((scheme, authority)) => {
            let port =
                authority.rsplit_once(':').map_or("", |(_, port)| port.trim_end_matches('/'));
            let colon = if port.is_empty() { "" } else { ":" };
            format!("{scheme}://{host}.localhost{colon}{port}/")
        }
        None => format!("https://{host}.on.aws/"),
    }
}

/// A URL belongs to the function or an alias, never to a version ("Creating and managing Lambda
/// function URLs").
pub(crate) fn check_qualifier(name: &FunctionName) -> Result<(), Error> {
    match name.qualifier.as_deref() {
        Some(qualifier) if qualifier == LATEST || version_number(qualifier).is_some() => {
            Err(Error::Constraint(format!(
                "Value '{qualifier}' at 'qualifier' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: (^\\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))"
            )))
        }
        _ => Ok(()),
    }
}

/// Leave for `action` on a URL, with the condition keys that policies about URLs look at: how it
/// asks callers to sign, or is to, and whose it is.
pub(crate) async fn on_url(
    cx: &Cx,
    action: &'static str,
    name: &FunctionName,
    asked: Option<FunctionUrlAuthType>,
) -> Result<Access> {
    let access = on_function(cx, action, name).await?;
    let access = access.with("lambda:FunctionArn", vec![name.named_arn().as_str().to_owned()]);
    let auth = match asked {
        Some(asked) => Some(asked.as_str().to_owned()),
        None => name.find_url(&cx.store().snapshot()).await?.map(|url| url.auth),
    };
    Ok(access.with_some(AUTH_TYPE, auth))
}

pub(crate) fn describe(
    endpoint: Option<&str>,
    name: &FunctionName,
    record: &UrlRecord,
) -> FunctionUrlConfig {
    FunctionUrlConfig {
        function_url: url(endpoint, &record.id, &name.region),
        function_arn: name.named_arn().as_str().to_owned(),
        creation_time: moment(record.created),
        last_modified_time: moment(record.modified),
        cors: record.cors.as_ref().map(cors_to_wire),
        auth_type: FunctionUrlAuthType::from_wire(&record.auth).unwrap_or_default(),
        invoke_mode: InvokeMode::from_wire(&record.mode),
    }
}

pub(crate) fn cors(wanted: &Cors) -> CorsRecord {
    CorsRecord {
        credentials: wanted.allow_credentials,
        headers: wanted.allow_headers.clone(),
        methods: wanted.allow_methods.clone(),
        origins: wanted.allow_origins.clone(),
        expose: wanted.expose_headers.clone(),
        max_age: wanted.max_age,
    }
}

fn cors_to_wire(record: &CorsRecord) -> Cors {
    Cors {
        allow_credentials: record.credentials,
        allow_headers: record.headers.clone(),
        allow_methods: record.methods.clone(),
        allow_origins: record.origins.clone(),
        expose_headers: record.expose.clone(),
        max_age: record.max_age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_on_this_clouds_port() {
        let region = "eu-west-1".parse().unwrap();
        for (endpoint, want) in [
            (None, "https://abc.lambda-url.eu-west-1.on.aws/"),
            (Some("http://127.0.0.1:4566"), "http://abc.lambda-url.eu-west-1.localhost:4566/"),
        ] {
            assert_eq!(url(endpoint, "abc", &region), want);
        }
    }
}

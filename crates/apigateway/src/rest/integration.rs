//! PutIntegration, PutIntegrationResponse and the other operations on what stands behind a method.
//!
//! Promises: an integration is kept as it was put, with AWS's values where nothing is said.
//! Refuses: by name (501) what cannot be served yet: integrations of the types AWS, HTTP and
//! HTTP_PROXY, response streaming, credentials of roles, and mapping templates of a MOCK that are
//! more than a literal.

use cumulet_api_apigateway::ops::{
    DeleteIntegrationOutput, DeleteIntegrationRequest, DeleteIntegrationResponseOutput,
    DeleteIntegrationResponseRequest, GetIntegrationRequest, GetIntegrationResponseRequest,
    PutIntegrationRequest, PutIntegrationResponseRequest, UpdateIntegrationRequest,
    UpdateIntegrationResponseRequest,
};
use cumulet_api_apigateway::types::{Integration, IntegrationResponse as Shown};
use cumulet_service::{Cx, Result as ServiceResult};

use super::method::{self, Place};
use super::model::{IntegrationRecord, IntegrationResponse, MethodRecord};
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::execute::{invoke, mock};

/// "Integration timeout": 50 milliseconds to 29 seconds.
const TIMEOUT: std::ops::RangeInclusive<u64> = 50..=29_000;
/// Credentials that stand for the caller's own.
pub(crate) const OF_CALLER: &str = "arn:aws:iam::*:user/*";

const MEMBERS: [Member; 13] = [
    Member("/httpMethod", Kind::Text),
    Member("/uri", Kind::Text),
    Member("/credentials", Kind::Text),
    Member("/connectionType", Kind::Text),
    Member("/connectionId", Kind::Text),
    Member("/requestParameters", Kind::Texts),
    Member("/requestTemplates", Kind::Texts),
    Member("/passthroughBehavior", Kind::Text),
    Member("/contentHandling", Kind::Text),
    Member("/timeoutInMillis", Kind::Integer),
    Member("/cacheNamespace", Kind::Text),
    Member("/cacheKeyParameters", Kind::List),
    Member("/responseTransferMode", Kind::Text),
];
const RESPONSE_MEMBERS: [Member; 4] = [
    Member("/selectionPattern", Kind::Text),
    Member("/responseParameters", Kind::Texts),
    Member("/responseTemplates", Kind::Texts),
    Member("/contentHandling", Kind::Text),
];

impl IntegrationRecord {
    /// What it has where the caller says nothing.
    pub(crate) fn fill(&mut self, resource: &str) {
        self.passthrough_behavior.get_or_insert_with(|| "WHEN_NO_MATCH".to_owned());
        self.timeout_in_millis.get_or_insert(*TIMEOUT.end());
        if !resource.is_empty() {
            self.cache_namespace.get_or_insert_with(|| resource.to_owned());
        }
        self.cache_key_parameters.get_or_insert_default();
    }
}

/// What makes an integration wrong.
pub(crate) fn check(integration: &IntegrationRecord) -> Result<(), Error> {
    match integration.kind.as_str() {
        "AWS_PROXY" => {
            let uri = integration.uri.as_deref().unwrap_or_default();
            if invoke::function_of(uri).is_none() {
                if uri.contains("/response-streaming-invocations") {
                    return Err(Error::NotHere("integrations of REST APIs that stream"));
                }
                return Err(Error::bad("Invalid ARN specified in the request"));
            }
        }
        "MOCK" => {
            for template in integration.request_templates.iter().flatten().map(|(_, text)| text) {
                mock::check(template)?;
            }
        }
        "AWS" | "HTTP" | "HTTP_PROXY" => {
            return Err(Error::NotHere("integrations of REST APIs of the types AWS and HTTP"));
        }
        _ => return Err(Error::bad("Invalid integration type specified")),
    }
    for response in integration.integration_responses.iter().flatten().map(|(_, r)| r) {
        check_response(&integration.kind, response)?;
    }
    if integration.response_transfer_mode.as_deref() == Some("STREAM") {
        return Err(Error::NotHere("integrations of REST APIs that stream"));
    }
    match integration.credentials.as_deref() {
        None | Some("" | OF_CALLER) => {}
        Some(_) => return Err(Error::NotHere("integrations of REST APIs with a role")),
    }
    match integration.timeout_in_millis {
        Some(millis) if !TIMEOUT.contains(&millis) => {
            Err(Error::bad("Timeout should be between 50 ms and 29000 ms"))
        }
        _ => Ok(()),
    }
}

fn check_response(kind: &str, response: &IntegrationResponse) -> Result<(), Error> {
    if let Some(pattern) = response.selection_pattern.as_deref().filter(|p| !p.is_empty()) {
        mock::pattern(pattern).ok_or_else(|| Error::bad("Invalid selection pattern specified"))?;
    }
    if kind == "MOCK" {
        for template in response.response_templates.iter().flatten().map(|(_, text)| text) {
            mock::check_literal(template)?;
        }
    }
    Ok(())
}

fn of(method: &MethodRecord) -> Result<&IntegrationRecord, Error> {
    let none = || Error::NotFound("Invalid Integration identifier specified".to_owned());
    method.method_integration.as_ref().ok_or_else(none)
}

fn response<'a>(
    integration: &'a IntegrationRecord,
    code: &str,
) -> Result<&'a IntegrationResponse, Error> {
    let none = || Error::NotFound("Invalid Response status code specified".to_owned());
    integration.integration_responses.as_ref().and_then(|all| all.get(code)).ok_or_else(none)
}

pub(crate) async fn put(cx: &Cx, input: PutIntegrationRequest) -> ServiceResult<Integration> {
    let members = carry::members(&input)?;
    let mut new: IntegrationRecord = carry::record(members.clone())?;
    if new.kind != "MOCK" && new.http_method.as_deref().is_none_or(str::is_empty) {
        return Err(Error::bad("Enumeration value for HttpMethod must be non-empty").into());
    }
    new.fill(&input.resource_id);
    check(&new)?;
    let place = Place::of(cx, &members);
    let changed = method::change(cx, &place, |method| {
        // The responses belong to what was put before.
        method.method_integration = Some(new.clone());
        Ok(())
    });
    carry::shape(of(&changed.await?)?)
}

pub(crate) async fn get(cx: &Cx, input: GetIntegrationRequest) -> ServiceResult<Integration> {
    let place = Place::of(cx, &carry::members(&input)?);
    carry::shape(of(&method::load(cx, &place).await?)?)
}

pub(crate) async fn update(cx: &Cx, input: UpdateIntegrationRequest) -> ServiceResult<Integration> {
    let place = Place::of(cx, &carry::members(&input)?);
    let operations = input.patch_operations.unwrap_or_default();
    let changed = method::change(cx, &place, |method| {
        let changed: IntegrationRecord = patch::record(of(method)?, &MEMBERS, &operations)?;
        check(&changed)?;
        method.method_integration = Some(changed);
        Ok(())
    });
    carry::shape(of(&changed.await?)?)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteIntegrationRequest,
) -> ServiceResult<DeleteIntegrationOutput> {
    let place = Place::of(cx, &carry::members(&input)?);
    method::change(cx, &place, |method| {
        of(method)?;
        method.method_integration = None;
        Ok(())
    })
    .await?;
    Ok(DeleteIntegrationOutput {})
}

pub(crate) async fn put_response(
    cx: &Cx,
    input: PutIntegrationResponseRequest,
) -> ServiceResult<Shown> {
    let members = carry::members(&input)?;
    let code = input.status_code.clone();
    let new: IntegrationResponse = carry::record(members.clone())?;
    let new = IntegrationResponse { status_code: code.clone(), ..new };
    let place = Place::of(cx, &members);
    let changed = method::change(cx, &place, |method| {
        check_response(&of(method)?.kind, &new)?;
        declared(method, &new)?;
        let integration = method.method_integration.get_or_insert_default();
        integration.integration_responses.get_or_insert_default().insert(code.clone(), new.clone());
        Ok(())
    });
    carry::shape(response(of(&changed.await?)?, &code)?)
}

/// A header that an integration response sets must be one of the method response's.
fn declared(method: &MethodRecord, response: &IntegrationResponse) -> Result<(), Error> {
    let of_method = method.method_responses.as_ref().and_then(|all| all.get(&response.status_code));
    let Some(of_method) = of_method else {
        return Err(Error::NotFound("Invalid Response status code specified".to_owned()));
    };
    for name in response.response_parameters.iter().flatten().map(|(name, _)| name) {
        if !of_method.response_parameters.as_ref().is_some_and(|all| all.contains_key(name)) {
            return Err(Error::BadRequest(format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression parameter specified: {name}]"
            )));
        }
    }
    Ok(())
}

pub(crate) async fn get_response(
    cx: &Cx,
    input: GetIntegrationResponseRequest,
) -> ServiceResult<Shown> {
    let place = Place::of(cx, &carry::members(&input)?);
    let method = method::load(cx, &place).await?;
    carry::shape(response(of(&method)?, &input.status_code)?)
}

pub(crate) async fn update_response(
    cx: &Cx,
    input: UpdateIntegrationResponseRequest,
) -> ServiceResult<Shown> {
    let place = Place::of(cx, &carry::members(&input)?);
    let (code, operations) = (input.status_code, input.patch_operations.unwrap_or_default());
    let changed = method::change(cx, &place, |method| {
        let before = response(of(method)?, &code)?;
        let new: IntegrationResponse = patch::record(before, &RESPONSE_MEMBERS, &operations)?;
        check_response(&of(method)?.kind, &new)?;
        declared(method, &new)?;
        let integration = method.method_integration.get_or_insert_default();
        integration.integration_responses.get_or_insert_default().insert(code.clone(), new);
        Ok(())
    });
    carry::shape(response(of(&changed.await?)?, &code)?)
}

pub(crate) async fn delete_response(
    cx: &Cx,
    input: DeleteIntegrationResponseRequest,
) -> ServiceResult<DeleteIntegrationResponseOutput> {
    let place = Place::of(cx, &carry::members(&input)?);
    method::change(cx, &place, |method| {
        response(of(method)?, &input.status_code)?;
        let integration = method.method_integration.get_or_insert_default();
        integration.integration_responses.get_or_insert_default().remove(&input.status_code);
        Ok(())
    })
    .await?;
    Ok(DeleteIntegrationResponseOutput {})
}

//! PutMethod, PutMethodResponse and the other operations on methods of a resource.
//!
//! Promises: a method is in its resource, and goes with it.
//! Refuses: a second method of the same name, authorizers and validators that are not there, and by
//! name (501) methods that ask for an API key, which cannot be checked yet.

use cumulet_api_apigateway::ops::{
    DeleteMethodOutput, DeleteMethodRequest, DeleteMethodResponseOutput,
    DeleteMethodResponseRequest, GetMethodRequest, GetMethodResponseRequest, PutMethodRequest,
    PutMethodResponseRequest, UpdateMethodRequest, UpdateMethodResponseRequest,
};
use cumulet_api_apigateway::types::{Method, MethodResponse as Shown};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::{Read, Tx};
use serde_json::{Map, Value};

use super::keys::Keys;
use super::model::{
    AuthorizerRecord, MethodRecord, MethodResponse, ResourceRecord, ValidatorRecord,
};
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

const MEMBERS: [Member; 8] = [
    Member("/authorizationType", Kind::Text),
    Member("/authorizerId", Kind::Text),
    Member("/authorizationScopes", Kind::List),
    Member("/apiKeyRequired", Kind::Truth),
    Member("/requestValidatorId", Kind::Text),
    Member("/operationName", Kind::Text),
    Member("/requestParameters", Kind::Truths),
    Member("/requestModels", Kind::Texts),
];
const RESPONSE_MEMBERS: [Member; 2] =
    [Member("/responseParameters", Kind::Truths), Member("/responseModels", Kind::Texts)];

/// Where a method is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) keys: Keys,
    pub(crate) resource: String,
    pub(crate) method: String,
}

impl Place {
    pub(crate) fn of(cx: &Cx, members: &Map<String, Value>) -> Self {
        let text = |name| carry::text(members, name).unwrap_or_default().to_owned();
        Self {
            keys: Keys::of(cx, members),
            resource: text("resource_id"),
            method: text("http_method"),
        }
    }

    /// The method as one text, of the parts that tell it from all others.
    fn named(&self) -> String {
        format!("{}|{}|{}", self.keys.api, self.resource, self.method)
    }

    async fn resource(&self, read: &impl Read) -> Result<ResourceRecord, Error> {
        self.keys.load(read).await?;
        self.keys.part(read, &self.resource).await
    }
}

fn gone() -> Error {
    Error::NotFound("Invalid Method identifier specified".to_owned())
}

pub(crate) async fn load(cx: &Cx, place: &Place) -> Result<MethodRecord, Error> {
    let mut resource = place.resource(&cx.store().snapshot()).await?;
    resource.resource_methods.remove(&place.method).ok_or_else(gone)
}

/// Changes a method; gives it as it is after.
pub(crate) async fn change(
    cx: &Cx,
    place: &Place,
    edit: impl Fn(&mut MethodRecord) -> Result<(), Error> + Sync + Send,
) -> Result<MethodRecord, Error> {
    cx.store()
        .transact(async |tx| {
            let mut resource = place.resource(&tx).await?;
            let method = resource.resource_methods.get_mut(&place.method).ok_or_else(gone)?;
            edit(method)?;
            let changed = method.clone();
            check(&place.keys, &tx, &changed).await?;
            place.keys.put(&tx, &resource);
            Ok(changed)
        })
        .await
}

/// What makes a method wrong, beside what the API has.
pub(crate) async fn check(of: &Keys, tx: &Tx, method: &MethodRecord) -> Result<(), Error> {
    if method.api_key_required {
        return Err(Error::NotHere("API keys of REST APIs"));
    }
    match (method.authorization_type.as_str(), &method.authorizer_id) {
        ("NONE" | "AWS_IAM", _) => {}
        ("COGNITO_USER_POOLS" | "CUSTOM", Some(id)) => {
            let authorizer: AuthorizerRecord = of.part(tx, id).await?;
            let cognito = authorizer.kind == "COGNITO_USER_POOLS";
            if cognito != (method.authorization_type == "COGNITO_USER_POOLS") {
                let words = "Invalid authorizer type specified. Setting the authorization type to \
                             CUSTOM or COGNITO_USER_POOLS requires a matching authorizer.";
                return Err(Error::bad(words));
            }
        }
        ("COGNITO_USER_POOLS" | "CUSTOM", None) => {
            return Err(Error::bad(
                "Invalid authorizer ID specified. Setting the authorization \
                type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.",
            ));
        }
        _ => {
            return Err(Error::bad(
                "Invalid Authorization Type specified. Valid values are: [NONE, \
                AWS_IAM, CUSTOM, COGNITO_USER_POOLS]",
            ));
        }
    }
    if let Some(id) = method.request_validator_id.as_deref().filter(|id| !id.is_empty()) {
        of.part::<ValidatorRecord>(tx, id).await?;
    }
    for name in method.request_parameters.iter().flatten().map(|(name, _)| name) {
        let places = ["header", "querystring", "path"];
        let place = name.strip_prefix("method.request.").and_then(|rest| rest.split_once('.'));
        if !place.is_some_and(|(place, name)| places.contains(&place) && !name.is_empty()) {
            return Err(Error::bad(
                "Invalid mapping expression specified: Validation Result: \
                warnings : [], errors : [Invalid mapping expression specified: true]",
            ));
        }
    }
    Ok(())
}

pub(crate) async fn put(cx: &Cx, input: PutMethodRequest) -> ServiceResult<Method> {
    let members = carry::members(&input)?;
    let place = Place::of(cx, &members);
    if !METHODS.contains(&place.method.as_str()) {
        return Err(Error::bad("Invalid HTTP method specified").into());
    }
    let new: MethodRecord = carry::record(members)?;
    let new = MethodRecord { http_method: place.method.clone(), ..new };
    cx.store()
        .transact(async |tx| {
            let mut resource = place.resource(&tx).await?;
            check(&place.keys, &tx, &new).await?;
            if resource.resource_methods.insert(place.method.clone(), new.clone()).is_some() {
                return Err(Error::Conflict("Method already exists for this resource".to_owned()));
            }
            place.keys.put(&tx, &resource);
            cx.note_made(&tx, &place.named());
            Ok(())
        })
        .await?;
    carry::shape(&new)
}

pub(crate) async fn get(cx: &Cx, input: GetMethodRequest) -> ServiceResult<Method> {
    carry::shape(&load(cx, &Place::of(cx, &carry::members(&input)?)).await?)
}

pub(crate) async fn update(cx: &Cx, input: UpdateMethodRequest) -> ServiceResult<Method> {
    let place = Place::of(cx, &carry::members(&input)?);
    let operations = input.patch_operations.unwrap_or_default();
    let changed = change(cx, &place, |method| {
        *method = patch::record(method, &MEMBERS, &operations)?;
        Ok(())
    });
    carry::shape(&changed.await?)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteMethodRequest,
) -> ServiceResult<DeleteMethodOutput> {
    let place = Place::of(cx, &carry::members(&input)?);
    cx.store()
        .transact(async |tx| {
            let mut resource = place.resource(&tx).await?;
            resource.resource_methods.remove(&place.method).ok_or_else(gone)?;
            place.keys.put(&tx, &resource);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteMethodOutput {})
}

fn response<'a>(method: &'a MethodRecord, code: &str) -> Result<&'a MethodResponse, Error> {
    let none = || Error::NotFound("Invalid Response status code specified".to_owned());
    method.method_responses.as_ref().and_then(|all| all.get(code)).ok_or_else(none)
}

pub(crate) async fn put_response(cx: &Cx, input: PutMethodResponseRequest) -> ServiceResult<Shown> {
    let members = carry::members(&input)?;
    let code = input.status_code.clone();
    let new: MethodResponse = carry::record(members.clone())?;
    let new = MethodResponse { status_code: code.clone(), ..new };
    let place = Place::of(cx, &members);
    let changed = change(cx, &place, |method| {
        let all = method.method_responses.get_or_insert_default();
        if all.insert(code.clone(), new.clone()).is_some() {
            return Err(Error::Conflict("Response already exists for this resource".to_owned()));
        }
        Ok(())
    });
    carry::shape(response(&changed.await?, &code)?)
}

pub(crate) async fn get_response(cx: &Cx, input: GetMethodResponseRequest) -> ServiceResult<Shown> {
    let place = Place::of(cx, &carry::members(&input)?);
    carry::shape(response(&load(cx, &place).await?, &input.status_code)?)
}

pub(crate) async fn update_response(
    cx: &Cx,
    input: UpdateMethodResponseRequest,
) -> ServiceResult<Shown> {
    let place = Place::of(cx, &carry::members(&input)?);
    let (code, operations) = (input.status_code, input.patch_operations.unwrap_or_default());
    let changed = change(cx, &place, |method| {
        let new: MethodResponse =
            patch::record(response(method, &code)?, &RESPONSE_MEMBERS, &operations)?;
        method.method_responses.get_or_insert_default().insert(code.clone(), new);
        Ok(())
    });
    carry::shape(response(&changed.await?, &code)?)
}

pub(crate) async fn delete_response(
    cx: &Cx,
    input: DeleteMethodResponseRequest,
) -> ServiceResult<DeleteMethodResponseOutput> {
    let place = Place::of(cx, &carry::members(&input)?);
    change(cx, &place, |method| {
        response(method, &input.status_code)?;
        method.method_responses.get_or_insert_default().remove(&input.status_code);
        Ok(())
    })
    .await?;
    Ok(DeleteMethodResponseOutput {})
}

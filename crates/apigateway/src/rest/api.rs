//! CreateRestApi and the other operations on whole REST APIs.
//!
//! Promises: an API's id is its host's first label, once in the whole cloud; it has a root resource
//! from the beginning; DeleteRestApi removes all that belongs to it.
//! Refuses: policies that are none; by name (501) clones, private APIs and compression.

use cumulet_api_apigateway::ops::{
    CreateRestApiRequest, DeleteRestApiOutput, DeleteRestApiRequest, GetRestApiRequest,
    GetRestApisRequest, RestApis as Page, UpdateRestApiRequest,
};
use cumulet_api_apigateway::types::RestApi;
use cumulet_auth::policy::{Document, Grammar};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Tx;

use super::keys::Keys;
use super::model::{ApiRecord, ResourceRecord};
use super::part;
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::execute::access;
use crate::store::{self, Apis, REST};

/// APIs of an account in a region ("Regional APIs per account").
const MOST: usize = 600;

const MEMBERS: [Member; 12] = [
    Member("/name", Kind::Text),
    Member("/description", Kind::Text),
    Member("/version", Kind::Text),
    Member("/apiKeySource", Kind::Text),
    Member("/binaryMediaTypes", Kind::List),
    Member("/minimumCompressionSize", Kind::Integer),
    Member("/disableExecuteApiEndpoint", Kind::Truth),
    Member("/policy", Kind::Text),
    Member("/endpointConfiguration/types", Kind::List),
    Member("/endpointConfiguration/ipAddressType", Kind::Text),
    Member("/securityPolicy", Kind::Text),
    Member("/endpointAccessMode", Kind::Text),
];

pub(crate) fn check(cx: &Cx, api: &ApiRecord) -> Result<(), Error> {
    if api.name.is_empty() || api.name.chars().count() > 1024 {
        return Err(Error::bad("An API's name has 1 to 1024 characters."));
    }
    if api.minimum_compression_size.is_some() {
        return Err(Error::NotHere("compressed answers of REST APIs"));
    }
    let endpoint = &api.endpoint_configuration;
    match endpoint.types.as_slice() {
        [one] if one == "EDGE" || one == "REGIONAL" => {}
        [one] if one == "PRIVATE" => return Err(Error::NotHere("private REST APIs")),
        _ => return Err(Error::bad("Invalid endpoint configuration: one type is needed.")),
    }
    if let Some(policy) = &api.policy {
        let policy = access::spelled_out(policy, cx, &api.id);
        Document::parse(&policy, Grammar::Resource).map_err(|why| {
            Error::BadRequest(format!("Invalid policy document. Please check the policy: {why}"))
        })?;
    }
    Ok(())
}

/// A new API with what it has where the caller says nothing, and its root.
pub(crate) fn new_record(cx: &Cx) -> (ApiRecord, ResourceRecord) {
    let root = ResourceRecord {
        id: store::id(cx.ids(), 10),
        path: "/".to_owned(),
        ..ResourceRecord::default()
    };
    let api = ApiRecord {
        id: store::id(cx.ids(), 10),
        created_date: cx.now().secs(),
        api_key_source: Some("HEADER".to_owned()),
        disable_execute_api_endpoint: Some(false),
        root_resource_id: root.id.clone(),
        ..ApiRecord::default()
    };
    (api, root)
}

/// What every API has in the end.
pub(crate) fn fill(api: &mut ApiRecord) {
    if api.endpoint_configuration.types.is_empty() {
        api.endpoint_configuration.types.push("EDGE".to_owned());
    }
    api.endpoint_configuration.ip_address_type.get_or_insert_with(|| "ipv4".to_owned());
    // An empty policy is none; this is how one is taken away.
    api.policy = api.policy.take().filter(|policy| !policy.trim().is_empty());
}

/// Stores a new API and takes its name.
pub(crate) async fn put_new(
    of: &Keys,
    tx: &Tx,
    api: &ApiRecord,
    root: &ResourceRecord,
) -> Result<(), Error> {
    let there: Vec<ApiRecord> = store::all(tx, of.apis.apis(), MOST).await?;
    if there.len() >= MOST {
        return Err(Error::BadRequest(format!("An account has at most {MOST} APIs.")));
    }
    of.apis.claim(tx, &of.api).await?;
    of.save(tx, api);
    of.put(tx, root);
    Ok(())
}

pub(crate) async fn create(cx: &Cx, input: CreateRestApiRequest) -> ServiceResult<RestApi> {
    if input.clone_from.is_some() {
        return Err(Error::NotHere("CreateRestApi with cloneFrom").into());
    }
    let (made, root) = new_record(cx);
    let mut api: ApiRecord = carry::changed(&made, carry::members(&input)?)?;
    fill(&mut api);
    check(cx, &api)?;
    let keys = Keys::new(cx, &api.id);
    cx.store()
        .transact(async |tx| {
            put_new(&keys, &tx, &api, &root).await?;
            cx.note_made(&tx, &api.id);
            Ok::<_, Error>(())
        })
        .await?;
    carry::shape(&api)
}

pub(crate) async fn get(cx: &Cx, input: GetRestApiRequest) -> ServiceResult<RestApi> {
    carry::shape(&Keys::new(cx, &input.rest_api_id).load(&cx.store().snapshot()).await?)
}

pub(crate) async fn list(cx: &Cx, input: GetRestApisRequest) -> ServiceResult<Page> {
    let apis = Apis::own(cx, REST).apis();
    let all: Vec<ApiRecord> = store::all(&cx.store().snapshot(), apis, MOST).await?;
    part::page(&carry::members(&input)?, &all)
}

pub(crate) async fn update(cx: &Cx, input: UpdateRestApiRequest) -> ServiceResult<RestApi> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let operations = input.patch_operations.unwrap_or_default();
    let api = cx
        .store()
        .transact(async |tx| {
            let mut api: ApiRecord = patch::record(&keys.load(&tx).await?, &MEMBERS, &operations)?;
            fill(&mut api);
            check(cx, &api)?;
            keys.save(&tx, &api);
            Ok::<_, Error>(api)
        })
        .await?;
    carry::shape(&api)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteRestApiRequest,
) -> ServiceResult<DeleteRestApiOutput> {
    let keys = Keys::new(cx, &input.rest_api_id);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            Ok::<_, Error>(keys.apis.remove(&tx, &keys.api).await?)
        })
        .await?;
    Ok(DeleteRestApiOutput {})
}

//! CreateApi and the other operations on whole HTTP APIs.
//!
//! Promises: an API's id is its host's first label, once in the whole cloud. With a target the API
//! is complete: route, integration and a `$default` stage that deploys by itself ("quick create").
//! DeleteApi removes all that belongs to it.
//! Refuses: WebSocket APIs, which are not here yet; CORS settings that browsers would ignore.

use cumulet_api_apigatewayv2::ops::{
    CreateApiRequest, CreateApiResponse, DeleteApiOutput, DeleteApiRequest,
    DeleteCorsConfigurationOutput, DeleteCorsConfigurationRequest, GetApiRequest, GetApiResponse,
    GetApisRequest, GetApisResponse, UpdateApiRequest, UpdateApiResponse,
};
use cumulet_api_apigatewayv2::types::ProtocolType;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Tx;
use serde_json::{Value, json};

use super::deployment::Draft;
use super::model::{ApiRecord, Cors, DEFAULT_STAGE, IntegrationRecord, RouteRecord, StageRecord};
use super::part::{self, Keys, Part};
use super::stage;
use crate::carry;
use crate::error::Error;
use crate::execute::host;
use crate::store::{self, Apis, HTTP};

/// APIs of an account in a region ("Regional APIs per account").
const MOST: usize = 600;

/// An API as it is shown, with the URL that it is reached at.
pub(crate) fn shown(cx: &Cx, record: &ApiRecord) -> ServiceResult<Value> {
    let mut shown = serde_json::to_value(record).map_err(cumulet_service::Error::internal)?;
    if let Some(members) = shown.as_object_mut() {
        let url = host::endpoint(cx, &record.api_id);
        members.insert("apiEndpoint".to_owned(), Value::String(url));
    }
    Ok(shown)
}

pub(crate) fn check(record: &ApiRecord) -> Result<(), Error> {
    if record.name.is_empty() || record.name.chars().count() > 128 {
        return Err(Error::bad("An API's name has 1 to 128 characters."));
    }
    let cors = record.cors_configuration.clone().unwrap_or_default();
    let any = |list: &Option<Vec<String>>| list.iter().flatten().any(|item| item == "*");
    let Cors { allow_origins, .. } = &cors;
    if cors.allow_credentials == Some(true) && any(allow_origins) {
        return Err(Error::bad("allow-credentials is not supported when allow-origin is '*'"));
    }
    Ok(())
}

/// A new API with what it has where the caller says nothing.
pub(crate) fn new_record(cx: &Cx) -> ApiRecord {
    let some = |text: &str| Some(text.to_owned());
    ApiRecord {
        api_id: store::id(cx.ids(), 10),
        protocol_type: "HTTP".to_owned(),
        created_date: cx.now().iso8601(false),
        route_selection_expression: some("$request.method $request.path"),
        api_key_selection_expression: some("$request.header.x-api-key"),
        ip_address_type: some("ipv4"),
        disable_execute_api_endpoint: Some(false),
        ..ApiRecord::default()
    }
}

/// Stores a new API and takes its name.
pub(crate) async fn put_new(of: &Keys, tx: &Tx, record: &ApiRecord) -> Result<(), Error> {
    let there: Vec<ApiRecord> = store::all(tx, of.apis.apis(), MOST).await?;
    if there.len() >= MOST {
        return Err(Error::BadRequest(format!("An account has at most {MOST} APIs.")));
    }
    of.apis.claim(tx, &of.api).await?;
    tx.put_record(of.apis.api(&of.api), record);
    Ok(())
}

pub(crate) async fn create(cx: &Cx, input: CreateApiRequest) -> ServiceResult<CreateApiResponse> {
    if input.protocol_type == ProtocolType::Websocket {
        return Err(Error::NotHere("WebSocket APIs").into());
    }
    let made = new_record(cx);
    let record: ApiRecord = carry::changed(&made, carry::members(&input)?)?;
    check(&record)?;
    let keys = Keys { apis: Apis::own(cx, HTTP), api: record.api_id.clone() };
    let quick = Quick::of(cx, &input)?;
    cx.store()
        .transact(async |tx| {
            put_new(&keys, &tx, &record).await?;
            cx.note_made(&tx, &record.api_id);
            match &quick {
                Some(quick) => quick.put(&keys, &tx).await,
                None => Ok(()),
            }
        })
        .await?;
    carry::shape(&shown(cx, &record)?)
}

/// The parts that quick create makes.
struct Quick {
    route: RouteRecord,
    integration: IntegrationRecord,
    stage: StageRecord,
    draft: Draft,
}

impl Quick {
    fn of(cx: &Cx, input: &CreateApiRequest) -> Result<Option<Self>, Error> {
        let Some(target) = &input.target else {
            return match input.route_key {
                Some(_) => Err(Error::bad("A route key needs a target.")),
                None => Ok(None),
            };
        };
        let mut integration = IntegrationRecord {
            integration_id: store::id(cx.ids(), 7),
            integration_type: "AWS_PROXY".to_owned(),
            integration_uri: Some(target.clone()),
            payload_format_version: Some("2.0".to_owned()),
            api_gateway_managed: Some(true),
            ..IntegrationRecord::default()
        };
        integration.fill();
        if target.starts_with("http") {
            return Err(Error::NotHere("integrations of HTTP APIs other than AWS_PROXY"));
        }
        let mut route = RouteRecord {
            route_id: store::id(cx.ids(), 7),
            route_key: input.route_key.clone().unwrap_or_else(|| "$default".to_owned()),
            target: Some(format!("integrations/{}", integration.integration_id)),
            api_gateway_managed: Some(true),
            ..RouteRecord::default()
        };
        route.fill();
        let now = cx.now().iso8601(false);
        let stage = StageRecord {
            stage_name: DEFAULT_STAGE.to_owned(),
            auto_deploy: Some(true),
            created_date: now.clone(),
            last_updated_date: now,
            api_gateway_managed: Some(true),
            ..StageRecord::default()
        };
        Ok(Some(Self { route, integration, stage, draft: Draft::new(cx) }))
    }

    async fn put(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        self.integration.check(of, tx).await?;
        let id = &self.integration.integration_id;
        tx.put_record(of.apis.part(&of.api, IntegrationRecord::KIND, id), &self.integration);
        self.route.check(of, tx).await?;
        tx.put_record(of.apis.part(&of.api, RouteRecord::KIND, &self.route.route_id), &self.route);
        stage::put(of, tx, &self.stage, &self.draft).await.map(drop)
    }
}

pub(crate) async fn get(cx: &Cx, input: GetApiRequest) -> ServiceResult<GetApiResponse> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    carry::shape(&shown(cx, &keys.load(&cx.store().snapshot()).await?)?)
}

pub(crate) async fn list(cx: &Cx, input: GetApisRequest) -> ServiceResult<GetApisResponse> {
    let apis = Apis::own(cx, HTTP).apis();
    let records: Vec<ApiRecord> = store::all(&cx.store().snapshot(), apis, MOST).await?;
    let all = records.iter().map(|record| shown(cx, record)).collect::<ServiceResult<Vec<_>>>()?;
    part::page(&carry::members(&input)?, &all)
}

pub(crate) async fn update(cx: &Cx, input: UpdateApiRequest) -> ServiceResult<UpdateApiResponse> {
    if input.target.is_some() || input.route_key.is_some() {
        return Err(Error::NotHere("UpdateApi with a target or route key").into());
    }
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let record = cx
        .store()
        .transact(async |tx| {
            let record: ApiRecord = carry::changed(&keys.load(&tx).await?, members.clone())?;
            check(&record)?;
            tx.put_record(keys.apis.api(&keys.api), &record);
            Ok::<_, Error>(record)
        })
        .await?;
    carry::shape(&shown(cx, &record)?)
}

pub(crate) async fn delete_cors(
    cx: &Cx,
    input: DeleteCorsConfigurationRequest,
) -> ServiceResult<DeleteCorsConfigurationOutput> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    cx.store()
        .transact(async |tx| {
            let record = ApiRecord { cors_configuration: None, ..keys.load(&tx).await? };
            tx.put_record(keys.apis.api(&keys.api), &record);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteCorsConfigurationOutput {})
}

pub(crate) async fn delete(cx: &Cx, input: DeleteApiRequest) -> ServiceResult<DeleteApiOutput> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            Ok::<_, Error>(keys.apis.remove(&tx, &keys.api).await?)
        })
        .await?;
    carry::shape(&json!({}))
}

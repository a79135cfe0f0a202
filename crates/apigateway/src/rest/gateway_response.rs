//! PutGatewayResponse and the other operations on what an API answers by itself.
//!
//! Promises: the types that an API does not change are shown with AWS's values.
//! Refuses: types and parameters that AWS does not know.

use cumulet_api_apigateway::ops::{
    DeleteGatewayResponseOutput, DeleteGatewayResponseRequest, GatewayResponses,
    GetGatewayResponseRequest, GetGatewayResponsesRequest, PutGatewayResponseRequest,
    UpdateGatewayResponseRequest,
};
use cumulet_api_apigateway::types::GatewayResponse;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Read;

use super::keys::Keys;
use super::model::GatewayResponseRecord;
use super::part;
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::execute::gateway_response::{KINDS, TEMPLATE};

const MEMBERS: [Member; 3] = [
    Member("/statusCode", Kind::Text),
    Member("/responseParameters", Kind::Texts),
    Member("/responseTemplates", Kind::Texts),
];

/// What an API has that does not say anything else.
fn default(kind: &str, status: Option<u16>) -> GatewayResponseRecord {
    GatewayResponseRecord {
        response_type: kind.to_owned(),
        status_code: status.map(|status| status.to_string()),
        response_templates: [("application/json".to_owned(), TEMPLATE.to_owned())].into(),
        default_response: true,
        ..GatewayResponseRecord::default()
    }
}

pub(crate) fn check(response: &GatewayResponseRecord) -> Result<(), Error> {
    if !KINDS.iter().any(|(kind, _)| *kind == response.response_type) {
        let words = format!("Invalid gateway response type {}", response.response_type);
        return Err(Error::BadRequest(words));
    }
    if let Some(status) = &response.status_code
        && !status.parse::<u16>().is_ok_and(|status| (100..=599).contains(&status))
    {
        return Err(Error::bad("Invalid status code specified"));
    }
    // Path and query of a gateway response mean nothing, but AWS takes them.
    let known =
        ["gatewayresponse.header.", "gatewayresponse.path.", "gatewayresponse.querystring."];
    for name in response.response_parameters.keys() {
        if !known.iter().any(|start| name.starts_with(start)) {
            return Err(Error::BadRequest(format!("Invalid response parameter {name}")));
        }
    }
    Ok(())
}

async fn load(of: &Keys, read: &impl Read, kind: &str) -> Result<GatewayResponseRecord, Error> {
    of.load(read).await?;
    if let Some(own) = of.find(read, kind).await? {
        return Ok(own);
    }
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    let known = known.ok_or_else(|| Error::bad("Invalid gateway response type specified"))?;
    Ok(default(kind, known.1))
}

pub(crate) async fn put(
    cx: &Cx,
    input: PutGatewayResponseRequest,
) -> ServiceResult<GatewayResponse> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let kind = carry::text(&members, "response_type").unwrap_or_default().to_owned();
    let record: GatewayResponseRecord = carry::record(members)?;
    let record = GatewayResponseRecord { response_type: kind, ..record };
    check(&record)?;
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let there: Option<GatewayResponseRecord> =
                keys.find(&tx, &record.response_type).await?;
            keys.put(&tx, &record);
            if there.is_none() {
                cx.note_made(&tx, &record.response_type);
            }
            Ok::<_, Error>(())
        })
        .await?;
    carry::shape(&record)
}

pub(crate) async fn get(
    cx: &Cx,
    input: GetGatewayResponseRequest,
) -> ServiceResult<GatewayResponse> {
    let members = carry::members(&input)?;
    let kind = carry::text(&members, "response_type").unwrap_or_default();
    carry::shape(&load(&Keys::of(cx, &members), &cx.store().snapshot(), kind).await?)
}

pub(crate) async fn list(
    cx: &Cx,
    input: GetGatewayResponsesRequest,
) -> ServiceResult<GatewayResponses> {
    let members = carry::members(&input)?;
    let (keys, snapshot) = (Keys::of(cx, &members), cx.store().snapshot());
    let mut all = Vec::with_capacity(KINDS.len());
    for (kind, _) in KINDS {
        all.push(load(&keys, &snapshot, kind).await?);
    }
    part::page(&members, &all)
}

pub(crate) async fn update(
    cx: &Cx,
    input: UpdateGatewayResponseRequest,
) -> ServiceResult<GatewayResponse> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let kind = carry::text(&members, "response_type").unwrap_or_default();
    let operations = input.patch_operations.unwrap_or_default();
    let record = cx
        .store()
        .transact(async |tx| {
            let before = load(&keys, &tx, kind).await?;
            let record: GatewayResponseRecord = patch::record(&before, &MEMBERS, &operations)?;
            let record = GatewayResponseRecord { default_response: false, ..record };
            check(&record)?;
            keys.put(&tx, &record);
            Ok::<_, Error>(record)
        })
        .await?;
    carry::shape(&record)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteGatewayResponseRequest,
) -> ServiceResult<DeleteGatewayResponseOutput> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let kind = carry::text(&members, "response_type").unwrap_or_default();
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<GatewayResponseRecord>(&tx, kind).await?;
            keys.drop::<GatewayResponseRecord>(&tx, kind);
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteGatewayResponseOutput {})
}

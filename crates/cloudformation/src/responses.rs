//! Where the functions of custom resources say what came of a request: an address that only the
//! function was told, to which it sends one answer by PUT.

use std::sync::Arc;

use cumulet_base::{AccountId, Body, Region};
use cumulet_service::{BoxFuture, Cx, Error, Result, Site, Sites, StackPart};
use cumulet_store::{Key, Read as _, Record};
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The start of the address's path.
const PATH: &str = "/cloudformation-custom-resource-response/";
/// Bytes of an answer ("Custom resource response objects": 4,096).
const MAX_ANSWER: usize = 4_096;

/// A question to a function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The unguessable end of the address.
    pub(crate) token: String,
    pub(crate) request_id: String,
}

impl Record for Asked {
    const VERSION: u16 = 1;
}

/// An address to answer to, and the answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub(crate) answer: Option<Value>,
}

impl Record for Awaited {
    const VERSION: u16 = 1;
}

fn key(account: &AccountId, region: &Region, what: &str, name: &str) -> Key {
    Key::new("cloudformation", account, region).text(what).text(name)
}

/// Where the questions about a resource lie.
pub(crate) fn questions(cx: &Cx, part: &StackPart) -> Key {
    key(cx.account(), cx.region(), "custom-question", &part.stack).text(&part.logical_id)
}

/// Where the answer to it lies.
pub(crate) fn answer(cx: &Cx, token: &str) -> Key {
    key(cx.account(), cx.region(), "custom-answer", token)
}

/// The address to answer to.
pub(crate) fn url(cx: &Cx, token: &str) -> String {
    let endpoint = &cx.request().endpoint;
    format!("{endpoint}{PATH}{}/{}/{token}", cx.account(), cx.region())
}

/// Takes the answers of custom resources.
#[derive(Debug, Clone, Copy)]
pub struct Responses;

impl Sites for Responses {
    fn find(&self, _: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        path.starts_with(PATH).then(|| (Arc::new(Self) as Arc<dyn Site>, PATH.len()))
    }
}

impl Site for Responses {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let status = match take(&cx, request).await {
                Ok(true) => StatusCode::OK,
                Ok(false) => StatusCode::FORBIDDEN,
                Err(_) => StatusCode::BAD_REQUEST,
            };
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        })
    }
}

/// Whether somebody waits for this answer.
async fn take(cx: &Cx, request: Request<Body>) -> Result<bool> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let &[account, region, token] = parts.as_slice() else { return Ok(false) };
    let (Ok(account), Ok(region)) = (account.parse(), region.parse()) else { return Ok(false) };
    if request.method() != Method::PUT {
        return Ok(false);
    }
    let key = key(&account, &region, "custom-answer", token);
    if cx.store().snapshot().get(&key).await?.is_none() {
        return Ok(false);
    }
    let large = |_| Error::validation("Response object is too long.");
    let body = request.into_body().collect(MAX_ANSWER).await.map_err(large)?;
    let malformed = |_| Error::validation("Response is not valid JSON");
    let answer: Value = serde_json::from_slice(&body).map_err(malformed)?;
    let (key, awaited) = (&key, &Awaited { answer: Some(answer) });
    cx.store()
        .transact(|tx| async move {
            let Some(before) = tx.get_record::<Awaited>(key).await? else { return Ok(false) };
            // The first answer counts.
            if before.answer.is_none() {
                tx.put_record(key.clone(), awaited);
            }
            Ok::<_, Error>(true)
        })
        .await
}

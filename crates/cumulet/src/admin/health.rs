//! `GET /_cumulet/health`: 200 when a signed request would be answered. It tells nothing more, and
//! so wants no token.

use cumulet_base::Body;
use cumulet_service::Cx;
use cumulet_store::Read as _;
use http::{Response, StatusCode};
use serde_json::json;

use super::answer;

/// The store reads, and it takes writes.
pub(super) async fn get(cx: &Cx) -> Response<Body> {
    let read = cx.store().snapshot().get(b"health").await;
    let written = cx
        .store()
        .transact(|tx| async move {
            // Reading through a transaction goes the way of a write without writing.
            tx.get(b"health").await.map(drop)
        })
        .await;
    match read.map(drop).and(written) {
        Ok(()) => answer::json(StatusCode::OK, &json!({ "status": "ok" })),
        Err(error) => {
            tracing::warn!(%error, "the store is not well");
            let words = json!({ "status": "store unavailable" });
            answer::json(StatusCode::SERVICE_UNAVAILABLE, &words)
        }
    }
}

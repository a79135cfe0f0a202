//! `/_cumulet/`: what this cloud says of itself.

use std::sync::Arc;

use bytes::Bytes;
use cumulet_base::Body;
use cumulet_service::{BoxFuture, Cx, Site, Sites};
use cumulet_store::Read as _;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use crate::ports::Ports;

/// The path that leads here, on every host.
const ROOT: &str = "/_cumulet/";

/// Finds the administration's pages.
#[derive(Debug)]
pub(crate) struct Admin(pub(crate) Arc<Ports>);

impl Sites for Admin {
    fn find(&self, _: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        // The cut leaves the slash at its end.
        path.starts_with(ROOT)
            .then(|| (Arc::new(Pages(Arc::clone(&self.0))) as Arc<dyn Site>, ROOT.len() - 1))
    }
}

struct Pages(Arc<Ports>);

impl Site for Pages {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            match (request.method(), request.uri().path()) {
                (&Method::GET | &Method::HEAD, "/health") => health(&cx).await,
                (&Method::GET, "/sites") => sites(&self.0),
                _ => answer(StatusCode::NOT_FOUND, "{\"message\":\"There is no such page.\"}\n"),
            }
        })
    }
}

/// The sites that have a port of their own: `[{"host": …, "url": …}]`.
fn sites(ports: &Ports) -> Response<Body> {
    let list = ports.list().into_iter();
    let list = list.map(|(host, url)| serde_json::json!({ "host": host, "url": url }));
    answer(StatusCode::OK, list.collect::<serde_json::Value>().to_string())
}

/// 200 when a signed request would be answered: the store reads, and it takes writes.
async fn health(cx: &Cx) -> Response<Body> {
    let read = cx.store().snapshot().get(b"health").await;
    let written = cx
        .store()
        .transact(|tx| async move {
            // Reading through a transaction goes the way of a write without writing.
            tx.get(b"health").await.map(drop)
        })
        .await;
    match read.map(drop).and(written) {
        Ok(()) => answer(StatusCode::OK, "{\"status\":\"ok\"}\n"),
        Err(error) => {
            tracing::warn!(%error, "the store is not well");
            answer(StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"store unavailable\"}\n")
        }
    }
}

fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

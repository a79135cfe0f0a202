//! Sites: what an API's host or path leads to.

use std::sync::Arc;

use cumulet_base::Body;
use cumulet_service::{BoxFuture, Cx, LOCAL_DOMAIN, Result, Site, Sites};
use cumulet_store::names::Owner;
use cumulet_store::{Key, Snapshot};
use http::{Request, Response};

use super::answer;
use super::host::{self, Place};
use super::jwt::Issuers;
use super::{http as http_api, rest};
use crate::store::{self, Apis, HTTP, REST};

/// The stages of all APIs of a cloud, as sites.
#[derive(Debug, Clone)]
pub struct Stages(Arc<Planes>);

/// What all requests share.
#[derive(Debug)]
struct Planes {
    http: http_api::Serving,
    rest: rest::Serving,
}

impl Stages {
    /// The data plane. `issuers` lead to the keys of token issuers within this cloud, such as user
    /// pools.
    pub fn new(issuers: Vec<Arc<dyn Sites>>) -> Arc<Self> {
        let issuers = Arc::new(Issuers::new(issuers));
        let http = http_api::Serving::new(Arc::clone(&issuers));
        Arc::new(Self(Arc::new(Planes { http, rest: rest::Serving::new(issuers) })))
    }
}

impl Sites for Stages {
    fn find(&self, host: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        let place = host::find(host, path)?;
        let cut = place.cut;
        Some((Arc::new(Execute { planes: Arc::clone(&self.0), place }), cut))
    }

    fn listed_under(&self) -> Vec<Key> {
        vec![store::names_prefix()]
    }

    fn hosts<'a>(&'a self, read: &'a Snapshot, most: usize) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let listed = store::names(read, most).await?;
            let host = |(api, owner): (String, Owner)| {
                format!("{api}.execute-api.{}.{LOCAL_DOMAIN}", owner.region)
            };
            Ok(listed.into_iter().map(host).collect())
        })
    }
}

struct Execute {
    planes: Arc<Planes>,
    place: Place,
}

impl Site for Execute {
    fn signing_name(&self) -> Option<&'static str> {
        Some("execute-api")
    }

    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let owner = match store::owner(&cx.store().snapshot(), &self.place.api).await {
                Ok(owner) => owner,
                Err(error) => {
                    tracing::error!(%error, "an API's owner cannot be read");
                    return answer::message(500, "Internal Server Error");
                }
            };
            // A host that names no API: AWS has no such name, so whoever gets here is refused.
            let found = owner.and_then(|owner| Some((Apis::of(&owner)?, owner)));
            let Some((apis, owner)) = found else {
                return answer::message(403, "Forbidden");
            };
            let (Ok(account), Ok(region)) = (owner.account.parse(), owner.region.parse()) else {
                return answer::message(500, "Internal Server Error");
            };
            let cx = cx.in_account(account).in_region(region);
            match owner.resource.as_str() {
                REST => rest::serve(&self.planes.rest, &cx, apis, &self.place, request).await,
                HTTP => http_api::serve(&self.planes.http, &cx, apis, &self.place, request).await,
                _ => answer::message(403, "Forbidden"),
            }
        })
    }
}

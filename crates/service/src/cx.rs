//! The context of one request.

use std::net::IpAddr;
use std::sync::Arc;

use cumulet_base::{AccountId, Arn, Body, Ids, Limits, Region, Timestamp};
use cumulet_shape::Operation;
use cumulet_store::{Blobs, Sealer, Store, Watch};
use http::{Request, Response};

use crate::attempt::Attempt;
use crate::{Access, Cloud, Error, FetchError, LogLine, Principal, Result};

/// Who asks, for which account and region, and everything a handler may use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cx {
    cloud: Arc<Cloud>,
    principal: Arc<Principal>,
    account: AccountId,
    region: Region,
    request: Arc<RequestInfo>,
    /// How many services this request has passed through in-process.
    hops: u8,
    /// Whether a service took on the principal itself, with a role that was passed to it.
    taken_on: bool,
    /// Whether a service handed the request on, still as who made it.
    forwarded: bool,
    /// The step of a stack's operation that this is part of.
    attempt: Attempt,
    /// The services that act for the principal, each through the next.
    via: Arc<[&'static str]>,
}

/// What is known of the request that began it all.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The id that the answer carries.
    pub id: String,
    /// When it came.
    pub received: Timestamp,
    /// Where it came from; `None` for work of this cloud's own.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// The version of that: `1.2` or `1.3`.
    pub tls_version: Option<&'static str>,
    /// How it was signed, which was verified.
    pub signed: Option<Signed>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// Its `Referer`.
    pub referer: Option<String>,
    /// The base of this cloud's URLs as the caller reached it: `http://127.0.0.1:4566`.
    pub endpoint: String,
}

/// How a request was signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The algorithm's name on the wire: `AWS4-HMAC-SHA256`.
    pub algorithm: &'static str,
    /// Whether in its query: a presigned URL.
    pub presigned: bool,
    /// When.
    pub at: Timestamp,
    /// `x-amz-content-sha256`, as it was sent.
    pub content_sha256: Option<String>,
}

impl RequestInfo {
    /// Work of this cloud's own.
    pub fn internal(id: String, received: Timestamp) -> Self {
        Self {
            id,
            received,
            source_ip: None,
            secure: true,
            tls_version: None,
            signed: None,
            user_agent: None,
            referer: None,
            endpoint: String::new(),
        }
    }
}

impl Cx {
    /// A context; the gateway makes one a request.
    pub fn new(
        cloud: Arc<Cloud>,
        principal: Arc<Principal>,
        account: AccountId,
        region: Region,
        request: Arc<RequestInfo>,
    ) -> Self {
        Self {
            cloud,
            principal,
            account,
            region,
            request,
            hops: 0,
            taken_on: false,
            forwarded: false,
            attempt: Attempt::default(),
            via: Arc::default(),
        }
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The account that the request is for.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The region that the request is for.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The request that began it.
    pub fn request(&self) -> &RequestInfo {
        &self.request
    }

    /// The moment it is now, by the cloud's clock.
    pub fn now(&self) -> Timestamp {
        self.cloud.parts().clock.now()
    }

    /// Randomness.
    pub fn ids(&self) -> &dyn Ids {
        self.cloud.parts().ids.as_ref()
    }

    /// The data.
    pub fn store(&self) -> &Store {
        &self.cloud.parts().store
    }

    /// Large values, as files.
    pub fn blobs(&self) -> &Blobs {
        &self.cloud.parts().blobs
    }

    /// Seals and opens secrets.
    pub fn sealer(&self) -> &Sealer {
        &self.cloud.parts().sealer
    }

    /// Bounds.
    pub fn limits(&self) -> &Limits {
        &self.cloud.parts().limits
    }

    /// The cloud.
    pub fn cloud(&self) -> &Arc<Cloud> {
        &self.cloud
    }

    /// Writes a line to a log stream: never waits, never fails ([`crate::Telemetry::emit`]).
    pub fn emit(&self, line: LogLine) {
        if let Some(telemetry) = self.cloud.telemetry() {
            telemetry.emit(line);
        }
    }

    /// The same request as somebody else, in his account.
    #[must_use]
    pub fn acting_as(&self, principal: Principal) -> Self {
        let account = principal.account().unwrap_or_else(|| self.account.clone());
        let principal = Arc::new(principal);
        let via = Arc::default();
        Self { principal, account, taken_on: true, forwarded: false, via, ..self.clone() }
    }

    /// Whether a service made this call as the one who had called it: `aws:ViaAWSService`. Not so
    /// where the service acts as itself or as a role that was passed to it.
    pub fn is_forwarded(&self) -> bool {
        self.forwarded
    }

    /// The same request, which a service makes for the principal with his own credentials.
    #[must_use]
    pub fn via(&self, service: &'static str) -> Self {
        if self.via.last() == Some(&service) {
            return self.clone();
        }
        let via = self.via.iter().copied().chain([service]).collect();
        Self { via, forwarded: !self.taken_on, ..self.clone() }
    }

    /// The services that have made requests for the principal, first to last: `aws:CalledVia`.
    pub fn called_via(&self) -> &[&'static str] {
        if self.forwarded { &self.via } else { &[] }
    }

    /// How the request was signed; `None` for what a service makes of it, and for nobody's.
    pub fn signed(&self) -> Option<&Signed> {
        self.request.signed.as_ref().filter(|_| self.hops == 0)
    }

    /// The same request for another region.
    #[must_use]
    pub fn in_region(&self, region: Region) -> Self {
        Self { region, ..self.clone() }
    }

    /// The same request for another account.
    #[must_use]
    pub fn in_account(&self, account: AccountId) -> Self {
        Self { account, ..self.clone() }
    }

    pub(crate) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub(crate) fn with_attempt(&self, attempt: Attempt) -> Self {
        Self { attempt, ..self.clone() }
    }

    /// The same context for a request that came of this one.
    #[must_use]
    pub fn with_request(&self, request: RequestInfo) -> Self {
        Self { request: Arc::new(request), ..self.clone() }
    }

    /// `Ok` when the principal may do this.
    pub async fn authorize(&self, access: &Access) -> Result<()> {
        self.cloud.parts().authorizer.authorize(self, access).await
    }

    /// Whether the principal may do this, for operations that answer per entry.
    pub async fn allows(&self, access: &Access) -> Result<bool> {
        match self.authorize(access).await {
            Ok(()) => Ok(true),
            Err(error) if error.status < 500 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Calls an operation of any service as this context's principal: the one door.
    pub async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let hops = self.hops + 1;
        if hops > self.limits().hops {
            return Err(Error::internal(format!("{hops} services deep: a loop?")));
        }
        let inner = Self {
            hops,
            taken_on: false,
            forwarded: !self.taken_on,
            attempt: self.attempt.called(),
            ..self.clone()
        };
        let output = self.cloud.registry().accept::<O>(input)?.run(inner).await?;
        let typed = output.into_any().downcast::<O::Output>();
        typed.map(|output| *output).map_err(|_| Error::internal("an output of another type"))
    }

    /// Wakes whenever there is more to read of the stream called `arn`: costs nothing while there
    /// is not. `None` where no service here has such streams. It gives no leave to read.
    pub fn watch(&self, arn: &Arn) -> Option<Watch> {
        let services = self.cloud.registry().services();
        let feed = services.iter().find_map(|service| service.feed(arn))?;
        Some(self.store().watch(&feed))
    }

    /// Sends a request to the absolute URL in it, as `principal`: the one door of HTTP. Sites of
    /// this cloud are visited within this process, `Limits::hops` deep at most.
    pub async fn fetch(
        &self,
        request: Request<Body>,
        principal: Principal,
    ) -> Result<Response<Body>, FetchError> {
        let hops = self.hops + 1;
        if hops > self.limits().hops {
            return Err(FetchError::Loop(hops));
        }
        let no_way = || FetchError::Unreachable("this cloud has no way to sites".to_owned());
        let fetch = self.cloud.fetch().ok_or_else(no_way)?;
        fetch.fetch(Self { hops, ..self.acting_as(principal) }, request).await
    }
}

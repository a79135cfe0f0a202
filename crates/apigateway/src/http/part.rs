//! Routes, integrations, authorizers and deployments: parts of an API that are made, shown, changed
//! and removed alike.
//!
//! Promises: a part exists as long as its API; every change is in the deployment of the stages that
//! deploy by themselves when it is answered.
//! Refuses: what [`Part::check`] of the kind refuses, and more parts than AWS allows.

use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_shape::{Operation, Shape};
use cumulet_store::{Read, Record, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::deployment;
use super::model::{
    ApiRecord, AuthorizerRecord, DeploymentRecord, IntegrationRecord, RouteRecord, StageRecord,
};
use crate::carry;
use crate::error::Error;
use crate::execute::routing::RouteKey;
use crate::store::{self, Apis, HTTP};

/// Entries that a list shows where no number is asked for, and at most.
const PAGE: usize = 300;

/// A kind of part.
pub(crate) trait Part: Record + Serialize + DeserializeOwned + Sync + 'static {
    /// In keys and messages.
    const KIND: &'static str;
    /// The member that holds its id.
    const ID: &'static str;
    /// How many an API has at most ("Quotas for HTTP APIs").
    const MOST: usize;

    /// What makes it wrong, beside the parts that the API has.
    fn check(&self, of: &Keys, tx: &Tx) -> impl Future<Output = Result<(), Error>> + Send;

    /// What it has where the caller says nothing.
    fn fill(&mut self) {}

    /// Whether it may be removed.
    fn removable(&self, _of: &Keys, _tx: &Tx) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}

/// The keys of one API.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) apis: Apis,
    pub(crate) api: String,
}

impl Keys {
    /// Those of the API that a request names.
    pub(crate) fn of(cx: &Cx, members: &Map<String, Value>) -> Self {
        let api = carry::text(members, "apiId").unwrap_or_default().to_owned();
        Self { apis: Apis::own(cx, HTTP), api }
    }

    pub(crate) async fn load(&self, read: &impl Read) -> Result<ApiRecord, Error> {
        let record = read.get_record(&self.apis.api(&self.api)).await?;
        record.ok_or_else(|| Error::no("API", &self.api))
    }

    pub(crate) async fn part<P: Part>(&self, read: &impl Read, id: &str) -> Result<P, Error> {
        let record = read.get_record(&self.apis.part(&self.api, P::KIND, id)).await?;
        record.ok_or_else(|| Error::no(&capitalised(P::KIND), id))
    }

    pub(crate) async fn parts<P: Part>(&self, read: &impl Read) -> Result<Vec<P>, Error> {
        Ok(store::all(read, self.apis.parts(&self.api, P::KIND), P::MOST + 1).await?)
    }

    pub(crate) async fn stages(&self, read: &impl Read) -> Result<Vec<StageRecord>, Error> {
        Ok(store::all(read, self.apis.parts(&self.api, "stage"), PAGE).await?)
    }

    pub(crate) fn stage(&self, name: &str) -> cumulet_store::Key {
        self.apis.part(&self.api, "stage", name)
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(crate) async fn create<O: Operation, P: Part>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let mut members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let id = store::id(cx.ids(), 7);
    members.insert(P::ID.to_owned(), Value::String(id.clone()));
    let mut part: P = carry::record(members)?;
    part.fill();
    let deploy = deployment::Draft::new(cx);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            if keys.parts::<P>(&tx).await?.len() >= P::MOST {
                let words = format!("An API has at most {} {}s.", P::MOST, P::KIND);
                return Err(Error::BadRequest(words));
            }
            part.check(&keys, &tx).await?;
            tx.put_record(keys.apis.part(&keys.api, P::KIND, &id), &part);
            cx.note_made(&tx, &id);
            deploy.where_automatic(&keys, &tx).await
        })
        .await?;
    carry::shape(&part)
}

pub(crate) async fn get<O: Operation, P: Part>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let id = carry::text(&members, P::ID).unwrap_or_default();
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    carry::shape(&keys.part::<P>(&snapshot, id).await?)
}

pub(crate) async fn list<O: Operation, P: Part>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    page(&members, &keys.parts::<P>(&snapshot).await?)
}

/// The page of `all` that a request asks for. A token is the number of entries before it.
pub(crate) fn page<S: Shape, R: Serialize>(
    members: &Map<String, Value>,
    all: &[R],
) -> ServiceResult<S> {
    let number = |name: &str| carry::text(members, name).map(str::parse::<usize>).transpose();
    let from = number("nextToken").map_err(|_| Error::bad("Invalid next token"))?.unwrap_or(0);
    let most = number("maxResults").map_err(|_| Error::bad("Invalid max results"))?;
    let most = most.unwrap_or(PAGE).clamp(1, PAGE);
    let items = all.get(from..).unwrap_or_default();
    let rest = items.len() > most;
    let items = items.get(..most.min(items.len())).unwrap_or_default();
    let token = rest.then(|| (from + most).to_string());
    carry::shape(&json!({ "items": items, "nextToken": token }))
}

pub(crate) async fn update<O: Operation, P: Part>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let id = carry::text(&members, P::ID).unwrap_or_default();
    let keys = Keys::of(cx, &members);
    let deploy = deployment::Draft::new(cx);
    let part = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let part: P = carry::changed(&keys.part::<P>(&tx, id).await?, members.clone())?;
            part.check(&keys, &tx).await?;
            tx.put_record(keys.apis.part(&keys.api, P::KIND, id), &part);
            deploy.where_automatic(&keys, &tx).await?;
            Ok::<_, Error>(part)
        })
        .await?;
    carry::shape(&part)
}

pub(crate) async fn delete<O: Operation, P: Part>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let id = carry::text(&members, P::ID).unwrap_or_default();
    let keys = Keys::of(cx, &members);
    let deploy = deployment::Draft::new(cx);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<P>(&tx, id).await?.removable(&keys, &tx).await?;
            tx.delete(keys.apis.part(&keys.api, P::KIND, id));
            deploy.where_automatic(&keys, &tx).await
        })
        .await?;
    carry::shape(&json!({}))
}

impl Part for RouteRecord {
    const KIND: &'static str = "route";
    const ID: &'static str = "routeId";
    const MOST: usize = 300;

    fn fill(&mut self) {
        self.authorization_type.get_or_insert_with(|| "NONE".to_owned());
        self.api_key_required.get_or_insert(false);
    }

    async fn check(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        if RouteKey::parse(&self.route_key).is_none() {
            return Err(Error::bad(
                "The provided route key is not formatted properly for HTTP protocol. Format should \
                 be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"",
            ));
        }
        let others = of.parts::<Self>(tx).await?;
        if others.iter().any(|o| o.route_key == self.route_key && o.route_id != self.route_id) {
            let words = format!("Route with key {} already exists for this API", self.route_key);
            return Err(Error::Conflict(words));
        }
        if let Some(target) = &self.target {
            let id = target.strip_prefix("integrations/").ok_or_else(|| {
                Error::bad("The target must have the form integrations/<integration id>")
            })?;
            of.part::<IntegrationRecord>(tx, id).await?;
        }
        match (self.authorization_type.as_deref(), &self.authorizer_id) {
            (Some("JWT"), Some(id)) => of.part::<AuthorizerRecord>(tx, id).await.map(drop),
            (Some("JWT"), None) => Err(Error::bad("An authorizer id is required for JWT.")),
            (Some("CUSTOM"), _) => Err(Error::NotHere("Lambda authorizers of HTTP APIs")),
            _ => Ok(()),
        }
    }
}

impl Part for IntegrationRecord {
    const KIND: &'static str = "integration";
    const ID: &'static str = "integrationId";
    const MOST: usize = 300;

    fn fill(&mut self) {
        self.timeout_in_millis.get_or_insert(30_000);
        self.payload_format_version.get_or_insert_with(|| "1.0".to_owned());
        self.connection_type.get_or_insert_with(|| "INTERNET".to_owned());
    }

    async fn check(&self, _: &Keys, _: &Tx) -> Result<(), Error> {
        if self.integration_type != "AWS_PROXY" {
            return Err(Error::NotHere("integrations of HTTP APIs other than AWS_PROXY"));
        }
        let uri = self.integration_uri.as_deref().unwrap_or_default();
        if crate::execute::invoke::function_of(uri).is_none() {
            return Err(Error::bad("The integration URI must be the ARN of a Lambda function."));
        }
        match self.payload_format_version.as_deref() {
            Some("1.0" | "2.0") => Ok(()),
            _ => Err(Error::bad("PayloadFormatVersion must be 1.0 or 2.0.")),
        }
    }

    async fn removable(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        let target = format!("integrations/{}", self.integration_id);
        let routes = of.parts::<RouteRecord>(tx).await?;
        match routes.iter().find(|route| route.target.as_ref() == Some(&target)) {
            Some(route) => Err(Error::Conflict(format!(
                "Cannot delete Integration '{}' due to dependency: Route '{}'.",
                self.integration_id, route.route_id
            ))),
            None => Ok(()),
        }
    }
}

impl Part for AuthorizerRecord {
    const KIND: &'static str = "authorizer";
    const ID: &'static str = "authorizerId";
    const MOST: usize = 10;

    async fn check(&self, _: &Keys, _: &Tx) -> Result<(), Error> {
        if self.authorizer_type != "JWT" {
            return Err(Error::NotHere("Lambda authorizers of HTTP APIs"));
        }
        let jwt = self.jwt_configuration.clone().unwrap_or_default();
        if jwt.issuer.is_none() || jwt.audience.is_none_or(|audience| audience.is_empty()) {
            return Err(Error::bad("A JWT authorizer needs an issuer and an audience."));
        }
        match self.identity_source.as_deref() {
            Some([one])
                if one.starts_with("$request.header.")
                    || one.starts_with("$request.querystring.") =>
            {
                Ok(())
            }
            _ => Err(Error::bad(
                "A JWT authorizer has one identity source, such as $request.header.Authorization.",
            )),
        }
    }
}

impl Part for DeploymentRecord {
    const KIND: &'static str = "deployment";
    const ID: &'static str = "deploymentId";
    const MOST: usize = 1000;

    async fn check(&self, _: &Keys, _: &Tx) -> Result<(), Error> {
        Ok(())
    }
}

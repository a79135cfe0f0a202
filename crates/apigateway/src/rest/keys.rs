//! One API's records: where they lie, and how they are read.

use cumulet_service::Cx;
use cumulet_store::{Key, Read, Record, Tx};
use serde_json::{Map, Value};

use super::model::{
    ApiRecord, AuthorizerRecord, DeploymentRecord, GatewayResponseRecord, ModelRecord,
    ResourceRecord, Snapshot, StageRecord, ValidatorRecord,
};
use crate::carry;
use crate::error::Error;
use crate::store::{self, Apis, REST};

/// A kind of record that belongs to an API.
pub(crate) trait Part: Record + Sync + 'static {
    /// In keys.
    const KIND: &'static str;
    /// In messages: `Invalid … identifier specified`.
    const NAMED: &'static str;
    /// How many an API has at most ("Quotas for configuring and running a REST API").
    const MOST: usize;

    /// What its key ends in.
    fn key(&self) -> &str;
}

macro_rules! parts {
    ($($record:ty, $kind:literal, $named:literal, $most:literal, $key:ident;)*) => {$(
        impl Part for $record {
            const KIND: &'static str = $kind;
            const NAMED: &'static str = $named;
            const MOST: usize = $most;

            fn key(&self) -> &str {
                &self.$key
            }
        }
    )*};
}

parts! {
    ResourceRecord, "resource", "Resource", 300, id;
    AuthorizerRecord, "authorizer", "Authorizer", 10, id;
    ValidatorRecord, "validator", "Request Validator", 300, id;
    ModelRecord, "model", "Model", 300, name;
    GatewayResponseRecord, "gatewayresponse", "Gateway Response", 30, response_type;
    StageRecord, "stage", "stage", 10, stage_name;
    DeploymentRecord, "deployment", "Deployment", 1000, id;
}

/// The keys of one API.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) apis: Apis,
    pub(crate) api: String,
}

impl Keys {
    pub(crate) fn new(cx: &Cx, api: &str) -> Self {
        Self { apis: Apis::own(cx, REST), api: api.to_owned() }
    }

    /// Those of the API that a request names.
    pub(crate) fn of(cx: &Cx, members: &Map<String, Value>) -> Self {
        Self::new(cx, carry::text(members, "restapi_id").unwrap_or_default())
    }

    pub(crate) async fn load(&self, read: &impl Read) -> Result<ApiRecord, Error> {
        let record = read.get_record(&self.apis.api(&self.api)).await?;
        let gone = || format!("Invalid API identifier specified {}", self.apis.named(&self.api));
        record.ok_or_else(|| Error::NotFound(gone()))
    }

    pub(crate) fn save(&self, tx: &Tx, api: &ApiRecord) {
        tx.put_record(self.apis.api(&self.api), api);
    }

    pub(crate) fn key<P: Part>(&self, id: &str) -> Key {
        self.apis.part(&self.api, P::KIND, id)
    }

    pub(crate) async fn find<P: Part>(
        &self,
        read: &impl Read,
        id: &str,
    ) -> Result<Option<P>, Error> {
        Ok(read.get_record(&self.key::<P>(id)).await?)
    }

    pub(crate) async fn part<P: Part>(&self, read: &impl Read, id: &str) -> Result<P, Error> {
        let gone = || Error::NotFound(format!("Invalid {} identifier specified", P::NAMED));
        self.find(read, id).await?.ok_or_else(gone)
    }

    pub(crate) async fn parts<P: Part>(&self, read: &impl Read) -> Result<Vec<P>, Error> {
        Ok(store::all(read, self.apis.parts(&self.api, P::KIND), P::MOST + 1).await?)
    }

    pub(crate) fn put<P: Part>(&self, tx: &Tx, part: &P) {
        tx.put_record(self.key::<P>(part.key()), part);
    }

    /// Puts one more, where the API may have one more.
    pub(crate) async fn add<P: Part>(&self, tx: &Tx, part: &P) -> Result<(), Error> {
        if self.parts::<P>(tx).await?.len() >= P::MOST {
            let words = format!("An API has at most {} of the kind {}.", P::MOST, P::NAMED);
            return Err(Error::BadRequest(words));
        }
        self.put(tx, part);
        Ok(())
    }

    pub(crate) fn drop<P: Part>(&self, tx: &Tx, id: &str) {
        tx.delete(self.key::<P>(id));
    }

    /// Where what a deployment serves lies: apart from it, for it may be large.
    pub(crate) fn snapshot(&self, deployment: &str) -> Key {
        self.apis.part(&self.api, "snapshot", deployment)
    }

    pub(crate) async fn deployed(
        &self,
        read: &impl Read,
        deployment: &str,
    ) -> Result<Snapshot, Error> {
        let snapshot = read.get_record(&self.snapshot(deployment)).await?;
        snapshot.ok_or_else(|| Error::Broken(format!("deployment {deployment} is not there")))
    }

    /// All that a deployment would serve, as it is now.
    pub(crate) async fn take_snapshot(&self, read: &impl Read) -> Result<Snapshot, Error> {
        let api = self.load(read).await?;
        Ok(Snapshot {
            resources: self.parts(read).await?,
            authorizers: self.parts(read).await?,
            validators: self.parts(read).await?,
            models: self.parts(read).await?,
            gateway_responses: self.parts(read).await?,
            binary_media_types: api.binary_media_types.unwrap_or_default(),
            policy: api.policy,
        })
    }
}

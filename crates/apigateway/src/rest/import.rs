//! ImportRestApi and PutRestApi: a REST API of an OpenAPI document.
//!
//! Promises: overwritten, the API has exactly the document's resources, methods, authorizers,
//! validators, models and gateway responses, all at once; merged, those beside what it has. The
//! resources that stay keep their ids, as do authorizers and validators of the same name. Stages
//! serve it when it is deployed.
//! Refuses: documents that are no OpenAPI, what a method or authorizer of its own would be refused
//! for, and with `failonwarnings` what could not be taken over.

use std::collections::BTreeMap;

use cumulet_api_apigateway::ops::{ImportRestApiRequest, PutRestApiRequest};
use cumulet_api_apigateway::types::{PutMode, RestApi};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Tx;

use super::api;
use super::keys::{Keys, Part};
use super::model::{ApiRecord, AuthorizerRecord, ResourceRecord, ValidatorRecord};
use super::openapi::{self, Document};
use super::part::Named;
use super::{method, resource};
use crate::carry;
use crate::error::Error;
use crate::store;

/// A document on its way into an API, with ids for what may be new. They are drawn outside the
/// transaction, which may run several times.
struct Import {
    document: Document,
    /// By path, for each path of the document and all above it.
    ids: BTreeMap<String, String>,
    /// Whether what the document does not have goes.
    overwrite: bool,
}

impl Import {
    fn read(
        cx: &Cx,
        body: &[u8],
        parameters: Option<&BTreeMap<String, String>>,
        fail_on_warnings: Option<bool>,
    ) -> Result<Self, Error> {
        let base = parameters.and_then(|all| all.get("basepath")).map_or("", String::as_str);
        let document = openapi::read(body, base, cx.ids())?;
        if fail_on_warnings == Some(true) && !document.warnings.is_empty() {
            let words = document.warnings.join(" ");
            return Err(Error::BadRequest(format!("Warnings found during import: {words}")));
        }
        let mut ids = BTreeMap::new();
        for path in document.methods.keys() {
            for above in lineage(path) {
                ids.entry(above).or_insert_with(|| store::id(cx.ids(), 6));
            }
        }
        Ok(Self { document, ids, overwrite: true })
    }

    /// What the document says of the API itself. What it does not say stays.
    fn fill(&self, api: &mut ApiRecord) {
        let Document { title, version, description, .. } = &self.document;
        let taken = |own: &mut Option<String>, said: &Option<String>| {
            if said.is_some() {
                own.clone_from(said);
            }
        };
        if let Some(title) = title {
            title.clone_into(&mut api.name);
        }
        taken(&mut api.version, version);
        taken(&mut api.description, description);
        taken(&mut api.policy, &self.document.policy);
        taken(&mut api.api_key_source, &self.document.api_key_source);
        if let Some(types) = &self.document.binary_media_types {
            api.binary_media_types = Some(types.clone());
        }
        if let Some(size) = self.document.minimum_compression_size {
            api.minimum_compression_size = Some(size);
        }
        if let Some(endpoint) = &self.document.endpoint {
            api.endpoint_configuration = endpoint.clone();
        }
        if let Some(disabled) = self.document.disable_execute_api_endpoint {
            api.disable_execute_api_endpoint = Some(disabled);
        }
        api.tags.extend(self.document.tags.clone());
        api::fill(api);
    }

    /// Puts the document's parts beside those that are there, or in their place.
    async fn put(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        let mut ids =
            self.put_named::<AuthorizerRecord>(of, tx, &self.document.authorizers).await?;
        ids.extend(self.put_named::<ValidatorRecord>(of, tx, &self.document.validators).await?);
        self.put_all(of, tx, &self.document.models).await?;
        self.put_all(of, tx, &self.document.gateway_responses).await?;
        self.put_resources(of, tx, &ids).await
    }

    async fn put_all<P: Part>(&self, of: &Keys, tx: &Tx, parts: &[P]) -> Result<(), Error> {
        if self.overwrite {
            tx.delete_range(&of.apis.parts(&of.api, P::KIND).prefix()).await?;
        }
        for part in parts {
            of.put(tx, part);
        }
        let count = of.parts::<P>(tx).await?.len();
        if count > P::MOST {
            let words = format!("An API has at most {} of the kind {}.", P::MOST, P::NAMED);
            return Err(Error::BadRequest(words));
        }
        Ok(())
    }

    /// Puts parts that have ids; gives the ids that stay, by those that the document's have got.
    async fn put_named<P: Named + Clone>(
        &self,
        of: &Keys,
        tx: &Tx,
        parts: &[P],
    ) -> Result<BTreeMap<String, String>, Error> {
        let there: Vec<P> = of.parts(tx).await?;
        let (mut ids, mut renamed) = (BTreeMap::new(), Vec::with_capacity(parts.len()));
        for part in parts {
            let mut part = part.clone();
            if let Some(before) = there.iter().find(|before| before.name() == part.name()) {
                ids.insert(part.key().to_owned(), before.key().to_owned());
                part.fill(before.key().to_owned());
            }
            part.check()?;
            renamed.push(part);
        }
        self.put_all(of, tx, &renamed).await?;
        Ok(ids)
    }

    async fn put_resources(
        &self,
        of: &Keys,
        tx: &Tx,
        ids: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let there: Vec<ResourceRecord> = of.parts(tx).await?;
        let by_path: BTreeMap<&str, &ResourceRecord> =
            there.iter().map(|one| (one.path.as_str(), one)).collect();
        let id_of = |path: &str| match by_path.get(path) {
            Some(there) => there.id.clone(),
            None => self.ids.get(path).cloned().unwrap_or_default(),
        };
        if self.overwrite {
            for gone in there.iter().filter(|one| one.parent_id.is_some()) {
                of.drop::<ResourceRecord>(tx, &gone.id);
            }
        }
        let mut all = if self.overwrite { Vec::new() } else { there.clone() };
        let root = "/".to_owned();
        for path in std::iter::once(&root).chain(self.ids.keys().filter(|path| **path != root)) {
            let before = by_path.get(path.as_str()).filter(|_| !self.overwrite);
            let mut resource = before.map(|one| (*one).clone()).unwrap_or_default();
            resource.id = id_of(path);
            resource.path.clone_from(path);
            if let Some((above, part)) = path.rsplit_once('/').filter(|(_, part)| !part.is_empty())
            {
                resource.parent_id = Some(id_of(if above.is_empty() { "/" } else { above }));
                resource.path_part = Some(part.to_owned());
                resource::check(&resource, &all)?;
            }
            let methods = self.document.methods.get(path).into_iter().flatten();
            for (name, method) in methods {
                let mut method = method.clone();
                let stays = |id: &mut Option<String>| {
                    if let Some(before) = id.as_ref().and_then(|id| ids.get(id)) {
                        *id = Some(before.clone());
                    }
                };
                stays(&mut method.authorizer_id);
                stays(&mut method.request_validator_id);
                method::check(of, tx, &method).await?;
                if let Some(integration) = &mut method.method_integration {
                    integration.fill(&resource.id);
                }
                resource.resource_methods.insert(name.clone(), method);
            }
            of.put(tx, &resource);
            all.retain(|one| one.id != resource.id);
            all.push(resource);
        }
        if all.len() > ResourceRecord::MOST {
            let words = format!("An API has at most {} resources.", ResourceRecord::MOST);
            return Err(Error::BadRequest(words));
        }
        Ok(())
    }
}

/// A path and all above it, the root first: `/`, `/pets`, `/pets/{id}`.
fn lineage(path: &str) -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = format!("{at}/{part}");
        all.push(at.clone());
    }
    all
}

/// The API as it is shown, with what of the document was left out.
fn shown(api: ApiRecord, warnings: &[String]) -> ServiceResult<RestApi> {
    let warnings = (!warnings.is_empty()).then(|| warnings.to_vec());
    carry::shape(&ApiRecord { warnings, ..api })
}

pub(crate) async fn import(cx: &Cx, input: ImportRestApiRequest) -> ServiceResult<RestApi> {
    let parameters = input.parameters.as_ref();
    let import = Import::read(cx, &input.body, parameters, input.fail_on_warnings)?;
    let (mut api, root) = api::new_record(cx);
    import.fill(&mut api);
    // As the parameter that CloudFormation hands on.
    if let Some(kind) = parameters.and_then(|all| all.get("endpointConfigurationTypes")) {
        api.endpoint_configuration.types = vec![kind.clone()];
    }
    api::check(cx, &api)?;
    let keys = Keys::new(cx, &api.id);
    cx.store()
        .transact(async |tx| {
            api::put_new(&keys, &tx, &api, &root).await?;
            cx.note_made(&tx, &api.id);
            import.put(&keys, &tx).await
        })
        .await?;
    shown(api, &import.document.warnings)
}

pub(crate) async fn put(cx: &Cx, input: PutRestApiRequest) -> ServiceResult<RestApi> {
    let parameters = input.parameters.as_ref();
    let import = Import::read(cx, &input.body, parameters, input.fail_on_warnings)?;
    // "Merge is the default."
    let import = Import { overwrite: input.mode == Some(PutMode::Overwrite), ..import };
    let keys = Keys::new(cx, &input.rest_api_id);
    let api = cx
        .store()
        .transact(async |tx| {
            let mut api = keys.load(&tx).await?;
            import.fill(&mut api);
            api::check(cx, &api)?;
            keys.save(&tx, &api);
            import.put(&keys, &tx).await?;
            Ok::<_, Error>(api)
        })
        .await?;
    shown(api, &import.document.warnings)
}

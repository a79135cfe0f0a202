//! ImportApi and ReimportApi: an HTTP API of an OpenAPI 3 document.
//!
//! Promises: the API has exactly the document's routes, AWS_PROXY integrations, JWT authorizers and
//! CORS settings, all at once; stages that deploy by themselves serve them.
//! Refuses: documents that are no OpenAPI 3, and what a route or authorizer of its own would be
//! refused for.
//! Not here: `basepath`, and integrations that are only referred to (`$ref`).

use std::collections::BTreeMap;

use cumulet_api_apigatewayv2::ops::{
    ImportApiRequest, ImportApiResponse, ReimportApiRequest, ReimportApiResponse,
};
use cumulet_base::Ids;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::{Record, Tx};
use serde_json::{Value, json};

use super::api;
use super::deployment::Draft;
use super::model::{ApiRecord, AuthorizerRecord, Cors, IntegrationRecord, RouteRecord};
use super::part::{Keys, Part};
use crate::carry;
use crate::error::Error;
use crate::store::{self, Apis, HTTP};

/// "The OpenAPI file size": 6 MB.
const MOST_BYTES: usize = 6 << 20;
/// Levels of a document; schemas are deep.
const DEPTH: usize = 128;
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";

/// What a document says.
#[derive(Debug, Default)]
struct Imported {
    name: String,
    version: Option<String>,
    description: Option<String>,
    cors: Option<Cors>,
    tags: BTreeMap<String, String>,
    integrations: Vec<IntegrationRecord>,
    authorizers: Vec<AuthorizerRecord>,
    routes: Vec<RouteRecord>,
}

impl Imported {
    fn read(body: &str, ids: &dyn Ids) -> Result<Self, Error> {
        let wrong = |words: &str| Error::BadRequest(format!("Unable to import: {words}"));
        if body.len() > MOST_BYTES {
            return Err(wrong("the document has more than 6 MB."));
        }
        let document = cumulet_wire::json::document(body.as_bytes(), DEPTH)
            .map_err(|_| wrong("the document is not JSON."))?;
        if !text(&document, "openapi").is_some_and(|version| version.starts_with("3.")) {
            return Err(wrong("the document is not OpenAPI 3."));
        }
        let info = document.get("info").cloned().unwrap_or_default();
        let mut imported = Self {
            name: text(&info, "title").ok_or_else(|| wrong("info.title is missing."))?,
            version: text(&info, "version"),
            description: text(&info, "description"),
            ..Self::default()
        };
        if let Some(cors) = document.get("x-amazon-apigateway-cors") {
            let read = serde_json::from_value(cors.clone());
            imported.cors = Some(read.map_err(|_| wrong("the CORS settings are malformed."))?);
        }
        for tag in document.get("tags").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(name), Some(value)) =
                (text(tag, "name"), text(tag, "x-amazon-apigateway-tag-value"))
            {
                imported.tags.insert(name, value);
            }
        }
        let schemes = document.pointer("/components/securitySchemes").and_then(Value::as_object);
        for (name, scheme) in schemes.into_iter().flatten() {
            if let Some(details) = scheme.get(AUTHORIZER) {
                imported.authorizers.push(authorizer(name, details, ids)?);
            }
        }
        for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                imported.add_route(path, method, operation, ids)?;
            }
        }
        Ok(imported)
    }

    fn add_route(
        &mut self,
        path: &str,
        method: &str,
        operation: &Value,
        ids: &dyn Ids,
    ) -> Result<(), Error> {
        let route_key = match method {
            _ if path == "/$default" || path == "$default" => "$default".to_owned(),
            "x-amazon-apigateway-any-method" => format!("ANY {path}"),
            "get" | "put" | "post" | "delete" | "options" | "head" | "patch" => {
                format!("{} {path}", method.to_uppercase())
            }
            // `parameters`, `summary` and kin describe the path.
            _ => return Ok(()),
        };
        let mut route = RouteRecord {
            route_id: store::id(ids, 7),
            route_key,
            operation_name: text(operation, "operationId"),
            ..RouteRecord::default()
        };
        if let Some(details) = operation.get(INTEGRATION) {
            let mut integration = IntegrationRecord {
                integration_id: store::id(ids, 7),
                integration_type: text(details, "type").unwrap_or_default().to_uppercase(),
                integration_uri: text(details, "uri"),
                integration_method: text(details, "httpMethod"),
                payload_format_version: text(details, "payloadFormatVersion"),
                timeout_in_millis: details.get("timeoutInMillis").and_then(Value::as_u64),
                ..IntegrationRecord::default()
            };
            integration.fill();
            route.target = Some(format!("integrations/{}", integration.integration_id));
            self.integrations.push(integration);
        }
        let security = operation.pointer("/security/0").and_then(Value::as_object);
        if let Some((name, scopes)) = security.and_then(|security| security.iter().next()) {
            let known = self.authorizers.iter().find(|authorizer| authorizer.name == *name);
            let id = known.map(|authorizer| authorizer.authorizer_id.clone());
            route.authorizer_id = Some(id.ok_or_else(|| {
                Error::BadRequest(format!("Unable to import: {name} is no security scheme."))
            })?);
            route.authorization_type = Some("JWT".to_owned());
            let scopes = scopes.as_array().into_iter().flatten();
            let scopes: Vec<_> = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
            route.authorization_scopes = (!scopes.is_empty()).then_some(scopes);
        }
        route.fill();
        self.routes.push(route);
        Ok(())
    }

    fn fill(&self, record: &mut ApiRecord) {
        record.name.clone_from(&self.name);
        record.version.clone_from(&self.version);
        record.description.clone_from(&self.description);
        record.cors_configuration.clone_from(&self.cors);
        record.tags.extend(self.tags.clone());
    }

    /// Puts the document's parts in the place of those that are there.
    async fn put(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        replace(of, tx, &self.integrations, |part| &part.integration_id).await?;
        replace(of, tx, &self.authorizers, |part| &part.authorizer_id).await?;
        replace(of, tx, &self.routes, |part| &part.route_id).await
    }
}

async fn replace<P: Part + Record>(
    of: &Keys,
    tx: &Tx,
    parts: &[P],
    id: fn(&P) -> &String,
) -> Result<(), Error> {
    if parts.len() > P::MOST {
        return Err(Error::BadRequest(format!("An API has at most {} {}s.", P::MOST, P::KIND)));
    }
    tx.delete_range(&of.apis.parts(&of.api, P::KIND).prefix()).await?;
    for part in parts {
        part.check(of, tx).await?;
        tx.put_record(of.apis.part(&of.api, P::KIND, id(part)), part);
    }
    Ok(())
}

fn authorizer(name: &str, details: &Value, ids: &dyn Ids) -> Result<AuthorizerRecord, Error> {
    let jwt = details.get("jwtConfiguration").cloned().unwrap_or(json!({}));
    let wrong =
        |_| Error::BadRequest(format!("Unable to import: the authorizer {name} is malformed."));
    // One source as a text, or a list.
    let sources = match details.get("identitySource") {
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    Ok(AuthorizerRecord {
        authorizer_id: store::id(ids, 6),
        name: name.to_owned(),
        authorizer_type: text(details, "type").unwrap_or_default().to_uppercase(),
        identity_source: Some(sources),
        jwt_configuration: Some(serde_json::from_value(jwt).map_err(wrong)?),
        ..AuthorizerRecord::default()
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

pub(crate) async fn import(cx: &Cx, input: ImportApiRequest) -> ServiceResult<ImportApiResponse> {
    let imported = Imported::read(&input.body, cx.ids())?;
    let mut record = api::new_record(cx);
    imported.fill(&mut record);
    api::check(&record)?;
    let keys = Keys { apis: Apis::own(cx, HTTP), api: record.api_id.clone() };
    cx.store()
        .transact(async |tx| {
            api::put_new(&keys, &tx, &record).await?;
            cx.note_made(&tx, &record.api_id);
            imported.put(&keys, &tx).await
        })
        .await?;
    carry::shape(&api::shown(cx, &record)?)
}

pub(crate) async fn reimport(
    cx: &Cx,
    input: ReimportApiRequest,
) -> ServiceResult<ReimportApiResponse> {
    let imported = Imported::read(&input.body, cx.ids())?;
    let keys = Keys { apis: Apis::own(cx, HTTP), api: input.api_id };
    let draft = Draft::new(cx);
    let record = cx
        .store()
        .transact(async |tx| {
            let mut record = keys.load(&tx).await?;
            imported.fill(&mut record);
            api::check(&record)?;
            tx.put_record(keys.apis.api(&keys.api), &record);
            imported.put(&keys, &tx).await?;
            draft.where_automatic(&keys, &tx).await?;
            Ok::<_, Error>(record)
        })
        .await?;
    carry::shape(&api::shown(cx, &record)?)
}

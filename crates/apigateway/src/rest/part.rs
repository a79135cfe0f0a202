//! Authorizers, request validators and models: parts of an API that are made, shown, changed and
//! removed alike.
//!
//! Refuses: two of one name; names of models that are not alphanumeric; by name (501) authorizers
//! of the type JWT or with a role.

use cumulet_api_apigateway::types::PatchOperation;
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_shape::{Operation, Shape};
use cumulet_store::Tx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::keys::{Keys, Part};
use super::model::{AuthorizerRecord, ModelRecord, ResourceRecord, ValidatorRecord};
use super::patch::{self, Kind, Member};
use crate::carry;
use crate::error::Error;
use crate::execute::{invoke, lambda_authorizer, mock};
use crate::store;

/// Entries that a list shows where no number is asked for, and at most.
const PAGE: usize = 25;
const MOST_PAGE: usize = 500;

/// What all of these parts have.
pub(crate) trait Named: Part + Serialize + DeserializeOwned {
    /// The request's member with its id.
    const ID: &'static str;
    /// What updates may change.
    const MEMBERS: &'static [Member];

    fn name(&self) -> &str;
    /// Gives a new one its id, and what it has where the caller says nothing.
    fn fill(&mut self, id: String);
    /// What makes it wrong.
    fn check(&self) -> Result<(), Error>;
    /// Whether a method depends on it.
    fn is_used(&self, by: &ResourceRecord) -> bool;
}

pub(crate) async fn create<O: Operation, P: Named>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let mut part: P = carry::record(members)?;
    part.fill(store::id(cx.ids(), 6));
    part.check()?;
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            // Models are known by their names.
            if keys.find::<P>(&tx, part.key()).await?.is_some() {
                let words = format!("{} name already exists for this REST API", P::NAMED);
                return Err(Error::Conflict(words));
            }
            unique(&keys, &tx, &part).await?;
            keys.add(&tx, &part).await?;
            cx.note_made(&tx, part.key());
            Ok::<_, Error>(())
        })
        .await?;
    carry::shape(&part)
}

async fn unique<P: Named>(keys: &Keys, tx: &Tx, part: &P) -> Result<(), Error> {
    let others = keys.parts::<P>(tx).await?;
    if others.iter().any(|other| other.name() == part.name() && other.key() != part.key()) {
        let words = format!("{} name must be unique. {} already exists.", P::NAMED, part.name());
        return Err(Error::BadRequest(words));
    }
    Ok(())
}

pub(crate) async fn get<O: Operation, P: Named>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    carry::shape(
        &keys.part::<P>(&snapshot, carry::text(&members, P::ID).unwrap_or_default()).await?,
    )
}

pub(crate) async fn list<O: Operation, P: Named>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    page(&members, &keys.parts::<P>(&snapshot).await?)
}

/// The page of `all` that a request asks for. A position is the number of entries before it.
pub(crate) fn page<S: Shape, R: Serialize>(
    members: &Map<String, Value>,
    all: &[R],
) -> ServiceResult<S> {
    let from = carry::text(members, "position").map(str::parse::<usize>).transpose();
    let from = from.map_err(|_| Error::bad("Invalid position"))?.unwrap_or(0);
    let most = match members.get("limit") {
        None => PAGE,
        Some(limit) => usize::try_from(limit.as_i64().unwrap_or(0)).unwrap_or(0),
    };
    if !(1..=MOST_PAGE).contains(&most) {
        return Err(Error::bad("Invalid limit. Please ensure it is between 1 and 500").into());
    }
    let items = all.get(from..).unwrap_or_default();
    let position = (items.len() > most).then(|| (from + most).to_string());
    let items = items.get(..most.min(items.len())).unwrap_or_default();
    carry::shape(&json!({ "item": items, "position": position }))
}

/// The operations that a request brings.
pub(crate) fn operations(members: &Map<String, Value>) -> ServiceResult<Vec<PatchOperation>> {
    let all = members.get("patchOperations").and_then(Value::as_array);
    all.into_iter().flatten().map(carry::shape).collect()
}

pub(crate) async fn update<O: Operation, P: Named>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let id = carry::text(&members, P::ID).unwrap_or_default();
    let keys = Keys::of(cx, &members);
    let operations = operations(&members)?;
    let part = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let part: P = patch::record(&keys.part::<P>(&tx, id).await?, P::MEMBERS, &operations)?;
            part.check()?;
            unique(&keys, &tx, &part).await?;
            keys.put(&tx, &part);
            Ok::<_, Error>(part)
        })
        .await?;
    carry::shape(&part)
}

pub(crate) async fn delete<O: Operation, P: Named>(
    cx: &Cx,
    input: O::Input,
) -> ServiceResult<O::Output> {
    let members = carry::members(&input)?;
    let id = carry::text(&members, P::ID).unwrap_or_default();
    let keys = Keys::of(cx, &members);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let part = keys.part::<P>(&tx, id).await?;
            let resources = keys.parts::<ResourceRecord>(&tx).await?;
            if resources.iter().any(|resource| part.is_used(resource)) {
                let words = format!("Cannot delete {} '{id}', is referenced in method", P::NAMED);
                return Err(Error::Conflict(words));
            }
            keys.drop::<P>(&tx, id);
            Ok(())
        })
        .await?;
    carry::shape(&json!({}))
}

impl Named for AuthorizerRecord {
    const ID: &'static str = "authorizer_id";
    const MEMBERS: &'static [Member] = &[
        Member("/name", Kind::Text),
        Member("/authType", Kind::Text),
        Member("/authorizerUri", Kind::Text),
        Member("/authorizerCredentials", Kind::Text),
        Member("/authorizerResultTtlInSeconds", Kind::Integer),
        Member("/identitySource", Kind::Text),
        Member("/identityValidationExpression", Kind::Text),
        Member("/providerARNs", Kind::List),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn fill(&mut self, id: String) {
        self.id = id;
        let kind = if self.kind == "COGNITO_USER_POOLS" { "cognito_user_pools" } else { "custom" };
        self.auth_type.get_or_insert_with(|| kind.to_owned());
        if self.kind != "COGNITO_USER_POOLS" {
            self.authorizer_result_ttl_in_seconds.get_or_insert(lambda_authorizer::KEPT);
        }
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(expression) = &self.identity_validation_expression {
            mock::pattern(expression)
                .ok_or_else(|| Error::bad("Invalid identity validation expression specified"))?;
        }
        match self.kind.as_str() {
            "COGNITO_USER_POOLS" => {}
            "TOKEN" | "REQUEST" => return check_function(self),
            "JWT" => return Err(Error::NotHere("authorizers of REST APIs of the type JWT")),
            _ => return Err(Error::bad("Invalid authorizer type specified")),
        }
        let pools = self.provider_arns.as_deref().unwrap_or_default();
        if pools.is_empty() || !pools.iter().all(|arn| crate::execute::cognito::pool(arn).is_some())
        {
            return Err(Error::bad(
                "Invalid Authorizer Provider ARN: give the ARN of at least one user pool.",
            ));
        }
        let source = self.identity_source.as_deref().unwrap_or_default();
        if source.strip_prefix("method.request.header.").is_none_or(str::is_empty) {
            return Err(Error::bad("Identity source must be method.request.header.<name>."));
        }
        Ok(())
    }

    fn is_used(&self, by: &ResourceRecord) -> bool {
        by.resource_methods.values().any(|method| method.authorizer_id.as_ref() == Some(&self.id))
    }
}

/// What makes an authorizer wrong that is a function.
fn check_function(authorizer: &AuthorizerRecord) -> Result<(), Error> {
    let uri = authorizer.authorizer_uri.as_deref().unwrap_or_default();
    if invoke::function_of(uri).is_none() {
        return Err(Error::bad("Authorizer Uri is not a valid Lambda function URI"));
    }
    if authorizer.authorizer_credentials.as_deref().is_some_and(|role| !role.is_empty()) {
        return Err(Error::NotHere("authorizers of REST APIs with a role"));
    }
    let kept = authorizer.authorizer_result_ttl_in_seconds.unwrap_or(lambda_authorizer::KEPT);
    if !(0..=3600).contains(&kept) {
        return Err(Error::bad("Authorizer result TTL must be between 0 and 3600 seconds"));
    }
    let known =
        ["method.request.header.", "method.request.querystring.", "stageVariables.", "context."];
    let known =
        if authorizer.kind == "TOKEN" { known.get(..1).unwrap_or_default() } else { &known };
    let sources = authorizer.identity_source.as_deref().unwrap_or_default();
    let mut sources = sources.split(',').map(str::trim).filter(|one| !one.is_empty()).peekable();
    let needed = authorizer.kind == "TOKEN" || kept > 0;
    if needed && sources.peek().is_none()
        || !sources.all(|one| known.iter().any(|start| one.starts_with(start)))
    {
        return Err(Error::bad("Invalid identity source specified"));
    }
    Ok(())
}

impl Named for ValidatorRecord {
    const ID: &'static str = "requestvalidator_id";
    const MEMBERS: &'static [Member] = &[
        Member("/name", Kind::Text),
        Member("/validateRequestBody", Kind::Truth),
        Member("/validateRequestParameters", Kind::Truth),
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn fill(&mut self, id: String) {
        self.id = id;
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn is_used(&self, by: &ResourceRecord) -> bool {
        let mut methods = by.resource_methods.values();
        methods.any(|method| method.request_validator_id.as_ref() == Some(&self.id))
    }
}

/// Whether a model may have this name.
pub(crate) fn is_model_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Named for ModelRecord {
    const ID: &'static str = "model_name";
    const MEMBERS: &'static [Member] =
        &[Member("/description", Kind::Text), Member("/schema", Kind::Text)];

    fn name(&self) -> &str {
        &self.name
    }

    fn fill(&mut self, id: String) {
        self.id = id;
    }

    fn check(&self) -> Result<(), Error> {
        if !is_model_name(&self.name) {
            return Err(Error::bad("Model name must be alphanumeric: [a-zA-Z0-9]"));
        }
        match &self.schema {
            Some(schema) if serde_json::from_str::<Value>(schema).is_err() => {
                Err(Error::bad("Invalid model schema specified"))
            }
            _ => Ok(()),
        }
    }

    fn is_used(&self, by: &ResourceRecord) -> bool {
        let mut methods = by.resource_methods.values();
        methods.any(|method| {
            method.request_models.iter().flatten().any(|(_, model)| *model == self.name)
        })
    }
}

//! AWS::ApiGateway::Resource, Authorizer, Model, RequestValidator and GatewayResponse: each made by
//! one request, and known by an id within its API.

use cumulet_api_apigateway::ops::{
    CreateAuthorizer, CreateModel, CreateRequestValidator, CreateResource, DeleteAuthorizer,
    DeleteGatewayResponse, DeleteModel, DeleteRequestValidator, DeleteResource, GetGatewayResponse,
    PutGatewayResponse, UpdateAuthorizer, UpdateModel, UpdateRequestValidator,
};
use cumulet_api_apigateway::types::PatchOperation;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

use super::{Members, changed_members, lowered, pairs, text};

type Make = for<'a> fn(&'a Cx, Members) -> BoxFuture<'a, Result<Members>>;
type Patch = for<'a> fn(&'a Cx, Members, Vec<PatchOperation>) -> BoxFuture<'a, Result<()>>;
type Remove = for<'a> fn(&'a Cx, Members) -> BoxFuture<'a, Result<()>>;

/// A kind of resource: its names, and the operations on it.
struct Kind {
    name: &'static str,
    /// The member of answers that `Ref` gives.
    id: &'static str,
    /// That member among requests.
    label: &'static str,
    /// What `Fn::GetAtt` gives it as.
    attribute: &'static str,
    /// What is changed by patches, and where; every other change needs a new resource.
    patched: &'static [(&'static str, &'static str)],
    create: Make,
    update: Update,
    delete: Remove,
}

enum Update {
    Patch(Patch),
    /// It is put again, as it was put first.
    Put,
    None,
}

fn call<O: cumulet_shape::Operation>(cx: &Cx, members: Members) -> BoxFuture<'_, Result<Members>> {
    Box::pin(super::call::<O>(cx, members))
}

fn patch<O: cumulet_shape::Operation>(
    cx: &Cx,
    members: Members,
    operations: Vec<PatchOperation>,
) -> BoxFuture<'_, Result<()>> {
    Box::pin(super::patch::<O>(cx, members, operations))
}

fn remove<O: cumulet_shape::Operation>(cx: &Cx, members: Members) -> BoxFuture<'_, Result<()>> {
    Box::pin(super::remove::<O>(cx, members))
}

static KINDS: [Kind; 5] = [
    Kind {
        name: "AWS::ApiGateway::Resource",
        id: "id",
        label: "resource_id",
        attribute: "ResourceId",
        patched: &[],
        create: call::<CreateResource>,
        update: Update::None,
        delete: remove::<DeleteResource>,
    },
    Kind {
        name: "AWS::ApiGateway::Authorizer",
        id: "id",
        label: "authorizer_id",
        attribute: "AuthorizerId",
        patched: &[
            ("Name", "/name"),
            ("AuthType", "/authType"),
            ("AuthorizerUri", "/authorizerUri"),
            ("AuthorizerCredentials", "/authorizerCredentials"),
            ("AuthorizerResultTtlInSeconds", "/authorizerResultTtlInSeconds"),
            ("IdentitySource", "/identitySource"),
            ("IdentityValidationExpression", "/identityValidationExpression"),
            ("ProviderARNs", "/providerARNs"),
        ],
        create: call::<CreateAuthorizer>,
        update: Update::Patch(patch::<UpdateAuthorizer>),
        delete: remove::<DeleteAuthorizer>,
    },
    Kind {
        name: "AWS::ApiGateway::Model",
        id: "name",
        label: "model_name",
        attribute: "Name",
        patched: &[("Description", "/description"), ("Schema", "/schema")],
        create: call::<CreateModel>,
        update: Update::Patch(patch::<UpdateModel>),
        delete: remove::<DeleteModel>,
    },
    Kind {
        name: "AWS::ApiGateway::RequestValidator",
        id: "id",
        label: "requestvalidator_id",
        attribute: "RequestValidatorId",
        patched: &[
            ("ValidateRequestBody", "/validateRequestBody"),
            ("ValidateRequestParameters", "/validateRequestParameters"),
        ],
        create: call::<CreateRequestValidator>,
        update: Update::Patch(patch::<UpdateRequestValidator>),
        delete: remove::<DeleteRequestValidator>,
    },
    Kind {
        name: "AWS::ApiGateway::GatewayResponse",
        id: "responseType",
        label: "response_type",
        attribute: "Id",
        patched: &[("StatusCode", ""), ("ResponseParameters", ""), ("ResponseTemplates", "")],
        create: call::<PutGatewayResponse>,
        update: Update::Put,
        delete: remove::<DeleteGatewayResponse>,
    },
];

pub(super) fn all() -> impl Iterator<Item = &'static dyn Resource> {
    KINDS.iter().map(|kind| kind as &dyn Resource)
}

impl Resource for Kind {
    fn type_name(&self) -> &'static str {
        self.name
    }

    fn replaces(&self, property: &str) -> bool {
        !self.patched.iter().any(|(name, _)| *name == property)
    }

    fn part_of(&self) -> Option<&'static str> {
        Some("RestApiId")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            if let Some(made) = cx.made_before().await? {
                return Ok(self.actual(&made));
            }
            if matches!(self.update, Update::Put) {
                self.not_there(cx, desired.properties).await?;
            }
            let made = (self.create)(cx, self.members(desired)).await?;
            Ok(self.actual(text(&made, self.id)))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let (before, after) = (changed.before, changed.after.properties);
            match self.update {
                Update::Patch(patch) => {
                    let operations = changed_members(self.patched, before, after);
                    patch(cx, self.place(after, changed.physical_id), operations).await?;
                }
                Update::Put => drop((self.create)(cx, self.members(changed.after)).await?),
                Update::None => {
                    return Err(Error::validation(format!("{} cannot change.", self.name)));
                }
            }
            Ok(self.actual(changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        // No part is known by its id alone; it goes with its API.
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin((self.delete)(cx, self.place(before, physical_id)))
    }
}

impl Kind {
    /// What is put takes the place of what is there, which a stack must not do to others. What AWS
    /// does is not known.
    async fn not_there(&self, cx: &Cx, properties: &Members) -> Result<()> {
        let kind = text(properties, "ResponseType");
        let there = super::call::<GetGatewayResponse>(cx, self.place(properties, kind)).await?;
        if there.get("defaultResponse").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let api = text(properties, "RestApiId");
        let words = format!("The API {api} has a gateway response {kind} already.");
        Err(Error::custom("AlreadyExistsException", 409, &words))
    }

    fn place(&self, properties: &Members, id: &str) -> Members {
        let api = text(properties, "RestApiId");
        pairs([("restapi_id", api.into()), (self.label, id.into())])
    }

    fn members(&self, desired: Desired<'_>) -> Members {
        let mut members = lowered(desired.properties);
        for (property, label) in [("parentId", "parent_id"), ("responseType", "response_type")] {
            if let Some(value) = members.shift_remove(property) {
                members.insert(label.to_owned(), value);
            }
        }
        match self.id {
            // A model's schema is a text, whose name has letters and digits only.
            "name" => {
                if let Some(schema @ Value::Object(_)) = members.get("schema").cloned() {
                    members.insert("schema".to_owned(), schema.to_string().into());
                }
                let plain = |c: &char| c.is_ascii_alphanumeric();
                let name: String = desired.name.chars().filter(plain).collect();
                members.entry("name").or_insert_with(|| name.into());
                members.entry("contentType").or_insert_with(|| "application/json".into());
            }
            "id" if self.label != "resource_id" => {
                members.entry("name").or_insert_with(|| desired.name.into());
            }
            _ => {}
        }
        members
    }

    fn actual(&self, id: &str) -> Actual {
        let attributes = pairs([(self.attribute, id.into())]);
        Actual { physical_id: id.to_owned(), attributes }
    }
}

//! AWS::ApiGatewayV2::Api, Stage, Route, Integration, Authorizer and Deployment.
//!
//! A template's properties are the members of the API's requests with a capital letter, so a
//! request is filled from them by name. `Ref` is the id; which API a part belongs to its properties
//! say.

use cumulet_api_apigatewayv2::ops::{
    CreateApi, CreateAuthorizer, CreateDeployment, CreateIntegration, CreateRoute, CreateStage,
    DeleteApi, DeleteAuthorizer, DeleteDeployment, DeleteIntegration, DeleteRoute, DeleteStage,
    ImportApi, ReimportApi, TagResource, UpdateApi, UpdateAuthorizer, UpdateIntegration,
    UpdateRoute, UpdateStage,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use cumulet_shape::Operation;
use serde_json::{Map, Value, json};

use crate::carry;
use crate::execute::host;

/// A kind of resource: its names, and the operations on it.
struct Kind {
    name: &'static str,
    /// The member with its id in requests and answers.
    id: &'static str,
    /// Properties whose change needs a new resource.
    replaced: &'static [&'static str],
    create: Call,
    /// `None`: every change replaces it.
    update: Option<Call>,
    delete: Call,
}

type Members = Map<String, Value>;
type Call = for<'a> fn(&'a Cx, Members) -> BoxFuture<'a, Result<Members>>;

/// Calls an operation with a request of these members; gives the members of its answer.
fn call<O: Operation>(cx: &Cx, members: Members) -> BoxFuture<'_, Result<Members>> {
    Box::pin(async move {
        let input = carry::shape::<O::Input>(&members);
        let input = input.map_err(|why| Error::validation(why.cause.unwrap_or(why.message)))?;
        carry::members(&cx.call::<O>(input).await?)
    })
}

/// Makes an API: of its document, where the template gives one, and then of its other properties.
fn create_api(cx: &Cx, mut members: Members) -> BoxFuture<'_, Result<Members>> {
    Box::pin(async move {
        let Some(body) = members.remove("body") else {
            return call::<CreateApi>(cx, members).await;
        };
        let body = Members::from_iter([("body".to_owned(), body.to_string().into())]);
        let made = call::<ImportApi>(cx, body).await?;
        let api = made.get("apiId").cloned().unwrap_or_default();
        if let Err(error) = settle(cx, &api, members).await {
            let made = Members::from_iter([("apiId".to_owned(), api)]);
            call::<DeleteApi>(cx, made).await?;
            return Err(error);
        }
        Ok(made)
    })
}

fn update_api(cx: &Cx, mut members: Members) -> BoxFuture<'_, Result<Members>> {
    Box::pin(async move {
        let api = members.get("apiId").cloned().unwrap_or_default();
        if let Some(body) = members.remove("body") {
            let again =
                [("apiId".to_owned(), api.clone()), ("body".to_owned(), body.to_string().into())];
            call::<ReimportApi>(cx, Members::from_iter(again)).await?;
        }
        settle(cx, &api, members).await?;
        Ok(Members::new())
    })
}

/// The properties that stand beside a document, over what the document says; and the tags.
async fn settle(cx: &Cx, api: &Value, mut members: Members) -> Result<()> {
    members.remove("failOnWarnings");
    let tags = members.remove("tags").unwrap_or_default();
    members.insert("apiId".to_owned(), api.clone());
    call::<UpdateApi>(cx, members).await?;
    let arn =
        format!("arn:aws:apigateway:{}::/apis/{}", cx.region(), api.as_str().unwrap_or_default());
    let tagged = [("resource-arn".to_owned(), arn.into()), ("tags".to_owned(), tags)];
    call::<TagResource>(cx, Members::from_iter(tagged)).await.map(drop)
}

static KINDS: [Kind; 6] = [
    Kind {
        name: "AWS::ApiGatewayV2::Api",
        id: "apiId",
        replaced: &["ProtocolType"],
        create: create_api,
        update: Some(update_api),
        delete: call::<DeleteApi>,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Stage",
        id: "stageName",
        replaced: &["ApiId", "StageName"],
        create: call::<CreateStage>,
        update: Some(call::<UpdateStage>),
        delete: call::<DeleteStage>,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Route",
        id: "routeId",
        replaced: &["ApiId"],
        create: call::<CreateRoute>,
        update: Some(call::<UpdateRoute>),
        delete: call::<DeleteRoute>,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Integration",
        id: "integrationId",
        replaced: &["ApiId"],
        create: call::<CreateIntegration>,
        update: Some(call::<UpdateIntegration>),
        delete: call::<DeleteIntegration>,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Authorizer",
        id: "authorizerId",
        replaced: &["ApiId"],
        create: call::<CreateAuthorizer>,
        update: Some(call::<UpdateAuthorizer>),
        delete: call::<DeleteAuthorizer>,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Deployment",
        id: "deploymentId",
        replaced: &["ApiId", "Description", "StageName"],
        create: call::<CreateDeployment>,
        update: None,
        delete: call::<DeleteDeployment>,
    },
];

/// The resource types of HTTP APIs.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    KINDS.iter().map(|kind| kind as &dyn Resource).collect()
}

impl Resource for Kind {
    fn type_name(&self) -> &'static str {
        self.name
    }

    fn replaces(&self, property: &str) -> bool {
        self.update.is_none() || self.replaced.contains(&property)
    }

    fn part_of(&self) -> Option<&'static str> {
        (self.id != "apiId").then_some("ApiId")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let members = self.members(desired)?;
            if let Some(id) = cx.made_before().await? {
                self.again(cx, &id, members).await?;
                return Ok(self.actual(cx, &id));
            }
            let made = (self.create)(cx, members).await?;
            let id = carry::text(&made, self.id).unwrap_or_default();
            Ok(self.actual(cx, id))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let mut members = self.members(changed.after)?;
            members.insert(self.id.to_owned(), changed.physical_id.into());
            if self.id == "apiId" {
                members.remove("protocolType");
            }
            // What the template no longer says is emptied, where a request can say so.
            for property in changed.before.keys() {
                let gone = !changed.after.properties.contains_key(property);
                if gone && let Some(empty) = empty(property) {
                    members.insert(lower(property), empty);
                }
            }
            match self.update {
                Some(update) => update(cx, members).await.map(drop)?,
                None => return Err(Error::validation(format!("{} cannot change.", self.name))),
            }
            Ok(self.actual(cx, changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        // Only an API is known by its id alone; what else there is goes with it.
        Box::pin(async move {
            if self.id == "apiId" { self.drop(cx, "", physical_id).await } else { Ok(()) }
        })
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        let api = carry::text(before, "ApiId").unwrap_or_default();
        Box::pin(self.drop(cx, api, physical_id))
    }
}

impl Kind {
    /// Goes on with what an earlier run made: only an API is made in several steps.
    async fn again(&self, cx: &Cx, id: &str, mut members: Members) -> Result<()> {
        match self.update {
            Some(update) if self.id == "apiId" => {
                members.insert(self.id.to_owned(), id.into());
                members.remove("protocolType");
                update(cx, members).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn drop(&self, cx: &Cx, api: &str, id: &str) -> Result<()> {
        let mut members = Members::from_iter([("apiId".to_owned(), Value::from(api))]);
        members.insert(self.id.to_owned(), id.into());
        match (self.delete)(cx, members).await {
            Err(error) if error.code != "NotFoundException" => Err(error),
            _ => Ok(()),
        }
    }

    /// The request of a template's properties.
    fn members(&self, desired: Desired<'_>) -> Result<Members> {
        for property in desired.properties.keys() {
            if ["BodyS3Location", "BasePath", "CredentialsArn"].contains(&property.as_str()) {
                let words = format!("{}: the property {property} is not supported.", self.name);
                return Err(Error::validation(words));
            }
        }
        let mut members = lowered(desired.properties);
        if ["apiId", "stageName"].contains(&self.id) {
            let tags = members.entry("tags").or_insert_with(|| json!({}));
            for (key, value) in desired.tags {
                if let Some(tags) = tags.as_object_mut() {
                    tags.entry(key).or_insert_with(|| value.clone().into());
                }
            }
        }
        // A document brings its own name.
        if self.id == "apiId" && !members.contains_key("body") {
            members.entry("name").or_insert_with(|| desired.name.into());
        }
        Ok(members)
    }

    fn actual(&self, cx: &Cx, id: &str) -> Actual {
        let mut attributes = Map::new();
        let name = self.id.get(..1).unwrap_or_default().to_uppercase();
        let name = format!("{name}{}", self.id.get(1..).unwrap_or_default());
        attributes.insert(name, id.into());
        if self.id == "apiId" {
            attributes.insert("ApiEndpoint".to_owned(), host::endpoint(cx, id).into());
        }
        Actual { physical_id: id.to_owned(), attributes }
    }
}

/// The value that empties a member; `None` where a request cannot empty it.
fn empty(property: &str) -> Option<Value> {
    match property {
        "AuthorizationScopes" => Some(json!([])),
        "StageVariables" => Some(json!({})),
        "Description" => Some("".into()),
        "AuthorizationType" => Some("NONE".into()),
        "AutoDeploy" | "DisableExecuteApiEndpoint" => Some(false.into()),
        _ => None,
    }
}

fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Property names as members, and the names within the settings that are structures; tags and
/// variables keep theirs. Templates have numbers and truths as texts too.
fn lowered(properties: &Map<String, Value>) -> Members {
    let one = |(name, value): (&String, &Value)| {
        let member = lower(name);
        let value = match value {
            Value::Object(inner) if STRUCTURES.contains(&member.as_str()) => lowered(inner).into(),
            Value::String(text) if TRUTHS.contains(&member.as_str()) => {
                text.parse::<bool>().map_or_else(|_| value.clone(), Value::from)
            }
            Value::String(text) if NUMBERS.contains(&member.as_str()) => {
                text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
            }
            other => other.clone(),
        };
        (member, value)
    };
    properties.iter().map(one).collect()
}

const STRUCTURES: [&str; 4] =
    ["corsConfiguration", "jwtConfiguration", "accessLogSettings", "defaultRouteSettings"];
const TRUTHS: [&str; 6] = [
    "autoDeploy",
    "allowCredentials",
    "disableExecuteApiEndpoint",
    "apiKeyRequired",
    "enableSimpleResponses",
    "detailedMetricsEnabled",
];
const NUMBERS: [&str; 3] = ["timeoutInMillis", "maxAge", "authorizerResultTtlInSeconds"];

//! An authorizer of a REST API.

use crate::fault::{Fault, Of};
use crate::intrinsics::sub_with;
use crate::node::{Dict, Node, Text, dict};
use crate::python;

const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";

/// The authorizers of an API, in the order in which Python 2.7 lists them.
#[derive(Debug, Default)]
pub(crate) struct Authorizers {
    pub(crate) list: Vec<Authorizer>,
}

/// One authorizer.
#[derive(Debug)]
pub(crate) struct Authorizer {
    pub(crate) name: Text,
    pub(crate) function_arn: Node,
    pub(crate) scopes: Node,
    pub(crate) no_default_permissions: bool,
    api_id: String,
    user_pool_arn: Node,
    identity: Node,
    payload_type: Node,
    invoke_role: Node,
    iam: bool,
}

impl Authorizers {
    /// Reads `Auth.Authorizers`; `default` adds AWS_IAM where it is the default authorizer.
    pub(crate) fn read(api_id: &str, config: &Node, default: &Node) -> Result<Self, Fault> {
        let mut order = Dict::python();
        if let Some(name) = default.as_text().filter(|name| name.text == "AWS_IAM") {
            order.insert(name, Node::Null);
        }
        if config.truthy() {
            let of = Of::Resource(api_id);
            let config = of.map("Auth.Authorizers", config)?;
            for (name, unicode, authorizer) in config.iter_flavoured() {
                of.map(&format!("Auth.Authorizers.{name}"), authorizer)?;
                Authorizer::read(api_id, Text { text: name.to_owned(), unicode }, authorizer)?;
                order.insert(Text { text: name.to_owned(), unicode }, authorizer.clone());
            }
        }
        let list = order
            .iter_flavoured()
            .map(|(name, unicode, config)| {
                Authorizer::read(api_id, Text { text: name.to_owned(), unicode }, config)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { list })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Authorizer> {
        self.list.iter().find(|one| one.name.text == name)
    }

    /// The scopes of an authorizer; an empty list where it has none.
    pub(crate) fn scopes(&self, name: &str) -> Node {
        self.get(name).map_or_else(|| Node::List(Vec::new()), |one| one.scopes.clone())
    }
}

impl Authorizer {
    /// `config` is null for the built-in AWS_IAM.
    fn read(api_id: &str, name: Text, config: &Node) -> Result<Self, Fault> {
        let iam = config.is_null();
        let authorizer = Self {
            function_arn: config.at("FunctionArn").clone(),
            scopes: config
                .at("AuthorizationScopes")
                .some()
                .cloned()
                .unwrap_or_else(|| Node::List(Vec::new())),
            no_default_permissions: config.at("DisableFunctionDefaultPermissions").truthy(),
            api_id: api_id.to_owned(),
            user_pool_arn: config.at("UserPoolArn").clone(),
            identity: config.at("Identity").clone(),
            payload_type: config.at("FunctionPayloadType").clone(),
            invoke_role: config.at("FunctionInvokeRole").clone(),
            iam,
            name,
        };
        authorizer.check(config)?;
        Ok(authorizer)
    }

    fn check(&self, config: &Node) -> Result<(), Fault> {
        let (name, of) = (&self.name.text, Of::Resource(&self.api_id));
        let known = matches!(self.payload_type.as_str(), Some("TOKEN" | "REQUEST"));
        if !self.payload_type.is_null() && !known {
            return Err(Fault::resource(
                &self.api_id,
                format!(
                    "{name} Authorizer has invalid 'FunctionPayloadType': {}.",
                    python::str(&self.payload_type)
                ),
            ));
        }
        if self.payload_type.is("REQUEST") && self.lacks_identity_source()? {
            return Err(Fault::resource(
                &self.api_id,
                format!(
                    "{name} Authorizer must specify Identity with at least one of Headers, \
                     QueryStrings, StageVariables, or Context."
                ),
            ));
        }
        of.list(&format!("Authorizers.{name}.AuthorizationScopes"), &self.scopes)?;
        let key = "DisableFunctionDefaultPermissions";
        if let Some(flag) = config.at(key).some() {
            of.boolean(&format!("Authorizers.{name}.{key}"), flag)?;
        }
        Ok(())
    }

    fn lacks_identity_source(&self) -> Result<bool, Fault> {
        if !self.identity.truthy() {
            return Ok(true);
        }
        let of = Of::Resource(&self.api_id);
        let identity =
            of.map(&format!("Authorizer.{}.Identity", self.name.text), &self.identity)?;
        let lacks = ["Headers", "QueryStrings", "StageVariables", "Context"]
            .iter()
            .all(|key| !identity.at(key).truthy());
        let ttl = match identity.at("ReauthorizeEvery") {
            Node::Number(number) => number.as_f64(),
            Node::Text(text) => text.text.trim().parse().ok(),
            _ => None,
        };
        Ok(lacks && ttl.is_none_or(|ttl| ttl >= 1.0))
    }

    /// The security definition.
    pub(crate) fn definition(&self, partition: &str) -> Result<Node, Fault> {
        let cognito = !self.iam && self.user_pool_arn.truthy();
        let request = self.payload_type.is("REQUEST");
        let authtype = match (self.iam, cognito) {
            (true, _) => "awsSigv4",
            (_, true) => "cognito_user_pools",
            _ => "custom",
        };
        let mut definition = Dict::python();
        definition.insert("type", "apiKey");
        definition.insert("name", self.header(request && !cognito && !self.iam)?);
        definition.insert("in", "header");
        definition.insert("x-amazon-apigateway-authtype", authtype);
        if self.iam {
            return Ok(definition.into());
        }
        let mut details = if cognito { self.cognito() } else { self.lambda(partition, request)? };
        if cognito || !request {
            let expression = self.identity.at("ValidationExpression");
            if expression.truthy() {
                details.insert("identityValidationExpression", expression.clone());
            }
        }
        definition.insert(AUTHORIZER, details);
        Ok(definition.into())
    }

    fn cognito(&self) -> Dict {
        let pools = match &self.user_pool_arn {
            Node::List(items) => items.clone(),
            one => vec![one.clone()],
        };
        let mut details = Dict::python();
        details.insert("type", "cognito_user_pools");
        details.insert("providerARNs", pools);
        details
    }

    fn lambda(&self, partition: &str, request: bool) -> Result<Dict, Fault> {
        let uri = format!(
            "arn:{partition}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
             ${{__FunctionArn__}}/invocations"
        );
        let mut details = Dict::python();
        details.insert("type", if request { "request" } else { "token" });
        let values = dict! { "__FunctionArn__" => self.function_arn.clone() };
        details.insert("authorizerUri", sub_with(uri, values));
        details.insert_some("authorizerResultTtlInSeconds", self.identity.at("ReauthorizeEvery"));
        if self.invoke_role.truthy() && !self.invoke_role.is("NONE") {
            details.insert("authorizerCredentials", self.invoke_role.clone());
        }
        if request {
            let source = self.identity_source()?;
            if !source.text.is_empty() {
                details.insert("identitySource", source);
            }
        }
        Ok(details)
    }

    fn header(&self, unused: bool) -> Result<Node, Fault> {
        if unused {
            return Ok("Unused".into());
        }
        if self.identity.truthy() && !self.identity.is_map() {
            return Err(Fault::resource(
                &self.api_id,
                "Auth.Authorizers.<Authorizer>.Identity must be a dict \
                 (LambdaTokenAuthorizationIdentity, LambdaRequestAuthorizationIdentity or \
                 CognitoAuthorizationIdentity).",
            ));
        }
        let header = self.identity.at("Header");
        Ok(if header.truthy() { header.clone() } else { "Authorization".into() })
    }

    fn identity_source(&self) -> Result<Text, Fault> {
        let mut sources = Vec::new();
        let mut unicode = false;
        for (key, prefix) in [
            ("Headers", "method.request.header."),
            ("QueryStrings", "method.request.querystring."),
            ("StageVariables", "stageVariables."),
            ("Context", "context."),
        ] {
            let values = self.identity.at(key);
            if !values.truthy() {
                continue;
            }
            let place = format!("Auth.Authorizers.{}.Identity.{key}", self.name.text);
            for value in Of::Resource(&self.api_id).strings(&place, values)? {
                unicode |= value.as_text().is_some_and(|text| text.unicode);
                sources.push(format!("{prefix}{}", value.as_str().unwrap_or_default()));
            }
        }
        Ok(Text { text: sources.join(", "), unicode })
    }
}

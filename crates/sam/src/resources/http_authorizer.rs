//! An authorizer of an HTTP API.

use crate::fault::{Fault, Of};
use crate::intrinsics::sub_with;
use crate::node::{Dict, Node, Text, dict};

const AUTHORIZER: &str = "x-amazon-apigateway-authorizer";

/// One authorizer: JWT, Lambda, or IAM.
#[derive(Debug)]
pub(super) struct HttpAuthorizer {
    pub(super) name: Text,
    pub(super) scopes: Node,
    pub(super) function_arn: Node,
    pub(super) default_permissions: bool,
    api_id: String,
    config: Dict,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Iam,
    Jwt,
    Lambda,
}

/// Properties, for whom they are, and how messages call those.
const PROPERTIES: [(&str, Kind, &str); 9] = [
    ("AuthorizationScopes", Kind::Jwt, "OAuth2 Authorizer"),
    ("JwtConfiguration", Kind::Jwt, "OAuth2 Authorizer"),
    (
        "IdentitySource",
        Kind::Jwt,
        "OAuth2 Authorizer. For Lambda Authorizer, use the 'Identity' property instead",
    ),
    ("FunctionArn", Kind::Lambda, "Lambda Authorizer"),
    ("FunctionInvokeRole", Kind::Lambda, "Lambda Authorizer"),
    ("Identity", Kind::Lambda, "Lambda Authorizer"),
    ("AuthorizerPayloadFormatVersion", Kind::Lambda, "Lambda Authorizer"),
    ("EnableSimpleResponses", Kind::Lambda, "Lambda Authorizer"),
    ("EnableFunctionDefaultPermissions", Kind::Lambda, "Lambda Authorizer"),
];

/// The authorizers of an API: AWS_IAM where it is enabled, then those of the author.
pub(super) fn read_all(api_id: &str, auth: &Node) -> Result<Vec<HttpAuthorizer>, Fault> {
    let mut result = Vec::new();
    if *auth.at("EnableIamAuthorizer") == Node::Bool(true) {
        result.push(HttpAuthorizer::iam(api_id));
    }
    let given = auth.at("Authorizers");
    if !given.truthy() {
        return Ok(result);
    }
    let of = Of::Resource(api_id);
    for (name, unicode, config) in of.map("Auth.Authorizers", given)?.iter_flavoured() {
        let config = of.map(&format!("Auth.Authorizers.{name}"), config)?;
        if config.contains("OpenIdConnectUrl") {
            return Err(Fault::resource(
                api_id,
                format!(
                    "'OpenIdConnectUrl' is no longer a supported property for authorizer \
                     '{name}'. Please refer to the AWS SAM documentation."
                ),
            ));
        }
        let name = Text { text: name.to_owned(), unicode };
        let authorizer = HttpAuthorizer::read(api_id, name, config)?;
        result.retain(|one| one.name.text != authorizer.name.text);
        result.push(authorizer);
    }
    Ok(result)
}

impl HttpAuthorizer {
    fn iam(api_id: &str) -> Self {
        Self {
            name: "AWS_IAM".into(),
            scopes: Node::Null,
            function_arn: Node::Null,
            default_permissions: false,
            api_id: api_id.to_owned(),
            config: Dict::default(),
            kind: Kind::Iam,
        }
    }

    fn read(api_id: &str, name: Text, config: &Dict) -> Result<Self, Fault> {
        let of = Of::Resource(api_id);
        let jwt = config.at("JwtConfiguration");
        let kind = if jwt.truthy() {
            of.map("JwtConfiguration", jwt)?;
            Kind::Jwt
        } else {
            Kind::Lambda
        };
        let scopes = config.at("AuthorizationScopes");
        if !scopes.is_null() && scopes.as_list().is_none() {
            return Err(Fault::resource(api_id, "AuthorizationScopes must be a list."));
        }
        for (property, allowed, named) in PROPERTIES {
            let empty_jwt = property == "JwtConfiguration" && !jwt.truthy();
            if !config.at(property).is_null() && allowed != kind && !empty_jwt {
                return Err(Fault::resource(
                    api_id,
                    format!("{property} is only supported for {named}."),
                ));
            }
        }
        let needs: &[(&str, &str)] = match kind {
            Kind::Jwt => &[("IdentitySource", "OAuth2")],
            _ => &[("FunctionArn", "Lambda"), ("AuthorizerPayloadFormatVersion", "Lambda")],
        };
        for (property, what) in needs {
            if !config.at(property).truthy() {
                return Err(Fault::resource(
                    api_id,
                    format!("{} {what} Authorizer must define '{property}'.", name.text),
                ));
            }
        }
        let permissions = config.at("EnableFunctionDefaultPermissions");
        if !permissions.is_null() {
            let place = format!("Authorizers.{}.EnableFunctionDefaultPermissions", name.text);
            of.boolean(&place, permissions)?;
        }
        Ok(Self {
            scopes: scopes.clone(),
            function_arn: config.at("FunctionArn").clone(),
            default_permissions: permissions.truthy(),
            api_id: api_id.to_owned(),
            config: config.clone(),
            kind,
            name,
        })
    }

    /// The security scheme.
    pub(super) fn scheme(&self, partition: &str) -> Result<Node, Fault> {
        match self.kind {
            Kind::Iam => Ok(dict! {
                "type" => "apiKey",
                "name" => "Authorization",
                "in" => "header",
                "x-amazon-apigateway-authtype" => "awsSigv4",
            }),
            Kind::Jwt => {
                let mut jwt = Dict::default();
                if let Node::Map(given) = self.config.at("JwtConfiguration") {
                    for (key, value) in given.iter() {
                        jwt.insert(key.to_lowercase(), value.clone());
                    }
                }
                Ok(dict! {
                    "type" => "oauth2",
                    AUTHORIZER => dict! {
                        "jwtConfiguration" => jwt,
                        "identitySource" => self.config.at("IdentitySource").clone(),
                        "type" => "jwt",
                    },
                })
            }
            Kind::Lambda => Ok(dict! {
                "type" => "apiKey",
                "name" => "Unused",
                "in" => "header",
                AUTHORIZER => self.lambda(partition)?,
            }),
        }
    }

    fn lambda(&self, partition: &str) -> Result<Dict, Fault> {
        let uri = format!(
            "arn:{partition}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
             ${{__FunctionArn__}}/invocations"
        );
        let mut details = Dict::default();
        details.insert("type", "request");
        let values = dict! { "__FunctionArn__" => self.function_arn.clone() };
        details.insert("authorizerUri", sub_with(uri, values));
        let role = self.config.at("FunctionInvokeRole");
        if role.truthy() && !role.is("NONE") {
            details.insert("authorizerCredentials", role.clone());
        }
        let identity = self.config.at("Identity");
        if identity.truthy() {
            let of = Of::Resource(&self.api_id);
            let place = format!("Auth.Authorizers.{}.Identity", self.name.text);
            let identity = of.map(&place, identity)?;
            details.insert_some("authorizerResultTtlInSeconds", identity.at("ReauthorizeEvery"));
            details.insert("identitySource", self.identity_source(identity)?);
        }
        let version = self.config.at("AuthorizerPayloadFormatVersion");
        details.insert("authorizerPayloadFormatVersion", version.clone());
        let simple = self.config.at("EnableSimpleResponses");
        if simple.truthy() {
            details.insert("enableSimpleResponses", simple.clone());
        }
        Ok(details)
    }

    fn identity_source(&self, identity: &Dict) -> Result<Vec<Node>, Fault> {
        let mut result = Vec::new();
        for (prefix, key) in [
            ("$request.header.", "Headers"),
            ("$request.querystring.", "QueryStrings"),
            ("$stageVariables.", "StageVariables"),
            ("$context.", "Context"),
        ] {
            let values = identity.at(key);
            if !values.truthy() {
                continue;
            }
            let place = format!("Authorizers.{}.Identity.{key}", self.name.text);
            for value in Of::Resource(&self.api_id).strings(&place, values)? {
                result.push(format!("{prefix}{}", value.as_str().unwrap_or_default()).into());
            }
        }
        Ok(result)
    }
}

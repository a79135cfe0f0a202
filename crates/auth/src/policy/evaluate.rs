//! Whether a request is allowed.
//!
//! Source: "Policy evaluation logic" and "Cross-account policy evaluation logic" in the IAM user
//! guide. Policies of an organization (SCP, RCP) do not exist here; they would be further layers
//! in [`Layers`], read first.

use cumulet_base::Timestamp;

use super::context::{Context, Scope};
use super::document::{Document, Grammar};
use super::principal::{Kind, Principal, Reach};
use super::statement::Effect;

/// What is to be decided.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The caller.
    pub principal: Principal<'a>,
    /// `service:Name`.
    pub action: &'a str,
    /// The resource's ARN, or `*` where the action has none.
    pub resource: &'a str,
    /// The account that owns the resource; the caller's own where the action has none.
    pub resource_account: &'a str,
    /// The moment, for `aws:CurrentTime` and `aws:EpochTime`.
    pub now: Timestamp,
    /// All condition keys that do not follow from the fields above.
    pub context: &'a dyn Context,
}

/// The policies that bear on a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'p> {
    /// The caller's: of the user and its groups, or of the role.
    pub identity: &'p [&'p Document],
    /// The permissions boundary of the user or role.
    pub boundary: Option<&'p Document>,
    /// Those handed over with the session. `Some` of none allows nothing (GetFederationToken
    /// without policies); `None` means that the session is not limited.
    pub session: Option<&'p [&'p Document]>,
    /// The policy attached to the resource.
    pub resource: Option<ResourcePolicy<'p>>,
}

/// The policy attached to a resource.
#[derive(Debug, Clone, Copy)]
pub struct ResourcePolicy<'p> {
    /// The policy.
    pub document: &'p Document,
    /// Whether nobody gets in without its word: role trust policies and KMS key policies, where
    /// an identity's policy is not enough even within the account.
    pub required: bool,
}

/// The kinds of policies, as denials name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Of the user, its groups, or the role.
    Identity,
    /// Of the resource.
    Resource,
    /// Of the role that is to be assumed.
    Trust,
    /// The permissions boundary.
    Boundary,
    /// Handed over with the session.
    Session,
}

/// The statement that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched<'p> {
    /// Which kind of policy.
    pub layer: Layer,
    /// Which of that kind, from 0, as handed in.
    pub policy: usize,
    /// Which statement of it, from 0.
    pub statement: usize,
    /// The statement's `Sid`, where it has one.
    pub sid: Option<&'p str>,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'p> {
    /// Allowed, by this statement; `None` for what needs none (the account's root user,
    /// `sts:GetCallerIdentity`).
    Allow(Option<Matched<'p>>),
    /// Denied.
    Deny(Denial<'p>),
}

impl Decision<'_> {
    /// Whether the request may go on.
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }
}

/// Why a request is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial<'p> {
    /// A statement says Deny.
    Explicit(Matched<'p>),
    /// No policy of this kind says Allow.
    Implicit(Layer),
}

impl Denial<'_> {
    /// AWS's message for it.
    pub fn message(&self, request: &Request<'_>) -> String {
        let Request { principal, action, resource, .. } = request;
        let who = if principal.kind == Kind::Anonymous { "anonymous" } else { principal.arn };
        let reason = match self {
            Self::Explicit(matched) => {
                let policy = match matched.layer {
                    Layer::Identity => "an identity-based policy",
                    Layer::Resource => "a resource-based policy",
                    Layer::Trust => "the role trust policy",
                    Layer::Boundary => "a permissions boundary",
                    Layer::Session => "a session policy",
                };
                format!("with an explicit deny in {policy}")
            }
            Self::Implicit(layer) => {
                let policy = match layer {
                    Layer::Identity => "identity-based policy",
                    Layer::Resource => "resource-based policy",
                    Layer::Trust => "role trust policy",
                    Layer::Boundary => "permissions boundary",
                    Layer::Session => "session policy",
                };
                format!("because no {policy} allows the {action} action")
            }
        };
        format!(
            "User: {who} is not authorized to perform: {action} on resource: {resource} {reason}"
        )
    }
}

/// Decides. Costs time in proportion to the policies' size; allocates only where condition keys
/// or variables ask for it.
pub fn evaluate<'p>(request: &Request<'_>, policies: &Policies<'p>) -> Decision<'p> {
    // "No permissions are required", not even against an explicit deny (STS API reference).
    if request.action.eq_ignore_ascii_case("sts:GetCallerIdentity") {
        return Decision::Allow(None);
    }
    let layers = Layers::read(request, policies);
    if let Some(denied) = layers.explicit_deny() {
        return Decision::Deny(Denial::Explicit(denied));
    }
    let who = &request.principal;
    let implicit = |layer| Decision::Deny(Denial::Implicit(layer));
    let Some((reach, granted)) = layers.resource.allow else {
        let required = policies.resource.is_some_and(|policy| policy.required);
        let same_account = who.account == request.resource_account;
        return match layers.caller(who, false) {
            _ if !who.has_identity() => implicit(layers.resource_layer),
            _ if required && same_account => implicit(layers.resource_layer),
            Err(layer) => implicit(layer),
            Ok(_) if !same_account => implicit(layers.resource_layer),
            Ok(allowed) => Decision::Allow(allowed),
        };
    };
    if !who.has_identity() {
        return Decision::Allow(Some(granted));
    }
    if who.account != request.resource_account {
        // Both accounts must agree, however directly the resource's policy grants.
        return match layers.caller(who, false) {
            Ok(_) => Decision::Allow(Some(granted)),
            Err(layer) => implicit(layer),
        };
    }
    match reach {
        Reach::Caller => Decision::Allow(Some(granted)),
        Reach::Entity => match layers.caller(who, true) {
            Ok(_) => Decision::Allow(Some(granted)),
            Err(layer) => implicit(layer),
        },
        Reach::Account => match layers.caller(who, false) {
            Ok(allowed) => Decision::Allow(allowed.or(Some(granted))),
            Err(layer) => implicit(layer),
        },
    }
}

/// What one kind of policies says about the request.
#[derive(Default)]
struct Opinion<'p> {
    deny: Option<Matched<'p>>,
    /// The most direct grant.
    allow: Option<(Reach, Matched<'p>)>,
}

struct Layers<'p> {
    identity: Opinion<'p>,
    resource: Opinion<'p>,
    resource_layer: Layer,
    /// `None`: there is no boundary.
    boundary: Option<Opinion<'p>>,
    /// `None`: the session is not limited.
    session: Option<Opinion<'p>>,
}

impl<'p> Layers<'p> {
    fn read(request: &Request<'_>, policies: &Policies<'p>) -> Self {
        let scope = Scope {
            principal: &request.principal,
            resource_account: request.resource_account,
            now: request.now,
            context: request.context,
        };
        let read = |layer, documents: &[&'p Document]| opinion(layer, documents, request, &scope);
        let resource_layer = match policies.resource {
            Some(policy) if policy.document.grammar == Grammar::Trust => Layer::Trust,
            _ => Layer::Resource,
        };
        let resource = match &policies.resource {
            Some(policy) => read(resource_layer, &[policy.document]),
            None => Opinion::default(),
        };
        // Root is not subject to policies of identities, and others than users, roles and their
        // sessions have none.
        let subject = request.principal.has_identity() && request.principal.kind != Kind::Root;
        if !subject {
            let identity = Opinion::default();
            return Self { identity, resource, resource_layer, boundary: None, session: None };
        }
        Self {
            identity: read(Layer::Identity, policies.identity),
            resource,
            resource_layer,
            boundary: policies.boundary.map(|document| read(Layer::Boundary, &[document])),
            session: policies.session.map(|documents| read(Layer::Session, documents)),
        }
    }

    fn explicit_deny(&self) -> Option<Matched<'p>> {
        let of = |opinion: &Option<Opinion<'p>>| opinion.as_ref().and_then(|it| it.deny);
        (self.identity.deny)
            .or(self.resource.deny)
            .or_else(|| of(&self.boundary))
            .or_else(|| of(&self.session))
    }

    /// What the caller's own policies allow: the identity's (unless `granted` by the resource
    /// to the role already), within boundary and session policies. `Err` is the layer that lacks.
    fn caller(&self, who: &Principal<'_>, granted: bool) -> Result<Option<Matched<'p>>, Layer> {
        let of_root = match who.kind {
            Kind::Root => true,
            Kind::FederatedUser { issuer } => issuer.ends_with(":root"),
            _ => false,
        };
        let allowed = self.identity.allow.map(|(_, matched)| matched);
        let silent = |opinion: &Option<Opinion<'p>>| {
            opinion.as_ref().is_some_and(|opinion| opinion.allow.is_none())
        };
        if allowed.is_none() && !of_root && !granted {
            Err(Layer::Identity)
        } else if silent(&self.boundary) {
            Err(Layer::Boundary)
        } else if silent(&self.session) {
            Err(Layer::Session)
        } else {
            Ok(allowed)
        }
    }
}

fn opinion<'p>(
    layer: Layer,
    documents: &[&'p Document],
    request: &Request<'_>,
    scope: &Scope<'_>,
) -> Opinion<'p> {
    let mut opinion = Opinion::default();
    for (policy, document) in documents.iter().enumerate() {
        for (at, statement) in document.statements.iter().enumerate() {
            let Some(reach) = statement.reach(&request.principal) else { continue };
            if !statement.applies(request.action, request.resource, scope) {
                continue;
            }
            let sid = statement.sid.as_deref();
            let matched = Matched { layer, policy, statement: at, sid };
            match statement.effect {
                Effect::Deny => {
                    opinion.deny = Some(matched);
                    return opinion;
                }
                Effect::Allow if opinion.allow.is_none_or(|(best, _)| best < reach) => {
                    opinion.allow = Some((reach, matched));
                }
                Effect::Allow => {}
            }
        }
    }
    opinion
}

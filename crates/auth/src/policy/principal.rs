//! Who asks, and whom a policy's `Principal` names.

use super::error::PolicyError;

/// The caller of a request, as authentication found him.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// What he is.
    pub kind: Kind<'a>,
    /// His ARN: of the user, the session (`arn:aws:sts::…:assumed-role/R/S`) or the account's
    /// root. The name of a service (`lambda.amazonaws.com`), the ARN or host of an identity
    /// provider. Ignored for anonymous callers.
    pub arn: &'a str,
    /// His account's 12 digits; empty for services, identity providers and anonymous callers.
    pub account: &'a str,
    /// The unique id: `AIDA…`, `AROA…:session`, or the account's for root. Empty where none.
    pub userid: &'a str,
    /// The account's canonical user id, by which old bucket policies name it.
    pub canonical_user: Option<&'a str>,
    /// Tags of the user or the session, for `aws:PrincipalTag/…`.
    pub tags: &'a [(String, String)],
}

/// The kinds of callers that policies treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The account's root user.
    Root,
    /// An IAM user.
    User,
    /// A session of a role.
    AssumedRole {
        /// The role's ARN, with its path.
        role: &'a str,
    },
    /// A session from GetFederationToken.
    FederatedUser {
        /// The ARN of the user (or root) who asked for it.
        issuer: &'a str,
    },
    /// Someone with a token of an identity provider, before he has a session: the caller of
    /// AssumeRoleWithWebIdentity and AssumeRoleWithSAML.
    Federated,
    /// A service that acts for itself.
    Service,
    /// An origin access identity of CloudFront: named by ARN, but of no account.
    OriginAccess,
    /// Nobody that signed.
    Anonymous,
}

impl<'a> Principal<'a> {
    /// Somebody who did not sign.
    pub const ANONYMOUS: Principal<'static> = Principal {
        kind: Kind::Anonymous,
        arn: "anonymous",
        account: "",
        userid: "",
        canonical_user: None,
        tags: &[],
    };

    /// A service, such as `apigateway.amazonaws.com`.
    pub const fn service(name: &'a str) -> Self {
        Self { kind: Kind::Service, arn: name, ..Principal::ANONYMOUS }
    }

    /// `aws:PrincipalArn`: for a role's session the role.
    pub(super) fn principal_arn(&self) -> Option<&'a str> {
        match self.kind {
            Kind::AssumedRole { role } => Some(role),
            Kind::Root | Kind::User | Kind::FederatedUser { .. } | Kind::OriginAccess => {
                Some(self.arn)
            }
            Kind::Federated | Kind::Service | Kind::Anonymous => None,
        }
    }

    /// `aws:PrincipalType`, after the IAM user guide's table of principal values.
    pub(super) fn principal_type(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Root => Some("Account"),
            Kind::User => Some("User"),
            Kind::AssumedRole { .. } => Some("AssumedRole"),
            Kind::FederatedUser { .. } => Some("FederatedUser"),
            Kind::Anonymous => Some("Anonymous"),
            Kind::Federated | Kind::Service | Kind::OriginAccess => None,
        }
    }

    /// `aws:username`: only users have one.
    pub(super) fn username(&self) -> Option<&'a str> {
        let (_, name) = self.arn.rsplit_once('/')?;
        (self.kind == Kind::User).then_some(name)
    }

    /// The user's or role's own id, without the session's name.
    fn unique_id(&self) -> &'a str {
        self.userid.split_once(':').map_or(self.userid, |(id, _)| id)
    }

    /// Whether policies of an account apply to the caller beside those of the resource.
    pub(super) fn has_identity(&self) -> bool {
        !matches!(self.kind, Kind::Federated | Kind::Service | Kind::OriginAccess | Kind::Anonymous)
    }
}

/// How directly a resource's policy grants (IAM user guide, "Determining whether a request is
/// allowed or denied within an account").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// To the account, which must allow by its own policies as well.
    Account,
    /// To the role, or to everyone: still capped by boundary and session policy.
    Entity,
    /// To the very user or session that asks: nothing else is needed.
    Caller,
}

/// One entry of a `Principal` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    Everyone,
    Account(Box<str>),
    Arn(Box<str>),
    /// What AWS stores in the place of a deleted principal's ARN: `AIDA…`, `AROA…`.
    UniqueId(Box<str>),
    CanonicalUser(Box<str>),
    /// `None`: any.
    Service(Option<Box<str>>),
    /// `None`: any.
    Federated(Option<Box<str>>),
}

impl Named {
    /// An entry under `kind` (`AWS`, `Service` …).
    pub(super) fn parse(kind: &str, text: &str) -> Result<Self, PolicyError> {
        let invalid = || PolicyError::InvalidPrincipal { kind: kind.into(), value: text.into() };
        let or_any = || Some(text).filter(|text| *text != "*").map(Box::from);
        if text.is_empty() || text.len() > 2048 {
            return Err(invalid());
        }
        match kind {
            "AWS" => Self::parse_aws(text).ok_or_else(invalid),
            "Service" => Ok(Self::Service(or_any())),
            "Federated" => Ok(Self::Federated(or_any())),
            "CanonicalUser" => Ok(Self::CanonicalUser(text.into())),
            _ => Err(PolicyError::Syntax),
        }
    }

    fn parse_aws(text: &str) -> Option<Self> {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if text == "*" {
            return Some(Self::Everyone);
        }
        if is_account(text) {
            return Some(Self::Account(text.into()));
        }
        let Some(arn) = text.strip_prefix("arn:") else {
            let id = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            return (id && text.starts_with('A')).then(|| Self::UniqueId(text.into()));
        };
        if text.contains(['*', '?']) {
            return None;
        }
        let parts: Vec<&str> = arn.splitn(5, ':').collect();
        let &[partition, service, "", account, resource] = parts.as_slice() else { return None };
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        if !partition.starts_with("aws") || !(is_account(account) || account == "cloudfront") {
            return None;
        }
        match (service, kind, name.is_empty()) {
            ("iam", "root", true) => Some(Self::Account(account.into())),
            ("iam", "user" | "role", false) | ("sts", "assumed-role" | "federated-user", false) => {
                Some(Self::Arn(text.into()))
            }
            _ => None,
        }
    }

    /// How this entry reaches `who`, or `None`. `by_arn` says that the statement singles callers
    /// out by `aws:PrincipalArn`: then `*` grants to the session itself, which neither boundary
    /// nor session policy caps (IAM user guide, "IAM role principals"). For `*` alone the guide
    /// has no word; it is capped here, the narrower of both.
    pub(super) fn reach(&self, who: &Principal<'_>, by_arn: bool) -> Option<Reach> {
        match self {
            Self::Everyone => Some(if by_arn { Reach::Caller } else { Reach::Entity }),
            Self::Account(account) => (**account == *who.account).then_some(Reach::Account),
            Self::CanonicalUser(id) => (who.canonical_user == Some(id)).then_some(Reach::Account),
            Self::Arn(arn) => match who.kind {
                Kind::Service | Kind::Federated | Kind::Anonymous => None,
                _ if **arn == *who.arn => Some(Reach::Caller),
                Kind::AssumedRole { role: entity } | Kind::FederatedUser { issuer: entity } => {
                    (**arn == *entity).then_some(Reach::Entity)
                }
                Kind::Root | Kind::User | Kind::OriginAccess => None,
            },
            Self::UniqueId(id) => {
                let reach = if who.kind == Kind::User { Reach::Caller } else { Reach::Entity };
                (**id == *who.unique_id()).then_some(reach)
            }
            Self::Service(name) => (who.kind == Kind::Service
                && name.as_deref().is_none_or(|name| name == who.arn))
            .then_some(Reach::Caller),
            Self::Federated(name) => (who.kind == Kind::Federated
                && name.as_deref().is_none_or(|name| name == who.arn))
            .then_some(Reach::Caller),
        }
    }
}

/// Whether `NotPrincipal` leaves `who` out: only where each of his faces is listed, the account,
/// the role and the session (IAM user guide, "NotPrincipal with Deny").
pub(super) fn all_listed(listed: &[Named], who: &Principal<'_>) -> bool {
    let any = |test: &dyn Fn(&Named) -> bool| listed.iter().any(test);
    if any(&|named| *named == Named::Everyone) {
        return true;
    }
    let reached = |least| any(&|named| named.reach(who, false) == Some(least));
    match who.kind {
        Kind::Anonymous => false,
        Kind::Service | Kind::Federated | Kind::OriginAccess => reached(Reach::Caller),
        Kind::Root => reached(Reach::Account),
        Kind::User | Kind::FederatedUser { .. } => {
            reached(Reach::Account) && reached(Reach::Caller)
        }
        Kind::AssumedRole { .. } => {
            reached(Reach::Account) && reached(Reach::Entity) && reached(Reach::Caller)
        }
    }
}

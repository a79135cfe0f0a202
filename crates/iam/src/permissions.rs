//! The decision of every request: gathers the policies that bear on it and has `auth` judge.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use cumulet_auth::policy::{
    Decision, Denial, Document, Grammar, Kind, Layer, Policies, Principal as Who, Request,
    ResourcePolicy, evaluate,
};
use cumulet_base::AccountId;
use cumulet_service::{Access, Authorizer, BoxFuture, Cx, Error, Principal, Result, Session};
use cumulet_store::{Snapshot, Store};

use crate::cache::Cache;
use crate::conditions::Conditions;
use crate::model::{Grants, Group, Role, User};
use crate::store;

/// Decides by the policies in a store.
pub struct Permissions {
    /// By unique id.
    identities: Cache<Identity>,
    /// Managed session policies by ARN, inline ones by their text.
    sessions: Cache<Document>,
}

/// What a user or role may, compiled.
#[derive(Default)]
struct Identity {
    documents: Vec<Document>,
    boundary: Option<Document>,
    tags: Vec<(String, String)>,
}

impl Permissions {
    /// Decides by the policies in `store`.
    pub fn new(store: &Store) -> Self {
        Self { identities: Cache::new(store), sessions: Cache::new(store) }
    }

    async fn decide(&self, cx: &Cx, access: &Access) -> Result<()> {
        refuse_to_session_tokens(cx.principal(), access)?;
        let identity = self.identity(cx.principal()).await?;
        match cx.principal() {
            Principal::Role { session, .. } => {
                let documents = self.session(session).await?;
                judge(cx, access, &identity, documents.as_deref())
            }
            _ => judge(cx, access, &identity, None),
        }
    }

    /// The policies of the user or role behind `principal`. One that was deleted, and one that was
    /// made anew under the old name, has none for who signs as the old one.
    async fn identity(&self, principal: &Principal) -> Result<Arc<Identity>> {
        let Some((account, name, id)) = entity(principal) else { return Ok(Arc::default()) };
        if let Some(known) = self.identities.get(id) {
            return Ok(known);
        }
        let account: AccountId = account.parse().map_err(Error::internal)?;
        let user = matches!(principal, Principal::User { .. });
        let load = async |snapshot: Snapshot| {
            if user {
                load_user(&snapshot, &account, name, id).await
            } else {
                load_role(&snapshot, &account, name, id).await
            }
        };
        Ok(self.identities.load(id, load).await?.unwrap_or_default())
    }

    /// Policies handed over with the session; `None` where it is not limited.
    async fn session(&self, session: &Session) -> Result<Option<Vec<Arc<Document>>>> {
        if session.policy.is_none() && session.policy_arns.is_empty() {
            return Ok(None);
        }
        let mut documents = Vec::new();
        if let Some(text) = &session.policy {
            let load = async |_| Ok(Document::parse(text, Grammar::Identity).ok());
            documents.extend(self.session_document(text, load).await?);
        }
        for arn in &session.policy_arns {
            let load = async |snapshot: Snapshot| Ok(store::document(&snapshot, arn).await?);
            documents.extend(self.session_document(arn, load).await?);
        }
        Ok(Some(documents))
    }

    async fn session_document<F, Fut>(&self, name: &str, load: F) -> Result<Option<Arc<Document>>>
    where
        F: FnOnce(Snapshot) -> Fut + Send,
        Fut: Future<Output = Result<Option<Document>>> + Send,
    {
        match self.sessions.get(name) {
            Some(known) => Ok(Some(known)),
            None => self.sessions.load(name, load).await,
        }
    }
}

/// Account, name and unique id of the user or role behind `principal`.
fn entity(principal: &Principal) -> Option<(&str, &str, &str)> {
    match principal {
        Principal::User { account, name, id, .. } | Principal::Role { account, name, id, .. } => {
            Some((account, name, id))
        }
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => None,
    }
}

async fn load_user(
    snapshot: &Snapshot,
    account: &AccountId,
    name: &str,
    id: &str,
) -> Result<Option<Identity>> {
    let user: Option<User> = store::find(snapshot, account, name).await?;
    let Some(user) = user.filter(|user| user.id == id) else { return Ok(None) };
    let mut identity = compile(snapshot, &user.grants, user.tags).await?;
    for group in &user.groups {
        if let Some(group) = store::find::<Group>(snapshot, account, group).await? {
            let of_group = compile(snapshot, &group.grants, BTreeMap::new()).await?;
            identity.documents.extend(of_group.documents);
        }
    }
    Ok(Some(identity))
}

async fn load_role(
    snapshot: &Snapshot,
    account: &AccountId,
    name: &str,
    id: &str,
) -> Result<Option<Identity>> {
    let role: Option<Role> = store::find(snapshot, account, name).await?;
    let Some(role) = role.filter(|role| role.id == id) else { return Ok(None) };
    Ok(Some(compile(snapshot, &role.grants, role.tags).await?))
}

/// Policies are checked when they are written, so that each compiles. If one did not, it would be
/// left out as a grant, but its denials must not vanish: nothing is decided without it.
async fn compile(
    snapshot: &Snapshot,
    grants: &Grants,
    tags: BTreeMap<String, String>,
) -> Result<Identity> {
    let unreadable = |what: &str| Error::internal(format!("the policy {what} cannot be read"));
    let mut documents = Vec::with_capacity(grants.inline.len() + grants.attached.len());
    for (name, text) in &grants.inline {
        documents.push(Document::parse(text, Grammar::Identity).map_err(|_| unreadable(name))?);
    }
    for arn in &grants.attached {
        documents.push(store::document(snapshot, arn).await?.ok_or_else(|| unreadable(arn))?);
    }
    let boundary = match &grants.boundary {
        Some(arn) => Some(store::document(snapshot, arn).await?.ok_or_else(|| unreadable(arn))?),
        None => None,
    };
    Ok(Identity { documents, boundary, tags: tags.into_iter().collect() })
}

fn judge(
    cx: &Cx,
    access: &Access,
    identity: &Identity,
    session: Option<&[Arc<Document>]>,
) -> Result<()> {
    let principal = cx.principal();
    let (arn, identity_arn, userid) =
        (principal.arn(), principal.identity_arn(), principal.user_id());
    let account = principal.account();
    let tags = tags(principal, identity);
    let kind = match principal {
        Principal::Root { .. } => Kind::Root,
        Principal::User { .. } => Kind::User,
        Principal::Role { .. } => Kind::AssumedRole { role: &identity_arn },
        Principal::Service { .. } => Kind::Service,
        Principal::Anonymous => Kind::Anonymous,
    };
    let request = Request {
        principal: Who {
            kind,
            arn: &arn,
            account: account.as_ref().map_or("", AccountId::as_str),
            userid: &userid,
            canonical_user: None,
            tags: tags.as_deref().unwrap_or(&identity.tags),
        },
        action: access.action.0,
        resource: access.resource.as_str(),
        resource_account: access.owner.as_str(),
        now: cx.now(),
        context: &Conditions { cx, access },
    };
    let documents: Vec<&Document> = identity.documents.iter().collect();
    let session: Option<Vec<&Document>> =
        session.map(|documents| documents.iter().map(AsRef::as_ref).collect());
    let policies = Policies {
        identity: &documents,
        boundary: identity.boundary.as_ref(),
        session: session.as_deref(),
        resource: access
            .policy
            .as_deref()
            .map(|document| ResourcePolicy { document, required: access.policy_required }),
    };
    let decision = if access.policy_required && access.policy.is_none() {
        Decision::Deny(Denial::Implicit(Layer::Resource))
    } else {
        evaluate(&request, &policies)
    };
    match decision {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(denial) => Err(Error::access_denied(denial.message(&request))),
    }
}

/// What users may not with credentials of GetSessionToken that no MFA stands behind: "You cannot
/// call any IAM API operations", and of STS's only two (IAM user guide, "Compare AWS STS
/// credentials").
fn refuse_to_session_tokens(principal: &Principal, access: &Access) -> Result<()> {
    let Principal::User { issued_at: Some(_), .. } = principal else { return Ok(()) };
    let (service, name) = access.action.0.split_once(':').unwrap_or_default();
    // Handing on a role is no call of IAM's.
    let refused = match service {
        "iam" => name != "PassRole",
        "sts" => !matches!(name, "AssumeRole" | "TagSession" | "SetSourceIdentity"),
        _ => false,
    };
    if refused {
        return Err(Error::access_denied(format!("Cannot call {name} with session credentials")));
    }
    Ok(())
}

/// A session's tags before those of its role with the same key ("Passing session tags in STS").
/// `None` where the session has none.
fn tags(principal: &Principal, identity: &Identity) -> Option<Vec<(String, String)>> {
    let Principal::Role { session, .. } = principal else { return None };
    if session.tags.is_empty() {
        return None;
    }
    let own = session.tags.iter().map(|(key, value)| (key.clone(), value.clone()));
    // The evaluator takes the first of keys that are equal but for case.
    Some(own.chain(identity.tags.iter().cloned()).collect())
}

/// Whether `principal` is the root of the account that owns the resource, and the resource has no
/// policy that could deny it.
fn is_owner(principal: &Principal, access: &Access) -> bool {
    let Principal::Root { account } = principal else { return false };
    access.policy.is_none() && !access.policy_required && *account == access.owner.as_str()
}

impl Authorizer for Permissions {
    fn authorize<'a>(&'a self, cx: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        if is_owner(cx.principal(), access) {
            return Box::pin(Granted);
        }
        Box::pin(self.decide(cx, access))
    }
}

/// The answer "yes", without state: boxing it allocates nothing.
struct Granted;

impl Future for Granted {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permissions")
    }
}

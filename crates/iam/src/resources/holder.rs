//! What roles, users and groups have in common in a template: managed and inline policies.

use cumulet_api_iam::ops::{
    AttachGroupPolicy, AttachGroupPolicyRequest, AttachRolePolicy, AttachRolePolicyRequest,
    AttachUserPolicy, AttachUserPolicyRequest, DeleteGroupPolicy, DeleteGroupPolicyRequest,
    DeleteRolePolicy, DeleteRolePolicyRequest, DeleteUserPolicy, DeleteUserPolicyRequest,
    DetachGroupPolicy, DetachGroupPolicyRequest, DetachRolePolicy, DetachRolePolicyRequest,
    DetachUserPolicy, DetachUserPolicyRequest, ListAttachedGroupPolicies,
    ListAttachedGroupPoliciesRequest, ListAttachedRolePolicies, ListAttachedRolePoliciesRequest,
    ListAttachedUserPolicies, ListAttachedUserPoliciesRequest, ListGroupPolicies,
    ListGroupPoliciesRequest, ListRolePolicies, ListRolePoliciesRequest, ListUserPolicies,
    ListUserPoliciesRequest, PutGroupPolicy, PutGroupPolicyRequest, PutRolePolicy,
    PutRolePolicyRequest, PutUserPolicy, PutUserPolicyRequest,
};
use cumulet_service::{Cx, Result};

use super::properties::{self, Properties};

/// The operations on one kind of holder.
pub(crate) trait Calls: Send + Sync {
    fn attach(cx: &Cx, name: &str, arn: &str) -> impl Future<Output = Result<()>> + Send;
    fn detach(cx: &Cx, name: &str, arn: &str) -> impl Future<Output = Result<()>> + Send;
    fn put(
        cx: &Cx,
        name: &str,
        policy: &str,
        text: &str,
    ) -> impl Future<Output = Result<()>> + Send;
    fn delete(cx: &Cx, name: &str, policy: &str) -> impl Future<Output = Result<()>> + Send;
    /// ARNs of some attached policies; none when there are no more.
    fn attached(cx: &Cx, name: &str) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// Names of some inline policies; none when there are no more.
    fn inline(cx: &Cx, name: &str) -> impl Future<Output = Result<Vec<String>>> + Send;
}

macro_rules! calls {
    ($holder:ident, $name:ident: $attach:ident $attach_in:ident, $detach:ident $detach_in:ident,
     $put:ident $put_in:ident, $delete:ident $delete_in:ident,
     $attached:ident $attached_in:ident, $inline:ident $inline_in:ident) => {
        /// The operations on one kind.
        #[derive(Debug)]
        pub(crate) struct $holder;

        impl Calls for $holder {
            async fn attach(cx: &Cx, name: &str, arn: &str) -> Result<()> {
                let input = $attach_in { $name: name.to_owned(), policy_arn: arn.to_owned() };
                cx.call::<$attach>(input).await.map(drop)
            }

            async fn detach(cx: &Cx, name: &str, arn: &str) -> Result<()> {
                let input = $detach_in { $name: name.to_owned(), policy_arn: arn.to_owned() };
                gone(cx.call::<$detach>(input).await.map(drop))
            }

            async fn put(cx: &Cx, name: &str, policy: &str, text: &str) -> Result<()> {
                let input = $put_in {
                    $name: name.to_owned(),
                    policy_name: policy.to_owned(),
                    policy_document: text.to_owned(),
                };
                cx.call::<$put>(input).await.map(drop)
            }

            async fn delete(cx: &Cx, name: &str, policy: &str) -> Result<()> {
                let policy_name = policy.to_owned();
                let input = $delete_in { $name: name.to_owned(), policy_name };
                gone(cx.call::<$delete>(input).await.map(drop))
            }

            async fn attached(cx: &Cx, name: &str) -> Result<Vec<String>> {
                let input = $attached_in { $name: name.to_owned(), ..$attached_in::default() };
                let found = cx.call::<$attached>(input).await?.attached_policies;
                Ok(found.unwrap_or_default().into_iter().filter_map(|it| it.policy_arn).collect())
            }

            async fn inline(cx: &Cx, name: &str) -> Result<Vec<String>> {
                let input = $inline_in { $name: name.to_owned(), ..$inline_in::default() };
                Ok(cx.call::<$inline>(input).await?.policy_names)
            }
        }
    };
}

calls!(OfRole, role_name: AttachRolePolicy AttachRolePolicyRequest,
    DetachRolePolicy DetachRolePolicyRequest, PutRolePolicy PutRolePolicyRequest,
    DeleteRolePolicy DeleteRolePolicyRequest,
    ListAttachedRolePolicies ListAttachedRolePoliciesRequest,
    ListRolePolicies ListRolePoliciesRequest);
calls!(OfUser, user_name: AttachUserPolicy AttachUserPolicyRequest,
    DetachUserPolicy DetachUserPolicyRequest, PutUserPolicy PutUserPolicyRequest,
    DeleteUserPolicy DeleteUserPolicyRequest,
    ListAttachedUserPolicies ListAttachedUserPoliciesRequest,
    ListUserPolicies ListUserPoliciesRequest);
calls!(OfGroup, group_name: AttachGroupPolicy AttachGroupPolicyRequest,
    DetachGroupPolicy DetachGroupPolicyRequest, PutGroupPolicy PutGroupPolicyRequest,
    DeleteGroupPolicy DeleteGroupPolicyRequest,
    ListAttachedGroupPolicies ListAttachedGroupPoliciesRequest,
    ListGroupPolicies ListGroupPoliciesRequest);

/// That something is gone already is no error.
pub(crate) fn gone(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.code == "NoSuchEntity" => Ok(()),
        done => done,
    }
}

/// Gives `name` the policies of `after`, then takes those that only `before` has.
pub(crate) async fn sync<C: Calls>(
    cx: &Cx,
    name: &str,
    before: &Properties,
    after: &Properties,
) -> Result<()> {
    let (had, has) = (
        properties::texts(before, "ManagedPolicyArns")?,
        properties::texts(after, "ManagedPolicyArns")?,
    );
    for arn in &has {
        C::attach(cx, name, arn).await?;
    }
    for arn in had.iter().filter(|arn| !has.contains(arn)) {
        C::detach(cx, name, arn).await?;
    }
    let (had, has) = (properties::policies(before)?, properties::policies(after)?);
    for (policy, text) in has.iter().filter(|(policy, text)| had.get(*policy) != Some(text)) {
        C::put(cx, name, policy, text).await?;
    }
    for policy in had.keys().filter(|policy| !has.contains_key(*policy)) {
        C::delete(cx, name, policy).await?;
    }
    Ok(())
}

/// Takes all policies from `name`.
pub(crate) async fn strip<C: Calls>(cx: &Cx, name: &str) -> Result<()> {
    loop {
        let attached = match C::attached(cx, name).await {
            Err(error) if error.code == "NoSuchEntity" => return Ok(()),
            found => found?,
        };
        if attached.is_empty() {
            break;
        }
        for arn in attached {
            C::detach(cx, name, &arn).await?;
        }
    }
    loop {
        let inline = C::inline(cx, name).await?;
        if inline.is_empty() {
            return Ok(());
        }
        for policy in inline {
            C::delete(cx, name, &policy).await?;
        }
    }
}

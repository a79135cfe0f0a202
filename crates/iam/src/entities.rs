//! Who has a managed policy, as ListEntitiesForPolicy answers it.

use cumulet_api_iam::ops::{ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse};
use cumulet_api_iam::types::{EntityType, PolicyGroup, PolicyRole, PolicyUsageType, PolicyUser};
use cumulet_service::Cx;

use crate::attached::{self, Usage, Use};
use crate::error::Result;
use crate::model::{Group, Role, User};
use crate::page::Paging;
use crate::policies;
use crate::store::{self, Entity, Holder};

/// A page of the users, groups and roles that have the policy, as the request narrows them.
pub(crate) async fn list(
    cx: &Cx,
    input: &ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse> {
    policies::describe(cx, &input.policy_arn).await?;
    let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
    let mut uses = attached::uses(&cx.store().snapshot(), cx.account(), &input.policy_arn).await?;
    uses.retain(|it| is_wanted(it, input));
    uses.sort_by_key(order);
    // One that has the policy both ways is told once.
    uses.dedup_by_key(|it| order(it));
    let page = paging.cut(uses, order);
    let path = input.path_prefix.as_deref().unwrap_or("/");
    let mut response = ListEntitiesForPolicyResponse::default();
    let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    let (found, is_truncated, marker) = page.answer(|it| it);
    for Use { kind, name, .. } in found {
        match kind.as_str() {
            "user" => users.extend(
                identity::<User>(cx, &name, path)
                    .await?
                    .map(|(user_name, user_id)| PolicyUser { user_name, user_id }),
            ),
            "group" => groups.extend(
                identity::<Group>(cx, &name, path)
                    .await?
                    .map(|(group_name, group_id)| PolicyGroup { group_name, group_id }),
            ),
            _ => roles.extend(
                identity::<Role>(cx, &name, path)
                    .await?
                    .map(|(role_name, role_id)| PolicyRole { role_name, role_id }),
            ),
        }
    }
    response.policy_users = Some(users);
    response.policy_groups = Some(groups);
    response.policy_roles = Some(roles);
    response.is_truncated = is_truncated;
    response.marker = marker;
    Ok(response)
}

fn order(it: &Use) -> String {
    format!("{}/{}", it.kind, it.name)
}

fn is_wanted(it: &Use, input: &ListEntitiesForPolicyRequest) -> bool {
    let usage = match input.policy_usage_filter {
        None => true,
        Some(PolicyUsageType::PermissionsPolicy) => it.usage == Usage::Attached,
        Some(PolicyUsageType::PermissionsBoundary) => it.usage == Usage::Boundary,
    };
    let kind = match input.entity_filter {
        Some(EntityType::User) => it.kind == User::KIND,
        Some(EntityType::Role) => it.kind == Role::KIND,
        Some(EntityType::Group) => it.kind == Group::KIND,
        // LocalManagedPolicy and AWSManagedPolicy belong to GetAccountAuthorizationDetails.
        Some(_) => false,
        None => true,
    };
    usage && kind
}

/// Name and id of an entity under `path`.
async fn identity<H: Holder>(
    cx: &Cx,
    name: &str,
    path: &str,
) -> Result<Option<(Option<String>, Option<String>)>> {
    let entity: H = store::read(cx, name).await?;
    let told = || (Some(entity.name().to_owned()), Some(entity.id().to_owned()));
    Ok(entity.path().starts_with(path).then(told))
}

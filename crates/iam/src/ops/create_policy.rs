//! CreatePolicy: makes a customer's managed policy, whose first version is `v1`.

use cumulet_api_iam::ops::{CreatePolicy, CreatePolicyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;
use std::collections::BTreeMap;

use crate::Iam;
use crate::access;
use crate::ids;
use crate::model::{Policy, PolicyVersion};
use crate::store::{self, Entity as _};
use crate::tags;
use crate::text;
use crate::wire::{self, Detail};

impl Handle<CreatePolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreatePolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access = access::new::<Policy>(
            cx,
            "iam:CreatePolicy",
            input.path.as_deref(),
            &input.policy_name,
        );
        Ok(vec![access::tagging(access, input.tags.as_deref().unwrap_or_default())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreatePolicy as Operation>::Input,
    ) -> Result<<CreatePolicy as Operation>::Output> {
        text::check_managed(&input.policy_document)?;
        let created = cx.now().millis();
        let policy = Policy {
            name: input.policy_name,
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            id: ids::unique(cx, "ANPA"),
            created,
            updated: created,
            description: input.description,
            tags: tags::from_wire(input.tags.as_deref().unwrap_or_default())?,
            default: 1,
            next: 2,
            versions: BTreeMap::from([(1, PolicyVersion { text: input.policy_document, created })]),
        };
        store::create(cx, &policy, policy.arn(cx.account()).as_str()).await?;
        Ok(CreatePolicyResponse {
            policy: Some(wire::policy(cx.account(), &policy, (0, 0), Detail::Full)),
        })
    }
}

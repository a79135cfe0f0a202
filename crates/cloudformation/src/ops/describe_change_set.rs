//! DescribeChangeSet: what a change set would do. A stack has at most 500 resources: one page.

use cumulet_api_cloudformation::ops::{
    DescribeChangeSet, DescribeChangeSetInput, DescribeChangeSetOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::asked;
use crate::begin;
use crate::change_set;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DescribeChangeSet> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DescribeChangeSetInput) -> Result<Vec<Access>> {
        let access = begin::access(
            cx,
            "cloudformation:DescribeChangeSet",
            input.stack_name.as_deref().unwrap_or("*"),
        )
        .await?;
        Ok(vec![asked::change_set(access, &input.change_set_name)])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeChangeSetInput,
    ) -> Result<DescribeChangeSetOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let name = input.stack_name.as_deref();
        let (stack, set) = store::change_set(&read, &place, &input.change_set_name, name).await?;
        Ok(change_set::describe(&stack, set))
    }
}

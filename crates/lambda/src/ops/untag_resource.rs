//! UntagResource: takes tags off a function. A tag that it has not is no error.

use cumulet_api_lambda::ops::{UntagResource, UntagResourceOutput, UntagResourceRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;

impl Handle<UntagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        let access = on_whole(cx, "lambda:UntagResource", &name).await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceRequest) -> Result<UntagResourceOutput> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        let keys = &input.tag_keys;
        name.change(cx, None, |_, mut function| async move {
            function.tags.retain(|key, _| !keys.contains(key));
            Ok((function, ()))
        })
        .await?;
        Ok(UntagResourceOutput::default())
    }
}

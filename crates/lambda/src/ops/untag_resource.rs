//! UntagResource: takes tags off a function or an event source mapping. A tag that it has not is no
//! error.

use cumulet_api_lambda::ops::{UntagResource, UntagResourceOutput, UntagResourceRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::ops::tag_resource::{change, on_tagged};

impl Handle<UntagResource> for Lambda {
    async fn access(&self, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>> {
        let access = on_tagged(cx, "lambda:UntagResource", &input.resource).await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceRequest) -> Result<UntagResourceOutput> {
        let keys = &input.tag_keys;
        change(cx, &input.resource, |tags| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(UntagResourceOutput::default())
    }
}

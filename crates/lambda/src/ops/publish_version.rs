//! PublishVersion: makes `$LATEST` a numbered version.
//!
//! Promises: the version never changes. Where nothing changed since the last one, that is the
//! answer.
//! Refuses: another code hash or revision than `$LATEST` has.

use cumulet_api_lambda::ops::{PublishVersion, PublishVersionRequest};
use cumulet_api_lambda::types::FunctionConfiguration;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::describe::{self, Progress};
use crate::error::Error;
use crate::name::FunctionName;
use crate::publish::publish;
use crate::resolve::version_text;

impl Handle<PublishVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &PublishVersionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:PublishVersion", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: PublishVersionRequest) -> Result<FunctionConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        if input.publish_to.is_some() {
            return Err(ServiceError::not_implemented("lambda", "PublishVersion with PublishTo"));
        }
        let (name, input, now) = (&name, &input, cx.now());
        let published =
            name.change(cx, input.revision_id.as_deref(), |tx, mut function| async move {
                let present = &function.latest.code.sha256;
                if let Some(named) = input.code_sha256.as_ref().filter(|named| *named != present) {
                    return Err(Error::Invalid(format!(
                        "CodeSHA256 ({named}) is different from current CodeSHA256 in $LATEST \
                     ({present}). Please try again with the CodeSHA256 in $LATEST."
                    ))
                    .into());
                }
                let description = input.description.as_deref();
                let version = publish(&tx, cx, name, &mut function, description, now).await?;
                cx.note_made(&tx, name.arn_of(&version_text(version.number)).as_str());
                Ok((function, version))
            });
        let (function, version) = published.await?;
        let qualifier = Some(version_text(version.number));
        let name = FunctionName { qualifier, ..name.clone() };
        Ok(describe::version(cx, &name, &function, &version, Progress::Done))
    }
}

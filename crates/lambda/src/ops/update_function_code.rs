//! UpdateFunctionCode: another package for `$LATEST`.
//!
//! Promises: invocations that begin after the answer run the new code; those under way end with the
//! old. The answer says InProgress, as AWS's does, though the change is done. `DryRun` checks and
//! changes nothing.
//! Refuses: what CreateFunction refuses of a package; a revision that is not the latest.

use cumulet_api_lambda::ops::{UpdateFunctionCode, UpdateFunctionCodeRequest};
use cumulet_api_lambda::types::FunctionConfiguration;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::code;
use crate::describe::{self, Progress};
use crate::model::{FunctionRecord, VersionRecord};
use crate::name::FunctionName;
use crate::package::{Owner, Package};
use crate::publish::publish;
use crate::resolve::{check_revision, version_text};
use crate::settings;
use crate::source::{Source, fetch};

impl Handle<UpdateFunctionCode> for Lambda {
    async fn access(&self, cx: &Cx, input: &UpdateFunctionCodeRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:UpdateFunctionCode", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateFunctionCodeRequest,
    ) -> Result<FunctionConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        if input.publish_to.is_some() || input.source_kms_key_arn.is_some() {
            let what = "UpdateFunctionCode with PublishTo or SourceKMSKeyArn";
            return Err(ServiceError::not_implemented("lambda", what));
        }
        let architecture = input.architectures.as_ref().and_then(|all| all.first().copied());
        let architecture = match architecture {
            Some(wanted) => Some(super::architecture(Some(wanted))?),
            None => None,
        };
        let function = name.load(&cx.store().snapshot()).await?;
        check_revision(input.revision_id.as_deref(), &function.latest.revision)?;
        let source = Source {
            operation: "UpdateFunctionCode",
            zip: input.zip_file.as_ref(),
            bucket: input.s3_bucket.as_deref(),
            key: input.s3_key.as_deref(),
            object_version: input.s3_object_version.as_deref(),
            image: input.image_uri.as_deref(),
        };
        let zip = fetch(cx, source).await?;
        let owner = Owner { account: &name.account, region: &name.region };
        let package = self.packages.take(cx, owner, zip).await?;
        if input.dry_run == Some(true) {
            super::drop_blob(cx, &package).await;
            settings::check_size(package.code.unzipped, &function.latest.settings.layers)?;
            let latest = VersionRecord { code: package.code, ..function.latest.clone() };
            return Ok(describe::version(cx, &name, &function, &latest, Progress::Done));
        }
        let stored = store(cx, &name, &input, &package, architecture).await;
        if !matches!(stored, Ok((_, (_, true)))) {
            super::drop_blob(cx, &package).await;
        }
        let (function, (version, _)) = stored?;
        self.pools.forget(&name, Some(0));
        let qualifier = (version.number > 0).then(|| version_text(version.number));
        let name = FunctionName { qualifier, ..name };
        Ok(describe::version(cx, &name, &function, &version, Progress::Updating))
    }
}

async fn store(
    cx: &Cx,
    name: &FunctionName,
    input: &UpdateFunctionCodeRequest,
    package: &Package,
    architecture: Option<&'static str>,
) -> Result<(FunctionRecord, (VersionRecord, bool))> {
    let now = cx.now();
    name.change(cx, input.revision_id.as_deref(), |tx, mut function| async move {
        let owner = Owner { account: &name.account, region: &name.region };
        settings::check_size(package.code.unzipped, &function.latest.settings.layers)?;
        let taken = code::take(&tx, owner, package).await?;
        code::release(&tx, owner, &function.latest.code, now).await?;
        let mut latest = function.latest.clone();
        latest.code = package.code.clone();
        if let Some(architecture) = architecture {
            architecture.clone_into(&mut latest.settings.architecture);
        }
        if latest.code != function.latest.code || latest.settings != function.latest.settings {
            function.published = None;
        }
        latest.modified = now.millis();
        latest.revision = cx.ids().uuid();
        function.latest = latest;
        let version = if input.publish == Some(true) {
            publish(&tx, cx, name, &mut function, None, now).await?
        } else {
            function.latest.clone()
        };
        Ok((function, (version, taken)))
    })
    .await
}

//! CreateFunction: a new function, ready to be invoked.
//!
//! Promises: after the answer the function, its package and its settings are there, durably. The
//! answer says Pending, as AWS's does; the function is in fact Active at once, and GetFunction says
//! so. With `Publish` version 1 is published and is the answer.
//! Refuses: a name that is taken, a package that does not unpack (before anything is stored), a
//! runtime that this machine lacks, a role that Lambda may not assume or the caller may not pass,
//! settings beyond "Lambda quotas".
//! Not here (501 by name): images, VPCs, file systems, SnapStart, customer keys, dead letters.

use std::collections::BTreeMap;

use cumulet_api_lambda::ops::{CreateFunction, CreateFunctionRequest};
use cumulet_api_lambda::types::{FunctionConfiguration, PackageType};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx};

use crate::Lambda;
use crate::access::{in_network, on_whole, to_layers, to_pass};
use crate::code;
use crate::describe::{self, Progress};
use crate::error::Error;
use crate::model::{FunctionRecord, Logging, Settings, VersionRecord};
use crate::name::FunctionName;
use crate::package::{Owner, Package};
use crate::publish::publish;
use crate::resolve::version_text;
use crate::role;
use crate::settings::{self, Wanted};
use crate::source::{Source, fetch};

impl Handle<CreateFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &CreateFunctionRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let mut create = on_whole(cx, "lambda:CreateFunction", &name).await?;
        create = in_network(create, input.vpc_config.as_ref());
        create = create
            .with_some("lambda:CodeSigningConfigArn", input.code_signing_config_arn.as_deref());
        let mut all = Vec::new();
        if let Some(tags) = input.tags.as_ref().filter(|tags| !tags.is_empty()) {
            create = create.tagging(tags.clone());
            let tag = on_whole(cx, "lambda:TagResource", &name).await?;
            all.push(tag.tagging(tags.clone()));
        }
        all.extend(to_layers(cx, create, input.layers.as_deref().unwrap_or_default())?);
        all.push(to_pass(cx, &input.role, &name)?);
        Ok(all)
    }

    async fn handle(&self, cx: &Cx, input: CreateFunctionRequest) -> Result<FunctionConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        if input.package_type == Some(PackageType::Image) {
            let what = "CreateFunction with PackageType Image";
            return Err(ServiceError::not_implemented("lambda", what));
        }
        if input.runtime.is_none() || input.handler.is_none() {
            return Err(Error::Invalid(
                "Runtime and Handler are mandatory parameters for functions created with \
                 deployment packages."
                    .to_owned(),
            )
            .into());
        }
        if cx.store().snapshot().get(&name.key()).await?.is_some() {
            return Err(already(&name).into());
        }
        let id = cx.ids().uuid();
        let settings = self.settings(cx, &input, &id).await?;
        role::check(cx, &name, &settings.role).await?;
        let source = Source {
            operation: "CreateFunction",
            zip: input.code.zip_file.as_ref(),
            bucket: input.code.s3_bucket.as_deref(),
            key: input.code.s3_key.as_deref(),
            object_version: input.code.s3_object_version.as_deref(),
            image: input.code.image_uri.as_deref(),
        };
        let zip = fetch(cx, source).await?;
        let owner = Owner { account: &name.account, region: &name.region };
        let package = self.packages.take(cx, owner, zip).await?;
        let record = record(cx, &name, id, settings, &package, &input)?;
        let stored = store(cx, &name, &record, &package, input.publish == Some(true)).await;
        if !matches!(stored, Ok((_, _, true))) {
            super::drop_blob(cx, &package).await;
        }
        let (function, version, _) = stored?;
        self.pools.changed().notify_one();
        let qualifier = (version.number > 0).then(|| version_text(version.number));
        let name = FunctionName { qualifier, ..name };
        Ok(describe::version(cx, &name, &function, &version, Progress::Creating))
    }
}

impl Lambda {
    async fn settings(&self, cx: &Cx, input: &CreateFunctionRequest, id: &str) -> Result<Settings> {
        let architecture = input.architectures.as_ref().and_then(|all| all.first().copied());
        let mut settings = Settings {
            runtime: String::new(),
            handler: String::new(),
            role: String::new(),
            timeout: 3,
            memory: 128,
            storage: 512,
            environment: None,
            layers: Vec::new(),
            architecture: super::architecture(architecture)?.to_owned(),
            traced: false,
            logging: Logging::default(),
        };
        let (wanted, runtimes) = (Wanted::from(input), self.runtimes.found().await?);
        wanted.apply(&mut settings, &runtimes, cx.sealer(), id)?;
        if let Some(arns) = wanted.layer_arns() {
            settings.layers = settings::layers(cx, arns).await?;
        }
        Ok(settings)
    }
}

fn record(
    cx: &Cx,
    name: &FunctionName,
    id: String,
    settings: Settings,
    package: &Package,
    input: &CreateFunctionRequest,
) -> Result<FunctionRecord> {
    settings::check_size(package.code.unzipped, &settings.layers)?;
    let tags: BTreeMap<String, String> = input.tags.clone().unwrap_or_default();
    super::tag_resource::check(&tags)?;
    Ok(FunctionRecord {
        name: name.name.clone(),
        id,
        latest: VersionRecord {
            number: 0,
            description: input.description.clone().unwrap_or_default(),
            code: package.code.clone(),
            settings,
            modified: cx.now().millis(),
            revision: cx.ids().uuid(),
        },
        next_version: 1,
        published: None,
        tags,
        reserved: None,
    })
}

fn already(name: &FunctionName) -> Error {
    Error::Conflict(format!("Function already exist: {}", name.name))
}

/// Stores the function; with what was stored comes whether the package's blob is now in use.
async fn store(
    cx: &Cx,
    name: &FunctionName,
    record: &FunctionRecord,
    package: &Package,
    published: bool,
) -> Result<(FunctionRecord, VersionRecord, bool)> {
    let now = cx.now();
    cx.store()
        .transact(|tx: Tx| async move {
            if tx.get(&name.key()).await?.is_some() {
                return Err(ServiceError::from(already(name)));
            }
            let mut function = record.clone();
            let owner = Owner { account: &name.account, region: &name.region };
            let taken = code::take(&tx, owner, package).await?;
            code::share_layers(&tx, &function.latest).await?;
            let version = if published {
                publish(&tx, cx, name, &mut function, None, now).await?
            } else {
                function.latest.clone()
            };
            tx.put_record(name.key(), &function);
            cx.note_made(&tx, &name.name);
            Ok((function, version, taken))
        })
        .await
}

//! UpdateFunctionConfiguration: other settings for `$LATEST`.
//!
//! Promises: invocations that begin after the answer run under the new settings. What the request
//! leaves out stays. The answer says InProgress, as AWS's does, though the change is done.
//! Refuses: what CreateFunction refuses of settings; a revision that is not the latest.

use cumulet_api_lambda::ops::{UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest};
use cumulet_api_lambda::types::FunctionConfiguration;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::{in_network, on_whole, to_layers, to_pass};
use crate::code;
use crate::describe::{self, Progress};
use crate::name::FunctionName;
use crate::resolve::check_revision;
use crate::role;
use crate::settings::{self, Wanted};

impl Handle<UpdateFunctionConfiguration> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateFunctionConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let update = on_whole(cx, "lambda:UpdateFunctionConfiguration", &name).await?;
        let update = in_network(update, input.vpc_config.as_ref());
        let mut all = to_layers(cx, update, input.layers.as_deref().unwrap_or_default())?;
        if let Some(role) = &input.role {
            all.push(to_pass(cx, role, &name)?);
        }
        Ok(all)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateFunctionConfigurationRequest,
    ) -> Result<FunctionConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let before = name.load(&cx.store().snapshot()).await?;
        check_revision(input.revision_id.as_deref(), &before.latest.revision)?;
        if let Some(role) = &input.role {
            role::check(cx, &name, role).await?;
        }
        let layers = match input.layers.as_deref() {
            Some(arns) => Some(settings::layers(cx, arns).await?),
            None => None,
        };
        let (now, runtimes) = (cx.now(), self.runtimes.found().await?);
        let (input, layers, name, runtimes) = (&input, &layers, &name, &runtimes);
        let changed =
            name.change(cx, input.revision_id.as_deref(), |tx, mut function| async move {
                let mut latest = function.latest.clone();
                let wanted = Wanted::from(input);
                wanted.apply(&mut latest.settings, runtimes, cx.sealer(), &function.id)?;
                if let Some(layers) = layers {
                    settings::check_size(latest.code.unzipped, layers)?;
                    latest.settings.layers.clone_from(layers);
                    code::share_layers(&tx, &latest).await?;
                    code::release_layers(&tx, &function.latest, now).await?;
                }
                if let Some(description) = &input.description {
                    latest.description.clone_from(description);
                }
                latest.modified = now.millis();
                latest.revision = cx.ids().uuid();
                function.latest = latest;
                function.published = None;
                Ok((function, ()))
            });
        let (function, ()) = changed.await?;
        self.pools.forget(name, Some(0));
        self.pools.changed().notify_one();
        Ok(describe::version(cx, name, &function, &function.latest, Progress::Updating))
    }
}

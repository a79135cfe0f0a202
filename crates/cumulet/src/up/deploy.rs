//! Deploys a packaged template the way deploy tools do: a change set, looked at and executed.

use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    CreateChangeSet, CreateChangeSetInput, DeleteChangeSet, DeleteChangeSetInput, DeleteStack,
    DeleteStackInput, DescribeChangeSet, DescribeChangeSetInput, DescribeChangeSetOutput,
    ExecuteChangeSet, ExecuteChangeSetInput,
};
use cumulet_api_cloudformation::types::{
    ChangeSetStatus, ChangeSetType, Parameter, Stack, StackStatus,
};
use cumulet_service::Cx;
use serde_json::Value;

use super::app::App;
use super::progress::Progress;
use super::stack::{Watch, find, is_moving, stands};

/// The change set's name; it is gone or executed when the next is made.
const CHANGE_SET: &str = "cumulet-up";
/// Between two looks at a change set in the making.
const LOOK: Duration = Duration::from_millis(50);

/// What a deployment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    /// The stack is what the template says already.
    Unchanged,
}

/// Brings the app's stack to the template at `url`.
pub(super) async fn deploy(
    cx: &Cx,
    app: &App,
    url: String,
    progress: &Progress,
) -> Result<Outcome, String> {
    let before = ready(cx, app, progress).await?;
    let creates = before.as_ref().is_none_or(|s| s.stack_status == StackStatus::ReviewInProgress);
    let step = progress.step(format!("deploy stack {}", app.stack));
    step.now("compare");
    let input = CreateChangeSetInput {
        stack_name: app.stack.clone(),
        change_set_name: CHANGE_SET.to_owned(),
        change_set_type: Some(if creates { ChangeSetType::Create } else { ChangeSetType::Update }),
        template_url: Some(url),
        capabilities: Some(app.capabilities.clone()),
        parameters: Some(parameters(app, before.as_ref())?),
        ..CreateChangeSetInput::default()
    };
    discard(cx, &app.stack).await?;
    let done = async {
        cx.call::<CreateChangeSet>(input).await.map_err(|why| why.message)?;
        let set = reviewed(cx, &app.stack).await?;
        if set.status == Some(ChangeSetStatus::Failed) {
            discard(cx, &app.stack).await?;
            let reason = set.status_reason.unwrap_or_default();
            if unchanged(&reason) {
                return Ok(Outcome::Unchanged);
            }
            return Err(reason);
        }
        step.now("execute");
        execute(cx, app, set.stack_id.as_deref().unwrap_or(&app.stack), progress).await?;
        Ok(if creates { Outcome::Created } else { Outcome::Updated })
    };
    match done.await {
        Ok(outcome) => {
            step.done(match outcome {
                Outcome::Created => "created",
                Outcome::Updated => "updated",
                Outcome::Unchanged => "no changes",
            });
            Ok(outcome)
        }
        Err(why) => {
            step.failed();
            Err(format!("stack {}: {why}", app.stack))
        }
    }
}

async fn execute(cx: &Cx, app: &App, id: &str, progress: &Progress) -> Result<(), String> {
    let watch = Watch::begin(cx, id).await?;
    let input = ExecuteChangeSetInput {
        change_set_name: CHANGE_SET.to_owned(),
        stack_name: Some(app.stack.clone()),
        ..ExecuteChangeSetInput::default()
    };
    cx.call::<ExecuteChangeSet>(input).await.map_err(|why| why.message)?;
    let (status, reasons) = watch.settled(progress).await?;
    if matches!(status, StackStatus::CreateComplete | StackStatus::UpdateComplete) {
        return Ok(());
    }
    let mut why = format!("it ended in {}", status.as_str());
    for reason in reasons {
        why.push_str("\n  ");
        why.push_str(&reason);
    }
    Err(why)
}

/// The stack, in a state in which it can be created or updated.
async fn ready(cx: &Cx, app: &App, progress: &Progress) -> Result<Option<Stack>, String> {
    use StackStatus::{
        CreateFailed, DeleteFailed, ReviewInProgress, RollbackComplete, RollbackFailed,
    };
    let Some(mut found) = find(cx, &app.stack).await? else { return Ok(None) };
    let id = found.stack_id.clone().unwrap_or_else(|| app.stack.clone());
    if is_moving(found.stack_status) {
        // An earlier run was cut short; the work goes on where it was.
        let step = progress.step(format!("finish what was begun on stack {}", app.stack));
        let (status, _) = Watch::begin(cx, &id).await?.settled(progress).await?;
        step.done(status.as_str());
        match find(cx, &app.stack).await? {
            Some(stack) => found = stack,
            None => return Ok(None),
        }
    }
    match found.stack_status {
        status if stands(status) || status == ReviewInProgress => Ok(Some(found)),
        // A creation that failed leaves nothing that could be updated.
        CreateFailed | DeleteFailed | RollbackComplete | RollbackFailed => {
            remove(cx, app, &id, progress).await?;
            Ok(None)
        }
        status => Err(format!(
            "stack {} is in {}, from which it cannot be updated: delete it (`aws cloudformation \
             delete-stack --stack-name {}`) and run `up` again",
            app.stack,
            status.as_str(),
            app.stack
        )),
    }
}

async fn remove(cx: &Cx, app: &App, id: &str, progress: &Progress) -> Result<(), String> {
    let step = progress.step(format!("remove what is left of stack {}", app.stack));
    let watch = Watch::begin(cx, id).await?;
    let input = DeleteStackInput { stack_name: app.stack.clone(), ..DeleteStackInput::default() };
    cx.call::<DeleteStack>(input).await.map_err(|why| why.message)?;
    let (status, reasons) = watch.settled(progress).await?;
    if status == StackStatus::DeleteComplete {
        step.done("");
        return Ok(());
    }
    step.failed();
    Err(format!("stack {} cannot be removed: {}", app.stack, reasons.join("; ")))
}

/// The change set when it is complete or has failed.
async fn reviewed(cx: &Cx, stack: &str) -> Result<DescribeChangeSetOutput, String> {
    loop {
        let input = DescribeChangeSetInput {
            change_set_name: CHANGE_SET.to_owned(),
            stack_name: Some(stack.to_owned()),
            ..DescribeChangeSetInput::default()
        };
        let set = cx.call::<DescribeChangeSet>(input).await.map_err(|why| why.message)?;
        match set.status {
            Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                tokio::time::sleep(LOOK).await;
            }
            _ => return Ok(set),
        }
    }
}

/// Deletes a change set that an earlier run left.
async fn discard(cx: &Cx, stack: &str) -> Result<(), String> {
    let input = DeleteChangeSetInput {
        change_set_name: CHANGE_SET.to_owned(),
        stack_name: Some(stack.to_owned()),
    };
    match cx.call::<DeleteChangeSet>(input).await {
        // There is none, or no stack.
        Err(why) if why.status >= 500 => Err(why.message),
        _ => Ok(()),
    }
}

/// The reasons of change sets that change nothing.
fn unchanged(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

/// What the app gives for the template's parameters. The folder says all of it: a parameter that it
/// leaves out has its default, and one without a default the value that it was first given.
fn parameters(app: &App, before: Option<&Stack>) -> Result<Vec<Parameter>, String> {
    let declared = app.template.get("Parameters").and_then(Value::as_object);
    let declares = |key: &String| declared.is_some_and(|all| all.contains_key(key));
    if let Some(unknown) = app.parameters.keys().find(|key| !declares(key)) {
        return Err(format!(
            "the template has no parameter `{unknown}`, for which there is a value"
        ));
    }
    let kept = |key: &String| {
        before
            .and_then(|stack| stack.parameters.as_ref())
            .is_some_and(|all| all.iter().any(|one| one.parameter_key.as_ref() == Some(key)))
    };
    let mut given = Vec::new();
    for (key, parameter) in declared.into_iter().flatten() {
        let parameter_key = Some(key.clone());
        if let Some(value) = app.parameters.get(key) {
            let parameter_value = Some(value.clone());
            given.push(Parameter { parameter_key, parameter_value, ..Parameter::default() });
        } else if parameter.get("Default").is_none() {
            if !kept(key) {
                return Err(format!(
                    "the parameter `{key}` has no default: give it with `--parameter \
                     {key}=VALUE`, or under [stack.parameters] in {}",
                    super::settings::FILE
                ));
            }
            let use_previous_value = Some(true);
            given.push(Parameter { parameter_key, use_previous_value, ..Parameter::default() });
        }
    }
    Ok(given)
}

/// Whether an earlier deployment of the app is there and whole.
pub(super) async fn is_deployed(cx: &Cx, app: &App) -> bool {
    let found = find(cx, &app.stack).await.ok().flatten();
    found.is_some_and(|stack| stands(stack.stack_status))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn app(parameters: &[(&str, &str)]) -> App {
        let template = json!({"Parameters": {
            "Stage": {"Type": "String", "Default": "dev"},
            "Secret": {"Type": "String", "NoEcho": true},
        }});
        let given = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        App {
            folder: "/app".into(),
            base: "/app".into(),
            file: "/app/template.yaml".into(),
            template,
            stack: "s".to_owned(),
            parameters: given.collect::<BTreeMap<_, _>>(),
            capabilities: Vec::new(),
            pages: Vec::new(),
        }
    }

    #[test]
    fn parameters_come_from_the_folder() {
        let why = parameters(&app(&[]), None).unwrap_err();
        assert!(why.contains("`Secret` has no default") && why.contains("--parameter"), "{why}");
        let why = parameters(&app(&[("Other", "x")]), None).unwrap_err();
        assert!(why.contains("no parameter `Other`"), "{why}");
        let given = parameters(&app(&[("Secret", "s")]), None).unwrap();
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].parameter_value.as_deref(), Some("s"));
        let secret = Parameter { parameter_key: Some("Secret".into()), ..Parameter::default() };
        let before = Stack { parameters: Some(vec![secret]), ..Stack::default() };
        let given = parameters(&app(&[("Stage", "prod")]), Some(&before)).unwrap();
        assert_eq!(given[0].parameter_value.as_deref(), Some("prod"));
        assert_eq!(given[1].use_previous_value, Some(true));
    }
}

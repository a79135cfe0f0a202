//! Beginning an operation: the stack, its revision and the job are written in one transaction.

use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error as ServiceError, Result, pass_role};
use cumulet_store::Read as _;

use crate::engine;
use crate::error::Error;
use crate::model::{
    ChangeSetRecord, Kind, OnFailure, Operation, Phase, Revision, Settings, StackRecord,
};
use crate::store::{self, Place};

/// The principal that CloudFormation itself is.
pub(crate) const PRINCIPAL: &str = "cloudformation.amazonaws.com";

/// An operation that is to begin.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) kind: Kind,
    pub(crate) target: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) on_failure: OnFailure,
    pub(crate) token: Option<String>,
    pub(crate) retain: Vec<String>,
    pub(crate) retain_except_on_create: bool,
    /// The change set that is carried out.
    pub(crate) change_set: Option<ChangeSetRecord>,
}

/// The stack `stack` with `begin` under way. `new` is a stack that must not be there yet;
/// `revision` is written beside it.
pub(crate) async fn begin(
    cx: &Cx,
    stack: &StackRecord,
    new: bool,
    revision: Option<&Revision>,
    begin: &Begin,
) -> Result<()> {
    let (place, now) = (Place::of(cx), cx.now());
    let operation = operation(cx, begin);
    let event_id = cx.ids().uuid();
    let (place, operation, event_id) = (&place, &operation, &event_id);
    cx.store()
        .transact(|tx| async move {
            let mut current = stack.clone();
            if new {
                if tx.get(&place.name(&stack.name)).await?.is_some() {
                    return Err(Error::StackExists(stack.name.clone()).into());
                }
                tx.put(place.name(&stack.name), stack.id.clone().into_bytes());
                cx.note_made(&tx, &stack.id);
            } else {
                current = store::live(&tx, place, &stack.id).await?;
                if current.operation.is_some() || current.revision != stack.revision {
                    return Err(busy(&current).into());
                }
            }
            let status = match begin.kind {
                Kind::Create => "CREATE_IN_PROGRESS",
                Kind::Update => "UPDATE_IN_PROGRESS",
                Kind::Delete => "DELETE_IN_PROGRESS",
            };
            status.clone_into(&mut current.status);
            current.reason = Some("User Initiated".to_owned());
            if begin.kind == Kind::Update {
                current.updated = Some(now.millis());
            }
            if begin.kind != Kind::Delete {
                current.settings.disable_rollback = begin.settings.disable_rollback;
            }
            if begin.kind == Kind::Create {
                current.settings.clone_from(&begin.settings);
                current.revision.clone_from(&begin.target);
            }
            current.last_token = begin.token.clone().map(|token| (token, begin.kind));
            current.operation = Some(operation.clone());
            if let Some(revision) = revision {
                let id = begin.target.as_deref().unwrap_or_default();
                tx.put_record(place.revision(&stack.id, id), revision);
            }
            if let Some(set) = &begin.change_set {
                carry_out(&tx, place, &mut current, set).await?;
            }
            let event = store::stack_event(&current, event_id.clone(), now, begin.token.clone());
            store::add_event(&tx, place, &stack.id, &event).await?;
            engine::enqueue(&tx, place, &current, now).await?;
            tx.put_record(place.stack(&stack.id), &current);
            Ok::<_, ServiceError>(())
        })
        .await
}

/// The change set becomes the stack's; the others have lost their ground.
async fn carry_out(
    tx: &cumulet_store::Tx,
    place: &Place,
    stack: &mut StackRecord,
    set: &ChangeSetRecord,
) -> Result<()> {
    for other in store::all::<ChangeSetRecord>(tx, &place.change_sets(&stack.id)).await? {
        if other.id != set.id {
            store::delete_change_set(tx, place, &stack.id, &other);
        }
    }
    let executed = ChangeSetRecord { execution: "EXECUTE_COMPLETE".to_owned(), ..set.clone() };
    store::put_change_set(tx, place, &stack.id, &executed);
    stack.change_set = Some(set.id.clone());
    Ok(())
}

fn operation(cx: &Cx, begin: &Begin) -> Operation {
    let minutes = begin.settings.timeout_minutes.filter(|_| begin.kind == Kind::Create);
    Operation {
        id: cx.ids().uuid(),
        kind: begin.kind,
        phase: Phase::Forward,
        principal: cx.principal().clone(),
        target: begin.target.clone(),
        settings: begin.settings.clone(),
        on_failure: begin.on_failure,
        token: begin.token.clone(),
        retain: begin.retain.clone(),
        retain_except_on_create: begin.retain_except_on_create,
        cancelled: false,
        endpoint: cx.request().endpoint.clone(),
        deadline: minutes.map(|minutes| cx.now().millis() + i64::from(minutes) * 60_000),
    }
}

/// The stack is in no state for what is asked.
pub(crate) fn busy(stack: &StackRecord) -> Error {
    let StackRecord { id, status, .. } = stack;
    Error::Validation(format!("Stack:{id} is in {status} state and can not be updated."))
}

/// Whether a stack can be updated from where it is.
pub(crate) fn updatable(stack: &StackRecord) -> Result<()> {
    let steady = matches!(
        stack.status.as_str(),
        "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "CREATE_FAILED"
            | "UPDATE_FAILED"
    );
    if steady && stack.operation.is_none() { Ok(()) } else { Err(busy(stack).into()) }
}

/// A stack that is about to be.
pub(crate) fn new_stack(cx: &Cx, name: &str, status: &str) -> StackRecord {
    let id = format!("stack/{name}/{}", cx.ids().uuid());
    let id = Arn::new("cloudformation", cx.region(), cx.account(), &id);
    StackRecord {
        id: id.as_str().to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        reason: None,
        description: None,
        created: cx.now().millis(),
        updated: None,
        deleted: None,
        revision: None,
        settings: Settings::default(),
        termination_protection: false,
        policy: None,
        change_set: None,
        operation: None,
        last_token: None,
        outputs: Vec::new(),
        within: Vec::new(),
    }
}

/// The stacks that a stack made in this context is a resource of.
pub(crate) async fn within(cx: &Cx) -> Result<Vec<String>> {
    let Some(part) = cx.part() else { return Ok(Vec::new()) };
    let outer = store::stack(&cx.store().snapshot(), &Place::of(cx), &part.stack).await?;
    let mut within = outer.within;
    within.push(outer.id);
    if within.len() > engine::MOST_OUTER {
        let text = format!("Stacks can be nested {} deep.", engine::MOST_OUTER);
        return Err(Error::Validation(text).into());
    }
    Ok(within)
}

/// Leave for `action` on a stack that is named or identified, with its tags.
pub(crate) async fn access(cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
    let whole = |name: &str| {
        let resource = format!("stack/{name}/*");
        Arn::new("cloudformation", cx.region(), cx.account(), &resource)
    };
    let access = Access::on(cx, action, name.parse().unwrap_or_else(|_| whole(name)));
    let read = cx.store().snapshot();
    let Some(stack) = store::find(&read, &Place::of(cx), name).await? else { return Ok(access) };
    let revision = present(cx, &stack).await?;
    Ok(access.tagged(revision.map(|revision| revision.tags).unwrap_or_default()))
}

/// The same, with leave to hand the role to this service.
pub(crate) async fn with_role(
    cx: &Cx,
    action: &'static str,
    name: &str,
    role_arn: Option<&str>,
) -> Result<Vec<Access>> {
    let access = access(cx, action, name).await?;
    let mut needed = vec![access.with_some("cloudformation:RoleArn", role_arn)];
    if let Some(role_arn) = role_arn {
        let invalid = |_| Error::Validation(format!("Role {role_arn} is invalid"));
        needed.push(pass_role(cx, role_arn, PRINCIPAL).map_err(invalid)?);
    }
    Ok(needed)
}

/// The revision that a stack is at.
pub(crate) async fn present(cx: &Cx, stack: &StackRecord) -> Result<Option<Revision>> {
    let Some(at) = &stack.revision else { return Ok(None) };
    let read = cx.store().snapshot();
    Ok(Some(store::revision(&read, &Place::of(cx), &stack.id, at).await?))
}

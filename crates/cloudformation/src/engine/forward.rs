//! Towards the new revision: resources are made, changed or replaced, those first that others need.

use cumulet_base::Timestamp;
use cumulet_service::Actual;
use cumulet_template::{Resource, Stack, Template};
use serde_json::{Map, Value};

use super::call::{Told, Wanted};
use super::schedule::{self, Item};
use super::{Run, Step, Stop, after_failure};
use crate::context::{Fact, Known, pseudo};
use crate::model::{
    Begun, Kind, Made, Operation, Phase, ResourceRecord, Revision, StackRecord, State,
    Step as Does, Values,
};
use crate::store;
use crate::types;

/// Characters of the random part of a physical name.
const RANDOM: usize = 12;
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Characters of a physical name at most; types that allow fewer shorten it themselves.
const MAX_NAME: usize = 255;

/// What a step knows of the operation.
pub(super) struct Target<'a> {
    pub(super) operation: &'a Operation,
    pub(super) stack: &'a StackRecord,
    pub(super) revision: &'a Revision,
    pub(super) template: &'a Template,
    pub(super) evaluated: &'a Stack<'a>,
    pub(super) graph: &'a cumulet_template::Graph,
}

impl Run {
    pub(super) async fn forward(
        &self,
        stack: &StackRecord,
        operation: &Operation,
    ) -> Result<(), Stop> {
        let read = self.cx.store().snapshot();
        let target = operation.target.as_deref().unwrap_or_default();
        let revision = store::revision(&read, &self.place, &self.stack_id, target).await?;
        let values: Values = store::open(self.cx.sealer(), &self.stack_id, &revision.values)?;
        // Both were checked when the operation was asked for.
        let failed =
            |error: cumulet_template::Error| Stop::Failed(cumulet_service::Error::internal(error));
        let template = Template::new(&revision.processed).map_err(failed)?;
        let wanted = StackRecord { settings: operation.settings.clone(), ..stack.clone() };
        let pseudo = pseudo(&self.cx, &wanted);
        let evaluated = Stack::new(&template, values.resolved, pseudo).map_err(failed)?;
        let graph = evaluated.graph().map_err(failed)?;
        let target = Target {
            operation,
            stack,
            revision: &revision,
            template: &template,
            evaluated: &evaluated,
            graph: &graph,
        };
        let items: Vec<Item> =
            graph.creation().iter().flatten().map(|id| item(&target, id)).collect();
        let failed = schedule::run(&items, true, |id| {
            let target = &target;
            async move { self.bring_about(target, &id).await }
        })
        .await?;
        if failed.is_empty() {
            return match self.outputs(&target).await? {
                Ok(()) => Ok(()),
                Err(reason) => self.forward_failed(operation, reason).await,
            };
        }
        let verb = if operation.kind == Kind::Create { "create" } else { "update" };
        let names: Vec<_> = failed.keys().map(String::as_str).collect();
        let names = names.join(", ");
        self.forward_failed(
            operation,
            format!("The following resource(s) failed to {verb}: [{names}]. "),
        )
        .await
    }

    /// The stack stays as it is, or goes back.
    async fn forward_failed(&self, operation: &Operation, reason: String) -> Result<(), Stop> {
        let next = after_failure(operation);
        self.advance(|stack, _| {
            let cancelled = stack.operation.as_ref().is_some_and(|one| one.cancelled);
            let Some(status) = next else {
                let kind = operation.kind;
                let status = if kind == Kind::Create { "CREATE_FAILED" } else { "UPDATE_FAILED" };
                status.clone_into(&mut stack.status);
                stack.reason = Some(reason.clone());
                stack.operation = None;
                stack.revision.clone_from(&operation.target);
                return;
            };
            status.clone_into(&mut stack.status);
            stack.reason = Some(match (cancelled, operation.kind) {
                (true, _) => "User Initiated".to_owned(),
                (false, Kind::Create) => format!("{reason}Rollback requested by user."),
                (false, _) => reason.clone(),
            });
            if let Some(one) = &mut stack.operation {
                one.phase = Phase::Back;
            }
        })
        .await
    }

    /// Makes or changes one resource, as far as it is not yet as wanted.
    async fn bring_about(&self, target: &Target<'_>, id: &str) -> Result<Step, Stop> {
        let operation = target.operation;
        let Some(resource) = target.template.resource(id) else { return Ok(Ok(())) };
        let mark = (operation.id.clone(), Phase::Forward);
        let mut record = self.record(id).await?.unwrap_or_default();
        if record.settled.as_ref() == Some(&mark) {
            return Ok(Ok(()));
        }
        if self.halted(operation).await? {
            return Ok(Err("Resource creation cancelled".to_owned()));
        }
        let resumed = record.begun.clone().filter(|begun| begun.of == mark);
        if resumed.is_none()
            && let Err(reason) = self.take_over(operation, &mut record).await?
        {
            return self.refused(operation, record, reason).await;
        }
        let begun = match resumed {
            Some(begun) => begun,
            None => match self.plan(target, resource, &mut record, mark.clone()).await? {
                Ok(Some(begun)) => begun,
                Ok(None) => return self.settle(target, resource, record, mark).await,
                Err(reason) => return self.refused(operation, record, reason).await,
            },
        };
        let properties: Map<String, Value> =
            store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
        match self.take(&record, resource, &begun, &properties).await? {
            Ok(actual) => {
                self.came_about(target, resource, record, begun, properties, actual).await
            }
            Err(reason) => self.refused(operation, record, reason).await,
        }
    }

    /// Whether the caller has changed his mind, or the time is over.
    async fn halted(&self, operation: &Operation) -> Result<bool, Stop> {
        let now = self.cx.now();
        if operation.deadline.is_some_and(|at| Timestamp::from_millis(at) < now) {
            return Ok(true);
        }
        let read = self.cx.store().snapshot();
        let stack = store::stack(&read, &self.place, &self.stack_id).await?;
        Ok(stack.operation.is_some_and(|one| one.cancelled))
    }

    /// Brings what an earlier operation left half done to where it can be gone on from: what it
    /// half made is removed, what it half changed is given back what it was.
    async fn take_over(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
    ) -> Result<Step, Stop> {
        if let Err(reason) = self.settle_debt(operation, record).await? {
            return Ok(Err(reason));
        }
        record.retire_replaced();
        if let (Some(begun), Some(made)) = (record.begun.clone(), record.current.clone()) {
            let properties = store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
            let from = State { properties, ..State::default() };
            if let Err(reason) = self.restore(operation, record, &from, made).await? {
                return Ok(Err(reason));
            }
            record.begun = None;
        }
        Ok(Ok(()))
    }

    /// Decides what to do and writes it down; `None` where there is nothing to do.
    async fn plan(
        &self,
        target: &Target<'_>,
        resource: &Resource,
        record: &mut ResourceRecord,
        mark: (String, Phase),
    ) -> Result<Result<Option<Begun>, String>, Stop> {
        resource.id.clone_into(&mut record.id);
        if record.current.is_none() {
            resource.type_name.clone_into(&mut record.type_name);
        }
        let properties = match self.properties(target, resource).await {
            Ok(properties) => properties,
            Err(Stop::Failed(error)) if error.status < 500 => return Ok(Err(error.message)),
            Err(stop) => return Err(stop),
        };
        let tags = &target.revision.tags;
        let (step, status, reason) = match &record.current {
            None => (Does::Create, "CREATE_IN_PROGRESS", None),
            Some(made) => {
                let before = self.state(made)?.properties;
                let other_type = made.type_name != resource.type_name;
                if !other_type && before == properties && made.tags == *tags {
                    return Ok(Ok(None));
                }
                if other_type || self.replaces(&resource.type_name, &before, &properties) {
                    let reason = "Requested update requires the creation of a new physical \
                                  resource; hence creating one.";
                    (Does::Replace, "UPDATE_IN_PROGRESS", Some(reason.to_owned()))
                } else {
                    (Does::Update, "UPDATE_IN_PROGRESS", None)
                }
            }
        };
        let name = match &record.current {
            Some(made) if step == Does::Update => made.name.clone(),
            _ => self.name(&target.stack.name, &resource.id),
        };
        resource.type_name.clone_into(&mut record.type_name);
        let begun = Begun {
            of: mark,
            name,
            step,
            wanted: self.seal(&properties)?,
            type_name: resource.type_name.clone(),
            tags: tags.clone(),
            needs: target.graph.dependencies(&resource.id).map(str::to_owned).collect(),
        };
        record.begun = Some(begun.clone());
        let physical_id = record.current.as_ref().map(|made| made.physical_id.clone());
        let told = Told { status, reason, physical_id };
        record.tell(self.cx.now(), &told);
        self.note(target.operation, record, Some(told)).await?;
        Ok(Ok(Some(begun)))
    }

    fn replaces(
        &self,
        type_name: &str,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> bool {
        let Some(resource) = types::find(&self.cx, type_name) else { return false };
        crate::preview::differing(before, after).any(|property| resource.replaces(property))
    }

    fn name(&self, stack: &str, id: &str) -> String {
        let random = self.cx.ids().text(RANDOM, ALPHABET);
        let mut name = format!("{stack}-{id}");
        name.truncate(MAX_NAME - RANDOM - 1);
        format!("{name}-{random}")
    }

    /// The properties as the template and the resources that are there make them.
    async fn properties(
        &self,
        target: &Target<'_>,
        resource: &Resource,
    ) -> Result<Map<String, Value>, Stop> {
        let mut known = self.known(target.graph.dependencies(&resource.id)).await?;
        let cx = self.actor.as_ref().unwrap_or(&self.cx);
        let properties =
            known.evaluate(cx, |known| target.evaluated.properties(resource, known)).await?;
        self.imported(target, &known).await?;
        Ok(properties)
    }

    /// What is known of these resources.
    pub(super) async fn known<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<Known, Stop> {
        let mut known = Known::default();
        for id in ids {
            if let Some(made) = self.record(id).await?.and_then(|record| record.current) {
                let attributes = self.state(&made)?.attributes;
                let fact = Fact::There { physical_id: made.physical_id, attributes };
                known.resources.insert(id.to_owned(), fact);
            }
        }
        Ok(known)
    }

    async fn take(
        &self,
        record: &ResourceRecord,
        resource: &Resource,
        begun: &Begun,
        properties: &Map<String, Value>,
    ) -> Result<Result<Actual, String>, Stop> {
        let wanted = Wanted {
            id: &resource.id,
            type_name: &resource.type_name,
            name: &begun.name,
            properties,
            tags: &begun.tags,
        };
        Ok(match (&record.current, begun.step) {
            (Some(made), Does::Update) => {
                let before = self.state(made)?.properties;
                self.update(&made.physical_id, &before, &wanted).await
            }
            _ => self.create(&wanted).await,
        })
    }

    async fn came_about(
        &self,
        target: &Target<'_>,
        resource: &Resource,
        mut record: ResourceRecord,
        begun: Begun,
        properties: Map<String, Value>,
        actual: Actual,
    ) -> Result<Step, Stop> {
        let mut attributes = actual.attributes;
        if let (Does::Update, Some(made)) = (begun.step, &record.current) {
            // What an update does not name stays as it was.
            for (name, value) in self.state(made)?.attributes {
                attributes.entry(name).or_insert(value);
            }
        }
        let made = Made {
            type_name: resource.type_name.clone(),
            physical_id: actual.physical_id,
            name: begun.name,
            state: self.seal(&State { properties, attributes })?,
            tags: begun.tags,
            needs: Vec::new(),
            deletion_policy: None,
            replace_policy: None,
        };
        let status = if begun.step == Does::Create { "CREATE_COMPLETE" } else { "UPDATE_COMPLETE" };
        let told = Told::new(status, Some(&made.physical_id));
        // An update may end in a new physical resource, which then replaces the old one.
        let same = record.current.as_ref().is_some_and(|old| old.physical_id == made.physical_id);
        record.fresh = begun.step != Does::Update || !same;
        let attempt = self.attempt(&made.name);
        record.previous = record.current.replace(made);
        record.begun = None;
        describe(target, resource, &mut record);
        record.settled = Some((target.operation.id.clone(), Phase::Forward));
        record.tell(self.cx.now(), &told);
        self.write(target.operation, &record, Some(told), Some(&attempt)).await?;
        Ok(Ok(()))
    }

    /// Nothing to do but to note what the template says of it.
    async fn settle(
        &self,
        target: &Target<'_>,
        resource: &Resource,
        mut record: ResourceRecord,
        mark: (String, Phase),
    ) -> Result<Step, Stop> {
        describe(target, resource, &mut record);
        record.fresh = false;
        record.settled = Some(mark);
        self.note(target.operation, &record, None).await?;
        Ok(Ok(()))
    }

    async fn refused(
        &self,
        operation: &Operation,
        mut record: ResourceRecord,
        reason: String,
    ) -> Result<Step, Stop> {
        let status = if record.current.is_some() { "UPDATE_FAILED" } else { "CREATE_FAILED" };
        let mut physical_id = record.current.as_ref().map(|made| made.physical_id.clone());
        if let Some(begun) = record.begun.as_ref().filter(|_| physical_id.is_none()) {
            physical_id = self.attempt(&begun.name).made_before().await?;
        }
        let told = Told::new(status, physical_id.as_deref()).because(&reason);
        record.tell(self.cx.now(), &told);
        self.note(operation, &record, Some(told)).await?;
        Ok(Err(reason))
    }
}

/// Ends the way forward as it was meant to end.
pub(super) fn arrived(stack: &mut StackRecord, operation: &Operation) {
    stack.revision.clone_from(&operation.target);
    stack.settings.clone_from(&operation.settings);
    stack.reason = None;
    if operation.kind == Kind::Create {
        "CREATE_COMPLETE".clone_into(&mut stack.status);
        stack.operation = None;
        return;
    }
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".clone_into(&mut stack.status);
    if let Some(one) = &mut stack.operation {
        one.phase = Phase::Cleanup;
    }
}

fn item(target: &Target<'_>, id: &str) -> Item {
    Item { id: id.to_owned(), after: target.graph.dependencies(id).map(str::to_owned).collect() }
}

/// What the template says of a resource beside its properties.
fn describe(target: &Target<'_>, resource: &Resource, record: &mut ResourceRecord) {
    let text =
        |name: &str| resource.attributes.get(name).and_then(Value::as_str).map(str::to_owned);
    record.description = text("Description");
    record.metadata = resource.attributes.get("Metadata").cloned();
    if let Some(made) = &mut record.current {
        made.deletion_policy = text("DeletionPolicy");
        made.replace_policy = text("UpdateReplacePolicy");
        made.needs = target.graph.dependencies(&resource.id).map(str::to_owned).collect();
    }
}

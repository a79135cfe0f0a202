//! What is no longer wanted goes: a whole stack, what a creation made in vain, what an update
//! replaced or dropped.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_store::Read as _;
use cumulet_template::{Stack, Template};

use super::call::Told;
use super::schedule::{self, Item};
use super::{Run, Step, Stop};
use crate::context::pseudo;
use crate::model::{Kind, Made, OnFailure, Operation, Phase, ResourceRecord, StackRecord, Values};
use crate::store;

/// Which of a record's physical resources goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Current,
    Previous,
}

impl Run {
    pub(super) async fn delete_stack(
        &self,
        stack: &StackRecord,
        operation: &Operation,
    ) -> Result<(), Stop> {
        if let Err(reason) = self.may_export(stack, &BTreeMap::new()).await? {
            return self.ended(operation, "DELETE_FAILED", Some(reason)).await;
        }
        let failed = self.remove_all(operation, &operation.retain).await?;
        if failed.is_empty() {
            return self.gone(operation).await;
        }
        self.ended(operation, "DELETE_FAILED", Some(undeleted(&failed))).await
    }

    /// A creation failed: what it made goes.
    pub(super) async fn roll_creation_back(
        &self,
        _: &StackRecord,
        operation: &Operation,
    ) -> Result<(), Stop> {
        let failed = self.remove_all(operation, &[]).await?;
        let deletes = operation.on_failure == OnFailure::Delete;
        match (failed.is_empty(), deletes) {
            (true, true) => self.gone(operation).await,
            (true, false) => self.ended(operation, "ROLLBACK_COMPLETE", None).await,
            (false, true) => self.ended(operation, "DELETE_FAILED", Some(undeleted(&failed))).await,
            (false, false) => {
                self.ended(operation, "ROLLBACK_FAILED", Some(undeleted(&failed))).await
            }
        }
    }

    /// After an update, or after one was undone.
    pub(super) async fn clean_up(
        &self,
        stack: &StackRecord,
        operation: &Operation,
        phase: Phase,
    ) -> Result<(), Stop> {
        let records = self.records().await?;
        let kept = if phase == Phase::Cleanup { self.active(stack).await? } else { None };
        let mut doomed = BTreeMap::new();
        for record in &records {
            let dropped = kept.as_ref().is_some_and(|kept| !kept.contains(&record.id));
            let fresh =
                record.fresh && record.settled.as_ref().is_some_and(|(of, _)| *of == operation.id);
            // Going back has put what it undid under `previous`; what was new stays `current`.
            let in_vain = phase == Phase::BackCleanup && fresh && record.previous.is_none();
            if dropped || in_vain {
                doomed.insert(record.id.clone(), Which::Current);
            } else if fresh && record.previous.is_some() {
                doomed.insert(record.id.clone(), Which::Previous);
            }
        }
        let items = order(&records, |id| doomed.contains_key(id));
        let failed = schedule::run(&items, false, |id| {
            let which = doomed.get(&id).copied().unwrap_or(Which::Previous);
            let replaced = which == Which::Previous && phase == Phase::Cleanup;
            async move { self.remove(operation, &id, which, replaced, false).await }
        })
        .await?;
        // An update that is through does not go back for what it could not remove.
        let reason =
            (!failed.is_empty()).then(|| "One or more resources could not be deleted.".to_owned());
        self.forget_steps(operation).await?;
        let status =
            if phase == Phase::Cleanup { "UPDATE_COMPLETE" } else { "UPDATE_ROLLBACK_COMPLETE" };
        self.ended(operation, status, reason).await
    }

    /// Logical ids that the stack's revision has.
    async fn active(&self, stack: &StackRecord) -> Result<Option<BTreeSet<String>>, Stop> {
        let Some(at) = &stack.revision else { return Ok(None) };
        let read = self.cx.store().snapshot();
        let revision = store::revision(&read, &self.place, &self.stack_id, at).await?;
        let values: Values = store::open(self.cx.sealer(), &self.stack_id, &revision.values)?;
        let failed =
            |error: cumulet_template::Error| Stop::Failed(cumulet_service::Error::internal(error));
        let template = Template::new(&revision.processed).map_err(failed)?;
        let evaluated =
            Stack::new(&template, values.resolved, pseudo(&self.cx, stack)).map_err(failed)?;
        let active = template.resources.iter().filter(|resource| evaluated.is_active(resource));
        Ok(Some(active.map(|resource| resource.id.clone()).collect()))
    }

    /// Removes every resource of the stack but those to retain; gives what failed.
    async fn remove_all(
        &self,
        operation: &Operation,
        retain: &[String],
    ) -> Result<BTreeMap<String, String>, Stop> {
        let records = self.records().await?;
        for record in &records {
            if record.previous.is_some() && record.fresh {
                // Left over by an update that was broken off.
                drop(self.remove(operation, &record.id, Which::Previous, false, true).await?);
            }
        }
        let items = order(&records, |_| true);
        schedule::run(&items, false, |id| {
            let spared = retain.contains(&id);
            async move {
                if spared {
                    return self.spare(operation, &id).await;
                }
                self.remove(operation, &id, Which::Current, false, true).await
            }
        })
        .await
    }

    /// Removes one physical resource, or leaves it where its policy says so.
    async fn remove(
        &self,
        operation: &Operation,
        id: &str,
        which: Which,
        replaced: bool,
        whole: bool,
    ) -> Result<Step, Stop> {
        let Some(record) = self.record(id).await? else { return Ok(Ok(())) };
        let made = match which {
            Which::Current => record.current.clone(),
            Which::Previous => record.previous.clone(),
        };
        let Some(made) = made else { return self.remove_leftover(operation, record, whole).await };
        let policy = if replaced { &made.replace_policy } else { &made.deletion_policy };
        let fresh = operation.kind != Kind::Delete && operation.phase != Phase::Cleanup;
        let kept = match policy.as_deref() {
            Some("Retain") => !(fresh && operation.retain_except_on_create),
            Some("RetainExceptOnCreate") => !fresh,
            _ => false,
        };
        if kept {
            return self.told_gone(operation, record, which, &made, "DELETE_SKIPPED", whole).await;
        }
        let mut record = record;
        let told = Told::new("DELETE_IN_PROGRESS", Some(&made.physical_id));
        if which == Which::Current {
            record.tell(self.cx.now(), &told);
        }
        self.note(operation, &record, Some(told)).await?;
        match self.unmake(&made).await? {
            Ok(()) => {
                self.told_gone(operation, record, which, &made, "DELETE_COMPLETE", whole).await
            }
            Err(reason) => {
                let told = Told::new("DELETE_FAILED", Some(&made.physical_id));
                let told = told.because(&reason);
                if which == Which::Current {
                    record.tell(self.cx.now(), &told);
                }
                self.note(operation, &record, Some(told)).await?;
                Ok(Err(reason))
            }
        }
    }

    /// What a step that failed may have left under the name that was made up for it. That nothing
    /// is there is the usual case, and that the name does not lead to it no fault: its owner knows
    /// of the failure.
    async fn remove_leftover(
        &self,
        operation: &Operation,
        mut record: ResourceRecord,
        whole: bool,
    ) -> Result<Step, Stop> {
        if let Some(begun) = record.begun.take() {
            self.leftover(&record.type_name, &begun).await?;
            if whole {
                let told = Told::new("DELETE_COMPLETE", None);
                record.tell(self.cx.now(), &told);
                self.note(operation, &record, Some(told)).await?;
            }
        }
        Ok(Ok(()))
    }

    pub(super) async fn leftover(
        &self,
        type_name: &str,
        begun: &crate::model::Begun,
    ) -> Result<(), Stop> {
        let properties = store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
        let state = crate::model::State { properties, ..Default::default() };
        let made = Made {
            type_name: type_name.to_owned(),
            physical_id: begun.name.clone(),
            name: begun.name.clone(),
            state: self.seal(&state)?,
            tags: Vec::new(),
            needs: Vec::new(),
            deletion_policy: None,
            replace_policy: None,
        };
        if let Err(reason) = self.unmake(&made).await? {
            tracing::debug!(reason, name = begun.name, "nothing to remove under a name");
        }
        Ok(())
    }

    async fn spare(&self, operation: &Operation, id: &str) -> Result<Step, Stop> {
        let Some(record) = self.record(id).await? else { return Ok(Ok(())) };
        let Some(made) = record.current.clone() else { return Ok(Ok(())) };
        self.told_gone(operation, record, Which::Current, &made, "DELETE_SKIPPED", true).await
    }

    async fn told_gone(
        &self,
        operation: &Operation,
        mut record: ResourceRecord,
        which: Which,
        made: &Made,
        status: &'static str,
        whole: bool,
    ) -> Result<Step, Stop> {
        let told = Told::new(status, Some(&made.physical_id));
        match which {
            Which::Current => {
                record.current = None;
                record.tell(self.cx.now(), &told);
            }
            Which::Previous => record.previous = None,
        }
        record.fresh = record.fresh && record.previous.is_some() && !whole;
        self.note(operation, &record, Some(told)).await?;
        Ok(Ok(()))
    }

    /// After an update nothing of it is left to remember; resources that are gone are forgotten.
    async fn forget_steps(&self, operation: &Operation) -> Result<(), Stop> {
        for mut record in self.records().await? {
            if let Some(begun) = record.begun.take().filter(|_| record.current.is_none()) {
                self.leftover(&record.type_name, &begun).await?;
            }
            record.previous = None;
            record.fresh = false;
            if record.current.is_some() {
                self.note(operation, &record, None).await?;
            } else {
                let key = &self.place.resource(&self.stack_id, &record.id);
                self.cx
                    .store()
                    .transact(|tx| async move {
                        self.lease.check(&tx).await?;
                        tx.delete(key.clone());
                        Ok::<_, Stop>(())
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// The operation's end.
    pub(super) async fn ended(
        &self,
        operation: &Operation,
        status: &'static str,
        reason: Option<String>,
    ) -> Result<(), Stop> {
        let _ = operation;
        self.advance(|stack, _| {
            status.clone_into(&mut stack.status);
            stack.reason.clone_from(&reason);
            stack.operation = None;
        })
        .await
    }

    /// The stack's end: its name is free, its record stays readable by id.
    async fn gone(&self, operation: &Operation) -> Result<(), Stop> {
        let read = self.cx.store().snapshot();
        let imports = read
            .range(
                &self.place.imported_by(&self.stack_id).prefix(),
                cumulet_store::Direction::Forward,
                usize::MAX,
            )
            .await?;
        let imports = &imports;
        let now = self.cx.now().millis();
        let _ = operation;
        self.advance(|stack, tx| {
            for (key, name) in &imports.items {
                tx.delete(key.clone());
                tx.delete(self.place.import(&String::from_utf8_lossy(name), &self.stack_id));
            }
            self.export(stack, &BTreeMap::new(), tx);
            tx.delete(self.place.name(&stack.name));
            "DELETE_COMPLETE".clone_into(&mut stack.status);
            stack.reason = None;
            stack.deleted = Some(now);
            stack.operation = None;
        })
        .await
    }
}

/// Those that others need go last.
fn order(records: &[ResourceRecord], goes: impl Fn(&str) -> bool) -> Vec<Item> {
    let items: Vec<Item> = records
        .iter()
        .filter(|record| goes(&record.id))
        .map(|record| {
            let made = record.current.as_ref().or(record.previous.as_ref());
            let after = made.map(|made| made.needs.clone()).unwrap_or_default();
            Item { id: record.id.clone(), after }
        })
        .collect();
    Item::reversed(&items)
}

fn undeleted(failed: &BTreeMap<String, String>) -> String {
    let names: Vec<_> = failed.keys().map(String::as_str).collect();
    format!("The following resource(s) failed to delete: [{}]. ", names.join(", "))
}

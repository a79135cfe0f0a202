//! A stack goes, or what its creation made in vain.

use std::collections::BTreeMap;

use super::call::Told;
use super::schedule::{self, Item};
use super::{Run, Step, Stop};
use crate::model::{Made, OnFailure, Operation, ResourceRecord, StackRecord};

impl Run {
    pub(super) async fn delete_stack(
        &self,
        stack: &StackRecord,
        operation: &Operation,
    ) -> Result<(), Stop> {
        if let Err(reason) = self.may_export(stack, &BTreeMap::new()).await? {
            return self.ended("DELETE_FAILED", Some(reason)).await;
        }
        let failed = self.remove_all(operation).await?;
        if failed.is_empty() {
            return self.gone().await;
        }
        self.ended("DELETE_FAILED", Some(undeleted(&failed))).await
    }

    /// A creation failed: what it made goes.
    pub(super) async fn roll_creation_back(&self, operation: &Operation) -> Result<(), Stop> {
        let failed = self.remove_all(operation).await?;
        let deletes = operation.on_failure == OnFailure::Delete;
        match (failed.is_empty(), deletes) {
            (true, true) => self.gone().await,
            (true, false) => self.ended("ROLLBACK_COMPLETE", None).await,
            (false, true) => self.ended("DELETE_FAILED", Some(undeleted(&failed))).await,
            (false, false) => self.ended("ROLLBACK_FAILED", Some(undeleted(&failed))).await,
        }
    }

    /// Removes every resource of the stack but those to retain; gives what failed.
    async fn remove_all(&self, operation: &Operation) -> Result<BTreeMap<String, String>, Stop> {
        for mut record in self.records().await? {
            if record.retire_replaced() {
                self.note(operation, &record, None).await?;
            }
        }
        let mut failed = self.sweep(operation).await?;
        let records = self.records().await?;
        let items: Vec<Item> = records
            .iter()
            .map(|record| {
                let needs = record.current.as_ref().map(|made| made.needs.clone());
                Item { id: record.id.clone(), after: needs.unwrap_or_default() }
            })
            .collect();
        let items = Item::reversed(&items);
        let left =
            schedule::run(&items, false, |id| async move { self.remove(operation, &id).await });
        failed.extend(left.await?);
        Ok(failed)
    }

    /// Removes what stands for a logical id, or leaves it where it is to stay.
    async fn remove(&self, operation: &Operation, id: &str) -> Result<Step, Stop> {
        let Some(mut record) = self.record(id).await? else { return Ok(Ok(())) };
        let Some(made) = record.current.clone() else {
            if record.status != "DELETE_COMPLETE" && record.stale.is_empty() {
                let told = Told::new("DELETE_COMPLETE", None);
                record.tell(self.cx.now(), &told);
                self.note(operation, &record, Some(told)).await?;
            }
            return Ok(Ok(()));
        };
        let spared = operation.retain.iter().any(|spared| spared == id);
        if spared || operation.keeps(made.deletion_policy.as_deref()) {
            return self.left_alone(operation, record, &made).await;
        }
        let told = Told::new("DELETE_IN_PROGRESS", Some(&made.physical_id));
        record.tell(self.cx.now(), &told);
        self.note(operation, &record, Some(told)).await?;
        let (told, outcome) = match self.unmake(id, &made).await? {
            Ok(()) => {
                record.current = None;
                (Told::new("DELETE_COMPLETE", Some(&made.physical_id)), Ok(()))
            }
            Err(reason) => {
                let told = Told::new("DELETE_FAILED", Some(&made.physical_id)).because(&reason);
                (told, Err(reason))
            }
        };
        record.tell(self.cx.now(), &told);
        self.note(operation, &record, Some(told)).await?;
        Ok(outcome)
    }

    async fn left_alone(
        &self,
        operation: &Operation,
        mut record: ResourceRecord,
        made: &Made,
    ) -> Result<Step, Stop> {
        let told = Told::new("DELETE_SKIPPED", Some(&made.physical_id));
        record.current = None;
        record.tell(self.cx.now(), &told);
        self.note(operation, &record, Some(told)).await?;
        Ok(Ok(()))
    }

    /// The operation's end.
    pub(super) async fn ended(
        &self,
        status: &'static str,
        reason: Option<String>,
    ) -> Result<(), Stop> {
        self.advance(|stack, _| {
            status.clone_into(&mut stack.status);
            stack.reason.clone_from(&reason);
            stack.operation = None;
        })
        .await
    }

    /// The stack's end: its name is free, its record stays readable by id.
    async fn gone(&self) -> Result<(), Stop> {
        self.forget_imports(|_| true).await?;
        let now = self.cx.now().millis();
        self.advance(|stack, tx| {
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

fn undeleted(failed: &BTreeMap<String, String>) -> String {
    let names: Vec<_> = failed.keys().map(String::as_str).collect();
    format!("The following resource(s) failed to delete: [{}]. ", names.join(", "))
}

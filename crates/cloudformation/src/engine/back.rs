//! Back to where an update began: what was changed in place gets its old properties, what was
//! replaced gives its place back to what it replaced.

use super::call::{Told, Wanted};
use super::schedule::{self, Item};
use super::{Run, Step, Stop};
use crate::model::{Made, Operation, Phase, ResourceRecord, Stale, State, Step as Does};
use crate::store;

impl Run {
    pub(super) async fn roll_update_back(&self, operation: &Operation) -> Result<(), Stop> {
        let records = self.records().await?;
        let items: Vec<Item> = records
            .iter()
            .map(|record| {
                let old = record.previous.as_ref().or(record.current.as_ref());
                let after = old.map(|made| made.needs.clone()).unwrap_or_default();
                Item { id: record.id.clone(), after }
            })
            .collect();
        let failed =
            schedule::run(&items, false, |id| async move { self.undo(operation, &id).await })
                .await?;
        if !failed.is_empty() {
            let names: Vec<_> = failed.keys().map(String::as_str).collect();
            let names = names.join(", ");
            let reason = format!("The following resource(s) failed to update: [{names}]. ");
            return self.ended("UPDATE_ROLLBACK_FAILED", Some(reason)).await;
        }
        self.advance(|stack, _| {
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS".clone_into(&mut stack.status);
            stack.reason = None;
            if let Some(one) = &mut stack.operation {
                one.phase = Phase::BackCleanup;
            }
        })
        .await
    }

    async fn undo(&self, operation: &Operation, id: &str) -> Result<Step, Stop> {
        let Some(mut record) = self.record(id).await? else { return Ok(Ok(())) };
        let mark = (operation.id.clone(), Phase::Back);
        if record.settled.as_ref() == Some(&mark) {
            return Ok(Ok(()));
        }
        let in_place = match self.changed_in_place(operation, &record)? {
            Some((from, to)) => match self.restore(operation, &mut record, &from, to).await? {
                Ok(told) => Some(told),
                Err(reason) => return self.not_restored(operation, record, reason).await,
            },
            None => None,
        };
        let told = if in_place.is_some() {
            record.begun = None;
            in_place
        } else if record.is_of(operation) && record.fresh {
            self.give_up(operation, &mut record)
        } else {
            None
        };
        // What an earlier operation made is not this one's to take away.
        if record.is_of(operation) {
            record.fresh = false;
        }
        if let Some(made) = &record.current {
            made.type_name.clone_into(&mut record.type_name);
        }
        record.settled = Some(mark);
        self.note(operation, &record, told).await?;
        Ok(Ok(()))
    }

    /// What the operation has changed in place, or was about to: from which state to which.
    fn changed_in_place(
        &self,
        operation: &Operation,
        record: &ResourceRecord,
    ) -> Result<Option<(State, Made)>, Stop> {
        let begun = record.begun.as_ref().filter(|begun| begun.of.0 == operation.id);
        if let Some(begun) = begun.filter(|begun| begun.step == Does::Update) {
            // It failed: how much of it was done is not known.
            let from = store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
            let from = State { properties: from, ..State::default() };
            return Ok(record.current.clone().map(|to| (from, to)));
        }
        if !record.is_of(operation) || record.fresh {
            return Ok(None);
        }
        match (&record.current, &record.previous) {
            (Some(from), Some(to)) => Ok(Some((self.state(from)?, to.clone()))),
            _ => Ok(None),
        }
    }

    /// What the operation made goes, what it replaced is back.
    fn give_up(&self, operation: &Operation, record: &mut ResourceRecord) -> Option<Told> {
        if let Some(made) = record.current.take() {
            let kept = operation.keeps(made.deletion_policy.as_deref());
            record.stale.push(Stale { made, kept });
        }
        record.current = record.previous.take();
        let made = record.current.as_ref()?;
        let told = Told::new("UPDATE_COMPLETE", Some(&made.physical_id));
        record.tell(self.cx.now(), &told);
        Some(told)
    }

    async fn not_restored(
        &self,
        operation: &Operation,
        mut record: ResourceRecord,
        reason: String,
    ) -> Result<Step, Stop> {
        let physical_id = record.current.as_ref().map(|made| made.physical_id.as_str());
        let told = Told::new("UPDATE_FAILED", physical_id).because(&reason);
        record.tell(self.cx.now(), &told);
        self.note(operation, &record, Some(told)).await?;
        Ok(Err(reason))
    }

    /// Gives a resource back what it was.
    pub(super) async fn restore(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
        from: &State,
        to: Made,
    ) -> Result<Result<Told, String>, Stop> {
        let event = Told::new("UPDATE_IN_PROGRESS", Some(&to.physical_id));
        record.tell(self.cx.now(), &event);
        self.note(operation, record, Some(event)).await?;
        let old = self.state(&to)?;
        let id = record.id.clone();
        let wanted = Wanted {
            id: &id,
            type_name: &to.type_name,
            name: &to.name,
            properties: &old.properties,
            tags: &to.tags,
        };
        let actual = match self.update(&to.physical_id, &from.properties, &wanted).await {
            Ok(actual) => actual,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut attributes = actual.attributes;
        for (name, value) in &old.attributes {
            attributes.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let state = self.seal(&State { properties: old.properties, attributes })?;
        let event = Told::new("UPDATE_COMPLETE", Some(&actual.physical_id));
        record.current = Some(Made { physical_id: actual.physical_id, state, ..to });
        record.previous = None;
        record.tell(self.cx.now(), &event);
        Ok(Ok(event))
    }
}

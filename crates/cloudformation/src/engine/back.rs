//! Back to where an update began: what was changed in place gets its old properties, what was
//! replaced gives its place back to what it replaced.

use super::call::{Told, Wanted};
use super::schedule::{self, Item};
use super::{Run, Step, Stop};
use crate::model::{Made, Operation, Phase, ResourceRecord, StackRecord, State, Step as Does};
use crate::store;

impl Run {
    pub(super) async fn roll_update_back(
        &self,
        _: &StackRecord,
        operation: &Operation,
    ) -> Result<(), Stop> {
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
            return self.ended(operation, "UPDATE_ROLLBACK_FAILED", Some(reason)).await;
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
        let touched = record.settled.as_ref().is_some_and(|(of, _)| *of == operation.id);
        let fresh = touched && record.fresh;
        let begun = record.begun.clone().filter(|begun| begun.of.0 == operation.id);
        let half_done = begun.as_ref().filter(|begun| begun.step == Does::Update);
        let undone = if let Some(begun) = half_done {
            // It failed: how much of it was done is not known.
            let from = store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
            record.current.clone().map(|to| (State { properties: from, ..State::default() }, to))
        } else if fresh || !touched {
            None
        } else {
            match (&record.current, &record.previous) {
                (Some(from), Some(to)) => Some((self.state(from)?, to.clone())),
                _ => None,
            }
        };
        let mut told = None;
        if let Some((from, to)) = undone {
            match self.restore(operation, &mut record, &from, to).await? {
                Ok(event) => told = Some(event),
                Err(reason) => {
                    let physical_id = record.current.as_ref().map(|made| made.physical_id.as_str());
                    let event = Told::new("UPDATE_FAILED", physical_id).because(&reason);
                    record.tell(self.cx.now(), &event);
                    self.note(operation, &record, Some(event)).await?;
                    return Ok(Err(reason));
                }
            }
        } else if fresh && record.previous.is_some() {
            std::mem::swap(&mut record.current, &mut record.previous);
            let physical_id = record.current.as_ref().map(|made| made.physical_id.clone());
            let event = Told::new("UPDATE_COMPLETE", physical_id.as_deref());
            record.tell(self.cx.now(), &event);
            told = Some(event);
        } else if let Some(begun) = begun.filter(|begun| begun.step == Does::Replace) {
            self.leftover(&record.type_name, &begun).await?;
        }
        if let Some(made) = &record.current {
            made.type_name.clone_into(&mut record.type_name);
            record.begun = None;
        }
        // What an earlier operation made is not this one's to take away.
        record.fresh = fresh;
        record.settled = Some(mark);
        self.note(operation, &record, told).await?;
        Ok(Ok(()))
    }

    /// Gives a resource back what it was.
    async fn restore(
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
        let wanted = Wanted {
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

//! What is no longer wanted goes: what an update replaced or dropped, what was made in vain, what
//! a step that failed left behind.
//!
//! First everything that is to go is written down as stale, then it is removed, those last that
//! others need. What cannot be removed stays written down, and the next operation tries again.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_template::{Stack, Template};

use super::call::Told;
use super::schedule::{self, Item};
use super::{Run, Step, Stop};
use crate::context::pseudo;
use crate::model::{
    Begun, Kind, Made, Operation, Phase, ResourceRecord, StackRecord, Stale, State, Step as Does,
    Values,
};
use crate::store;
use crate::types;

impl Operation {
    /// Whether a physical resource with this policy stays where it is, when it is no longer wanted.
    /// While an operation goes back, only what it made itself is removed.
    pub(crate) fn keeps(&self, policy: Option<&str>) -> bool {
        let in_vain = self.kind != Kind::Delete && self.phase != Phase::Cleanup;
        match policy {
            Some("Retain") => !(in_vain && self.retain_except_on_create),
            Some("RetainExceptOnCreate") => !in_vain,
            _ => false,
        }
    }
}

impl ResourceRecord {
    /// Whether the operation has brought it to where it is.
    pub(crate) fn is_of(&self, operation: &Operation) -> bool {
        self.settled.as_ref().is_some_and(|(of, _)| *of == operation.id)
    }

    /// What was replaced gives up its claim to come back; whether there was anything.
    pub(crate) fn retire_replaced(&mut self) -> bool {
        let Some(made) = self.previous.take() else { return false };
        if self.fresh {
            let kept = made.replace_policy.as_deref() == Some("Retain");
            self.stale.push(Stale { made, kept });
        }
        self.fresh = false;
        true
    }

    /// A step that was to make something and has not come to its end.
    fn debt(&self) -> Option<&Begun> {
        self.begun.as_ref().filter(|begun| begun.step != Does::Update)
    }
}

impl Run {
    /// After an update, or after one was undone.
    pub(super) async fn clean_up(
        &self,
        stack: &StackRecord,
        operation: &Operation,
        phase: Phase,
    ) -> Result<(), Stop> {
        let wanted = if phase == Phase::Cleanup { self.active(stack).await? } else { None };
        for mut record in self.records().await? {
            let before = record.clone();
            let dropped = wanted.as_ref().is_some_and(|wanted| !wanted.contains(&record.id));
            if dropped || (phase == Phase::Cleanup && record.is_of(operation)) {
                record.retire_replaced();
            }
            if dropped && let Some(made) = record.current.take() {
                let kept = operation.keeps(made.deletion_policy.as_deref());
                record.stale.push(Stale { made, kept });
            }
            if record != before {
                self.note(operation, &record, None).await?;
            }
        }
        // What only the revision read that is not the stack's is not needed.
        self.forget_imports(|import| {
            if phase == Phase::Cleanup {
                import.latest != operation.id
            } else {
                import.since == operation.id
            }
        })
        .await?;
        let failed = self.sweep(operation).await?;
        // An update that is through does not go back for what it could not remove.
        let reason =
            (!failed.is_empty()).then(|| "One or more resources could not be deleted.".to_owned());
        self.forget(operation).await?;
        let status =
            if phase == Phase::Cleanup { "UPDATE_COMPLETE" } else { "UPDATE_ROLLBACK_COMPLETE" };
        self.ended(status, reason).await
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

    /// Removes everything stale and what steps without an end have left; gives what failed.
    pub(super) async fn sweep(
        &self,
        operation: &Operation,
    ) -> Result<BTreeMap<String, String>, Stop> {
        self.forget_revived(operation).await?;
        let records = self.records().await?;
        let goes = |record: &&ResourceRecord| !record.stale.is_empty() || record.debt().is_some();
        let items: Vec<Item> = records
            .iter()
            .filter(goes)
            .map(|record| {
                let stale = record.stale.iter().flat_map(|stale| &stale.made.needs);
                let debt = record.debt().into_iter().flat_map(|begun| &begun.needs);
                Item { id: record.id.clone(), after: stale.chain(debt).cloned().collect() }
            })
            .collect();
        schedule::run(&Item::reversed(&items), false, |id| async move {
            let Some(mut record) = self.record(&id).await? else { return Ok(Ok(())) };
            let settled = self.settle_debt(operation, &mut record).await?;
            let removed = self.remove_stale(operation, &mut record).await?;
            Ok(settled.and(removed))
        })
        .await
    }

    /// What could not be removed may be gone all the same, and its name be given again: it is stale
    /// no more.
    async fn forget_revived(&self, operation: &Operation) -> Result<(), Stop> {
        let records = self.records().await?;
        let alive: Vec<&Made> =
            records.iter().filter_map(|record| record.current.as_ref()).collect();
        for record in &records {
            let mut rest = Vec::new();
            for stale in &record.stale {
                let same = |made: &&Made| self.is_same(made, &stale.made);
                let revived = alive.iter().map(same).collect::<Result<Vec<_>, Stop>>()?;
                rest.extend((!revived.contains(&true)).then(|| stale.clone()));
            }
            if rest.len() < record.stale.len() {
                let record = ResourceRecord { stale: rest, ..record.clone() };
                self.note(operation, &record, None).await?;
            }
        }
        Ok(())
    }

    /// Whether both are one physical resource.
    fn is_same(&self, a: &Made, b: &Made) -> Result<bool, Stop> {
        if (&a.type_name, &a.physical_id) != (&b.type_name, &b.physical_id) {
            return Ok(false);
        }
        let whole =
            types::find(&self.cx, &a.type_name).and_then(cumulet_service::Resource::part_of);
        let Some(whole) = whole else { return Ok(true) };
        let (a, b) = (self.state(a)?.properties, self.state(b)?.properties);
        Ok(a.get(whole) == b.get(whole))
    }

    async fn remove_stale(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
    ) -> Result<Step, Stop> {
        let mut outcome = Ok(());
        for stale in record.stale.clone() {
            let spared = operation.retain.contains(&record.id);
            if stale.kept || spared {
                let told = Told::new("DELETE_SKIPPED", Some(&stale.made.physical_id));
                self.no_longer_stale(operation, record, &stale, told).await?;
                continue;
            }
            match self.unmake_told(operation, record, &stale.made).await? {
                Ok(told) => self.no_longer_stale(operation, record, &stale, told).await?,
                Err(reason) => outcome = Err(reason),
            }
        }
        Ok(outcome)
    }

    async fn no_longer_stale(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
        gone: &Stale,
        told: Told,
    ) -> Result<(), Stop> {
        record.stale.retain(|stale| stale != gone);
        if record.current.is_none() {
            record.tell(self.cx.now(), &told);
        }
        self.note(operation, record, Some(told)).await
    }

    /// Removes a physical resource that does not stand for the logical one; the event of it is the
    /// caller's to write, except for a failure.
    async fn unmake_told(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
        made: &Made,
    ) -> Result<Result<Told, String>, Stop> {
        let event = |status| Told::new(status, Some(&made.physical_id));
        let stands = record.current.is_some();
        let told = event("DELETE_IN_PROGRESS");
        if !stands {
            record.tell(self.cx.now(), &told);
        }
        self.note(operation, record, Some(told)).await?;
        let reason = match self.unmake(&record.id, made).await? {
            Ok(()) => return Ok(Ok(event("DELETE_COMPLETE"))),
            Err(reason) => reason,
        };
        let told = event("DELETE_FAILED").because(&reason);
        if !stands {
            record.tell(self.cx.now(), &told);
        }
        self.note(operation, record, Some(told)).await?;
        Ok(Err(reason))
    }

    /// Removes what a step that was to make something may have left.
    pub(super) async fn settle_debt(
        &self,
        operation: &Operation,
        record: &mut ResourceRecord,
    ) -> Result<Step, Stop> {
        let Some(begun) = record.debt().cloned() else { return Ok(Ok(())) };
        let attempt = self.attempt(&begun.name);
        let noted = attempt.made_before().await?;
        let properties = store::open(self.cx.sealer(), &self.stack_id, &begun.wanted)?;
        let made = Made {
            type_name: begun.type_name.clone(),
            physical_id: noted.clone().unwrap_or_else(|| begun.name.clone()),
            name: begun.name.clone(),
            state: self.seal(&State { properties, ..State::default() })?,
            tags: Vec::new(),
            needs: Vec::new(),
            deletion_policy: None,
            replace_policy: None,
        };
        let told = if noted.is_some() {
            match self.unmake_told(operation, record, &made).await? {
                Ok(told) => Some(told),
                Err(reason) => return Ok(Err(reason)),
            }
        } else {
            // Nothing was made, unless by a type that does not note it: such a one knows what it
            // made by name or properties. That there is nothing is the usual case.
            let found = types::find(&self.cx, &begun.type_name);
            if found.is_some_and(|resource| !resource.is_noted())
                && let Err(reason) = self.unmake(&record.id, &made).await?
            {
                tracing::debug!(reason, name = begun.name, "nothing to remove under a name");
            }
            None
        };
        record.begun = None;
        if let Some(told) = told.as_ref().filter(|_| record.current.is_none()) {
            record.tell(self.cx.now(), told);
        }
        self.write(operation, record, told, Some(&attempt)).await?;
        Ok(Ok(()))
    }

    /// After an update nothing of it is left to remember; resources that are gone are forgotten.
    async fn forget(&self, operation: &Operation) -> Result<(), Stop> {
        for mut record in self.records().await? {
            if record.current.is_some() || !record.stale.is_empty() || record.debt().is_some() {
                if record.is_of(operation) {
                    record.fresh = false;
                    record.previous = None;
                    self.note(operation, &record, None).await?;
                }
                continue;
            }
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
        Ok(())
    }
}

//! What a stack gives to its readers and to other stacks.

use std::collections::BTreeMap;

use cumulet_store::{Read as _, Tx};
use serde_json::Value;

use super::forward::{Target, arrived};
use super::{Run, Step, Stop};
use crate::context::Known;
use crate::model::{ExportRecord, ImportRecord, ImportedRecord, OutputRecord, StackRecord};
use crate::store;

impl Run {
    /// Evaluates the outputs and, with them, ends the way forward.
    pub(super) async fn outputs(&self, target: &Target<'_>) -> Result<Step, Stop> {
        let ids = target.graph.creation().iter().flatten().map(String::as_str);
        let mut known = self.known(ids).await?;
        let cx = self.actor.as_ref().unwrap_or(&self.cx);
        let mut outputs = Vec::new();
        for output in &target.template.outputs {
            let found = known.evaluate(cx, |known| target.evaluated.output(output, known)).await;
            let found = match found {
                Ok(found) => found,
                Err(error) if error.status < 500 => return Ok(Err(error.message)),
                Err(error) => return Err(error.into()),
            };
            let Some((value, export)) = found else { continue };
            outputs.push(OutputRecord {
                key: output.name.clone(),
                value: plain(&value),
                description: output.description.clone(),
                export,
            });
        }
        self.imported(target, &known).await?;
        let wanted: BTreeMap<String, String> = outputs
            .iter()
            .filter_map(|output| Some((output.export.clone()?, output.value.clone())))
            .collect();
        if let Err(reason) = self.may_export(target.stack, &wanted).await? {
            return Ok(Err(reason));
        }
        self.advance(|stack, tx| {
            self.export(stack, &wanted, tx);
            stack.outputs.clone_from(&outputs);
            arrived(stack, target.operation);
        })
        .await?;
        Ok(Ok(()))
    }

    /// Whether the stack may export exactly this.
    pub(super) async fn may_export(
        &self,
        stack: &StackRecord,
        wanted: &BTreeMap<String, String>,
    ) -> Result<Step, Stop> {
        let read = self.cx.store().snapshot();
        for name in wanted.keys() {
            let held = store::export(&read, &self.place, name).await?;
            if let Some(held) = held.filter(|held| held.stack != stack.id) {
                return Ok(Err(format!(
                    "Export with name {name} is already exported by stack {}. ",
                    name_of(&held.stack)
                )));
            }
        }
        for output in &stack.outputs {
            let Some(name) = &output.export else { continue };
            let verb = match wanted.get(name) {
                None => "deleted",
                Some(value) if *value != output.value => "updated",
                Some(_) => continue,
            };
            let users: Vec<ImportRecord> = store::all(&read, &self.place.imports(name)).await?;
            let users: Vec<_> = users.into_iter().map(|user| user.stack).collect();
            if !users.is_empty() {
                let users = users.join(", ");
                return Ok(Err(format!(
                    "Export {name} cannot be {verb} as it is in use by {users}. "
                )));
            }
        }
        Ok(Ok(()))
    }

    /// Writes the stack's exports in place of those it had.
    pub(super) fn export(&self, stack: &StackRecord, wanted: &BTreeMap<String, String>, tx: &Tx) {
        for output in &stack.outputs {
            if let Some(name) = &output.export {
                tx.delete(self.place.export(name));
            }
        }
        for (name, value) in wanted {
            let record = ExportRecord { stack: stack.id.clone(), value: value.clone() };
            tx.put_record(self.place.export(name), &record);
        }
    }

    /// Notes whose exports the stack reads.
    pub(super) async fn imported(&self, target: &Target<'_>, known: &Known) -> Result<(), Stop> {
        let names: Vec<&str> = known.imported().collect();
        if names.is_empty() {
            return Ok(());
        }
        let record = ImportRecord { stack: target.stack.name.clone() };
        let (names, record, operation) = (&names, &record, &target.operation.id);
        self.cx
            .store()
            .transact(|tx| async move {
                self.lease.check(&tx).await?;
                for name in names {
                    tx.put_record(self.place.import(name, &self.stack_id), record);
                    let key = self.place.imported_by(&self.stack_id).text(name);
                    let before: Option<ImportedRecord> = tx.get_record(&key).await?;
                    let imported = ImportedRecord {
                        name: (*name).to_owned(),
                        since: before.map_or_else(|| operation.clone(), |before| before.since),
                        latest: operation.clone(),
                    };
                    tx.put_record(key, &imported);
                }
                Ok::<_, Stop>(())
            })
            .await
    }
}

impl Run {
    /// Lets go of the imports that the stack no longer needs.
    pub(super) async fn forget_imports(
        &self,
        needless: impl Fn(&ImportedRecord) -> bool,
    ) -> Result<(), Stop> {
        let read = self.cx.store().snapshot();
        let all = self.place.imported_by(&self.stack_id);
        let imports: Vec<ImportedRecord> = store::all(&read, &all).await?;
        let names: Vec<String> =
            imports.into_iter().filter(needless).map(|import| import.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let (names, all) = (&names, &all);
        self.cx
            .store()
            .transact(|tx| async move {
                self.lease.check(&tx).await?;
                for name in names {
                    tx.delete(all.clone().text(name));
                    tx.delete(self.place.import(name, &self.stack_id));
                }
                Ok::<_, Stop>(())
            })
            .await
    }
}

/// An output's value as text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The name within a stack's ARN.
fn name_of(id: &str) -> &str {
    id.split('/').nth(1).unwrap_or(id)
}

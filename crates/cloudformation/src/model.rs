//! Stored records.
//!
//! What a template's secrets (NoEcho parameters, resolved references, attributes) can be part of is
//! sealed: a revision's values, a resource's properties and attributes. Outputs are for everybody
//! to see, whatever they hold, as with AWS.

use std::collections::BTreeMap;

use cumulet_service::Principal;
use cumulet_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StackRecord {
    /// The ARN.
    pub(crate) id: String,
    pub(crate) name: String,
    /// As `StackStatus` spells it.
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) description: Option<String>,
    /// Milliseconds.
    pub(crate) created: i64,
    pub(crate) updated: Option<i64>,
    pub(crate) deleted: Option<i64>,
    /// The revision that the stack is at; `None` before the first one.
    pub(crate) revision: Option<String>,
    /// What is asked for beside the template.
    pub(crate) settings: Settings,
    pub(crate) termination_protection: bool,
    pub(crate) policy: Option<String>,
    /// The change set that was executed last.
    pub(crate) change_set: Option<String>,
    /// What is being done.
    pub(crate) operation: Option<Operation>,
    /// Token of the last operation and its kind.
    pub(crate) last_token: Option<(String, Kind)>,
    #[serde(default)]
    pub(crate) outputs: Vec<OutputRecord>,
    /// The stacks that it is a resource of: the outermost first.
    #[serde(default)]
    pub(crate) within: Vec<String>,
}

impl Record for StackRecord {
    const VERSION: u16 = 1;
}

/// What callers ask of a stack beside its template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) role_arn: Option<String>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) notification_arns: Vec<String>,
    pub(crate) disable_rollback: bool,
    pub(crate) timeout_minutes: Option<i32>,
}

/// An output as `DescribeStacks` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputRecord {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) description: Option<String>,
    pub(crate) export: Option<String>,
}

/// What is done to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Towards the new revision, or towards nothing.
    Forward,
    /// Back to where it was.
    Back,
    /// What is no longer wanted goes, after `Forward`.
    Cleanup,
    /// What was made in vain goes, after `Back`.
    BackCleanup,
}

/// What happens to a stack whose creation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnFailure {
    Rollback,
    Delete,
    DoNothing,
}

/// A running operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    /// Who began it.
    pub(crate) principal: Principal,
    /// The revision it leads to.
    pub(crate) target: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) on_failure: OnFailure,
    pub(crate) token: Option<String>,
    /// Logical ids that DeleteStack leaves alone.
    pub(crate) retain: Vec<String>,
    /// Whether what this operation made goes on rollback even where its policy is Retain.
    pub(crate) retain_except_on_create: bool,
    pub(crate) cancelled: bool,
    /// The moment after which no more is made, in milliseconds.
    pub(crate) deadline: Option<i64>,
    /// This cloud's address as who began it reached it; empty where it was this cloud itself.
    #[serde(default)]
    pub(crate) endpoint: String,
}

/// A template with the values of its parameters, as one operation wants them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Revision {
    /// The template's text as it was given.
    pub(crate) original: String,
    /// After macros.
    pub(crate) processed: Value,
    /// Whether macros changed it.
    pub(crate) transformed: bool,
    /// Sealed: [`Values`].
    pub(crate) values: String,
    /// What `DescribeStacks` shows of the parameters.
    pub(crate) shown: Vec<ShownParameter>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for Revision {
    const VERSION: u16 = 1;
}

/// A parameter as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownParameter {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) resolved: Option<String>,
}

/// The values of the parameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Values {
    /// As given.
    pub(crate) given: BTreeMap<String, String>,
    /// As the template sees them.
    pub(crate) resolved: Map<String, Value>,
}

/// A logical resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceRecord {
    pub(crate) id: String,
    pub(crate) type_name: String,
    /// As `ResourceStatus` spells it.
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// Milliseconds.
    pub(crate) changed: i64,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Option<Value>,
    /// What stands for the logical id now.
    pub(crate) current: Option<Made>,
    /// What stood for it before the running operation, where that is something else.
    pub(crate) previous: Option<Made>,
    /// What no longer stands for it and is yet to be removed.
    #[serde(default)]
    pub(crate) stale: Vec<Stale>,
    /// The operation that has dealt with it, and in which phase.
    pub(crate) settled: Option<(String, Phase)>,
    /// A step that was begun: after a crash it is done again.
    pub(crate) begun: Option<Begun>,
    /// Whether the running operation made `current`, or replaced what was there.
    pub(crate) fresh: bool,
}

impl Record for ResourceRecord {
    const VERSION: u16 = 1;
}

/// A physical resource that nothing needs any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stale {
    pub(crate) made: Made,
    /// Whether its policy says to leave it alone.
    pub(crate) kept: bool,
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The operation and phase it belongs to.
    pub(crate) of: (String, Phase),
    /// The name that a new physical resource takes.
    pub(crate) name: String,
    /// What it does.
    pub(crate) step: Step,
    /// Sealed properties that it is to bring about.
    pub(crate) wanted: String,
    /// The type of what it is to bring about.
    pub(crate) type_name: String,
    /// Tags likewise.
    pub(crate) tags: Vec<(String, String)>,
    /// Logical ids that it needs.
    pub(crate) needs: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Create,
    Update,
    Replace,
}

/// A physical resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) type_name: String,
    pub(crate) physical_id: String,
    /// The name it was made under.
    pub(crate) name: String,
    /// Sealed: [`State`].
    pub(crate) state: String,
    pub(crate) tags: Vec<(String, String)>,
    /// Logical ids that it needs.
    pub(crate) needs: Vec<String>,
    pub(crate) deletion_policy: Option<String>,
    pub(crate) replace_policy: Option<String>,
}

/// What a physical resource is like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) properties: Map<String, Value>,
    pub(crate) attributes: Map<String, Value>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) id: String,
    pub(crate) logical_id: String,
    pub(crate) physical_id: Option<String>,
    pub(crate) type_name: String,
    /// Milliseconds.
    pub(crate) time: i64,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) token: Option<String>,
}

impl Record for EventRecord {
    const VERSION: u16 = 1;
}

/// The number of a stack's events so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct EventCount(pub(crate) u64);

impl Record for EventCount {
    const VERSION: u16 = 1;
}

/// A change set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeSetRecord {
    /// The ARN.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Milliseconds.
    pub(crate) created: i64,
    pub(crate) creates_stack: bool,
    pub(crate) status: String,
    pub(crate) execution: String,
    pub(crate) reason: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) on_failure: OnFailure,
    pub(crate) revision: Option<String>,
    pub(crate) shown: Vec<ShownParameter>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) include_nested: bool,
    pub(crate) token: Option<String>,
}

impl Record for ChangeSetRecord {
    const VERSION: u16 = 1;
}

/// What an operation would do to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlannedChange {
    pub(crate) id: String,
    pub(crate) type_name: String,
    pub(crate) physical_id: Option<String>,
    pub(crate) action: Planned,
    /// Properties that differ, and whether a change of each needs a new resource.
    pub(crate) properties: Vec<(String, bool)>,
    /// Attributes that differ: `Tags`, `Metadata`, `DeletionPolicy`, `UpdateReplacePolicy`.
    pub(crate) attributes: Vec<String>,
    /// Whether a value is only known once something else has been made.
    pub(crate) conditional: bool,
}

/// The kind of a planned change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Planned {
    Add,
    Modify,
    Remove,
}

/// A value under a name that is one stack's in its account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExportRecord {
    /// The exporting stack's ARN.
    pub(crate) stack: String,
    pub(crate) value: String,
}

impl Record for ExportRecord {
    const VERSION: u16 = 1;
}

/// That a stack imports a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportRecord {
    /// The importing stack's name.
    pub(crate) stack: String,
}

impl Record for ImportRecord {
    const VERSION: u16 = 1;
}

/// A name that a stack imports, as the stack finds it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportedRecord {
    pub(crate) name: String,
    /// The operation that read it first.
    pub(crate) since: String,
    /// The last one that read it.
    pub(crate) latest: String,
}

impl Record for ImportedRecord {
    const VERSION: u16 = 1;
}

//! How a stack makes, changes and removes a resource: by operations only.

use serde_json::{Map, Value};

use crate::{BoxFuture, Cx, Result};

/// A resource type of CloudFormation.
///
/// Its functions call operations through [`Cx::call`] as the stack's principal, so that a stack can
/// do nothing that its owner could not. They may be run again after a crash with the same
/// [`Desired::name`] and must then end in the same state: [`Cx::make_once`] tells a second run of
/// [`Resource::create`] what the first one made.
pub trait Resource: Send + Sync + 'static {
    /// `AWS::DynamoDB::Table`.
    fn type_name(&self) -> &'static str;

    /// Whether a change of this property needs a new resource ("Update requires: Replacement").
    fn replaces(&self, property: &str) -> bool;

    /// Whether the operation that makes it notes it ([`Cx::note_made`]). A type whose operation
    /// puts what may be there already says no: a stack that failed removes what it may have put.
    fn is_noted(&self) -> bool {
        true
    }

    /// The property that names what the resource is part of, where its physical id tells it from
    /// others in that only, as a stage's name does within its API.
    fn part_of(&self) -> Option<&'static str> {
        None
    }

    /// Makes the resource and waits until it can be used. The operation that makes it notes it
    /// ([`Resource::is_noted`]): so it is found again after a crash and removed after a failure.
    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>>;

    /// Changes it in place.
    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>>;

    /// Removes it; that it is gone already is no error.
    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>>;

    /// What a stack calls to remove it: like [`Resource::delete`], for types whose id does not say
    /// all that has to be removed. `before` are the properties it has.
    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = before;
        self.delete(cx, physical_id)
    }
}

/// What a template asks for, evaluated.
#[derive(Debug, Clone, Copy)]
pub struct Desired<'a> {
    /// The name to take where the template gives none: `<stack>-<logical id>-<random>`, the same on
    /// every try.
    pub name: &'a str,
    /// The resource's `Properties`.
    pub properties: &'a Map<String, Value>,
    /// Tags of the stack, which every resource that can have tags gets.
    pub tags: &'a [(String, String)],
}

/// A wish to change a resource.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// Which one.
    pub physical_id: &'a str,
    /// The properties it has.
    pub before: &'a Map<String, Value>,
    /// The properties it should have.
    pub after: Desired<'a>,
}

/// A resource that is there.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// What `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives, by attribute.
    pub attributes: Map<String, Value>,
}

//! One attempt to make a resource, which may be begun again after a crash.
//!
//! Between making a resource and writing down that it was made, a stack can be interrupted. The
//! next run must then neither make a second resource nor take somebody else's for its own, which
//! neither a name nor a tag can tell for every type. So the operation that makes a resource notes
//! its physical id under the attempt's token, in the very transaction that makes it: the note is
//! there exactly if the resource was made by this attempt.

use std::sync::Arc;

use cumulet_shape::Operation;
use cumulet_store::{Key, Read as _, Tx};

use crate::{Cx, Result};

/// What became of a wish to make something once.
#[derive(Debug)]
pub enum Made<T> {
    /// It was made, with this answer.
    Now(T),
    /// An earlier run of the attempt made it: the physical id.
    Before(String),
}

/// The place in a stack of the resource that is made, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackPart {
    /// The stack's ARN.
    pub stack: String,
    /// The resource's logical id.
    pub logical_id: String,
    /// The type that the template gives it.
    pub type_name: String,
}

/// What a context is part of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempt {
    part: Option<Arc<StackPart>>,
    key: Option<Key>,
    /// Whether this is the resource type's own context, or that of an operation it called. What
    /// that operation calls in turn is no part of the attempt.
    outer: bool,
}

impl Attempt {
    /// For what a context of this attempt calls.
    pub(crate) fn called(&self) -> Self {
        if self.outer { Self { outer: false, ..self.clone() } } else { Self::default() }
    }
}

impl Cx {
    /// The same context for the attempt called `token`, which is the same on every try. A resource
    /// type is created with such a context and calls one operation that makes a resource.
    #[must_use]
    pub fn attempting(&self, token: &str) -> Self {
        let key = Some(Key::new("attempt", self.account(), self.region()).text(token));
        self.with_attempt(Attempt { key, outer: true, ..self.attempt().clone() })
    }

    /// The same context for a step of a stack's operation.
    #[must_use]
    pub fn as_part(&self, part: StackPart) -> Self {
        let part = Some(Arc::new(part));
        self.with_attempt(Attempt { part, outer: true, ..self.attempt().clone() })
    }

    /// The stack and the resource that a resource type acts for, and an operation that it calls.
    pub fn part(&self) -> Option<&StackPart> {
        self.attempt().part.as_deref()
    }

    /// For an operation that makes something that stacks can make, in the transaction that makes
    /// it: notes the physical id that a stack knows it by. Outside of an attempt, nothing.
    pub fn note_made(&self, tx: &Tx, physical_id: &str) {
        if let Some(key) = &self.attempt().key {
            tx.put(key.clone(), physical_id.as_bytes().to_vec());
        }
    }

    /// The physical id of what an earlier run of this attempt has made.
    pub async fn made_before(&self) -> Result<Option<String>> {
        let Some(key) = &self.attempt().key else { return Ok(None) };
        let found = self.store().snapshot().get(key).await?;
        Ok(found.map(|id| String::from_utf8_lossy(&id).into_owned()))
    }

    /// Calls the operation that makes the resource, unless an earlier run of this attempt has.
    pub async fn make_once<O: Operation>(&self, input: O::Input) -> Result<Made<O::Output>> {
        match self.made_before().await? {
            Some(id) => Ok(Made::Before(id)),
            None => self.call::<O>(input).await.map(Made::Now),
        }
    }

    /// Removes the note, once what it says is written down elsewhere or gone.
    pub fn forget_made(&self, tx: &Tx) {
        if let Some(key) = &self.attempt().key {
            tx.delete(key.clone());
        }
    }
}

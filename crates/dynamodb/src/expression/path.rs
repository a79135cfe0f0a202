//! Document paths: `a.b[3].#c`.

use std::fmt;

use cumulet_attribute::{MapRef, ValueRef};

use super::error::Fault;

/// Elements of a path, at most (the guide's "Constraints": 32 levels).
const MAX_DEPTH: usize = 32;

/// One step of a path after its first name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A name in a map.
    Name(Box<str>),
    /// An index of a list.
    Index(u32),
}

/// A path from an item's attribute into its value, without placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The attribute's name.
    pub(super) name: Box<str>,
    /// The way into its value.
    pub(super) steps: Vec<Step>,
}

impl Path {
    /// The path to a whole attribute.
    pub fn of(attribute: &str) -> Self {
        Self { name: attribute.into(), steps: Vec::new() }
    }

    /// The path that goes on from an attribute by some steps; refused beyond 32 elements.
    pub(crate) fn new(attribute: &str, steps: Vec<Step>) -> Result<Self, Fault> {
        let path = Self { name: attribute.into(), steps };
        path.check_depth()?;
        Ok(path)
    }

    /// The way into the attribute's value.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The attribute that the path begins with.
    pub fn attribute(&self) -> &str {
        &self.name
    }

    /// Whether it leads into the attribute's value.
    pub fn is_nested(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Refuses more than 32 elements.
    fn check_depth(&self) -> Result<(), Fault> {
        match self.steps.len() + 1 {
            depth if depth > MAX_DEPTH => Err(Fault::PathTooDeep(depth)),
            _ => Ok(()),
        }
    }

    /// What it leads to.
    pub fn find<'a>(&self, item: MapRef<'a>) -> Option<ValueRef<'a>> {
        self.steps.iter().try_fold(item.get(&self.name)?, |value, step| match (value, step) {
            (ValueRef::M(map), Step::Name(name)) => map.get(name),
            (ValueRef::L(list), Step::Index(at)) => list.get(*at as usize),
            _ => None,
        })
    }

    /// How the path stands to another one of the same expression.
    fn relation(&self, other: &Self) -> Relation {
        if self.name != other.name {
            return Relation::Apart;
        }
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (left, right) if left == right => {}
                (Step::Name(_), Step::Name(_)) | (Step::Index(_), Step::Index(_)) => {
                    return Relation::Apart;
                }
                _ => return Relation::Conflict,
            }
        }
        Relation::Overlap
    }
}

enum Relation {
    Apart,
    Overlap,
    Conflict,
}

/// Refuses paths of which one contains another, then those that take one value for a list and for
/// a map. Each path is held against those before it, as AWS meets them.
pub(super) fn check_apart(paths: &[Path]) -> Result<(), Fault> {
    let mut conflict = None;
    for (at, two) in paths.iter().enumerate() {
        for one in paths.iter().take(at) {
            match one.relation(two) {
                Relation::Apart => {}
                Relation::Overlap => return Err(Fault::Overlap(one.to_string(), two.to_string())),
                Relation::Conflict => conflict = conflict.or(Some((one, two))),
            }
        }
    }
    match conflict {
        Some((one, two)) => Err(Fault::Conflict(one.to_string(), two.to_string())),
        None => Ok(()),
    }
}

impl fmt::Display for Path {
    /// As AWS's messages write it: `[a, [1], b]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.name)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(at) => write!(f, ", [{at}]")?,
            }
        }
        f.write_str("]")
    }
}

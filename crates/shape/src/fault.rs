//! What is wrong with a readable input, in AWS's words.
//!
//! Wordings: the Coral validator's, as AWS's services answer them (facts: "Validation text").

use std::fmt::{self, Write as _};

use crate::{Pattern, Schema};

/// Most faults that one answer names.
const MOST: usize = 10;
/// Characters of a broken value that a message shows.
const SHOWN: usize = 4096;

/// All faults found in one input.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Fault>,
    /// How many there are beyond those kept.
    more: usize,
}

/// One constraint that one value breaks.
#[derive(Debug)]
pub struct Fault {
    /// Path from the input's root in AWS's spelling: `requestItems.tbl.member.keys`.
    pub path: String,
    /// The value as it is shown; `None` where it is absent or sensitive.
    pub value: Option<String>,
    /// What does not hold.
    pub constraint: Constraint,
}

/// The constraints of the models.
#[derive(Debug)]
pub enum Constraint {
    /// The member is required.
    NotNull,
    /// A text, blob, list or map is too short.
    MinLength(i64),
    /// A text, blob, list or map is too long.
    MaxLength(i64),
    /// A number is too small.
    MinValue(i64),
    /// A number is too large.
    MaxValue(i64),
    /// A text does not match.
    Pattern(&'static Pattern),
    /// A text is none of the set.
    Enum(&'static [&'static str]),
    /// Values of a map break these.
    MapValue(Vec<Constraint>),
    /// Keys of a map break these.
    MapKeys(Vec<Constraint>),
    /// Elements of a list of plain values break these.
    ListMember(Vec<Constraint>),
}

impl Faults {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults, at most ten.
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    /// Notes that `constraint` is broken at the place being read.
    pub fn add(&mut self, value: Option<String>, constraint: Constraint) {
        if self.list.len() < MOST {
            self.list.push(Fault { path: String::new(), value, constraint });
        } else {
            self.more += 1;
        }
    }

    /// Notes that `text` is none of `values`.
    pub fn unknown_value(&mut self, schema: Schema, text: &str, values: &'static [&'static str]) {
        let shown = (!schema.rules.sensitive).then(|| text.chars().take(SHOWN).collect());
        self.add(shown, Constraint::Enum(values));
    }

    /// Drops the faults found since `mark` that lie in a member known to be absent: its place holds
    /// a default value, which nobody sent.
    pub(crate) fn forgive_absent(&mut self, mark: usize) {
        let new = self.list.split_off(mark.min(self.list.len()));
        let absent = |fault: &Fault| {
            self.list.iter().filter(|f| matches!(f.constraint, Constraint::NotNull)).any(|f| {
                fault.path.strip_prefix(&f.path).is_some_and(|p| p.is_empty() || p.starts_with('.'))
            })
        };
        let kept: Vec<Fault> = new.into_iter().filter(|fault| !absent(fault)).collect();
        self.list.extend(kept);
    }

    /// How many faults there are so far: hand it to [`Self::within`] after reading a part.
    pub fn mark(&self) -> usize {
        self.list.len()
    }

    /// Puts `segment` before the path of every fault found since `mark`.
    ///
    /// Paths are built from the inside out, so that a good input pays nothing for them.
    pub fn within(&mut self, mark: usize, segment: &str) {
        for fault in self.list.iter_mut().skip(mark) {
            let mut path = String::with_capacity(segment.len() + 1 + fault.path.len());
            path.push_str(segment);
            if !fault.path.is_empty() {
                path.push('.');
                path.push_str(&fault.path);
            }
            fault.path = path;
        }
    }

    /// [`Self::within`] for a structure's member: AWS spells it with a lower-case first letter.
    pub fn within_member(&mut self, mark: usize, name: &str) {
        if self.list.len() > mark {
            let mut letters = name.chars();
            let lower = letters.next().map(|c| c.to_ascii_lowercase());
            self.within(mark, &lower.into_iter().chain(letters).collect::<String>());
        }
    }

    /// [`Self::within`] for a list's element (counted from 1) or a map's value.
    pub fn within_item(&mut self, mark: usize, key: &dyn fmt::Display) {
        if self.list.len() > mark {
            self.within(mark, &format!("{key}.member"));
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |f: &mut fmt::Formatter<'_>, what: &str, list: &[Self]| {
            write!(f, "{what} must satisfy constraint: [")?;
            for (i, constraint) in list.iter().enumerate() {
                write!(f, "{}{constraint}", if i == 0 { "" } else { ", " })?;
            }
            f.write_char(']')
        };
        match self {
            Self::NotNull => f.write_str("Member must not be null"),
            Self::MinLength(n) => write!(f, "Member must have length greater than or equal to {n}"),
            Self::MaxLength(n) => write!(f, "Member must have length less than or equal to {n}"),
            Self::MinValue(n) => write!(f, "Member must have value greater than or equal to {n}"),
            Self::MaxValue(n) => write!(f, "Member must have value less than or equal to {n}"),
            Self::Pattern(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {}", pattern.text())
            }
            Self::Enum(values) => {
                write!(f, "Member must satisfy enum value set: [{}]", values.join(", "))
            }
            Self::MapValue(list) => listed(f, "Map value", list),
            Self::MapKeys(list) => listed(f, "Map keys", list),
            Self::ListMember(list) => listed(f, "Member", list),
        }
    }
}

impl fmt::Display for Faults {
    /// `2 validation errors detected: Value 'x' at 'a' failed to satisfy constraint: …; …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len();
        write!(f, "{count} validation error{} detected: ", if count == 1 { "" } else { "s" })?;
        for (i, fault) in self.list.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "; " })?;
            match &fault.value {
                Some(value) => write!(f, "Value '{value}' at '{}'", fault.path)?,
                // AWS's services say "Value null at" where a required member is absent and
                // "Value at" where the value may not be shown.
                None if matches!(fault.constraint, Constraint::NotNull) => {
                    write!(f, "Value null at '{}'", fault.path)?;
                }
                None => write!(f, "Value at '{}'", fault.path)?,
            }
            write!(f, " failed to satisfy constraint: {}", fault.constraint)?;
        }
        Ok(())
    }
}

//! What an update makes of an item. Only what its paths go through is taken apart; the rest is
//! copied as stored.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use cumulet_attribute::{
    Item, ItemBuilder, ListRef, MAX_ITEM_SIZE, MapRef, Number, Type, Value, ValueError, ValueRef,
};

use super::path::{Path, Step};
use super::update::{Action, Expression, Update};

/// Why an update cannot be applied to an item. `Display` is AWS's message of a
/// ValidationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateError {
    /// SET reads an attribute that is not there.
    AbsentAttribute,
    /// An operand of another type than the operation takes.
    OperandType,
    /// The same of the AttributeUpdates parameter.
    AttributeType,
    /// A path into what is not there or is no list or map.
    Path,
    /// The new item is larger than 400 KB.
    TooLarge,
    /// A number out of range, or lists and maps nested too deeply.
    Value(ValueError),
}

impl fmt::Display for UpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AbsentAttribute => f.write_str(
                "The provided expression refers to an attribute that does not exist in the item",
            ),
            Self::OperandType => {
                f.write_str("An operand in the update expression has an incorrect data type")
            }
            Self::AttributeType => f.write_str("Type mismatch for attribute to update"),
            Self::Path => f.write_str(
                "The document path provided in the update expression is invalid for update",
            ),
            Self::TooLarge => {
                f.write_str("Item size to update has exceeded the maximum allowed size")
            }
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UpdateError {}

impl From<ValueError> for UpdateError {
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::ItemTooLarge => Self::TooLarge,
            error => Self::Value(error),
        }
    }
}

impl Update {
    /// The item after the update. `item` is the one before it or, where there is none, the key
    /// attributes alone: an update makes an item that is not there.
    pub fn apply(&self, item: &Item) -> Result<Item, UpdateError> {
        self.applied(item).map_err(|error| match error {
            UpdateError::OperandType if self.legacy => UpdateError::AttributeType,
            error => error,
        })
    }

    fn applied(&self, item: &Item) -> Result<Item, UpdateError> {
        let mut root = Node::Map(expand(item.attributes()));
        // All operands are read from the item as it was.
        let changes = self
            .actions
            .iter()
            .map(|action| Ok((action.path(), change(action, item.attributes())?)))
            .collect::<Result<Vec<_>, UpdateError>>()?;
        for (path, change) in changes {
            place(&mut root, path, change)?;
        }
        let mut builder = ItemBuilder::new();
        if let Node::Map(attributes) = &root {
            write_map(attributes, &mut builder);
        }
        Ok(builder.finish()?)
    }
}

/// What comes to stand at a path.
enum Change<'a> {
    Put(Cow<'a, Value>),
    Copy(ValueRef<'a>),
    Remove,
    /// A DELETE of what is not there: only the path is checked.
    Nothing,
}

fn change<'a>(action: &'a Action, item: MapRef<'a>) -> Result<Change<'a>, UpdateError> {
    match action {
        Action::Remove(_) => Ok(Change::Remove),
        Action::Set(_, expression) => evaluate(expression, item),
        Action::Add(path, value) => match path.find(item) {
            None => Ok(Change::Copy(value.view())),
            Some(old) => add(old, value.view()).map(put),
        },
        Action::Delete(path, value) => match path.find(item) {
            None => Ok(Change::Nothing),
            Some(old) => subtract(old, value.view()),
        },
    }
}

fn put<'a>(value: Value) -> Change<'a> {
    Change::Put(Cow::Owned(value))
}

fn evaluate<'a>(expression: &'a Expression, item: MapRef<'a>) -> Result<Change<'a>, UpdateError> {
    match expression {
        Expression::Path(path) => {
            path.find(item).map(Change::Copy).ok_or(UpdateError::AbsentAttribute)
        }
        Expression::Value(value) => Ok(Change::Put(Cow::Borrowed(value))),
        Expression::IfNotExists(path, other) => match path.find(item) {
            Some(value) => Ok(Change::Copy(value)),
            None => evaluate(other, item),
        },
        Expression::Plus(left, right) => {
            let (left, right) = (number(left, item)?, number(right, item)?);
            Ok(put(Value::number(left.try_add(right)?)))
        }
        Expression::Minus(left, right) => {
            let (left, right) = (number(left, item)?, number(right, item)?);
            Ok(put(Value::number(left.try_subtract(right)?)))
        }
        Expression::ListAppend(left, right) => {
            let (left, right) = (evaluate(left, item)?, evaluate(right, item)?);
            let (Some(ValueRef::L(left)), Some(ValueRef::L(right))) = (left.view(), right.view())
            else {
                return Err(UpdateError::OperandType);
            };
            append(left, right).map(put)
        }
    }
}

fn append(left: ListRef<'_>, right: ListRef<'_>) -> Result<Value, UpdateError> {
    let mut builder = ItemBuilder::single(MAX_ITEM_SIZE);
    builder.begin_list();
    left.iter().chain(right.iter()).for_each(|element| builder.value(element));
    builder.end();
    Ok(builder.finish_value()?)
}

impl Change<'_> {
    fn view(&self) -> Option<ValueRef<'_>> {
        match self {
            Self::Put(value) => Some(value.view()),
            Self::Copy(value) => Some(*value),
            Self::Remove | Self::Nothing => None,
        }
    }
}

fn number(expression: &Expression, item: MapRef<'_>) -> Result<Number, UpdateError> {
    match evaluate(expression, item)?.view() {
        Some(ValueRef::N(number)) => Ok(number.number()),
        _ => Err(UpdateError::OperandType),
    }
}

/// ADD to what is there: a sum, the members of both sets or (of AttributeUpdates: an expression is
/// refused it) the elements of both lists.
fn add(old: ValueRef<'_>, value: ValueRef<'_>) -> Result<Value, UpdateError> {
    if let (ValueRef::N(old), ValueRef::N(value)) = (old, value) {
        return Ok(Value::number(old.number().try_add(value.number())?));
    }
    if let (ValueRef::L(old), ValueRef::L(value)) = (old, value) {
        return append(old, value);
    }
    let new = value.members().filter(|member| !old.has_member(*member));
    set(same_set(old, value)?, old.members().chain(new))
}

/// DELETE from what is there: the members that stay, or nothing where none does.
fn subtract<'a>(old: ValueRef<'_>, value: ValueRef<'_>) -> Result<Change<'a>, UpdateError> {
    let kind = same_set(old, value)?;
    let stay = |member: &ValueRef<'_>| !value.has_member(*member);
    if !old.members().any(|member| stay(&member)) {
        return Ok(Change::Remove);
    }
    set(kind, old.members().filter(stay)).map(put)
}

fn same_set(old: ValueRef<'_>, value: ValueRef<'_>) -> Result<Type, UpdateError> {
    let kind = value.kind();
    let is_set = matches!(kind, Type::SS | Type::NS | Type::BS);
    if is_set && old.kind() == kind { Ok(kind) } else { Err(UpdateError::OperandType) }
}

fn set<'a>(kind: Type, members: impl Iterator<Item = ValueRef<'a>>) -> Result<Value, UpdateError> {
    let mut builder = ItemBuilder::single(MAX_ITEM_SIZE);
    builder.begin_set(kind);
    members.for_each(|member| builder.member_value(member));
    builder.end();
    Ok(builder.finish_value()?)
}

/// A value on the way of an update.
enum Node<'a> {
    /// As stored.
    View(ValueRef<'a>),
    /// New.
    New(Cow<'a, Value>),
    Map(BTreeMap<&'a str, Node<'a>>),
    List {
        /// The old elements at their old indexes; what is removed leaves its place empty.
        elements: Vec<Option<Node<'a>>>,
        /// New elements past the end, by the index that the update gave them.
        appended: BTreeMap<u32, Node<'a>>,
    },
}

fn expand(map: MapRef<'_>) -> BTreeMap<&str, Node<'_>> {
    map.iter().map(|(name, value)| (name, Node::View(value))).collect()
}

impl Node<'_> {
    /// Takes a stored list or map apart by one level.
    fn open(&mut self) {
        match *self {
            Self::View(ValueRef::M(map)) => *self = Self::Map(expand(map)),
            Self::View(ValueRef::L(list)) => {
                let elements = list.iter().map(|value| Some(Node::View(value))).collect();
                *self = Self::List { elements, appended: BTreeMap::new() };
            }
            _ => {}
        }
    }
}

/// Makes a change where a path leads. Its last step need not be there; those before it must.
fn place<'a>(root: &mut Node<'a>, path: &'a Path, change: Change<'a>) -> Result<(), UpdateError> {
    let Some((last, before)) = path.steps.split_last() else {
        let Node::Map(attributes) = root else { return Err(UpdateError::Path) };
        put_name(attributes, &path.name, change);
        return Ok(());
    };
    let mut node = child_of_map(root, &path.name)?;
    for step in before {
        node.open();
        node = match step {
            Step::Name(name) => child_of_map(node, name)?,
            Step::Index(at) => match node {
                Node::List { elements, .. } => elements
                    .get_mut(*at as usize)
                    .and_then(Option::as_mut)
                    .ok_or(UpdateError::Path)?,
                _ => return Err(UpdateError::Path),
            },
        };
    }
    node.open();
    match (node, last) {
        (Node::Map(map), Step::Name(name)) => put_name(map, name, change),
        (Node::List { elements, appended }, Step::Index(at)) => {
            put_index(elements, appended, *at, change);
        }
        _ => return Err(UpdateError::Path),
    }
    Ok(())
}

fn child_of_map<'n, 'a>(
    node: &'n mut Node<'a>,
    name: &str,
) -> Result<&'n mut Node<'a>, UpdateError> {
    match node {
        Node::Map(map) => map.get_mut(name).ok_or(UpdateError::Path),
        _ => Err(UpdateError::Path),
    }
}

fn put_name<'a>(map: &mut BTreeMap<&'a str, Node<'a>>, name: &'a str, change: Change<'a>) {
    match change {
        Change::Put(value) => drop(map.insert(name, Node::New(value))),
        Change::Copy(value) => drop(map.insert(name, Node::View(value))),
        Change::Remove => drop(map.remove(name)),
        Change::Nothing => {}
    }
}

fn put_index<'a>(
    elements: &mut [Option<Node<'a>>],
    appended: &mut BTreeMap<u32, Node<'a>>,
    at: u32,
    change: Change<'a>,
) {
    let slot = elements.get_mut(at as usize);
    let node = match change {
        Change::Put(value) => Node::New(value),
        Change::Copy(value) => Node::View(value),
        Change::Remove => {
            if let Some(slot) = slot {
                *slot = None;
            }
            return;
        }
        Change::Nothing => return,
    };
    match slot {
        Some(slot) => *slot = Some(node),
        None => drop(appended.insert(at, node)),
    }
}

fn write_map(map: &BTreeMap<&str, Node<'_>>, builder: &mut ItemBuilder) {
    for (name, node) in map {
        builder.name(name);
        write(node, builder);
    }
}

fn write(node: &Node<'_>, builder: &mut ItemBuilder) {
    match node {
        Node::View(value) => builder.value(*value),
        Node::New(value) => builder.value(value.view()),
        Node::Map(map) => {
            builder.begin_map();
            write_map(map, builder);
            builder.end();
        }
        Node::List { elements, appended } => {
            builder.begin_list();
            elements
                .iter()
                .flatten()
                .chain(appended.values())
                .for_each(|node| write(node, builder));
            builder.end();
        }
    }
}

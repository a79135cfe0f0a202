//! Update expressions: checked, without placeholders, and ready to be applied to any item.
//!
//! AWS's order of checks: reserved words, unknown functions, repeated sections, undefined names,
//! undefined values, paths that overlap or conflict, types of ADD and DELETE, operands of
//! functions.

use cumulet_attribute::{Type, Value};

use super::error::{ExpressionError, Fault, Kind};
use super::path::{self, Path};
use super::placeholders::Placeholders;
use super::syntax::{RawOperand, RawPath};
use super::update_syntax::{self, RawAction, RawUpdate, RawValue};

/// An UpdateExpression.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    pub(super) actions: Vec<Action>,
    /// Whether it is an AttributeUpdates parameter, which has some rules of its own.
    pub(super) legacy: bool,
}

/// One thing that an update does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// SET path = expression.
    Set(Path, Expression),
    /// REMOVE path.
    Remove(Path),
    /// ADD path value: a number or a set.
    Add(Path, Value),
    /// DELETE path value: a set.
    Delete(Path, Value),
}

/// What SET sets, read from the item as it was before the update.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// What a path leads to.
    Path(Path),
    /// A value of the request.
    Value(Value),
    /// A sum of numbers.
    Plus(Box<Expression>, Box<Expression>),
    /// A difference of numbers.
    Minus(Box<Expression>, Box<Expression>),
    /// What the path leads to or, if there is nothing, the expression.
    IfNotExists(Path, Box<Expression>),
    /// One list after the other.
    ListAppend(Box<Expression>, Box<Expression>),
}

impl Action {
    /// What it changes.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }
}

impl Update {
    /// Compiles an update, noting the placeholders it uses.
    pub fn parse(
        source: &str,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Self, ExpressionError> {
        update_syntax::parse(source)
            .and_then(|update| compile(&update, placeholders))
            .map(Self::from_actions)
            .map_err(|fault| ExpressionError::Invalid(Kind::Update, fault))
    }

    /// From actions whose paths lie apart.
    pub fn from_actions(actions: Vec<Action>) -> Self {
        Self { actions, legacy: false }
    }

    /// From actions whose paths may overlap or conflict: then they are refused.
    pub(crate) fn try_from_actions(actions: Vec<Action>) -> Result<Self, Fault> {
        let paths: Vec<Path> = actions.iter().map(|action| action.path().clone()).collect();
        path::check_apart(&paths)?;
        Ok(Self::from_actions(actions))
    }

    /// From the actions of the AttributeUpdates parameter, each on an attribute of its own.
    pub fn from_attribute_updates(actions: Vec<Action>) -> Self {
        Self { actions, legacy: true }
    }

    /// Whether it makes an item that is not there. AttributeUpdates that only delete do not
    /// ("Legacy conditional parameters").
    pub fn makes_item(&self) -> bool {
        let deletes = |action| matches!(action, &Action::Remove(_) | &Action::Delete(..));
        !self.legacy || self.actions.is_empty() || !self.actions.iter().all(deletes)
    }

    /// What it does, in order.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The paths it changes, in order: what UPDATED_OLD and UPDATED_NEW return.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.actions.iter().map(Action::path)
    }
}

fn compile(
    update: &RawUpdate<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<Vec<Action>, Fault> {
    let actions = &update.actions;
    each_path(actions, &mut |path| path.check_reserved())?;
    each_operand(actions, &mut |operand| match operand {
        RawOperand::Function(name, _) if !is_function(name) => {
            Err(Fault::UnknownFunction((*name).to_owned()))
        }
        _ => Ok(()),
    })?;
    for (at, section) in update.sections.iter().enumerate() {
        if update.sections.iter().take(at).any(|earlier| earlier == section) {
            return Err(Fault::RepeatedSection(section));
        }
    }
    each_path(actions, &mut |path| path.resolve(placeholders).map(drop))?;
    each_value(actions, &mut |key| placeholders.value(key).map(drop))?;
    let paths: Vec<Path> = actions
        .iter()
        .map(|action| target(action).resolve(placeholders))
        .collect::<Result<_, _>>()?;
    path::check_apart(&paths)?;
    for action in actions {
        check_action_type(action, placeholders)?;
    }
    each_operand(actions, &mut |operand| check_function(operand, placeholders))?;
    actions.iter().zip(paths).map(|(action, path)| build(action, path, placeholders)).collect()
}

fn target<'r, 's>(action: &'r RawAction<'s>) -> &'r RawPath<'s> {
    match action {
        RawAction::Set(path, _)
        | RawAction::Remove(path)
        | RawAction::Add(path, _)
        | RawAction::Delete(path, _) => path,
    }
}

/// The operands of what SET sets, outermost only.
fn operands<'r, 's>(action: &'r RawAction<'s>) -> impl Iterator<Item = &'r RawOperand<'s>> {
    let (first, second) = match action {
        RawAction::Set(_, RawValue::Operand(operand)) => (Some(operand), None),
        RawAction::Set(_, RawValue::Plus(left, right) | RawValue::Minus(left, right)) => {
            (Some(left), Some(right))
        }
        _ => (None, None),
    };
    first.into_iter().chain(second)
}

fn each_operand<'r>(
    actions: &'r [RawAction<'_>],
    visit: &mut dyn FnMut(&'r RawOperand<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    actions.iter().flat_map(operands).try_for_each(|operand| operand.walk(visit))
}

/// Every path, as written: the target, then what is read.
fn each_path(
    actions: &[RawAction<'_>],
    visit: &mut dyn FnMut(&RawPath<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for action in actions {
        visit(target(action))?;
        for operand in operands(action) {
            operand.walk(&mut |operand| match operand {
                RawOperand::Path(path) => visit(path),
                _ => Ok(()),
            })?;
        }
    }
    Ok(())
}

fn each_value(
    actions: &[RawAction<'_>],
    visit: &mut dyn FnMut(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for action in actions {
        if let RawAction::Add(_, key) | RawAction::Delete(_, key) = action {
            visit(key)?;
        }
        for operand in operands(action) {
            operand.walk(&mut |operand| match operand {
                RawOperand::Value(key) => visit(key),
                _ => Ok(()),
            })?;
        }
    }
    Ok(())
}

fn is_function(name: &str) -> bool {
    matches!(name, "if_not_exists" | "list_append")
}

/// ADD takes numbers and sets, DELETE takes sets.
fn check_action_type(
    action: &RawAction<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<(), Fault> {
    let (name, key) = match action {
        RawAction::Add(_, key) => ("ADD", key),
        RawAction::Delete(_, key) => ("DELETE", key),
        _ => return check_arithmetic(action, placeholders),
    };
    let kind = match placeholders.value(key)?.kind() {
        Type::SS | Type::NS | Type::BS => return Ok(()),
        Type::N if name == "ADD" => return Ok(()),
        Type::N => "NUMBER",
        Type::S => "STRING",
        Type::B => "BINARY",
        Type::Bool => "BOOLEAN",
        Type::Null => "NULL",
        Type::L => "LIST",
        Type::M => "MAP",
    };
    Err(Fault::ActionType(name, kind))
}

fn check_arithmetic(
    action: &RawAction<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<(), Fault> {
    let (name, left, right) = match action {
        RawAction::Set(_, RawValue::Plus(left, right)) => ("+", left, right),
        RawAction::Set(_, RawValue::Minus(left, right)) => ("-", left, right),
        _ => return Ok(()),
    };
    check_values(name, Type::N, &[left, right], placeholders)
}

fn check_function(
    operand: &RawOperand<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<(), Fault> {
    let RawOperand::Function(name, operands) = operand else { return Ok(()) };
    let name = if *name == "list_append" { "list_append" } else { "if_not_exists" };
    match (name, operands.as_slice()) {
        ("list_append", [left, right]) => check_values(name, Type::L, &[left, right], placeholders),
        (_, [RawOperand::Path(_), _]) => Ok(()),
        (_, [_, _]) => Err(Fault::NoPath(name)),
        _ => Err(Fault::OperandCount(name, operands.len())),
    }
}

/// Operands that are values of the request must have the type.
fn check_values(
    name: &'static str,
    kind: Type,
    operands: &[&RawOperand<'_>],
    placeholders: &mut Placeholders<'_>,
) -> Result<(), Fault> {
    for operand in operands {
        if let RawOperand::Value(key) = operand {
            let found = placeholders.value(key)?.kind();
            if found != kind {
                return Err(Fault::OperandType(name, found.to_string()));
            }
        }
    }
    Ok(())
}

fn build(
    action: &RawAction<'_>,
    path: Path,
    placeholders: &mut Placeholders<'_>,
) -> Result<Action, Fault> {
    Ok(match action {
        RawAction::Remove(_) => Action::Remove(path),
        RawAction::Add(_, key) => Action::Add(path, placeholders.owned_value(key)?),
        RawAction::Delete(_, key) => Action::Delete(path, placeholders.owned_value(key)?),
        RawAction::Set(_, value) => {
            let mut of = |operand| expression(operand, placeholders).map(Box::new);
            let expression = match value {
                RawValue::Operand(operand) => expression(operand, placeholders)?,
                RawValue::Plus(left, right) => Expression::Plus(of(left)?, of(right)?),
                RawValue::Minus(left, right) => Expression::Minus(of(left)?, of(right)?),
            };
            Action::Set(path, expression)
        }
    })
}

fn expression(
    operand: &RawOperand<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<Expression, Fault> {
    match operand {
        RawOperand::Path(path) => Ok(Expression::Path(path.resolve(placeholders)?)),
        RawOperand::Value(key) => Ok(Expression::Value(placeholders.owned_value(key)?)),
        RawOperand::Function(name, operands) => match (*name, operands.as_slice()) {
            ("if_not_exists", [RawOperand::Path(path), other]) => {
                let path = path.resolve(placeholders)?;
                Ok(Expression::IfNotExists(path, Box::new(expression(other, placeholders)?)))
            }
            ("list_append", [left, right]) => Ok(Expression::ListAppend(
                Box::new(expression(left, placeholders)?),
                Box::new(expression(right, placeholders)?),
            )),
            (name, _) => Err(Fault::UnknownFunction(name.to_owned())),
        },
    }
}

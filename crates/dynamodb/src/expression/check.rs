//! The checks of a condition in AWS's order, and its compiled form.
//!
//! Over the whole expression: unknown functions, misused functions, reserved words. Then condition
//! by condition, as written: undefined names and values, numbers of operands, operands that are
//! the same, types.

use cumulet_attribute::{Type, Value};

use super::condition::{Operand, Test};
use super::condition_syntax::{Comparator, Leaf, Operator, Syntax};
use super::error::Fault;
use super::path::Path;
use super::placeholders::Placeholders;
use super::syntax::RawOperand;

/// The functions of a condition and how many operands each has.
const FUNCTIONS: [(&str, usize); 6] = [
    ("attribute_exists", 1),
    ("attribute_not_exists", 1),
    ("attribute_type", 2),
    ("begins_with", 2),
    ("contains", 2),
    ("size", 1),
];
/// AWS's list of all types, where a type is wanted and none is known.
const ALL_TYPES: &str = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}";

/// Checks and compiles.
pub(super) fn compile(
    syntax: &Syntax<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<Test, Fault> {
    visit_leaves(syntax, &mut check_known)?;
    visit_leaves(syntax, &mut check_use)?;
    visit_leaves(syntax, &mut check_words)?;
    build(syntax, placeholders)
}

fn visit_leaves(
    syntax: &Syntax<'_>,
    check: &mut dyn FnMut(&Leaf<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match syntax {
        Syntax::Any(parts) | Syntax::All(parts) => {
            parts.iter().try_for_each(|part| visit_leaves(part, check))
        }
        Syntax::Not(part) => visit_leaves(part, check),
        Syntax::Leaf(leaf) => check(leaf),
        Syntax::Operand(_) => Ok(()),
    }
}

fn check_known(leaf: &Leaf<'_>) -> Result<(), Fault> {
    let mut check = |operand: &RawOperand<'_>| match operand {
        RawOperand::Function(name, _) if function(name).is_none() => {
            Err(Fault::UnknownFunction((*name).to_owned()))
        }
        _ => Ok(()),
    };
    leaf.operands.iter().try_for_each(|operand| operand.walk(&mut check))
}

fn function(name: &str) -> Option<(&'static str, usize)> {
    FUNCTIONS.into_iter().find(|(known, _)| *known == name)
}

/// `size` is an operand and never a condition; the others are conditions and never operands.
fn check_use(leaf: &Leaf<'_>) -> Result<(), Fault> {
    let operands_of = |operands: &[RawOperand<'_>]| {
        operands.iter().try_for_each(|operand| match operand {
            RawOperand::Function(name, _) if *name != "size" => misused(name),
            _ => Ok(()),
        })
    };
    let mut within = |operand: &RawOperand<'_>| match operand {
        RawOperand::Function(_, operands) => operands_of(operands),
        _ => Ok(()),
    };
    leaf.operands.iter().try_for_each(|operand| operand.walk(&mut within))?;
    match (leaf.operator, leaf.operands.as_slice()) {
        (Operator::Function, [RawOperand::Function(name @ "size", _)]) => misused(name),
        (Operator::Function, _) => Ok(()),
        (_, operands) => operands_of(operands),
    }
}

fn misused(name: &str) -> Result<(), Fault> {
    Err(Fault::MisusedFunction(name.to_owned()))
}

fn check_words(leaf: &Leaf<'_>) -> Result<(), Fault> {
    let mut check = |operand: &RawOperand<'_>| match operand {
        RawOperand::Path(path) => path.check_reserved(),
        _ => Ok(()),
    };
    leaf.operands.iter().try_for_each(|operand| operand.walk(&mut check))
}

fn build(syntax: &Syntax<'_>, placeholders: &mut Placeholders<'_>) -> Result<Test, Fault> {
    let mut parts = |parts: &[Syntax<'_>]| {
        parts.iter().map(|part| build(part, placeholders)).collect::<Result<Vec<_>, _>>()
    };
    match syntax {
        Syntax::Any(any) => Ok(Test::Any(parts(any)?)),
        Syntax::All(all) => Ok(Test::All(parts(all)?)),
        Syntax::Not(part) => Ok(Test::Not(Box::new(build(part, placeholders)?))),
        Syntax::Leaf(leaf) => build_leaf(leaf, placeholders),
        // The parser leaves no operand where a condition stands.
        Syntax::Operand(_) => Ok(Test::All(Vec::new())),
    }
}

/// An operand without placeholders, its types not yet checked.
enum Resolved {
    Path(Path),
    Value(Value),
    Function(&'static str, Vec<Resolved>),
}

fn build_leaf(leaf: &Leaf<'_>, placeholders: &mut Placeholders<'_>) -> Result<Test, Fault> {
    let operands = resolve_all(&leaf.operands, placeholders)?;
    operands.iter().try_for_each(check_counts)?;
    operands.iter().try_for_each(check_distinct)?;
    if let (Operator::Compare(comparator), [left, right]) = (leaf.operator, operands.as_slice()) {
        check_paths_distinct(comparator.as_str(), left, right)?;
    }
    operands.iter().try_for_each(check_types)?;
    check_operator_types(leaf.operator, &operands)?;
    test(leaf.operator, operands)
}

fn resolve_all(
    operands: &[RawOperand<'_>],
    placeholders: &mut Placeholders<'_>,
) -> Result<Vec<Resolved>, Fault> {
    operands.iter().map(|operand| resolve(operand, placeholders)).collect()
}

fn resolve(
    operand: &RawOperand<'_>,
    placeholders: &mut Placeholders<'_>,
) -> Result<Resolved, Fault> {
    Ok(match operand {
        RawOperand::Path(path) => Resolved::Path(path.resolve(placeholders)?),
        RawOperand::Value(key) => Resolved::Value(placeholders.owned_value(key)?),
        RawOperand::Function(name, operands) => {
            let (name, _) =
                function(name).ok_or_else(|| Fault::UnknownFunction((*name).to_owned()))?;
            Resolved::Function(name, resolve_all(operands, placeholders)?)
        }
    })
}

fn check_counts(operand: &Resolved) -> Result<(), Fault> {
    let Resolved::Function(name, operands) = operand else { return Ok(()) };
    operands.iter().try_for_each(check_counts)?;
    match function(name) {
        Some((_, count)) if count == operands.len() => Ok(()),
        _ => Err(Fault::OperandCount(name, operands.len())),
    }
}

fn check_distinct(operand: &Resolved) -> Result<(), Fault> {
    let Resolved::Function(name, operands) = operand else { return Ok(()) };
    operands.iter().try_for_each(check_distinct)?;
    match operands.as_slice() {
        [left, right] => check_paths_distinct(name, left, right),
        _ => Ok(()),
    }
}

fn check_paths_distinct(
    name: &'static str,
    left: &Resolved,
    right: &Resolved,
) -> Result<(), Fault> {
    match (left, right) {
        (Resolved::Path(left), Resolved::Path(right)) if left == right => {
            Err(Fault::NotDistinct(name, left.to_string()))
        }
        _ => Ok(()),
    }
}

/// The type that an operand has whatever the item.
fn static_type(operand: &Resolved) -> Option<Type> {
    match operand {
        Resolved::Path(_) => None,
        Resolved::Value(value) => Some(value.kind()),
        Resolved::Function("size", _) => Some(Type::N),
        Resolved::Function(..) => Some(Type::Bool),
    }
}

fn check_types(operand: &Resolved) -> Result<(), Fault> {
    let Resolved::Function(name, operands) = operand else { return Ok(()) };
    operands.iter().try_for_each(check_types)?;
    let wrong = |kind: Type| Err(Fault::OperandType(name, kind.to_string()));
    match (*name, operands.as_slice()) {
        ("attribute_exists" | "attribute_not_exists", [operand]) => match operand {
            Resolved::Path(_) => Ok(()),
            _ => Err(Fault::NoPath(name)),
        },
        ("begins_with", operands) => {
            operands.iter().try_for_each(|operand| match static_type(operand) {
                Some(kind) if !matches!(kind, Type::S | Type::B) => wrong(kind),
                _ => Ok(()),
            })
        }
        ("attribute_type", [_, kind]) => match (kind, static_type(kind)) {
            (Resolved::Value(value), Some(Type::S)) => type_name(value).map(drop),
            (_, Some(kind)) => wrong(kind),
            (_, None) => Err(Fault::OperandType(name, ALL_TYPES.to_owned())),
        },
        ("size", [operand]) => match static_type(operand) {
            Some(kind @ (Type::N | Type::Bool | Type::Null)) => wrong(kind),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn type_name(value: &Value) -> Result<Type, Fault> {
    let name = match value.view() {
        cumulet_attribute::ValueRef::S(name) => name,
        _ => "",
    };
    Type::parse(name).ok_or_else(|| Fault::TypeName(name.to_owned()))
}

/// Operands that have no order are refused where one is needed, and bounds of BETWEEN that no
/// value lies between. (AWS was seen to refuse BOOL in key conditions, in October 2026; that it
/// refuses all types without an order, and in all conditions, is taken from there.)
fn check_operator_types(operator: Operator, operands: &[Resolved]) -> Result<(), Fault> {
    let name = match operator {
        Operator::Compare(Comparator::Eq | Comparator::Ne) | Operator::In | Operator::Function => {
            return Ok(());
        }
        Operator::Compare(comparator) => comparator.as_str(),
        Operator::Between => "BETWEEN",
    };
    for kind in operands.iter().filter_map(static_type) {
        if !matches!(kind, Type::S | Type::N | Type::B) {
            return Err(Fault::OperandType(name, kind.to_string()));
        }
    }
    let (Operator::Between, [_, Resolved::Value(lower), Resolved::Value(upper)]) =
        (operator, operands)
    else {
        return Ok(());
    };
    let shown = || (format!("{:?}", lower.view()), format!("{:?}", upper.view()));
    match lower.view().order(upper.view()) {
        None => {
            let (lower, upper) = shown();
            Err(Fault::BoundTypes(lower, upper))
        }
        Some(order) if order.is_gt() => {
            let (lower, upper) = shown();
            Err(Fault::BoundOrder(lower, upper))
        }
        Some(_) => Ok(()),
    }
}

/// The compiled form of operands that have passed the checks.
fn test(operator: Operator, operands: Vec<Resolved>) -> Result<Test, Fault> {
    if operator == Operator::Function {
        return match operands.into_iter().next() {
            Some(Resolved::Function(name, operands)) => function_test(name, operands),
            _ => Ok(Test::All(Vec::new())),
        };
    }
    let mut operands = operands.into_iter();
    let mut next = || operand(operands.next());
    Ok(match operator {
        Operator::Compare(comparator) => Test::Compare(comparator, next()?, next()?),
        Operator::Between => Test::Between(next()?, next()?, next()?),
        _ => {
            let first = next()?;
            Test::In(first, operands.map(|one| operand(Some(one))).collect::<Result<_, _>>()?)
        }
    })
}

fn function_test(name: &'static str, operands: Vec<Resolved>) -> Result<Test, Fault> {
    let count = operands.len();
    let mut operands = operands.into_iter();
    let first = operands.next();
    if let Some(Resolved::Path(path)) = first {
        match name {
            "attribute_exists" => return Ok(Test::Exists(path)),
            "attribute_not_exists" => return Ok(Test::NotExists(path)),
            _ => {}
        }
        return two_operands(name, count, Operand::Path(path), operands.next());
    }
    two_operands(name, count, operand(first)?, operands.next())
}

fn two_operands(
    name: &'static str,
    count: usize,
    first: Operand,
    second: Option<Resolved>,
) -> Result<Test, Fault> {
    match (name, second) {
        ("attribute_type", Some(Resolved::Value(value))) => {
            Ok(Test::HasType(first, type_name(&value)?))
        }
        ("begins_with", second) => Ok(Test::BeginsWith(first, operand(second)?)),
        ("contains", second) => Ok(Test::Contains(first, operand(second)?)),
        _ => Err(Fault::OperandCount(name, count)),
    }
}

fn operand(resolved: Option<Resolved>) -> Result<Operand, Fault> {
    match resolved {
        Some(Resolved::Path(path)) => Ok(Operand::Path(path)),
        Some(Resolved::Value(value)) => Ok(Operand::Value(value)),
        Some(Resolved::Function("size", operands)) => {
            Ok(Operand::Size(Box::new(operand(operands.into_iter().next())?)))
        }
        Some(Resolved::Function(name, _)) => Err(Fault::MisusedFunction(name.to_owned())),
        None => Err(Fault::OperandCount("size", 0)),
    }
}

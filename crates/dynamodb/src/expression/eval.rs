//! Whether an item meets a condition. Reads the stored form; builds nothing but the numbers that
//! `size` yields.

use cumulet_attribute::{MapRef, Number, Value, ValueRef};

use super::condition::{Operand, Test};
use super::condition_syntax::Comparator;

/// What an operand is for an item.
enum Found<'a> {
    View(ValueRef<'a>),
    Size(Value),
}

impl Found<'_> {
    fn view(&self) -> ValueRef<'_> {
        match self {
            Self::View(value) => *value,
            Self::Size(value) => value.view(),
        }
    }
}

/// Whether the attributes meet the test. What is absent, or of another type than needed, meets
/// nothing but `<>` and attribute_not_exists.
pub(super) fn holds(test: &Test, item: MapRef<'_>) -> bool {
    match test {
        Test::Any(tests) => tests.iter().any(|test| holds(test, item)),
        Test::All(tests) => tests.iter().all(|test| holds(test, item)),
        Test::Not(test) => !holds(test, item),
        Test::Compare(comparator, left, right) => match (find(left, item), find(right, item)) {
            (Some(left), Some(right)) => compare(*comparator, left.view(), right.view()),
            _ => *comparator == Comparator::Ne,
        },
        Test::Between(operand, lower, upper) => {
            let found = (find(operand, item), find(lower, item), find(upper, item));
            let (Some(value), Some(lower), Some(upper)) = found else { return false };
            compare(Comparator::Ge, value.view(), lower.view())
                && compare(Comparator::Le, value.view(), upper.view())
        }
        Test::In(operand, operands) => find(operand, item).is_some_and(|value| {
            operands.iter().any(|one| find(one, item).is_some_and(|one| one.view() == value.view()))
        }),
        Test::Exists(path) => path.find(item).is_some(),
        Test::NotExists(path) => path.find(item).is_none(),
        Test::HasType(operand, kind) => {
            find(operand, item).is_some_and(|value| value.view().kind() == *kind)
        }
        Test::BeginsWith(operand, start) => match (find(operand, item), find(start, item)) {
            (Some(value), Some(start)) => begins_with(value.view(), start.view()),
            _ => false,
        },
        Test::Contains(operand, part) => match (find(operand, item), find(part, item)) {
            (Some(value), Some(part)) => contains(value.view(), part.view()),
            _ => false,
        },
    }
}

fn find<'a>(operand: &'a Operand, item: MapRef<'a>) -> Option<Found<'a>> {
    match operand {
        Operand::Path(path) => path.find(item).map(Found::View),
        Operand::Value(value) => Some(Found::View(value.view())),
        Operand::Size(operand) => {
            let size = size(find(operand, item)?.view())?;
            Some(Found::Size(Value::number(Number::from(i64::try_from(size).ok()?))))
        }
    }
}

fn compare(comparator: Comparator, left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    let order = |accept: fn(std::cmp::Ordering) -> bool| left.order(right).is_some_and(accept);
    match comparator {
        Comparator::Eq => left == right,
        Comparator::Ne => left != right,
        Comparator::Lt => order(std::cmp::Ordering::is_lt),
        Comparator::Le => order(std::cmp::Ordering::is_le),
        Comparator::Gt => order(std::cmp::Ordering::is_gt),
        Comparator::Ge => order(std::cmp::Ordering::is_ge),
    }
}

fn begins_with(value: ValueRef<'_>, start: ValueRef<'_>) -> bool {
    match (value, start) {
        (ValueRef::S(text), ValueRef::S(start)) => text.starts_with(start),
        (ValueRef::B(bytes), ValueRef::B(start)) => bytes.starts_with(start),
        _ => false,
    }
}

fn contains(value: ValueRef<'_>, part: ValueRef<'_>) -> bool {
    match (value, part) {
        (ValueRef::S(text), ValueRef::S(part)) => text.contains(part),
        (ValueRef::B(bytes), ValueRef::B(part)) => contains_bytes(bytes, part),
        (ValueRef::L(list), part) => list.iter().any(|element| element == part),
        (set, part) => set.has_member(part),
    }
}

/// Whether the bytes occur in sequence: Knuth, Morris and Pratt's search, which takes time in
/// proportion to both lengths and not to their product.
fn contains_bytes(bytes: &[u8], part: &[u8]) -> bool {
    // How many bytes of `part` still match when byte `matched` of it does not.
    let mut falls: Vec<usize> = Vec::with_capacity(part.len());
    let step = |falls: &[usize], mut matched: usize, byte: u8| {
        while matched > 0 && part.get(matched) != Some(&byte) {
            matched = falls.get(matched - 1).copied().unwrap_or(0);
        }
        matched + usize::from(part.get(matched) == Some(&byte))
    };
    let mut matched = 0;
    for (at, byte) in part.iter().enumerate() {
        if at > 0 {
            matched = step(&falls, matched, *byte);
        }
        falls.push(matched);
    }
    let mut matched = 0;
    part.is_empty()
        || bytes.iter().any(|byte| {
            matched = step(&falls, matched, *byte);
            matched == part.len()
        })
}

/// Bytes of a string (in UTF-8: the guide says "length", and does not say of what) or a binary;
/// the number of members, elements or names of the others.
fn size(value: ValueRef<'_>) -> Option<usize> {
    match value {
        ValueRef::S(text) => Some(text.len()),
        ValueRef::B(bytes) => Some(bytes.len()),
        ValueRef::SS(set) | ValueRef::NS(set) | ValueRef::BS(set) => Some(set.len()),
        ValueRef::L(list) => Some(list.len()),
        ValueRef::M(map) => Some(map.len()),
        ValueRef::N(_) | ValueRef::Bool(_) | ValueRef::Null => None,
    }
}

//! Conditions joined by `&&` and `||`, with parentheses. `&&` binds tighter.

use super::InvalidPattern;
use super::lexer::Lexer;

/// Levels of parentheses; reading and matching recurse that deep.
const DEEPEST: usize = 32;

/// Conditions `C`, joined.
#[derive(Debug)]
pub(super) enum Expression<C> {
    Condition(C),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl<C> Expression<C> {
    /// Reads as far as the expression goes.
    pub(super) fn parse(
        lexer: &mut Lexer<'_>,
        condition: &mut dyn FnMut(&mut Lexer<'_>) -> Result<C, InvalidPattern>,
    ) -> Result<Self, InvalidPattern> {
        any(lexer, condition, 0)
    }

    /// Whether it holds where `condition` says what each condition does.
    pub(super) fn holds(&self, condition: &dyn Fn(&C) -> bool) -> bool {
        match self {
            Self::Condition(c) => condition(c),
            Self::All(list) => list.iter().all(|each| each.holds(condition)),
            Self::Any(list) => list.iter().any(|each| each.holds(condition)),
        }
    }
}

fn any<C>(
    lexer: &mut Lexer<'_>,
    condition: &mut dyn FnMut(&mut Lexer<'_>) -> Result<C, InvalidPattern>,
    depth: usize,
) -> Result<Expression<C>, InvalidPattern> {
    let first = all(lexer, condition, depth)?;
    let mut list = vec![first];
    while joined(lexer, "||") {
        list.push(all(lexer, condition, depth)?);
    }
    Ok(single(list, Expression::Any))
}

fn all<C>(
    lexer: &mut Lexer<'_>,
    condition: &mut dyn FnMut(&mut Lexer<'_>) -> Result<C, InvalidPattern>,
    depth: usize,
) -> Result<Expression<C>, InvalidPattern> {
    let first = one(lexer, condition, depth)?;
    let mut list = vec![first];
    while joined(lexer, "&&") {
        list.push(one(lexer, condition, depth)?);
    }
    Ok(single(list, Expression::All))
}

fn one<C>(
    lexer: &mut Lexer<'_>,
    condition: &mut dyn FnMut(&mut Lexer<'_>) -> Result<C, InvalidPattern>,
    depth: usize,
) -> Result<Expression<C>, InvalidPattern> {
    lexer.skip_space();
    if !lexer.eat("(") {
        return condition(lexer).map(Expression::Condition);
    }
    if depth == DEEPEST {
        return Err(InvalidPattern);
    }
    let inner = any(lexer, condition, depth + 1)?;
    lexer.expect(")")?;
    Ok(inner)
}

fn joined(lexer: &mut Lexer<'_>, sign: &str) -> bool {
    lexer.skip_space();
    lexer.eat(sign)
}

fn single<C>(
    mut list: Vec<Expression<C>>,
    join: fn(Vec<Expression<C>>) -> Expression<C>,
) -> Expression<C> {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        last => {
            list.extend(last);
            join(list)
        }
    }
}

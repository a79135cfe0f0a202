//! What all grammars share: paths, placeholders, functions and parentheses, as written. Names and
//! values are looked up later: AWS checks the whole syntax first.

use super::error::Fault;
use super::lexer::{Lexeme, Tokens, is_keyword};
use super::path::{Path, Step};
use super::placeholders::Placeholders;
use super::reserved::is_reserved;

/// Parentheses and functions within one another, at most. Without redundant parentheses each
/// level takes an operator or a function, of which there are at most 300.
pub(super) const MAX_LEVELS: usize = 301;

/// A path as written.
#[derive(Debug, Clone)]
pub(super) struct RawPath<'s> {
    /// Names, `#names` and the digits of indexes.
    parts: Vec<Part<'s>>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'s> {
    Word(&'s str),
    Name(&'s str),
    Index(&'s str),
}

/// An operand as written.
#[derive(Debug, Clone)]
pub(super) enum RawOperand<'s> {
    Path(RawPath<'s>),
    Value(&'s str),
    Function(&'s str, Vec<RawOperand<'s>>),
}

impl<'s> RawPath<'s> {
    /// A path at the next token; `keywords` are no names here.
    pub(super) fn parse(tokens: &mut Tokens<'s>, keywords: &[&str]) -> Result<Self, Fault> {
        let mut path = Self { parts: vec![name(tokens, keywords)?] };
        path.parse_steps(tokens, keywords)?;
        Ok(path)
    }

    /// Further steps, if there are any.
    pub(super) fn parse_steps(
        &mut self,
        tokens: &mut Tokens<'s>,
        keywords: &[&str],
    ) -> Result<(), Fault> {
        loop {
            if tokens.symbol(".") {
                self.parts.push(name(tokens, keywords)?);
            } else if tokens.symbol("[") {
                if tokens.peek().lexeme != Lexeme::Number {
                    return Err(tokens.unexpected());
                }
                self.parts.push(Part::Index(tokens.next().text));
                tokens.expect("]")?;
            } else {
                return Ok(());
            }
        }
    }

    /// Refuses a reserved word as a name.
    pub(super) fn check_reserved(&self) -> Result<(), Fault> {
        for part in &self.parts {
            match part {
                Part::Word(word) if is_reserved(word) => {
                    return Err(Fault::Reserved((*word).to_owned()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks its `#names` up.
    pub(super) fn resolve(&self, placeholders: &mut Placeholders<'_>) -> Result<Path, Fault> {
        let mut parts = self.parts.iter();
        let name = match parts.next() {
            Some(Part::Name(key)) => placeholders.name(key)?,
            Some(Part::Word(text) | Part::Index(text)) => text,
            None => "",
        };
        let mut steps = Vec::with_capacity(parts.len());
        for part in parts {
            steps.push(match part {
                Part::Word(word) => Step::Name((*word).into()),
                Part::Name(key) => Step::Name(placeholders.name(key)?.into()),
                // Java's int is the range.
                Part::Index(digits) => match digits.parse() {
                    Ok(at) if i32::try_from(at).is_ok() => Step::Index(at),
                    _ => return Err(Fault::Index((*digits).to_owned())),
                },
            });
        }
        Path::new(name, steps)
    }
}

fn name<'s>(tokens: &mut Tokens<'s>, keywords: &[&str]) -> Result<Part<'s>, Fault> {
    let token = tokens.peek();
    let part = match token.lexeme {
        Lexeme::Word if !keywords.iter().any(|keyword| is_keyword(token, keyword)) => {
            Part::Word(token.text)
        }
        Lexeme::Name => Part::Name(token.text),
        _ => return Err(tokens.unexpected()),
    };
    tokens.next();
    Ok(part)
}

impl RawOperand<'_> {
    /// Calls `visit` for each operand within this one and then for itself, as AWS meets them.
    pub(super) fn walk<'o>(
        &'o self,
        visit: &mut dyn FnMut(&'o Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if let Self::Function(_, operands) = self {
            operands.iter().try_for_each(|operand| operand.walk(visit))?;
        }
        visit(self)
    }
}

//! The grammar of update expressions: sections SET, REMOVE, ADD and DELETE, each once, keywords in
//! any case.

use super::condition_syntax::MAX_OPERATORS;
use super::error::Fault;
use super::lexer::{Lexeme, Tokens, is_keyword};
use super::syntax::{MAX_LEVELS, RawOperand, RawPath};

/// Words of the grammar: no names, in any case.
const KEYWORDS: [&str; 4] = ["SET", "REMOVE", "ADD", "DELETE"];

/// One action as written.
#[derive(Debug)]
pub(super) enum RawAction<'s> {
    Set(RawPath<'s>, RawValue<'s>),
    Remove(RawPath<'s>),
    Add(RawPath<'s>, &'s str),
    Delete(RawPath<'s>, &'s str),
}

/// What SET sets.
#[derive(Debug)]
pub(super) enum RawValue<'s> {
    Operand(RawOperand<'s>),
    Plus(RawOperand<'s>, RawOperand<'s>),
    Minus(RawOperand<'s>, RawOperand<'s>),
}

/// An update as written: its actions in order, and its sections.
#[derive(Debug)]
pub(super) struct RawUpdate<'s> {
    pub(super) actions: Vec<RawAction<'s>>,
    pub(super) sections: Vec<&'static str>,
}

/// Reads a whole update.
pub(super) fn parse(source: &str) -> Result<RawUpdate<'_>, Fault> {
    let mut parser = Parser { tokens: Tokens::new(source)?, levels: 0, operators: 0 };
    let mut update = RawUpdate { actions: Vec::new(), sections: Vec::new() };
    while update.sections.is_empty() || parser.tokens.peek().lexeme != Lexeme::End {
        let section = KEYWORDS.into_iter().find(|keyword| parser.tokens.keyword(keyword));
        let Some(section) = section else { return Err(parser.tokens.unexpected()) };
        update.sections.push(section);
        loop {
            update.actions.push(parser.action(section)?);
            if !parser.tokens.symbol(",") {
                break;
            }
        }
    }
    if parser.operators > MAX_OPERATORS {
        return Err(Fault::TooManyOperators(parser.operators));
    }
    Ok(update)
}

struct Parser<'s> {
    tokens: Tokens<'s>,
    levels: usize,
    operators: usize,
}

impl<'s> Parser<'s> {
    fn action(&mut self, section: &str) -> Result<RawAction<'s>, Fault> {
        let path = RawPath::parse(&mut self.tokens, &KEYWORDS)?;
        match section {
            "SET" => {
                self.tokens.expect("=")?;
                Ok(RawAction::Set(path, self.value()?))
            }
            "REMOVE" => Ok(RawAction::Remove(path)),
            "ADD" => Ok(RawAction::Add(path, self.placeholder()?)),
            _ => Ok(RawAction::Delete(path, self.placeholder()?)),
        }
    }

    fn placeholder(&mut self) -> Result<&'s str, Fault> {
        match self.tokens.peek().lexeme {
            Lexeme::Value => Ok(self.tokens.next().text),
            _ => Err(self.tokens.unexpected()),
        }
    }

    /// An operand or one sum or difference, in parentheses or not.
    fn value(&mut self) -> Result<RawValue<'s>, Fault> {
        self.enter()?;
        // `(a + b)` and `(a) + b` begin alike: what is in parentheses tells.
        let first = if self.tokens.symbol("(") {
            let inner = self.value()?;
            self.tokens.expect(")")?;
            inner
        } else {
            RawValue::Operand(self.operand()?)
        };
        self.levels -= 1;
        let RawValue::Operand(first) = first else { return Ok(first) };
        let plus = self.tokens.symbol("+");
        if !plus && !self.tokens.symbol("-") {
            return Ok(RawValue::Operand(first));
        }
        self.operators += 1;
        let second = self.operand()?;
        Ok(if plus { RawValue::Plus(first, second) } else { RawValue::Minus(first, second) })
    }

    fn enter(&mut self) -> Result<(), Fault> {
        self.levels += 1;
        if self.levels > MAX_LEVELS { Err(Fault::RedundantParentheses) } else { Ok(()) }
    }

    fn operand(&mut self) -> Result<RawOperand<'s>, Fault> {
        self.enter()?;
        let operand = self.operand_within();
        self.levels -= 1;
        operand
    }

    fn operand_within(&mut self) -> Result<RawOperand<'s>, Fault> {
        if self.tokens.symbol("(") {
            let operand = self.operand()?;
            self.tokens.expect(")")?;
            return Ok(operand);
        }
        let token = self.tokens.peek();
        let second = self.tokens.peek_second();
        let is_call = second.lexeme == Lexeme::Symbol && second.text == "(";
        let keyword = KEYWORDS.iter().any(|keyword| is_keyword(token, keyword));
        match token.lexeme {
            Lexeme::Value => Ok(RawOperand::Value(self.tokens.next().text)),
            Lexeme::Word if is_call && !keyword => {
                self.tokens.next();
                self.tokens.next();
                self.operators += 1;
                let mut operands = vec![self.operand()?];
                while self.tokens.symbol(",") {
                    operands.push(self.operand()?);
                }
                self.tokens.expect(")")?;
                Ok(RawOperand::Function(token.text, operands))
            }
            _ => Ok(RawOperand::Path(RawPath::parse(&mut self.tokens, &KEYWORDS)?)),
        }
    }
}

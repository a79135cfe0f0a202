//! The grammar of conditions and filters: NOT before AND before OR, keywords in any case.
//!
//! A parenthesis may open an operand, `(a) = :v`, or a condition, `(a = :v)`. So one rule reads
//! both, and what was read is judged by what follows it.

use super::error::Fault;
use super::lexer::{Lexeme, Tokens, is_keyword};
use super::syntax::{MAX_LEVELS, RawOperand, RawPath};

/// Words of the grammar: no names, in any case.
const KEYWORDS: [&str; 5] = ["AND", "OR", "NOT", "BETWEEN", "IN"];
/// Operators and functions in an expression, and operands of IN, at most (the guide's
/// "Constraints").
pub(crate) const MAX_OPERATORS: usize = 300;
pub(crate) const MAX_IN: usize = 100;

/// A condition as written.
#[derive(Debug)]
pub(super) enum Syntax<'s> {
    Any(Vec<Syntax<'s>>),
    All(Vec<Syntax<'s>>),
    Not(Box<Syntax<'s>>),
    Leaf(Leaf<'s>),
    /// An operand alone: a condition if it is a function.
    Operand(RawOperand<'s>),
}

/// A condition without AND, OR and NOT.
#[derive(Debug)]
pub(super) struct Leaf<'s> {
    pub(super) operator: Operator,
    pub(super) operands: Vec<RawOperand<'s>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(Comparator),
    Between,
    In,
    /// A function that is a condition: the one operand.
    Function,
}

/// `=`, `<>`, `<`, `<=`, `>`, `>=`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparator {
    /// As written in an expression.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "<>",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge]
            .into_iter()
            .find(|comparator| comparator.as_str() == text)
    }
}

/// Reads a whole condition and refuses redundant parentheses and what is over a limit.
pub(super) fn parse(source: &str) -> Result<Syntax<'_>, Fault> {
    let tokens = Tokens::new(source)?;
    let mut parser = Parser { tokens, levels: 0, operators: 0, redundant: false, operands: 0 };
    let parsed = parser.any()?;
    let syntax = parser.condition(parsed.syntax)?;
    parser.tokens.expect_end()?;
    if parser.redundant {
        return Err(Fault::RedundantParentheses);
    }
    if parser.operators > MAX_OPERATORS {
        return Err(Fault::TooManyOperators(parser.operators));
    }
    if parser.operands > MAX_IN {
        return Err(Fault::TooManyOperands(parser.operands));
    }
    Ok(syntax)
}

struct Parser<'s> {
    tokens: Tokens<'s>,
    levels: usize,
    operators: usize,
    redundant: bool,
    /// Of the longest IN.
    operands: usize,
}

struct Parsed<'s> {
    syntax: Syntax<'s>,
    /// Whether it stands in parentheses of its own.
    enclosed: bool,
}

impl<'s> Parser<'s> {
    fn any(&mut self) -> Result<Parsed<'s>, Fault> {
        let first = self.all()?;
        self.chain(first, "OR", Self::all, Syntax::Any)
    }

    fn all(&mut self) -> Result<Parsed<'s>, Fault> {
        let first = self.not()?;
        self.chain(first, "AND", Self::not, Syntax::All)
    }

    /// `first`, or the list of it and those that the keyword joins to it.
    fn chain(
        &mut self,
        first: Parsed<'s>,
        keyword: &str,
        next: fn(&mut Self) -> Result<Parsed<'s>, Fault>,
        join: fn(Vec<Syntax<'s>>) -> Syntax<'s>,
    ) -> Result<Parsed<'s>, Fault> {
        if !is_keyword(self.tokens.peek(), keyword) {
            return Ok(first);
        }
        let mut parts = vec![self.condition(first.syntax)?];
        while self.tokens.keyword(keyword) {
            self.operators += 1;
            let part = next(self)?;
            parts.push(self.condition(part.syntax)?);
        }
        Ok(Parsed { syntax: join(parts), enclosed: false })
    }

    fn not(&mut self) -> Result<Parsed<'s>, Fault> {
        let mut nots = 0;
        while self.tokens.keyword("NOT") {
            nots += 1;
        }
        let parsed = self.comparison()?;
        if nots == 0 {
            return Ok(parsed);
        }
        self.operators += nots;
        let syntax = self.condition(parsed.syntax)?;
        let syntax = if nots % 2 == 1 { Syntax::Not(Box::new(syntax)) } else { syntax };
        Ok(Parsed { syntax, enclosed: false })
    }

    /// What was read must be a condition; if not, the next token should have made it one.
    fn condition(&self, syntax: Syntax<'s>) -> Result<Syntax<'s>, Fault> {
        match syntax {
            Syntax::Operand(operand @ RawOperand::Function(..)) => {
                Ok(Syntax::Leaf(Leaf { operator: Operator::Function, operands: vec![operand] }))
            }
            Syntax::Operand(_) => Err(self.tokens.unexpected()),
            other => Ok(other),
        }
    }

    fn comparison(&mut self) -> Result<Parsed<'s>, Fault> {
        let parsed = self.primary()?;
        let Parsed { syntax: Syntax::Operand(first), enclosed } = parsed else {
            return Ok(parsed);
        };
        let token = self.tokens.peek();
        let comparator = Comparator::parse(token.text).filter(|_| token.lexeme == Lexeme::Symbol);
        let (operator, operands) = if let Some(comparator) = comparator {
            self.tokens.next();
            (Operator::Compare(comparator), vec![first, self.operand()?])
        } else if self.tokens.keyword("BETWEEN") {
            let lower = self.operand()?;
            if !self.tokens.keyword("AND") {
                return Err(self.tokens.unexpected());
            }
            (Operator::Between, vec![first, lower, self.operand()?])
        } else if self.tokens.keyword("IN") {
            self.tokens.expect("(")?;
            let operands = self.operands(vec![first])?;
            self.operands = self.operands.max(operands.len() - 1);
            (Operator::In, operands)
        } else {
            return Ok(Parsed { syntax: Syntax::Operand(first), enclosed });
        };
        self.operators += 1;
        Ok(Parsed { syntax: Syntax::Leaf(Leaf { operator, operands }), enclosed: false })
    }

    /// Operands with commas between them, and the parenthesis after them.
    fn operands(
        &mut self,
        mut operands: Vec<RawOperand<'s>>,
    ) -> Result<Vec<RawOperand<'s>>, Fault> {
        loop {
            operands.push(self.operand()?);
            if !self.tokens.symbol(",") {
                self.tokens.expect(")")?;
                return Ok(operands);
            }
        }
    }

    fn operand(&mut self) -> Result<RawOperand<'s>, Fault> {
        match self.primary()?.syntax {
            Syntax::Operand(operand) => Ok(operand),
            _ => Err(self.tokens.unexpected()),
        }
    }

    fn primary(&mut self) -> Result<Parsed<'s>, Fault> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return Err(Fault::RedundantParentheses);
        }
        let parsed = self.primary_within();
        self.levels -= 1;
        parsed
    }

    fn primary_within(&mut self) -> Result<Parsed<'s>, Fault> {
        if self.tokens.symbol("(") {
            let mut inner = self.any()?;
            self.tokens.expect(")")?;
            self.redundant |= inner.enclosed;
            // AWS reads `(a).b` as the path `a.b`.
            if let Syntax::Operand(RawOperand::Path(path)) = &mut inner.syntax {
                path.parse_steps(&mut self.tokens, &KEYWORDS)?;
            }
            return Ok(Parsed { syntax: inner.syntax, enclosed: true });
        }
        let token = self.tokens.peek();
        let second = self.tokens.peek_second();
        let is_call = second.lexeme == Lexeme::Symbol && second.text == "(";
        let keyword = KEYWORDS.iter().any(|keyword| is_keyword(token, keyword));
        let operand = match token.lexeme {
            Lexeme::Value => RawOperand::Value(self.tokens.next().text),
            Lexeme::Word if is_call && !keyword => {
                self.tokens.next();
                self.tokens.next();
                self.operators += 1;
                RawOperand::Function(token.text, self.operands(Vec::new())?)
            }
            _ => RawOperand::Path(RawPath::parse(&mut self.tokens, &KEYWORDS)?),
        };
        Ok(Parsed { syntax: Syntax::Operand(operand), enclosed: false })
    }
}

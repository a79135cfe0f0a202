//! Conditions: what WHERE says.

use cumulet_attribute::{Type, ValueRef};

use super::lexer::Token;
use super::parser::Parser;
use super::{EXISTS_ALONE, Result, refused};
use crate::error::Error;
use crate::expression::{
    Comparator, ExpressionError, Fault, Kind, MAX_IN, MAX_OPERATORS, Operand, Path, Test,
};

impl Parser<'_> {
    /// A condition: NOT before AND before OR.
    pub(super) fn condition(&mut self) -> Result<Test> {
        self.enter()?;
        let condition = self.any();
        self.leave();
        if self.operators > MAX_OPERATORS {
            return Err(over(Fault::TooManyOperators(self.operators)));
        }
        condition
    }

    fn any(&mut self) -> Result<Test> {
        let mut tests = vec![self.all()?];
        while self.keyword("OR") {
            self.operators += 1;
            tests.push(self.all()?);
        }
        Ok(one_or(tests, Test::Any))
    }

    fn all(&mut self) -> Result<Test> {
        let mut tests = vec![self.not()?];
        while self.keyword("AND") {
            self.operators += 1;
            tests.push(self.not()?);
        }
        Ok(one_or(tests, Test::All))
    }

    fn not(&mut self) -> Result<Test> {
        let mut odd = false;
        while self.keyword("NOT") {
            self.operators += 1;
            odd = !odd;
        }
        let test = self.single()?;
        Ok(if odd { Test::Not(Box::new(test)) } else { test })
    }

    fn single(&mut self) -> Result<Test> {
        if self.symbol("(") {
            let inner = self.condition()?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.operators += 1;
        if let Token::Word(word) = *self.peek()
            && *self.peek_second() == Token::Symbol("(")
            && !word.eq_ignore_ascii_case("size")
        {
            return self.function(word);
        }
        let operand = self.operand()?;
        if self.keyword("IS") {
            return self.is(operand);
        }
        let not = self.keyword("NOT");
        let test = if self.keyword("IN") {
            self.membership(operand)?
        } else if self.keyword("BETWEEN") {
            let lower = self.operand()?;
            self.expect_keyword("AND")?;
            Test::Between(operand, lower, self.operand()?)
        } else if not {
            return Err(self.unexpected());
        } else {
            let comparator = self.comparator()?;
            Test::Compare(comparator, operand, self.operand()?)
        };
        Ok(if not { Test::Not(Box::new(test)) } else { test })
    }

    fn comparator(&mut self) -> Result<Comparator> {
        let comparator = match self.peek() {
            Token::Symbol("=") => Comparator::Eq,
            Token::Symbol("<>" | "!=") => Comparator::Ne,
            Token::Symbol("<") => Comparator::Lt,
            Token::Symbol("<=") => Comparator::Le,
            Token::Symbol(">") => Comparator::Gt,
            Token::Symbol(">=") => Comparator::Ge,
            Token::Symbol(other @ ("||" | "*" | "/" | "%" | "+" | "-")) => {
                return Err(refused(format!(
                    "Unsupported operator in Condition Expression. Operator: {other}"
                )));
            }
            _ => {
                return Err(refused(
                    "WHERE clause must contain an expression that resolves to a boolean",
                ));
            }
        };
        self.next();
        Ok(comparator)
    }

    fn operand(&mut self) -> Result<Operand> {
        if self.at_value() {
            return self.value().map(Operand::Value);
        }
        if let Token::Word(word) = *self.peek()
            && *self.peek_second() == Token::Symbol("(")
        {
            if !word.eq_ignore_ascii_case("size") {
                return Err(unknown_function(word));
            }
            self.next();
            self.next();
            let path = self.path()?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(Operand::Path(path))));
        }
        self.path().map(Operand::Path)
    }

    /// `IN [a, b]` or `IN (a, b)`.
    fn membership(&mut self, operand: Operand) -> Result<Test> {
        let invalid = || {
            refused(
                "IN operator must have a left hand argument of type Variable Reference and right \
                 hand argument of type Seq with at least one member",
            )
        };
        let end = if self.symbol("[") {
            "]"
        } else if self.symbol("(") {
            ")"
        } else if self.symbol("<<") {
            ">>"
        } else {
            return Err(invalid());
        };
        let mut members = Vec::new();
        self.separated(end, |parser| {
            members.push(parser.operand()?);
            Ok(())
        })?;
        if members.is_empty() || !matches!(operand, Operand::Path(_)) {
            return Err(invalid());
        }
        if members.len() > MAX_IN {
            return Err(over(Fault::TooManyOperands(members.len())));
        }
        Ok(Test::In(operand, members))
    }

    /// `IS [NOT] MISSING | NULL | a type`. (That NULL is the type and not absence too, as in
    /// PartiQL itself, follows from MISSING being there; AWS's guide does not say.)
    fn is(&mut self, operand: Operand) -> Result<Test> {
        let Operand::Path(path) = operand else {
            return Err(refused(
                "The left hand side argument to IS must be a Variable Reference, Literal, or Path",
            ));
        };
        let not = self.keyword("NOT");
        let Token::Word(word) = self.next() else { return Err(self.unexpected()) };
        let word = word.to_ascii_uppercase();
        let of = |kind| Test::HasType(Operand::Path(path.clone()), kind);
        let test = match word.as_str() {
            "MISSING" if not => return Ok(Test::Exists(path)),
            "MISSING" => return Ok(Test::NotExists(path)),
            "NULL" => of(Type::Null),
            "BOOLEAN" => of(Type::Bool),
            "BLOB" => of(Type::B),
            "STRING" => of(Type::S),
            "NUMERIC" => of(Type::N),
            "STRUCT" | "TUPLE" => of(Type::M),
            "LIST" => of(Type::L),
            _ => {
                return Err(refused(format!(
                    "Unsupported data type for IS operator: {word}. Supported data types are \
                     [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"
                )));
            }
        };
        Ok(if not { Test::Not(Box::new(test)) } else { test })
    }

    /// A function that is a condition.
    fn function(&mut self, word: &str) -> Result<Test> {
        let name = match word.to_ascii_lowercase().as_str() {
            "begins_with" => "begins_with",
            "contains" => "contains",
            "attribute_type" => "attribute_type",
            "exists" => return Err(refused(EXISTS_ALONE)),
            _ => return Err(unknown_function(word)),
        };
        self.next();
        self.expect("(")?;
        let mut operands = Vec::new();
        self.separated(")", |parser| {
            operands.push(parser.operand()?);
            Ok(())
        })?;
        let count = operands.len();
        let Ok([first, second]) = <[Operand; 2]>::try_from(operands) else {
            return Err(over(Fault::OperandCount(name, count)));
        };
        match name {
            "begins_with" => Ok(Test::BeginsWith(first, second)),
            "contains" => Ok(Test::Contains(first, second)),
            _ => match &second {
                Operand::Value(value) => match value.view() {
                    ValueRef::S(text) => Type::parse(text)
                        .map(|kind| Test::HasType(first, kind))
                        .ok_or_else(|| over(Fault::TypeName(text.to_owned()))),
                    other => Err(over(Fault::OperandType(name, other.kind().to_string()))),
                },
                _ => Err(over(Fault::OperandType(name, "path".to_owned()))),
            },
        }
    }
}

fn one_or(mut tests: Vec<Test>, join: fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            join(tests)
        }
        None => join(tests),
    }
}

/// What is wrong with a condition as an expression would be wrong.
fn over(fault: Fault) -> Error {
    Error::Expression(ExpressionError::Invalid(Kind::Condition, fault))
}

pub(super) fn unknown_function(name: &str) -> Error {
    refused(format!("Unrecognized function: {name}"))
}

/// The path of an operand that is one.
pub(super) fn path_of(operand: &Operand) -> Option<&Path> {
    match operand {
        Operand::Path(path) => Some(path),
        _ => None,
    }
}

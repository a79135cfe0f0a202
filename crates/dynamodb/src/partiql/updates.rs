//! What UPDATE changes.

use cumulet_attribute::Value;

use super::conditions::unknown_function;
use super::lexer::Token;
use super::parser::Parser;
use super::values::is_set;
use super::{Result, malformed, refused};
use crate::error::Error;
use crate::expression::{Action, Expression, ExpressionError, Kind, Path, Update};

impl Parser<'_> {
    /// `SET path = value, … REMOVE path, …`, in any order and number.
    pub(super) fn changes(&mut self) -> Result<Update> {
        let mut actions = Vec::new();
        loop {
            if self.keyword("SET") {
                self.listed(&mut actions, Self::assignment)?;
            } else if self.keyword("REMOVE") {
                self.listed(&mut actions, |parser| Ok(Action::Remove(parser.path()?)))?;
            } else if actions.is_empty() {
                return Err(match self.peek() {
                    Token::Word(word) if word.eq_ignore_ascii_case("INSERT") => refused(
                        "Only SET and REMOVE are supported in update expressions at this time",
                    ),
                    _ => malformed("Expected data manipulation"),
                });
            } else {
                break;
            }
        }
        Update::try_from_actions(actions)
            .map_err(|fault| Error::Expression(ExpressionError::Invalid(Kind::Update, fault)))
    }

    fn listed(
        &mut self,
        actions: &mut Vec<Action>,
        one: fn(&mut Self) -> Result<Action>,
    ) -> Result<()> {
        loop {
            actions.push(one(self)?);
            if !self.symbol(",") {
                return Ok(());
            }
        }
    }

    fn assignment(&mut self) -> Result<Action> {
        let path = self.path()?;
        self.expect("=")?;
        if let Some(name) = self.called()
            && matches!(name.to_ascii_uppercase().as_str(), "SET_ADD" | "SET_DELETE")
        {
            return self.set_operation(path);
        }
        let left = self.term()?;
        let expression = if self.symbol("+") {
            Expression::Plus(Box::new(left), Box::new(self.term()?))
        } else if self.symbol("-") {
            Expression::Minus(Box::new(left), Box::new(self.term()?))
        } else if let Token::Symbol(other @ ("||" | "*" | "/" | "%")) = *self.peek() {
            return Err(refused(format!(
                "Unsupported operator in Update Expression. Operator: {other}"
            )));
        } else {
            left
        };
        Ok(Action::Set(path, expression))
    }

    /// The name of a function that is called at the next token.
    fn called(&self) -> Option<&str> {
        match (self.peek(), self.peek_second()) {
            (Token::Word(word), Token::Symbol("(")) => Some(word),
            _ => None,
        }
    }

    /// `set_add(path, <<…>>)`, of the path that it is assigned to.
    fn set_operation(&mut self, path: Path) -> Result<Action> {
        let adds = self.keyword("SET_ADD");
        let name = if adds { "ADD" } else { "DELETE" };
        if !adds {
            self.next();
        }
        self.expect("(")?;
        let mut count = 0;
        let mut set: Option<Value> = None;
        self.separated(")", |parser| {
            count += 1;
            match count {
                1 if parser.at_name() && parser.path()? == path => Ok(()),
                1 => Err(refused(format!(
                    "The first argument to SET_{name} must equal the assignment value"
                ))),
                2 if parser.at_value() => {
                    set = Some(parser.value()?);
                    Ok(())
                }
                _ => Err(refused(format!("SET_{name} must have exactly two arguments"))),
            }
        })?;
        match set {
            Some(set) if is_set(&set) => {
                Ok(if adds { Action::Add(path, set) } else { Action::Delete(path, set) })
            }
            Some(_) => Err(refused(format!(
                "The second argument to SET_{name} must be a value with type SET"
            ))),
            None => Err(refused(format!("SET_{name} must have exactly two arguments"))),
        }
    }

    /// A value, a path, or two lists joined.
    fn term(&mut self) -> Result<Expression> {
        if self.at_value() {
            return self.value().map(Expression::Value);
        }
        let Some(name) = self.called().map(str::to_owned) else {
            return self.path().map(Expression::Path);
        };
        if !name.eq_ignore_ascii_case("list_append") {
            return Err(unknown_function(&name));
        }
        self.next();
        self.expect("(")?;
        self.enter()?;
        let left = self.term()?;
        self.expect(",")?;
        let right = self.term()?;
        self.leave();
        self.expect(")")?;
        Ok(Expression::ListAppend(Box::new(left), Box::new(right)))
    }
}

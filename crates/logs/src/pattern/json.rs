//! JSON patterns: `{ $.user.id = 1 && $.errors[0] IS NULL }`.

use serde_json::Value;

use super::expression::Expression;
use super::lexer::Lexer;
use super::value::Test;
use super::{InvalidPattern, MOST_REGEXES};

/// Levels of an event's nesting; a deeper one matches nothing.
const DEEPEST: usize = 64;

/// Conditions on the members of an event that is a JSON document.
#[derive(Debug)]
pub(super) struct Json(Expression<Condition>);

#[derive(Debug)]
struct Condition {
    path: Vec<Step>,
    test: Expected,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Element(usize),
}

#[derive(Debug)]
enum Expected {
    Compares(Test),
    Is(Literal),
    NotExists,
    Exists,
}

#[derive(Debug, Clone, Copy)]
enum Literal {
    Null,
    True,
    False,
}

impl Json {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut lexer = Lexer::new(text);
        lexer.expect("{")?;
        let mut regexes = 0;
        let expression = Expression::parse(&mut lexer, &mut |lexer| {
            let condition = Condition::parse(lexer)?;
            regexes += usize::from(condition.is_regex());
            if regexes > MOST_REGEXES { Err(InvalidPattern) } else { Ok(condition) }
        })?;
        lexer.expect("}")?;
        lexer.skip_space();
        if lexer.is_done() { Ok(Self(expression)) } else { Err(InvalidPattern) }
    }

    /// Whether the message is JSON and the conditions hold.
    pub(super) fn matches(&self, message: &str) -> bool {
        cumulet_wire::json::document(message.as_bytes(), DEEPEST)
            .is_ok_and(|event| self.0.holds(&|condition| condition.holds(&event)))
    }
}

impl Condition {
    fn parse(lexer: &mut Lexer<'_>) -> Result<Self, InvalidPattern> {
        let path = path(lexer)?;
        let test = if lexer.eat_word("IS") {
            Expected::Is(literal(lexer)?)
        } else if lexer.eat_word("NOT") {
            if !lexer.eat_word("EXISTS") {
                return Err(InvalidPattern);
            }
            Expected::NotExists
        } else if lexer.eat_word("EXISTS") {
            Expected::Exists
        } else {
            let ends = |c| matches!(c, ')' | '}' | '&' | '|');
            Expected::Compares(Test::parse(lexer, ends)?.ok_or(InvalidPattern)?)
        };
        Ok(Self { path, test })
    }

    fn is_regex(&self) -> bool {
        matches!(&self.test, Expected::Compares(test) if test.is_regex())
    }

    /// A member that is not there passes `NOT EXISTS` and nothing else, `!=` included.
    fn holds(&self, event: &Value) -> bool {
        let found = self.path.iter().try_fold(event, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Element(index) => value.get(index),
        });
        match (&self.test, found) {
            (Expected::NotExists, found) => found.is_none(),
            (_, None) => false,
            (Expected::Exists, Some(_)) => true,
            (Expected::Is(literal), Some(value)) => match literal {
                Literal::Null => value.is_null(),
                Literal::True => *value == Value::Bool(true),
                Literal::False => *value == Value::Bool(false),
            },
            (Expected::Compares(test), Some(value)) => match value {
                Value::String(text) => test.holds(text, None),
                Value::Number(number) => test.holds(&number.to_string(), number.as_f64()),
                Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
        }
    }
}

fn literal(lexer: &mut Lexer<'_>) -> Result<Literal, InvalidPattern> {
    let literals = [("NULL", Literal::Null), ("TRUE", Literal::True), ("FALSE", Literal::False)];
    let found = literals.into_iter().find(|(word, _)| lexer.eat_word(word));
    found.map(|(_, literal)| literal).ok_or(InvalidPattern)
}

/// `$.a.b[0].["c.d"]`
fn path(lexer: &mut Lexer<'_>) -> Result<Vec<Step>, InvalidPattern> {
    lexer.expect("$")?;
    let mut steps = Vec::new();
    loop {
        let dot = lexer.eat(".");
        if lexer.eat("[") {
            let step = if let Some(quote @ ('"' | '\'')) = lexer.peek() {
                Step::Member(lexer.quoted(quote)?)
            } else {
                let index = lexer.until(|c| !c.is_ascii_digit());
                Step::Element(index.parse().map_err(|_| InvalidPattern)?)
            };
            lexer.expect("]")?;
            steps.push(step);
        } else if dot {
            let name = lexer.until(|c| c.is_whitespace() || ".[]=!<>()&|{}\"".contains(c));
            if name.is_empty() {
                return Err(InvalidPattern);
            }
            steps.push(Step::Member(name.to_owned()));
        } else if steps.is_empty() {
            return Err(InvalidPattern);
        } else {
            return Ok(steps);
        }
    }
}

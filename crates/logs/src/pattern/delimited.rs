//! Space-delimited patterns: `[ip, ..., status = 4* || status = 5*, bytes > 1000]`.

use super::expression::Expression;
use super::lexer::Lexer;
use super::value::{self, Test};
use super::{InvalidPattern, MOST_REGEXES};

/// Conditions on the fields of an event, in order.
#[derive(Debug)]
pub(super) struct Delimited {
    /// The fields before `...`, or all.
    head: Vec<Field>,
    /// Where there is `...`, the fields after it.
    tail: Option<Vec<Field>>,
}

/// A field's condition; `None` for a mere name.
type Field = Option<Expression<Test>>;

impl Delimited {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut lexer = Lexer::new(text);
        lexer.expect("[")?;
        let (mut head, mut tail) = (Vec::new(), None);
        let mut regexes = 0;
        loop {
            lexer.skip_space();
            if lexer.eat("...") || lexer.eat("…") {
                // Two of them would leave open which field is which.
                if tail.replace(Vec::new()).is_some() {
                    return Err(InvalidPattern);
                }
            } else {
                let field = field(&mut lexer, &mut regexes)?;
                tail.as_mut().unwrap_or(&mut head).push(field);
            }
            lexer.skip_space();
            if lexer.eat("]") {
                break;
            }
            lexer.expect(",")?;
        }
        lexer.skip_space();
        if lexer.is_done() { Ok(Self { head, tail }) } else { Err(InvalidPattern) }
    }

    /// Whether the message has as many fields as the pattern, and each passes.
    pub(super) fn matches(&self, message: &str) -> bool {
        let most = self.head.len() + self.tail.as_ref().map_or(0, Vec::len);
        let fields: Vec<&str> = Fields(message).collect();
        let fits = if self.tail.is_some() { fields.len() >= most } else { fields.len() == most };
        let tail = self.tail.as_deref().unwrap_or_default();
        let passes = |(expected, actual): (&Field, &&str)| {
            let number = value::number(actual);
            expected.as_ref().is_none_or(|e| e.holds(&|test| test.holds(actual, number)))
        };
        fits && self.head.iter().zip(&fields).all(passes)
            && tail.iter().rev().zip(fields.iter().rev()).all(passes)
    }
}

/// `name`, `name = x`, `(name = x || name = y) && name != z`. All names of a field are the same
/// field's; a pattern that names another one there is refused.
fn field(lexer: &mut Lexer<'_>, regexes: &mut usize) -> Result<Field, InvalidPattern> {
    let ends = |c| matches!(c, ',' | ']' | ')' | '&' | '|');
    let mut named = None;
    let mut name = |lexer: &mut Lexer<'_>| {
        lexer.skip_space();
        let name = lexer.until(|c| c.is_whitespace() || ends(c) || "=!<>(\"%[".contains(c));
        if name.is_empty() || *named.get_or_insert(name.to_owned()) != *name {
            return Err(InvalidPattern);
        }
        Ok(())
    };
    let mut ahead = *lexer;
    if name(&mut ahead).is_ok() {
        ahead.skip_space();
        if matches!(ahead.peek(), Some(',' | ']')) {
            *lexer = ahead;
            return Ok(None);
        }
    }
    let expression = Expression::parse(lexer, &mut |lexer| {
        name(lexer)?;
        let test = Test::parse(lexer, ends)?.ok_or(InvalidPattern)?;
        *regexes += usize::from(test.is_regex());
        if *regexes > MOST_REGEXES { Err(InvalidPattern) } else { Ok(test) }
    })?;
    Ok(Some(expression))
}

/// The fields of a message: between spaces, where `"…"` and `[…]` are one field, without its signs.
struct Fields<'m>(&'m str);

impl<'m> Iterator for Fields<'m> {
    type Item = &'m str;

    fn next(&mut self) -> Option<&'m str> {
        let text = self.0.trim_start();
        let close = match text.chars().next()? {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let inner = text.get(1..).unwrap_or_default();
        if let Some((field, rest)) = close.and_then(|close| inner.split_once(close)) {
            self.0 = rest;
            return Some(field);
        }
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        self.0 = rest;
        Some(field)
    }
}

//! Terms: `ERROR "out of memory" -Exiting`, `?ERROR ?WARN`, `%5\d\d%`.

use regex::bytes::Regex;

use super::InvalidPattern;
use super::lexer::Lexer;

/// Terms that must, may or must not occur.
#[derive(Debug, Default)]
pub(super) struct Terms {
    required: Vec<Term>,
    optional: Vec<Term>,
    excluded: Vec<Term>,
}

#[derive(Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut lexer = Lexer::new(text);
        let mut terms = Self::default();
        loop {
            lexer.skip_space();
            if lexer.is_done() {
                return Ok(terms);
            }
            let list = if lexer.eat("?") {
                &mut terms.optional
            } else if lexer.eat("-") {
                &mut terms.excluded
            } else {
                &mut terms.required
            };
            list.push(term(&mut lexer)?);
        }
    }

    /// Whether every required and no excluded term occurs. Optional terms count only where none is
    /// required: then one of them must occur (user guide, "Match terms using the OR operator").
    pub(super) fn matches(&self, message: &str) -> bool {
        let occurs = |term: &Term| term.occurs(message);
        let optional = self.optional.is_empty()
            || !self.required.is_empty()
            || self.optional.iter().any(occurs);
        optional && self.required.iter().all(occurs) && !self.excluded.iter().any(occurs)
    }
}

/// AWS asks for quotes around a term that is not alphanumeric; one without them is taken as it is.
fn term(lexer: &mut Lexer<'_>) -> Result<Term, InvalidPattern> {
    match lexer.peek() {
        Some('"') => lexer.quoted('"').map(Term::Text),
        Some('%') => lexer.regex().map(Term::Regex),
        _ => {
            let word = lexer.until(|c| c.is_whitespace() || c == '"');
            if word.is_empty() { Err(InvalidPattern) } else { Ok(Term::Text(word.to_owned())) }
        }
    }
}

impl Term {
    /// Whether it occurs anywhere, case and all. That a term is found within a longer word is not
    /// documented; AWS's console does so.
    fn occurs(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(message.as_bytes()),
        }
    }
}

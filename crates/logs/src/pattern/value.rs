//! A comparison of one value, in JSON and space-delimited patterns.

use regex::bytes::Regex;

use super::InvalidPattern;
use super::lexer::Lexer;

/// `= "x*"`, `>= 1e3`, `!= %5\d\d%`.
#[derive(Debug)]
pub(super) struct Test {
    comparison: Comparison,
    operand: Operand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
enum Operand {
    Text(Glob),
    /// A number, and its text for values that are none.
    Number(f64, Glob),
    Regex(Regex),
}

/// Longest first, so that `>=` is not read as `>`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Test {
    /// Reads a comparison; `None` where none is next. `ends` says what ends an unquoted operand.
    pub(super) fn parse(
        lexer: &mut Lexer<'_>,
        ends: impl Fn(char) -> bool,
    ) -> Result<Option<Self>, InvalidPattern> {
        lexer.skip_space();
        let Some((_, comparison)) = COMPARISONS.into_iter().find(|(sign, _)| lexer.eat(sign))
        else {
            return Ok(None);
        };
        lexer.skip_space();
        let operand = match lexer.peek() {
            Some('"') => Operand::Text(Glob::new(&lexer.quoted('"')?)),
            Some('%') => Operand::Regex(lexer.regex()?),
            _ => {
                let word = lexer.until(|c| c.is_whitespace() || ends(c));
                if word.is_empty() {
                    return Err(InvalidPattern);
                }
                match number(word) {
                    Some(number) => Operand::Number(number, Glob::new(word)),
                    None => Operand::Text(Glob::new(word)),
                }
            }
        };
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered && !matches!(operand, Operand::Number(..)) {
            return Err(InvalidPattern);
        }
        Ok(Some(Self { comparison, operand }))
    }

    pub(super) fn is_regex(&self) -> bool {
        matches!(self.operand, Operand::Regex(_))
    }

    /// Whether a value passes. `number`: what it counts as, where it is a number.
    pub(super) fn holds(&self, text: &str, number: Option<f64>) -> bool {
        match (self.comparison, &self.operand) {
            (Comparison::Equal, operand) => operand.equals(text, number),
            (Comparison::NotEqual, operand) => !operand.equals(text, number),
            (comparison, Operand::Number(bound, _)) => number.is_some_and(|n| match comparison {
                Comparison::Less => n < *bound,
                Comparison::LessOrEqual => n <= *bound,
                Comparison::Greater => n > *bound,
                _ => n >= *bound,
            }),
            _ => false,
        }
    }
}

impl Operand {
    fn equals(&self, text: &str, number: Option<f64>) -> bool {
        match (self, number) {
            (Self::Number(expected, _), Some(number)) => {
                expected.partial_cmp(&number) == Some(std::cmp::Ordering::Equal)
            }
            (Self::Number(_, glob) | Self::Text(glob), _) => glob.matches(text),
            (Self::Regex(regex), _) => regex.is_match(text.as_bytes()),
        }
    }
}

/// A decimal number, with an exponent maybe; not `inf`, `nan` or what else Rust reads.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain =
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// A text in which `*` stands for any characters.
#[derive(Debug)]
struct Glob {
    first: String,
    /// What follows each asterisk; empty where there is none.
    rest: Vec<String>,
}

impl Glob {
    fn new(text: &str) -> Self {
        let mut parts = text.split('*').map(str::to_owned);
        Self { first: parts.next().unwrap_or_default(), rest: parts.collect() }
    }

    fn matches(&self, text: &str) -> bool {
        let Some((last, middle)) = self.rest.split_last() else { return text == self.first };
        let Some(mut text) = text.strip_prefix(self.first.as_str()) else { return false };
        // The leftmost place of each part leaves the most to those that follow.
        for part in middle {
            match text.find(part.as_str()) {
                Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        text.ends_with(last.as_str())
    }
}

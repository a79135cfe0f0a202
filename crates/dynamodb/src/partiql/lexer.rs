//! Tokens of a statement.

use std::borrow::Cow;

use super::{Result, malformed, refused};

/// Bytes of a statement, at most (the API's model).
const MAX_LENGTH: usize = 8192;

/// What a token is. Keywords are words until the grammar asks for one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'s> {
    /// Letters, digits, `_` and `$`, not beginning with a digit.
    Word(&'s str),
    /// `"quoted"`, of which `""` is one quotation mark.
    Quoted(Cow<'s, str>),
    /// `'text'`, of which `''` is one apostrophe.
    Text(Cow<'s, str>),
    /// Digits, perhaps with a fraction and an exponent.
    Number(&'s str),
    /// `?`
    Parameter,
    /// An operator or a mark.
    Symbol(&'static str),
    /// Nothing more.
    End,
}

/// The longest first, so that none is taken for the beginning of another.
const SYMBOLS: [&str; 25] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "||", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",",
    ".", ":", "+", "-", "*", "/", "%", ";",
];

/// The tokens of a statement, the end last.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>> {
    if source.len() > MAX_LENGTH {
        return Err(refused("Statement size has exceeded the maximum allowed size"));
    }
    let mut tokens = Vec::new();
    let mut rest = skip(source)?;
    while !rest.is_empty() {
        let (token, tail) = take(rest)?;
        tokens.push(token);
        rest = skip(tail)?;
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// Behind white space and comments.
fn skip(source: &str) -> Result<&str> {
    let mut rest = source.trim_start();
    loop {
        let behind = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, behind)| behind)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").ok_or_else(|| malformed("Unexpected end of input"))?.1
        } else {
            return Ok(rest);
        };
        rest = behind.trim_start();
    }
}

/// The first token and what follows it.
fn take(rest: &str) -> Result<(Token<'_>, &str)> {
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '"' => {
            let (text, tail) = quoted(rest, '"')?;
            Ok((Token::Quoted(text), tail))
        }
        '\'' => {
            let (text, tail) = quoted(rest, '\'')?;
            Ok((Token::Text(text), tail))
        }
        '`' => Err(refused("Ion Literals are not supported")),
        '?' => Ok((Token::Parameter, rest.get(1..).unwrap_or_default())),
        '0'..='9' => {
            let (text, tail) = split(rest, number(rest));
            Ok((Token::Number(text), tail))
        }
        '.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
            let (text, tail) = split(rest, number(rest));
            Ok((Token::Number(text), tail))
        }
        _ if is_word(first) => {
            let end = rest.find(|c: char| !is_word(c) && !c.is_ascii_digit());
            let (text, tail) = split(rest, end.unwrap_or(rest.len()));
            Ok((Token::Word(text), tail))
        }
        _ => SYMBOLS
            .into_iter()
            .find_map(|symbol| Some((Token::Symbol(symbol), rest.strip_prefix(symbol)?)))
            .ok_or_else(|| malformed(&format!("Invalid character: {first}"))),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// Bytes of the number that `rest` begins with.
fn number(rest: &str) -> usize {
    let digits =
        |from: usize| from + rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    if rest.as_bytes().get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(rest.as_bytes().get(end), Some(b'e' | b'E')) {
        let sign = matches!(rest.as_bytes().get(end + 1), Some(b'+' | b'-'));
        let exponent = end + 1 + usize::from(sign);
        let behind = digits(exponent);
        if behind > exponent {
            end = behind;
        }
    }
    end
}

/// What stands between a mark and the next one that is not doubled.
fn quoted(rest: &str, mark: char) -> Result<(Cow<'_, str>, &str)> {
    let body = rest.get(1..).unwrap_or_default();
    let mut doubled = false;
    let mut from = 0;
    loop {
        let at = body.get(from..).and_then(|tail| tail.find(mark));
        let Some(at) = at else { return Err(malformed("Unexpected end of input")) };
        let end = from + at;
        let (text, tail) = split(body, end);
        let tail = tail.get(1..).unwrap_or_default();
        if tail.starts_with(mark) {
            doubled = true;
            from = end + 2;
            continue;
        }
        let text = if doubled {
            Cow::Owned(text.replace(&format!("{mark}{mark}"), &mark.to_string()))
        } else {
            Cow::Borrowed(text)
        };
        return Ok((text, tail));
    }
}

//! Reading a pattern from left to right.

use regex::bytes::{Regex, RegexBuilder};

use super::InvalidPattern;

/// Bytes that a compiled expression may take.
const REGEX_SIZE: usize = 1 << 20;

/// What is left of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'p>(&'p str);

impl<'p> Lexer<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        Self(text)
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    pub(super) fn skip_space(&mut self) {
        self.0 = self.0.trim_start();
    }

    /// Takes `token` if it is next.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes `token`, after any space, or fails.
    pub(super) fn expect(&mut self, token: &str) -> Result<(), InvalidPattern> {
        self.skip_space();
        if self.eat(token) { Ok(()) } else { Err(InvalidPattern) }
    }

    /// Takes a word in capitals that stands by itself: `IS`, `NULL`.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        ahead.skip_space();
        let follows = ahead.eat(word) && !ahead.peek().is_some_and(char::is_alphanumeric);
        if follows {
            *self = ahead;
        }
        follows
    }

    /// All up to the first character that `ends` a word; may be empty.
    pub(super) fn until(&mut self, ends: impl Fn(char) -> bool) -> &'p str {
        let at = self.0.find(ends).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(at);
        self.0 = rest;
        word
    }

    /// A text between `quote`s, in which a backslash keeps the next character.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, InvalidPattern> {
        let inner = self.0.strip_prefix(quote).ok_or(InvalidPattern)?;
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.push(chars.next().ok_or(InvalidPattern)?.1),
                c if c == quote => {
                    self.0 = inner.get(at + quote.len_utf8()..).unwrap_or_default();
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(InvalidPattern)
    }

    /// An expression between percent signs.
    pub(super) fn regex(&mut self) -> Result<Regex, InvalidPattern> {
        let inner = self.0.strip_prefix('%').ok_or(InvalidPattern)?;
        let mut escaped = false;
        let end = inner.find(|c| {
            let ends = c == '%' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (source, rest) = inner.split_at(end.ok_or(InvalidPattern)?);
        self.0 = rest.strip_prefix('%').unwrap_or_default();
        compile(source)
    }
}

/// Only what the guide lists may occur ("Supported regular expressions syntax"): no groups, nothing
/// beyond ASCII. What a backslash keeps may be any punctuation.
fn compile(source: &str) -> Result<Regex, InvalidPattern> {
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        let fits = match c {
            '\\' => chars.next().is_some_and(|c| c.is_ascii_graphic()),
            c => c.is_ascii_alphanumeric() || ":_#=@/;,-^$?[]{}|*+. ".contains(c),
        };
        if !fits {
            return Err(InvalidPattern);
        }
    }
    if source.is_empty() {
        return Err(InvalidPattern);
    }
    let mut builder = RegexBuilder::new(source);
    builder.unicode(false).size_limit(REGEX_SIZE).build().map_err(|_| InvalidPattern)
}

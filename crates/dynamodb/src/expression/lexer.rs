//! Tokens of an expression.

use super::error::Fault;

/// Bytes of an expression, at most, as sent (the guide's "Constraints").
const MAX_LENGTH: usize = 4096;

/// What a token is; keywords are words here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// Letters, digits, underscores, not beginning with a digit.
    Word,
    /// `#name`
    Name,
    /// `:value`
    Value,
    /// Digits.
    Number,
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`, `(`, `)`, `[`, `]`, `,`, `.`, `+`, `-`
    Symbol,
    /// A character that no expression has.
    Other,
    /// The end.
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'s> {
    pub(super) lexeme: Lexeme,
    pub(super) text: &'s str,
    start: usize,
    end: usize,
}

/// The tokens of an expression, and where the parser stands.
pub(super) struct Tokens<'s> {
    source: &'s str,
    all: Vec<Token<'s>>,
    at: usize,
}

impl<'s> Tokens<'s> {
    /// Splits an expression of at most 4 KB.
    pub(super) fn new(source: &'s str) -> Result<Self, Fault> {
        if source.is_empty() {
            return Err(Fault::Empty);
        }
        if source.len() > MAX_LENGTH {
            return Err(Fault::TooLong(source.len()));
        }
        let mut all = Vec::with_capacity(16);
        let mut rest = source.trim_start_matches(is_blank);
        while !rest.is_empty() {
            let (lexeme, length) = measure(rest);
            let start = source.len() - rest.len();
            let (text, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            all.push(Token { lexeme, text, start, end: start + text.len() });
            rest = tail.trim_start_matches(is_blank);
        }
        Ok(Self { source, all, at: 0 })
    }

    fn get(&self, at: usize) -> Token<'s> {
        let end = self.source.len();
        let last = Token { lexeme: Lexeme::End, text: "<EOF>", start: end, end };
        self.all.get(at).copied().unwrap_or(last)
    }

    /// The next token, which stays.
    pub(super) fn peek(&self) -> Token<'s> {
        self.get(self.at)
    }

    /// The one after it.
    pub(super) fn peek_second(&self) -> Token<'s> {
        self.get(self.at + 1)
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token<'s> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the symbol if it is next.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let token = self.peek();
        let found = token.lexeme == Lexeme::Symbol && token.text == symbol;
        self.at += usize::from(found);
        found
    }

    /// Takes the keyword, in any case, if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = is_keyword(self.peek(), keyword);
        self.at += usize::from(found);
        found
    }

    /// Takes the symbol or fails.
    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Fails unless everything has been taken.
    pub(super) fn expect_end(&self) -> Result<(), Fault> {
        if self.peek().lexeme == Lexeme::End { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The next token is one that may not stand there. `near` reaches from the token before it to
    /// the one after it: AWS answers `INVALID SYNTAX HERE` with token "INVALID", near "INVALID
    /// SYNTAX", and `foo` with "<EOF>", near "foo".
    pub(super) fn unexpected(&self) -> Fault {
        let token = self.peek();
        let start = self.at.checked_sub(1).map_or(token, |at| self.get(at)).start;
        let end = match self.get(self.at + 1) {
            next if next.lexeme == Lexeme::End => token.end,
            next => next.end,
        };
        let near = self.source.get(start..end).unwrap_or_default().trim_end_matches(is_blank);
        Fault::Syntax { token: token.text.to_owned(), near: near.to_owned() }
    }
}

/// Whether a token is the keyword, in any case.
pub(super) fn is_keyword(token: Token<'_>, keyword: &str) -> bool {
    token.lexeme == Lexeme::Word && token.text.eq_ignore_ascii_case(keyword)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The kind and bytes of the token that `rest`, which is not empty, begins with.
fn measure(rest: &str) -> (Lexeme, usize) {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let run = |from: usize, accept: fn(&u8) -> bool| {
        rest.bytes().skip(from).take_while(accept).count() + from
    };
    let first = rest.bytes().next().unwrap_or_default();
    match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => (Lexeme::Word, run(1, part)),
        b'0'..=b'9' => (Lexeme::Number, run(1, u8::is_ascii_digit)),
        b'#' | b':' => match (run(1, part), first) {
            (1, _) => (Lexeme::Other, 1),
            (length, b'#') => (Lexeme::Name, length),
            (length, _) => (Lexeme::Value, length),
        },
        b'<' if rest.starts_with("<=") || rest.starts_with("<>") => (Lexeme::Symbol, 2),
        b'>' if rest.starts_with(">=") => (Lexeme::Symbol, 2),
        b'=' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b',' | b'.' | b'+' | b'-' => {
            (Lexeme::Symbol, 1)
        }
        _ => (Lexeme::Other, rest.chars().next().map_or(1, char::len_utf8)),
    }
}

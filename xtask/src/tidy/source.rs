//! A Rust file as the checks see it: which characters are code, which lines are test code, where
//! functions begin and end. A lexer of a few lines, because a parser would cost more to build than
//! everything else here; rustfmt, which runs before, keeps the sources regular.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

/// The mark that generated files carry within their first lines.
const GENERATED: &str = "@generated";

/// One Rust file.
#[derive(Debug)]
pub(super) struct Source<'a> {
    /// Its path from the root.
    pub path: &'a str,
    /// The text as it is.
    pub text: &'a str,
    /// The text with comments and literals of strings and characters blanked, line for line.
    code: String,
    /// Lines (from 0) of `#[cfg(test)]` items.
    tests: Vec<Range<usize>>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    /// Its bare name.
    pub name: &'a str,
    /// The line of its `fn`, from 0.
    pub line: usize,
    /// Lines from there to its closing brace, both counted.
    pub lines: usize,
}

impl<'a> Source<'a> {
    /// Reads a file.
    pub(super) fn new(path: &'a str, text: &'a str) -> Self {
        let code = blank(text);
        let tests = test_items(&code);
        Self { path, text, code, tests }
    }

    /// Whether codegen wrote it.
    pub(super) fn is_generated(&self) -> bool {
        self.text.lines().take(5).any(|line| line.contains(GENERATED))
    }

    /// Whether the whole file is test code: below `tests/` or `benches/`, or named `tests.rs`.
    pub(super) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }

    /// Whether the line (from 0) belongs to a `#[cfg(test)]` item.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }

    /// Lines with their number from 0: as they are, and as code alone.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'a str, &str)> {
        self.text
            .lines()
            .zip(self.code.lines())
            .enumerate()
            .map(|(n, (text, code))| (n, text, code))
    }

    /// Lines that are not test code.
    pub(super) fn length(&self) -> usize {
        self.text.lines().count() - self.tests.iter().map(Range::len).sum::<usize>()
    }

    /// The functions that are not test code.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        let mut functions = Vec::new();
        let mut offset = 0;
        for (line, code) in self.code.split_inclusive('\n').enumerate() {
            if let Some(name) = function_name(code)
                && !self.is_test_line(line)
                && let Some(lines) = self.code.get(offset..).and_then(body_lines)
            {
                functions.push(Function { name, line, lines });
            }
            offset += code.len();
        }
        functions
    }
}

/// The name of the function that a line of code begins.
fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let known = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "default")
            || word.starts_with("pub(")
    };
    if !before.split_whitespace().all(known) || before.ends_with(|c: char| !c.is_whitespace()) {
        return None;
    }
    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    after.get(..end).filter(|name| !name.is_empty())
}

/// The number of lines up to the brace that closes the body; none for a declaration.
fn body_lines(code: &str) -> Option<usize> {
    let (mut braces, mut brackets, mut lines) = (0usize, 0usize, 1usize);
    for c in code.chars() {
        match c {
            '\n' => lines += 1,
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(lines),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

/// Lines of the items that stand below `#[cfg(test)]`: up to the closing brace of the same indent.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let lines: Vec<&str> = code.lines().collect();
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let attribute = line.trim_start();
        let within = items.last().is_some_and(|item| item.contains(&start));
        if within
            || !(attribute.starts_with("#[cfg(test)]") || attribute.starts_with("#[cfg(all(test"))
        {
            continue;
        }
        let indent = line.len() - attribute.len();
        let ends = |line: &&str| {
            let code = line.trim();
            let at = line.len() - line.trim_start().len();
            at == indent && !code.starts_with('#') && (code.ends_with('}') || code.ends_with(';'))
        };
        let rest = lines.get(start + 1..).unwrap_or_default();
        let length = rest.iter().position(ends).map_or(rest.len(), |end| end + 1);
        items.push(start..start + 1 + length);
    }
    items
}

/// Blanks comments and literals of strings and characters, keeping every line where it is.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        let rest = text.get(at..).unwrap_or_default();
        let word = previous.is_alphanumeric() || previous == '_';
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest, '"'),
            'r' if !word || previous == 'b' || previous == 'c' => raw_string(rest).unwrap_or(1),
            '\'' => character(rest).unwrap_or(1),
            _ => 1,
        };
        code.push(if length == 1 { c } else { ' ' });
        skip(&mut chars, at + length, &mut code);
        previous = c;
    }
    code
}

/// Passes over everything before `end`, keeping line breaks.
fn skip(chars: &mut Peekable<CharIndices<'_>>, end: usize, code: &mut String) {
    while let Some((_, c)) = chars.next_if(|(at, _)| *at < end) {
        code.push(if c == '\n' { '\n' } else { ' ' });
    }
}

/// The length of a comment that may hold comments.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a literal with escapes, quotes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"…"` or `r#"…"#`; none where `r` begins something else.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.bytes().skip(1).take_while(|byte| *byte == b'#').count();
    let body = rest.get(1 + hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |found| found + close.len());
    Some(2 + hashes + end)
}

/// The length of a character literal; none where the quote begins a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.chars().skip(1);
    let first = chars.next()?;
    (first == '\\' || chars.next() == Some('\'')).then(|| quoted(rest, '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_not_code() {
        for (text, code) in [
            ("a // fn\nb", "a      \nb"),
            ("/* a /* b\n */ c */ d", "         \n         d"),
            (r#"x("a\"{", b"{", '{', '\'', 'a)"#, r"x(      , b   ,    ,     , 'a)"),
            ("r#\"a\"{\n\"# }", "      \n   }"),
            ("br\"{\" var\"{\"", "b     var   "),
            ("let r = r\"\";", "let r =    ;"),
            ("'ü' 'static \"é\"", "    'static    "),
        ] {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn functions_are_measured() {
        let text = "pub(crate) async fn a(x: [u8; 2]) {\n    if x { }\n    // }\n}\n\
                    trait T {\n    fn declared(&self);\n    fn b() -> u8 { 1 }\n}\n\
                    type F = fn (u8);\nextern \"C\" fn c() {\n    \"}\"\n}\n\
                    #[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\n";
        let source = Source::new("a.rs", text);
        let found: Vec<_> =
            source.functions().iter().map(|f| (f.name.to_owned(), f.line, f.lines)).collect();
        let expected = [("a", 0, 4), ("b", 6, 1), ("c", 9, 3)];
        assert_eq!(found, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
        assert_eq!(source.length(), 12);
    }

    #[test]
    fn test_code_is_told_apart() {
        let text = "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(all(test, unix))]\n#[allow(x)]\n\
                    mod more {\n}\nfn b() {}\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        let lines: Vec<bool> = (0..8).map(|line| source.is_test_line(line)).collect();
        assert_eq!(lines, [true, true, false, true, true, true, true, false]);
        assert!(!source.is_test());
        assert!(Source::new("crates/x/src/y/tests.rs", "").is_test());
        assert!(Source::new("crates/x/tests/y.rs", "").is_test());
        assert!(Source::new("x.rs", "//! API.\n// @generated by codegen\n").is_generated());
    }
}

//! Patterns of a policy, compiled once: literal text, `*`, `?` and policy variables.

use super::context::Scope;

/// One step of a compiled pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// This byte of UTF-8.
    Byte(u8),
    /// `?`: any one character.
    One,
    /// `*`: any number of characters.
    Many,
}

/// Whether letters' case counts. Patterns that ignore it are kept in ASCII lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    Ignored,
}

/// A pattern without variables: a literal start (which decides most comparisons), then the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    start: Box<[u8]>,
    rest: Box<[Token]>,
}

impl Glob {
    pub(super) fn new(tokens: &[Token]) -> Self {
        let literal = tokens.iter().take_while(|token| matches!(token, Token::Byte(_))).count();
        let (start, rest) = tokens.split_at_checked(literal).unwrap_or((tokens, &[]));
        let byte = |token: &Token| match token {
            Token::Byte(byte) => Some(*byte),
            Token::One | Token::Many => None,
        };
        Self { start: start.iter().filter_map(byte).collect(), rest: rest.into() }
    }

    /// A pattern with `*` and `?` for texts whose case is ignored, such as actions.
    pub(super) fn ignoring_case(pattern: &str) -> Self {
        let mut tokens = Vec::with_capacity(pattern.len());
        push_wild(&mut tokens, &pattern.to_ascii_lowercase());
        Self::new(&tokens)
    }

    /// The pattern as text where it holds no wildcard.
    fn literal(&self) -> Option<&str> {
        if self.rest.is_empty() { std::str::from_utf8(&self.start).ok() } else { None }
    }

    /// Whether the whole of `text` matches, in time bounded by the product of both lengths.
    pub(super) fn matches(&self, text: &str, case: Case) -> bool {
        let Some((start, rest)) = text.as_bytes().split_at_checked(self.start.len()) else {
            return false;
        };
        let same = match case {
            Case::Sensitive => start == &*self.start,
            Case::Ignored => start.eq_ignore_ascii_case(&self.start),
        };
        same && match &*self.rest {
            [] => rest.is_empty(),
            [Token::Many] => true,
            tokens => matches_rest(tokens, rest, case),
        }
    }
}

/// The two-pointer match: on a mismatch only the last `*` takes one character more, so nothing is
/// tried exponentially often.
fn matches_rest(tokens: &[Token], text: &[u8], case: Case) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut retry = None;
    while at < text.len() {
        match tokens.get(token) {
            Some(Token::Many) => {
                token += 1;
                retry = Some((token, at));
                continue;
            }
            Some(Token::One) => {
                token += 1;
                at = next_character(text, at);
                continue;
            }
            Some(Token::Byte(byte)) if text.get(at).is_some_and(|got| same(*byte, *got, case)) => {
                token += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        let Some((after_star, taken)) = retry else { return false };
        let taken = next_character(text, taken);
        retry = Some((after_star, taken));
        (token, at) = (after_star, taken);
    }
    tokens.get(token..).is_some_and(|left| left.iter().all(|token| *token == Token::Many))
}

fn same(pattern: u8, text: u8, case: Case) -> bool {
    pattern == text || (case == Case::Ignored && pattern == text.to_ascii_lowercase())
}

/// Where the character after the one at `at` begins (bytes 0b10xx_xxxx continue a character).
fn next_character(text: &[u8], at: usize) -> usize {
    let continued = text.iter().skip(at + 1).take_while(|byte| **byte & 0xC0 == 0x80).count();
    at + 1 + continued
}

/// How the text of a policy is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `*` and `?` are wildcards (StringLike, resources), not themselves (StringEquals).
    pub wild: bool,
    /// `${…}` is a variable or an escape; literal in version 2008-10-17.
    pub variables: bool,
}

/// A pattern that may hold policy variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Fixed(Glob),
    Variable(Box<[Part]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Tokens(Vec<Token>),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// A variable has no value in this request, so what uses it cannot match (IAM user guide,
/// "Policy variables").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unresolved;

impl Pattern {
    pub(super) fn new(text: &str, reading: Reading) -> Self {
        Self::from_parts(parts(text, reading))
    }

    /// A resource's pattern: variables count only after the fifth colon, and are literal before
    /// (IAM user guide, "Where you can use policy variables").
    pub(super) fn resource(text: &str, variables: bool) -> Self {
        let reading = Reading { wild: true, variables };
        let fifth = text.match_indices(':').nth(4).map_or(text.len(), |(at, _)| at + 1);
        let Some((head, tail)) = text.split_at_checked(fifth) else {
            return Self::new(text, reading);
        };
        let mut all = parts(head, Reading { variables: false, ..reading });
        all.extend(parts(tail, reading));
        Self::from_parts(all)
    }

    /// The six parts of an ARN pattern, split before variables are put in, so that a value with
    /// colons cannot shift them. `None` where there are fewer than six.
    pub(super) fn arn(text: &str, variables: bool) -> Option<Box<[Self; 6]>> {
        let reading = Reading { wild: true, variables };
        let mut found: Vec<Vec<Part>> = vec![Vec::new()];
        for part in parts(text, reading) {
            let Part::Tokens(tokens) = part else {
                found.last_mut()?.push(part);
                continue;
            };
            let mut rest = tokens.as_slice();
            while found.len() < 6 {
                let Some(colon) = rest.iter().position(|token| *token == Token::Byte(b':')) else {
                    break;
                };
                let (before, after) = rest.split_at_checked(colon)?;
                found.last_mut()?.push(Part::Tokens(before.to_vec()));
                found.push(Vec::new());
                rest = after.get(1..)?;
            }
            found.last_mut()?.push(Part::Tokens(rest.to_vec()));
        }
        let patterns: Vec<Self> = found.into_iter().map(Self::from_parts).collect();
        patterns.try_into().ok().map(Box::new)
    }

    fn from_parts(parts: Vec<Part>) -> Self {
        if parts.iter().any(|part| matches!(part, Part::Variable { .. })) {
            return Self::Variable(parts.into());
        }
        let tokens: Vec<Token> = parts
            .into_iter()
            .flat_map(|part| match part {
                Part::Tokens(tokens) => tokens,
                Part::Variable { .. } => Vec::new(),
            })
            .collect();
        Self::Fixed(Glob::new(&tokens))
    }

    /// Whether `text` matches with the variables of this request.
    pub(super) fn matches(&self, text: &str, scope: &Scope<'_>) -> Result<bool, Unresolved> {
        match self {
            Self::Fixed(glob) => Ok(glob.matches(text, Case::Sensitive)),
            Self::Variable(parts) => Ok(resolve(parts, scope)?.matches(text, Case::Sensitive)),
        }
    }

    /// Whether each variable has a value.
    pub(super) fn is_known(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Variable(parts) => resolve(parts, scope).is_ok(),
        }
    }

    /// Whether `text` is this literal but for the case of letters (StringEqualsIgnoreCase).
    pub(super) fn equals_ignoring_case(
        &self,
        text: &str,
        scope: &Scope<'_>,
    ) -> Result<bool, Unresolved> {
        let same = |glob: &Glob| {
            glob.literal().is_some_and(|literal| {
                let fold = |text: &'_ str| text.chars().flat_map(char::to_lowercase).collect();
                let (a, b): (String, String) = (fold(literal), fold(text));
                a == b
            })
        };
        match self {
            Self::Fixed(glob) => Ok(same(glob)),
            Self::Variable(parts) => Ok(same(&resolve(parts, scope)?)),
        }
    }
}

/// The longest that a pattern may grow by its variables. A request's head is no longer, so one
/// value always fits; but a policy could repeat it thousands of times.
const MAX_RESOLVED: usize = 64 << 10;

/// Puts values in the place of variables; wildcards within a value are themselves, or a user
/// could widen a policy by the name he gives himself.
fn resolve(parts: &[Part], scope: &Scope<'_>) -> Result<Glob, Unresolved> {
    let mut tokens = Vec::new();
    for part in parts {
        match part {
            Part::Tokens(fixed) => tokens.extend_from_slice(fixed),
            Part::Variable { key, default } => {
                let values = scope.key(key);
                let value = values.as_ref().and_then(|values| values.single());
                let value = value.or(default.as_deref()).ok_or(Unresolved)?;
                if tokens.len() + value.len() > MAX_RESOLVED {
                    return Err(Unresolved);
                }
                tokens.extend(value.bytes().map(Token::Byte));
            }
        }
    }
    Ok(Glob::new(&tokens))
}

fn parts(text: &str, reading: Reading) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((before, inner, after)) = split_variable(rest, reading) {
        push_text(&mut tokens, before, reading);
        rest = after;
        match inner {
            "*" | "?" | "$" => push_literal(&mut tokens, inner),
            _ => {
                parts.push(Part::Tokens(std::mem::take(&mut tokens)));
                parts.push(variable(inner));
            }
        }
    }
    push_text(&mut tokens, rest, reading);
    parts.push(Part::Tokens(tokens));
    parts
}

/// What stands before, within and after the first `${…}`. One that is not closed is plain text:
/// AWS does not say, and as text it matches next to nothing.
fn split_variable(text: &str, reading: Reading) -> Option<(&str, &str, &str)> {
    if !reading.variables {
        return None;
    }
    let (before, opened) = text.split_once("${")?;
    let (inner, after) = opened.split_once('}')?;
    Some((before, inner, after))
}

fn variable(inner: &str) -> Part {
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim();
            let quoted = default.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, quoted.map(Box::from))
        }
    };
    Part::Variable { key: key.trim().to_lowercase().into(), default }
}

fn push_text(tokens: &mut Vec<Token>, text: &str, reading: Reading) {
    if reading.wild { push_wild(tokens, text) } else { push_literal(tokens, text) }
}

fn push_literal(tokens: &mut Vec<Token>, text: &str) {
    tokens.extend(text.bytes().map(Token::Byte));
}

fn push_wild(tokens: &mut Vec<Token>, text: &str) {
    for byte in text.bytes() {
        match byte {
            // A run of stars means what one star means.
            b'*' if tokens.last() == Some(&Token::Many) => {}
            b'*' => tokens.push(Token::Many),
            b'?' => tokens.push(Token::One),
            _ => tokens.push(Token::Byte(byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        let mut tokens = Vec::new();
        push_wild(&mut tokens, pattern);
        Glob::new(&tokens)
    }

    /// What the wildcards mean, tried out recursively.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|n| reference(rest, &text[n..])),
            (Some(('?', rest)), Some((_, after))) => reference(rest, after),
            (Some((c, rest)), Some((d, after))) => c == d && reference(rest, after),
            _ => false,
        }
    }

    #[test]
    fn agrees_with_the_reference() {
        bolero::check!().with_iterations(20_000).with_type::<(Vec<u8>, Vec<u8>)>().for_each(
            |(p, t)| {
                let of = |bytes: &[u8], letters: &str| -> String {
                    let letters: Vec<char> = letters.chars().collect();
                    bytes.iter().take(9).map(|b| letters[usize::from(*b) % letters.len()]).collect()
                };
                let (pattern, text) = (of(p, "aé*?"), of(t, "aéb"));
                let (chars, of_text): (Vec<char>, Vec<char>) =
                    (pattern.chars().collect(), text.chars().collect());
                assert_eq!(
                    glob(&pattern).matches(&text, Case::Sensitive),
                    reference(&chars, &of_text),
                    "{pattern} {text}"
                );
            },
        );
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = glob(&"*a".repeat(1000));
        assert!(!pattern.matches(&"a".repeat(999), Case::Sensitive));
        assert!(pattern.matches(&"ba".repeat(1000), Case::Sensitive));
    }

    #[test]
    fn a_character_is_one_whatever_its_bytes() {
        assert!(glob("?").matches("é", Case::Sensitive));
        assert!(!glob("*??").matches("é", Case::Sensitive));
        assert!(Glob::ignoring_case("S3:get*").matches("s3:GetObject", Case::Ignored));
    }
}

//! Licence expressions as packages state them (SPDX 2.3, annex D, and the older `MIT/Apache-2.0`).

/// Parentheses within parentheses that an expression may have.
const DEPTH: usize = 16;

/// Whether an expression is met by these licences alone; the error says what could not be read.
/// A licence with an exception counts as `NAME WITH EXCEPTION`, apart from the plain one.
pub(super) fn is_met(expression: &str, allowed: &[String]) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words { all: spaced.split_whitespace().collect(), next: 0, allowed };
    let met = words.either(0)?;
    match words.peek() {
        None => Ok(met),
        Some(rest) => Err(format!("`{rest}` stands where `{expression}` should end")),
    }
}

struct Words<'a> {
    all: Vec<&'a str>,
    next: usize,
    allowed: &'a [String],
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.all.get(self.next).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<bool, String> {
        let mut met = self.both(depth)?;
        while self.take("OR") {
            met |= self.both(depth)?;
        }
        Ok(met)
    }

    fn both(&mut self, depth: usize) -> Result<bool, String> {
        let mut met = self.one(depth)?;
        while self.take("AND") {
            met &= self.one(depth)?;
        }
        Ok(met)
    }

    fn one(&mut self, depth: usize) -> Result<bool, String> {
        if self.take("(") {
            if depth == DEPTH {
                return Err("too many parentheses".to_owned());
            }
            let met = self.either(depth + 1)?;
            return if self.take(")") { Ok(met) } else { Err("`)` is missing".to_owned()) };
        }
        let Some(name) = self.peek() else { return Err("a licence is missing".to_owned()) };
        self.next += 1;
        let mut name = name.to_owned();
        if self.take("WITH") {
            let exception = self.peek().ok_or("an exception is missing after WITH")?;
            self.next += 1;
            name = format!("{name} WITH {exception}");
        }
        Ok(self.allowed.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let allowed = ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0 WITH LLVM-exception".into()];
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 / MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("ISC AND (GPL-3.0-only OR MIT)", true),
            ("(ISC AND GPL-3.0-only) OR MIT", true),
            ("ISC AND GPL-3.0-only OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
        ] {
            assert_eq!(is_met(expression, &allowed), Ok(met), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let deep = format!("{}MIT{}", "(".repeat(100), ")".repeat(100));
        for expression in ["", "(MIT", "MIT)", "MIT ISC", "MIT OR", "MIT WITH", &deep] {
            assert!(is_met(expression, &["MIT".to_owned()]).is_err(), "{expression}");
        }
    }
}

//! ListUsers' `Filter`: one clause, `attribute = "value"` or `attribute ^= "prefix"`. Pure.

use crate::error::Error;
use crate::model::User;
use crate::users::status;

/// What may be searched for ("ListUsers", API reference).
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    attribute: String,
    value: String,
    prefix: bool,
}

impl Filter {
    /// Reads a filter; `None` where the text is empty.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let broken = || Error::invalid("Error while parsing filter.");
        let (left, right) = text.split_once('=').ok_or_else(broken)?;
        let (name, prefix) = match left.trim_end().strip_suffix('^') {
            Some(name) => (name, true),
            None => (left, false),
        };
        let name = name.trim().trim_matches('"');
        if !SEARCHABLE.contains(&name) {
            let text = format!("One or more parameters are not searchable: {name}");
            return Err(Error::invalid(text));
        }
        let value = quoted(right.trim()).ok_or_else(broken)?;
        Ok(Some(Self { attribute: name.to_owned(), value, prefix }))
    }

    /// Whether a user is searched for.
    pub(crate) fn matches(&self, user: &User) -> bool {
        let found = match self.attribute.as_str() {
            "username" => Some(user.username.as_str()),
            "sub" => Some(user.sub.as_str()),
            "cognito:user_status" => Some(status(user).as_str()),
            "status" => Some(if user.enabled { "Enabled" } else { "Disabled" }),
            name => user.attribute(name),
        };
        found.is_some_and(|found| {
            if self.prefix { found.starts_with(&self.value) } else { found == self.value }
        })
    }
}

/// The text within quotation marks; within it `\"` stands for one and `\\` for a backslash.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => value.push(letters.next()?),
            letter => value.push(letter),
        }
    }
    letters.as_str().is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clause_is_read() {
        let filter = |attribute: &str, value: &str, prefix| {
            Ok(Some(Filter { attribute: attribute.into(), value: value.into(), prefix }))
        };
        assert_eq!(Filter::parse(""), Ok(None));
        assert_eq!(Filter::parse("email = \"a@b.c\""), filter("email", "a@b.c", false));
        assert_eq!(Filter::parse("name^=\"Jo\""), filter("name", "Jo", true));
        assert_eq!(Filter::parse("\"sub\" = \"x=y\""), filter("sub", "x=y", false));
        assert_eq!(Filter::parse(r#"name = "a\"b\\""#), filter("name", "a\"b\\", false));
        for wrong in ["email", "email = x", "email = \"x", "custom:a = \"x\"", "email = \"x\" and"]
        {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            let _ = Filter::parse(text);
            let _ = Filter::parse(&format!("email ^= \"{text}\""));
        });
    }
}

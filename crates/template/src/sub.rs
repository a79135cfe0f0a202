//! The little language inside `Fn::Sub`: `${Name}`, `${Name.Attribute}`, `${!literal}`.

use crate::error::Error;

/// A part of a `Fn::Sub` string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'t> {
    /// Text as it is.
    Text(&'t str),
    /// The name between the braces.
    Variable(&'t str),
}

/// Splits the string at its variables.
pub(crate) fn parts(text: &str) -> Result<Vec<Part<'_>>, Error> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let Some((name, behind)) = after.split_once('}') else {
            return Err(invalid_name());
        };
        if let Some(literal) = name.strip_prefix('!') {
            parts.extend([Part::Text("${"), Part::Text(literal), Part::Text("}")]);
        } else {
            let name = name.trim();
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
            if name.is_empty() || !name.chars().all(allowed) {
                return Err(invalid_name());
            }
            parts.push(Part::Variable(name));
        }
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn invalid_name() -> Error {
    Error::function(
        "variable names in Fn::Sub syntax must contain only alphanumeric characters, \
         underscores, periods, and colons",
    )
}

#[cfg(test)]
mod tests {
    use super::Part::{Text, Variable};
    use super::*;

    #[test]
    fn splits() {
        assert_eq!(parts("a-${B.C}-${AWS::Region}"), {
            Ok(vec![Text("a-"), Variable("B.C"), Text("-"), Variable("AWS::Region")])
        });
        assert_eq!(parts("${!x}$y"), Ok(vec![Text("${"), Text("x"), Text("}"), Text("$y")]));
        assert!(parts("${a b}").is_err());
        assert!(parts("${a").is_err());
    }
}

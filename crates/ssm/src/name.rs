//! Parameters as requests name them: `/a/b`, `x:3`, `/a/b:label`, or their ARN.

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Access, Cx};

use crate::error::Error;
use crate::model::ParameterRecord;

/// PutParameter: "maximum length for a parameter name that you specify", with its ARN's beginning.
const MOST_CHARACTERS: usize = 1011;
const MOST_LEVELS: usize = 15;
const RULES: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed \
     as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed \
     as a mix of letters, numbers and the following 3 symbols .-_";

/// A parameter's name and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// With or without the leading slash.
    pub(crate) text: String,
}

/// Which version is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    Latest,
    Version(u64),
    Label(String),
}

impl Name {
    fn own(cx: &Cx, text: &str) -> Self {
        let (account, region) = (cx.account().clone(), cx.region().clone());
        Self { account, region, text: text.to_owned() }
    }

    /// A name in a request that has no versions to choose from. One that cannot be is merely not
    /// there.
    pub(crate) fn read(cx: &Cx, text: &str) -> Result<Self, Error> {
        Ok(Self::select(cx, text)?.0)
    }

    /// A name or ARN, with the version or label behind its last colon.
    pub(crate) fn select(cx: &Cx, text: &str) -> Result<(Self, Selector), Error> {
        let text = text.trim();
        let (name, rest) = if text.starts_with("arn:") {
            let arn: Arn = text.parse().map_err(|_| Error::NotFound)?;
            let rest = arn.resource().strip_prefix("parameter/").ok_or(Error::NotFound)?;
            let (bare, selector) = split(rest);
            // Of an ARN alone nobody knows whether the name had its slash; both are one name.
            let slash = if bare.contains('/') { "/" } else { "" };
            let name = Self {
                account: arn.account().parse().map_err(|_| Error::NotFound)?,
                region: arn.region().parse().map_err(|_| Error::NotFound)?,
                text: format!("{slash}{bare}"),
            };
            (name, selector.map(str::to_owned))
        } else {
            let (name, selector) = split(text);
            (Self::own(cx, name), selector.map(str::to_owned))
        };
        let selector = match rest {
            None => Selector::Latest,
            Some(selector) => match selector.parse() {
                Ok(version) => Selector::Version(version),
                Err(_) => Selector::Label(selector),
            },
        };
        Ok((name, selector))
    }

    /// A name for a parameter to be made or overwritten, which has to keep the rules.
    pub(crate) fn to_put(cx: &Cx, text: &str) -> Result<Self, Error> {
        let name = Self::own(cx, text.trim());
        check(&name.text)?;
        if name.arn().as_str().len() > MOST_CHARACTERS {
            return Err(Error::validation(format!(
                "Parameter name: the ARN of a parameter has at most {MOST_CHARACTERS} characters."
            )));
        }
        Ok(name)
    }

    /// Without its leading slash.
    pub(crate) fn bare(&self) -> &str {
        self.text.strip_prefix('/').unwrap_or(&self.text)
    }

    /// `arn:aws:ssm:region:account:parameter/a/b`
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("ssm", &self.region, &self.account, &format!("parameter/{}", self.bare()))
    }

    /// Leave for an action on the parameter, with the condition keys of its tags.
    pub(crate) fn access(
        &self,
        cx: &Cx,
        action: &'static str,
        record: Option<&ParameterRecord>,
    ) -> Access {
        let access = Access::on(cx, action, self.arn());
        let access = Access { owner: self.account.clone(), ..access };
        let Some(record) = record else { return access };
        record.tags.iter().fold(access.tagged(record.tags.clone()), |access, (key, value)| {
            access.with(format!("ssm:resourceTag/{key}"), vec![value.clone()])
        })
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once(':').map_or((text, None), |(name, selector)| (name, Some(selector)))
}

/// The rules for names (PutParameter, and "Requirements and constraints for parameter names").
fn check(name: &str) -> Result<(), Error> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.-/".contains(&b);
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(Error::validation(RULES));
    }
    let bare = name.strip_prefix('/').unwrap_or(name);
    let lower = bare.to_ascii_lowercase();
    if lower.starts_with("aws") || lower.starts_with("ssm") {
        let path = bare.contains('/');
        return Err(match path {
            true if lower.starts_with("aws") => Error::Reserved(name.to_owned()),
            true => Error::validation(RULES),
            false => Error::validation(
                "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
            ),
        });
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(Error::validation("Parameter name must be a fully qualified name."));
    }
    if name.ends_with('/') {
        return Err(Error::validation("Parameter name must not end with slash."));
    }
    if bare.split('/').any(str::is_empty) {
        return Err(Error::validation(RULES));
    }
    if bare.split('/').count() > MOST_LEVELS { Err(Error::TooDeep) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_the_rules() {
        for fine in ["x", "/x", "/a/b.c/D_e-f", "/a/aws/b", "1", "/a/ssm"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "", "/", "a/b", "/a/", "/a//b", "a b", "ä", "aws", "/awsome", "AWS.x", "ssm-x",
            "/SSM/x", "a:b", "a{b",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert_eq!(check("/aws/service/x"), Err(Error::Reserved("/aws/service/x".into())));
        assert_eq!(check(&"/a".repeat(15)), Ok(()));
        assert_eq!(check(&"/a".repeat(16)), Err(Error::TooDeep));
    }

    #[test]
    fn any_text_is_a_name_or_refused() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            if check(text).is_ok() {
                assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b':'));
            }
        });
    }
}

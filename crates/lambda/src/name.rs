//! Names of functions and layers, in all the forms that AWS takes.
//!
//! "FunctionName" in the API reference: the name, `<account>:function:<name>` (partial ARN), or the
//! whole ARN, each with an optional qualifier. "You can append a version number or alias to any of
//! the formats."

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::Cx;

use crate::error::Error;

/// `$LATEST`: the unpublished version.
pub(crate) const LATEST: &str = "$LATEST";
/// Characters of a function's name.
const MAX_NAME: usize = 64;

/// A function that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    /// A version, an alias or `$LATEST`, where one was given.
    pub(crate) qualifier: Option<String>,
}

impl FunctionName {
    /// Reads `text`; what it leaves out is the request's own.
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Self, Error> {
        Self::read(text, cx.account(), cx.region())
    }

    /// The same with the qualifier that stands beside the name. Both at once must agree.
    pub(crate) fn qualified(cx: &Cx, text: &str, qualifier: Option<&str>) -> Result<Self, Error> {
        let mut name = Self::parse(cx, text)?;
        match (&name.qualifier, qualifier) {
            (Some(one), Some(other)) if one != other => Err(Error::Invalid(
                "The derived qualifier from the function name does not match the specified \
                 qualifier."
                    .to_owned(),
            )),
            (None, Some(other)) => {
                name.qualifier = Some(other.to_owned());
                Ok(name)
            }
            _ => Ok(name),
        }
    }

    /// A name that must have no qualifier, or `$LATEST`, which it then loses.
    pub(crate) fn unqualified(cx: &Cx, text: &str) -> Result<Self, Error> {
        let name = Self::parse(cx, text)?;
        match name.qualifier.as_deref() {
            None => Ok(name),
            Some(LATEST) => Ok(Self { qualifier: None, ..name }),
            Some(_) => Err(Error::Invalid(format!(
                "{text} is a qualified name, and this operation is for the function as a whole."
            ))),
        }
    }

    fn read(text: &str, account: &AccountId, region: &Region) -> Result<Self, Error> {
        let malformed = || Error::Invalid(format!("{text} is not a function's name or ARN."));
        let whole = text.strip_prefix("arn:").map(|_| text.parse::<Arn>());
        let (named_account, rest) = match whole {
            Some(Ok(arn)) if arn.service() == "lambda" => {
                let rest = arn.resource().strip_prefix("function:").ok_or_else(malformed)?;
                if arn.region() != region.as_str() {
                    return Err(Error::OtherRegion(arn.region().to_owned(), region.clone()));
                }
                (Some(arn.account().to_owned()), rest.to_owned())
            }
            Some(_) => return Err(malformed()),
            None => match text.split_once(":function:") {
                Some((account, rest)) => (Some(account.to_owned()), rest.to_owned()),
                None => (None, text.strip_prefix("function:").unwrap_or(text).to_owned()),
            },
        };
        let account = match named_account {
            Some(named) => named.parse().map_err(|_| malformed())?,
            None => account.clone(),
        };
        let (name, qualifier) = match rest.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (rest.as_str(), None),
        };
        if !is_plain(name) || qualifier.is_some_and(|q| q != LATEST && !is_plain(q)) {
            return Err(malformed());
        }
        if name.len() > MAX_NAME {
            return Err(Error::Constraint(format!(
                "Value '{name}' at 'functionName' failed to satisfy constraint: Member must have \
                 length less than or equal to 64"
            )));
        }
        let (name, qualifier) = (name.to_owned(), qualifier.map(str::to_owned));
        Ok(Self { account, region: region.clone(), name, qualifier })
    }

    /// The function's ARN, without qualifier.
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("lambda", &self.region, &self.account, &format!("function:{}", self.name))
    }

    /// The ARN with `qualifier`.
    pub(crate) fn arn_of(&self, qualifier: &str) -> Arn {
        let resource = format!("function:{}:{qualifier}", self.name);
        Arn::new("lambda", &self.region, &self.account, &resource)
    }

    /// The ARN as it was named: with the qualifier, if there was one.
    pub(crate) fn named_arn(&self) -> Arn {
        self.qualifier.as_deref().map_or_else(|| self.arn(), |q| self.arn_of(q))
    }
}

/// A layer that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl LayerName {
    /// Reads a layer's name or ARN.
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Self, Error> {
        let malformed = || Error::Invalid(format!("{text} is not a layer's name or ARN."));
        if !text.starts_with("arn:") {
            let (account, region) = (cx.account().clone(), cx.region().clone());
            let name = Some(text).filter(|name| is_plain(name)).ok_or_else(malformed)?;
            return Ok(Self { account, region, name: name.to_owned() });
        }
        let (layer, version) = Self::parse_arn(text).ok_or_else(malformed)?;
        if version.is_some() { Err(malformed()) } else { Ok(layer) }
    }

    /// Reads `arn:aws:lambda:<region>:<account>:layer:<name>:<version>`.
    pub(crate) fn parse_version(text: &str) -> Result<(Self, u64), Error> {
        match Self::parse_arn(text) {
            Some((layer, Some(version))) => Ok((layer, version)),
            _ => Err(Error::Invalid(format!("{text} is not the ARN of a layer's version."))),
        }
    }

    fn parse_arn(text: &str) -> Option<(Self, Option<u64>)> {
        let arn: Arn = text.parse().ok()?;
        let rest = arn.resource().strip_prefix("layer:").filter(|_| arn.service() == "lambda")?;
        let (name, version) = match rest.split_once(':') {
            Some((name, version)) => (name, Some(version.parse().ok()?)),
            None => (rest, None),
        };
        let name = Some(name).filter(|name| is_plain(name))?.to_owned();
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        Some((Self { account, region, name }, version))
    }

    /// The layer's ARN.
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("lambda", &self.region, &self.account, &format!("layer:{}", self.name))
    }

    /// A version's ARN.
    pub(crate) fn version_arn(&self, version: u64) -> Arn {
        let resource = format!("layer:{}:{version}", self.name);
        Arn::new("lambda", &self.region, &self.account, &resource)
    }
}

/// `[a-zA-Z0-9-_]+`
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FunctionName, Error> {
        FunctionName::read(text, &AccountId::DEFAULT, &"eu-west-1".parse().unwrap())
    }

    #[test]
    fn every_form_of_a_functions_name() {
        for (text, account, qualifier) in [
            ("f", "000000000000", None),
            ("f:prod", "000000000000", Some("prod")),
            ("f:$LATEST", "000000000000", Some("$LATEST")),
            ("function:f", "000000000000", None),
            ("123456789012:function:f", "123456789012", None),
            ("123456789012:function:f:7", "123456789012", Some("7")),
            ("arn:aws:lambda:eu-west-1:123456789012:function:f", "123456789012", None),
            ("arn:aws:lambda:eu-west-1:123456789012:function:f:v", "123456789012", Some("v")),
        ] {
            let name = read(text).unwrap();
            assert_eq!(name.name, "f", "{text}");
            assert_eq!(name.account.as_str(), account, "{text}");
            assert_eq!(name.qualifier.as_deref(), qualifier, "{text}");
        }
    }

    #[test]
    fn what_is_no_functions_name() {
        for text in [
            "",
            ":",
            "f:",
            "f:a:b",
            "a b",
            "f.js",
            "1:function:f",
            "arn:aws:lambda:eu-west-1:123456789012:layer:f",
            "arn:aws:s3:::f",
            "arn:aws:lambda:eu-west-1:123456789012:function:",
        ] {
            assert!(matches!(read(text), Err(Error::Invalid(_))), "{text}");
        }
        let elsewhere = read("arn:aws:lambda:us-east-1:123456789012:function:f");
        assert!(matches!(elsewhere, Err(Error::OtherRegion(..))));
        assert!(matches!(read(&"f".repeat(65)), Err(Error::Constraint(_))));
    }

    #[test]
    fn any_text_is_read_without_harm_and_arns_read_back() {
        bolero::check!().with_type::<String>().with_iterations(3_000).for_each(|text| {
            if let Ok(name) = read(text) {
                assert_eq!(read(name.named_arn().as_str()), Ok(name));
            }
        });
    }

    #[test]
    fn layers_by_arn() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:12";
        let (layer, version) = LayerName::parse_version(arn).unwrap();
        assert_eq!((layer.name.as_str(), version), ("tools", 12));
        assert_eq!(layer.version_arn(12).as_str(), arn);
        for wrong in ["tools:1", "arn:aws:lambda:eu-west-1:123456789012:layer:tools", "arn:x"] {
            assert!(LayerName::parse_version(wrong).is_err(), "{wrong}");
        }
    }
}

//! Amazon Resource Names: `arn:partition:service:region:account:resource`.
//!
//! Source: "Identify AWS resources with Amazon Resource Names" in the IAM user guide.

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, Region};

/// A parsed ARN. Region and account may be empty, as in `arn:aws:s3:::bucket`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    text: Box<str>,
    /// Byte offsets of the five separating colons.
    colons: [u16; 5],
}

/// Why a text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArnError {
    /// It does not begin with `arn:` or lacks one of its six parts.
    Parts,
    /// The partition, the service or the resource is empty.
    EmptyPart,
    /// It is longer than 2,048 bytes.
    TooLong,
}

impl fmt::Display for ArnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parts => "an ARN reads arn:partition:service:region:account:resource",
            Self::EmptyPart => "an ARN needs a partition, a service and a resource",
            Self::TooLong => "an ARN has at most 2048 bytes",
        })
    }
}

impl std::error::Error for ArnError {}

impl Arn {
    /// The ARN of a regional resource in partition `aws`.
    pub fn new(service: &str, region: &Region, account: &AccountId, resource: &str) -> Self {
        Self::from_parts(service, region.as_str(), account.as_str(), resource)
    }

    /// The ARN of a resource without region (IAM users and roles).
    pub fn global(service: &str, account: &AccountId, resource: &str) -> Self {
        Self::from_parts(service, "", account.as_str(), resource)
    }

    /// The ARN of a resource without region and account (S3 buckets).
    pub fn bare(service: &str, resource: &str) -> Self {
        Self::from_parts(service, "", "", resource)
    }

    fn from_parts(service: &str, region: &str, account: &str, resource: &str) -> Self {
        let text = format!("arn:aws:{service}:{region}:{account}:{resource}");
        let mut colons = [3, 7, 0, 0, 0];
        colons[2] = 8 + service.len() as u16;
        colons[3] = colons[2] + 1 + region.len() as u16;
        colons[4] = colons[3] + 1 + account.len() as u16;
        Self { text: text.into(), colons }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn between(&self, from: usize, to: usize) -> &str {
        let start = usize::from(self.colons.get(from).copied().unwrap_or_default()) + 1;
        let end = self.colons.get(to).map_or(self.text.len(), |&at| usize::from(at));
        self.text.get(start..end).unwrap_or_default()
    }

    /// `aws`, `aws-cn` …
    pub fn partition(&self) -> &str {
        self.between(0, 1)
    }

    /// The service's namespace, such as `dynamodb`.
    pub fn service(&self) -> &str {
        self.between(1, 2)
    }

    /// The region's name, or the empty text.
    pub fn region(&self) -> &str {
        self.between(2, 3)
    }

    /// The account id, or the empty text.
    pub fn account(&self) -> &str {
        self.between(3, 4)
    }

    /// All after the fifth colon, such as `table/notes/index/by-date`.
    pub fn resource(&self) -> &str {
        self.between(4, 5)
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        if text.len() > 2048 {
            return Err(ArnError::TooLong);
        }
        if !text.starts_with("arn:") {
            return Err(ArnError::Parts);
        }
        let mut colons = [0_u16; 5];
        let mut found = text.match_indices(':');
        for slot in &mut colons {
            let (at, _) = found.next().ok_or(ArnError::Parts)?;
            *slot = at as u16;
        }
        let arn = Self { text: text.into(), colons };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(ArnError::EmptyPart);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_parsed_arn() {
        let arn: Arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/a:b".parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "dynamodb", "eu-west-1", "123456789012", "table/a:b")
        );
    }

    #[test]
    fn built_and_parsed_are_equal() {
        let region = "us-east-1".parse().unwrap();
        for arn in [
            Arn::new("sqs", &region, &AccountId::DEFAULT, "q"),
            Arn::global("iam", &AccountId::DEFAULT, "role/x"),
            Arn::bare("s3", "bucket/key:with:colons"),
        ] {
            assert_eq!(arn.as_str().parse::<Arn>().unwrap(), arn);
        }
    }

    #[test]
    fn refuses_what_is_no_arn() {
        for wrong in ["", "arn", "arn:", "arn:aws:s3", "arn::s3:::x", "arn:aws::::x", "x:y:z:a:b:c"]
        {
            assert!(wrong.parse::<Arn>().is_err(), "{wrong}");
        }
        assert_eq!("a".repeat(3000).parse::<Arn>(), Err(ArnError::TooLong));
    }
}
